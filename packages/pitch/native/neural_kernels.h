// The change of sample rate before a network's front end, for one instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

struct RateKernels {
    // `to` samples leave for every `from`, in lowest terms, with what lies below `pass` times the lower
    // Nyquist frequency; null when that is out of range. A plan may be shared by threads.
    void* (*make_plan)(std::int64_t from, std::int64_t to, double pass);
    void (*destroy_plan)(void* plan);
    std::int64_t (*latency)(const void* plan);  // in samples that come in
    std::int64_t (*length)(const void* plan, std::int64_t samples);

    void* (*make)(const void* plan);
    void (*destroy)(void* stream);
    void (*reset)(void* stream);
    // Samples that the next process(), and flush(), write.
    std::int64_t (*ready)(const void* stream, std::int64_t samples);
    std::int64_t (*rest)(const void* stream);
    void (*process)(void* stream, const float* in, std::int64_t samples, float* out);
    void (*flush)(void* stream, float* out);
};

}  // namespace luthier::inline LUTHIER_ISA
