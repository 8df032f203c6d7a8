#include "resample_kernels.h"

#include "luthier/resample.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

template <class C>
constexpr ResamplePlanKernels plans() {
    using Plan = ResamplePlan<C>;
    return {
        [](const ResampleSpec& spec) -> void* {
            auto* plan = new Plan;
            if (plan->prepare(spec)) return plan;
            delete plan;
            return nullptr;
        },
        [](void* plan) { delete static_cast<Plan*>(plan); },
        [](const void* plan) { return ResampleFacts{static_cast<const Plan*>(plan)->latency()}; },
        [](const void* plan, std::int64_t frames) { return static_cast<const Plan*>(plan)->length(frames); }};
}

template <class T>
void evaluate(const void* plan, const T* signal, std::int64_t size, const double* times, std::int64_t count,
              T* out) {
    static_cast<const ResamplePlan<T>*>(plan)->evaluate(signal, size, times, count, out);
}

template <class T, class C>
constexpr ResampleStreamKernels<T> streams() {
    using Stream = ResampleStream<T, C>;
    return {[](const void* plan, int channels) -> void* {
                auto* stream = new Stream;
                stream->prepare(*static_cast<const ResamplePlan<C>*>(plan), channels);
                return stream;
            },
            [](void* stream) { delete static_cast<Stream*>(stream); },
            [](void* stream) { static_cast<Stream*>(stream)->reset(); },
            [](void* stream, std::int64_t output) { return static_cast<Stream*>(stream)->start_at(output); },
            [](const void* stream) { return static_cast<const Stream*>(stream)->given(); },
            [](const void* stream, std::int64_t frames) {
                return static_cast<const Stream*>(stream)->ready(frames);
            },
            [](const void* stream) { return static_cast<const Stream*>(stream)->rest(); },
            [](void* stream, const T* in, std::ptrdiff_t stride, std::int64_t frames, T* out,
               std::ptrdiff_t out_stride) {
                return static_cast<Stream*>(stream)->process(in, stride, frames, out, out_stride);
            },
            [](void* stream, T* out, std::ptrdiff_t out_stride) {
                return static_cast<Stream*>(stream)->flush(out, out_stride);
            },
            sizeof(T) == sizeof(C) ? evaluate<T> : nullptr};
}

}  // namespace

extern const ResampleKernels resample_kernels;
const ResampleKernels resample_kernels = {plans<float>(), plans<double>(), streams<float, float>(),
                                          streams<float, double>(), streams<double, double>()};

}  // namespace luthier::inline LUTHIER_ISA
