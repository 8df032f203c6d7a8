// time_stretch, as the bindings see it: one table an instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luthier::effects {

// What is to be done with one signal. The maps are of the input's time: entry i belongs to frame 16 i, and
// what lies between and beyond is on a straight line.
template <class T>
struct StretchJob {
    double sample_rate;
    bool preserve;  // the formants
    int channels;
    const T* in;
    std::ptrdiff_t in_stride;
    std::int64_t frames;
    T* out;
    std::ptrdiff_t out_stride;
    std::int64_t out_frames;
    const double* clock;   // the output's frame at that time
    const double* places;  // the frame of the stretched signal; the clock itself where the pitch stays
    std::int64_t knots;    // at least two
};

template <class T>
struct StretchClass {
    std::size_t size, alignment;
    void (*construct)(void* stretch, const StretchJob<T>& job);
    void (*destroy)(void* stretch);
    // Makes the output up to this frame. Returns whether the input, or an overflow, was not finite.
    bool (*run)(void* stretch, std::int64_t until);
};

struct StretchKernels {
    StretchClass<float> stretch32;
    StretchClass<double> stretch64;
};

}  // namespace luthier::effects
