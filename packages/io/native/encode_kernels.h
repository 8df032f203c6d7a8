// Planar floats to samples as files hold them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// How one sample is stored. The last four are not in a file but what libsndfile is given: 8, 16 or 24
// significant bits on top of a 32-bit integer, and floats that are clipped at full scale.
enum class Coding {
    u8,
    s8,
    s16,
    s16_big,
    s24,
    s24_big,
    s32,
    s32_big,
    f32,
    f32_big,
    f64,
    f64_big,
    ulaw,
    alaw,
    s8_in_32,
    s16_in_32,
    s24_in_32,
    f32_clipped,
    count
};

struct Level {
    bool finite;           // every sample
    std::ptrdiff_t above;  // samples beyond full scale, which is 1
};

// `stride` is the distance from one channel to the next of the planar side.
template <class T>
struct EncodeKernels {
    // Integers of b bits are samples * 2^(b-1), rounded half to even and clipped at the two ends of the
    // codes, so that every code of up to 24 bits survives the way through float32 and back. What is not
    // finite has no code: measure() is asked first.
    using Encode = void (*)(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames,
                            unsigned char* to);
    using Measure = Level (*)(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames);
    // Adds triangular noise of +-`step` to one channel, the first of whose samples is number `first` of
    // the file: numbers (seed, channel, first + i), whatever else is asked for.
    using Dither = void (*)(const T* from, std::ptrdiff_t frames, double step, std::uint64_t seed,
                            std::uint64_t channel, std::uint64_t first, double* to);
    Encode encode[int(Coding::count)];
    Measure measure;
    Measure measure_float32;  // of the samples as float32, for which a float64 may be too large
    Dither dither;
};

}  // namespace luthier::inline LUTHIER_ISA
