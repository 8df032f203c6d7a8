// Plans and streams of luthier/resample.h, as a binding source sees them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"
#include "luthier/resample_design.h"

namespace luthier::inline LUTHIER_ISA {

struct ResampleFacts {
    std::int64_t latency;  // ResamplePlan::latency()
};

// Computes in float or in double. Null: the spec is out of range.
struct ResamplePlanKernels {
    void* (*create)(const ResampleSpec& spec);
    void (*destroy)(void* plan);
    ResampleFacts (*facts)(const void* plan);
    std::int64_t (*length)(const void* plan, std::int64_t frames);
};

// Streams of T, over plans of one of the two.
template <class T>
struct ResampleStreamKernels {
    void* (*create)(const void* plan, int channels);
    void (*destroy)(void* stream);
    void (*reset)(void* stream);
    std::int64_t (*start_at)(void* stream, std::int64_t output);
    std::int64_t (*given)(const void* stream);
    std::int64_t (*ready)(const void* stream, std::int64_t frames);
    std::int64_t (*rest)(const void* stream);
    std::int64_t (*process)(void* stream, const T* in, std::ptrdiff_t stride, std::int64_t frames, T* out,
                            std::ptrdiff_t out_stride);
    std::int64_t (*flush)(void* stream, T* out, std::ptrdiff_t out_stride);
    // The signal at any times, in incoming frames, from `size` samples that a stream of an intermediate
    // plan gave. Null where T is not what the plan computes in.
    void (*evaluate)(const void* plan, const T* signal, std::int64_t size, const double* times,
                     std::int64_t count, T* out);
};

struct ResampleKernels {
    ResamplePlanKernels narrow, wide;  // float, double
    ResampleStreamKernels<float> floats, floats_wide;
    ResampleStreamKernels<double> doubles;
};

}  // namespace luthier::inline LUTHIER_ISA
