#include "fft_kernels.h"

#include <cstddef>

#include "luthier/fft.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

// Elements of a signal and of a spectrum.
template <class T>
std::size_t signal_size(const RealFft<T>& fft) {
    return std::size_t(fft.size());
}
template <class T>
std::size_t spectrum_size(const RealFft<T>& fft) {
    return 2 * std::size_t(fft.bins());
}
template <class T>
std::size_t signal_size(const ComplexFft<T>& fft) {
    return 2 * std::size_t(fft.size());
}
template <class T>
std::size_t spectrum_size(const ComplexFft<T>& fft) {
    return 2 * std::size_t(fft.size());
}

template <class Fft>
void* create(int n) {
    auto* plan = new Fft;
    if (plan->prepare(n)) return plan;
    delete plan;
    return nullptr;
}

template <class Fft>
void destroy(void* plan) {
    delete static_cast<Fft*>(plan);
}

template <class Fft, class T>
void forward(const void* plan, const T* in, T* out, long long count) {
    const auto& fft = *static_cast<const Fft*>(plan);
    AlignedBuffer<T> scratch(fft.scratch());
    for (; count > 0; --count, in += signal_size(fft), out += spectrum_size(fft))
        fft.forward(in, out, scratch.data());
}

template <class Fft, class T>
void inverse(const void* plan, const T* in, T* out, long long count) {
    const auto& fft = *static_cast<const Fft*>(plan);
    AlignedBuffer<T> scratch(fft.scratch());
    for (; count > 0; --count, in += spectrum_size(fft), out += signal_size(fft))
        fft.inverse(in, out, scratch.data());
}

template <class T>
void convolve(const void* plan, const T* a, const T* b, T* out, long long count) {
    const auto& fft = *static_cast<const RealFft<T>*>(plan);
    const std::size_t n = signal_size(fft);
    AlignedBuffer<T> scratch(fft.scratch()), first(fft.packed()), second(fft.packed()), product(fft.packed());
    for (; count > 0; --count, a += n, b += n, out += n) {
        fft.forward_packed(a, first.data(), scratch.data());
        fft.forward_packed(b, second.data(), scratch.data());
        product.clear();
        fft.multiply_add(first.data(), second.data(), product.data());
        fft.inverse_packed(product.data(), out, scratch.data());
    }
}

template <class Fft, class T>
constexpr FftTable<T> table = {&create<Fft>, &destroy<Fft>, &forward<Fft, T>, &inverse<Fft, T>};

}  // namespace

extern const FftKernels fft_kernels;
const FftKernels fft_kernels = {table<RealFft<float>, float>,
                                table<ComplexFft<float>, float>,
                                table<RealFft<double>, double>,
                                table<ComplexFft<double>, double>,
                                &convolve<float>,
                                &convolve<double>};

}  // namespace luthier::inline LUTHIER_ISA
