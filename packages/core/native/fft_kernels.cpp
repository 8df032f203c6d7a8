#include "fft_kernels.h"

#include "luthier/fft.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

template <class T>
void* create(int n) {
    auto* plan = new RealFft<T>;
    if (plan->prepare(n)) return plan;
    delete plan;
    return nullptr;
}

template <class T>
void destroy(void* plan) {
    delete static_cast<RealFft<T>*>(plan);
}

template <class T>
void forward(const void* plan, const T* in, T* out, long long count) {
    const auto& fft = *static_cast<const RealFft<T>*>(plan);
    AlignedBuffer<T> scratch(fft.scratch());
    for (long long i = 0; i < count; ++i)
        fft.forward(in + i * fft.size(), out + i * 2 * fft.bins(), scratch.data());
}

template <class T>
void inverse(const void* plan, const T* in, T* out, long long count) {
    const auto& fft = *static_cast<const RealFft<T>*>(plan);
    AlignedBuffer<T> scratch(fft.scratch());
    for (long long i = 0; i < count; ++i)
        fft.inverse(in + i * 2 * fft.bins(), out + i * fft.size(), scratch.data());
}

template <class T>
constexpr FftTable<T> table = {&create<T>, &destroy<T>, &forward<T>, &inverse<T>};

}  // namespace

extern const FftKernels fft_kernels;
const FftKernels fft_kernels = {table<float>, table<double>};

}  // namespace luthier::inline LUTHIER_ISA
