#include "neural_kernels.h"

#include "luthier/resample.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

using Plan = ResamplePlan<float>;
using Stream = ResampleStream<float, float>;

void* make_plan(std::int64_t from, std::int64_t to, double pass) {
    auto* plan = new Plan;
    if (plan->prepare({from, to, pass, 1.0, 80.0, 0.0, false, false})) return plan;
    delete plan;
    return nullptr;
}

void* make(const void* plan) {
    auto* stream = new Stream;
    stream->prepare(*static_cast<const Plan*>(plan), 1);
    return stream;
}

}  // namespace

extern const RateKernels rate_kernels;
const RateKernels rate_kernels = {
    make_plan,
    [](void* plan) { delete static_cast<Plan*>(plan); },
    [](const void* plan) { return static_cast<const Plan*>(plan)->latency(); },
    [](const void* plan, std::int64_t samples) { return static_cast<const Plan*>(plan)->length(samples); },
    make,
    [](void* stream) { delete static_cast<Stream*>(stream); },
    [](void* stream) { static_cast<Stream*>(stream)->reset(); },
    [](const void* stream, std::int64_t samples) {
        return static_cast<const Stream*>(stream)->ready(samples);
    },
    [](const void* stream) { return static_cast<const Stream*>(stream)->rest(); },
    [](void* stream, const float* in, std::int64_t samples, float* out) {
        static_cast<Stream*>(stream)->process(in, samples, samples, out, 0);
    },
    [](void* stream, float* out) { static_cast<Stream*>(stream)->flush(out, 0); },
};

}  // namespace luthier::inline LUTHIER_ISA
