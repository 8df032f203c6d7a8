// Samples as files hold them to planar floats, and back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// Interleaved; little-endian where the name does not say otherwise. kULaw and kALaw are the logarithmic
// codes of ITU-T G.711. The last five are not in files but what libsndfile is given, and are only
// encoded: 8, 16 or 24 significant bits on top of a 32-bit integer, and floats that are clipped at full
// scale.
enum PcmType {
    kU8,
    kS16,
    kS24,
    kS32,
    kF32,
    kF64,
    kS8,
    kS16Big,
    kS24Big,
    kS32Big,
    kF32Big,
    kF64Big,
    kULaw,
    kALaw,
    kStoredTypes,
    kS8In32 = kStoredTypes,
    kS16In32,
    kS24In32,
    kF32Clipped,
    kF64Clipped,
    kPcmTypes
};

// Integers of b bits stand for code / 2^(b-1), so that every code of up to 24 bits survives the way
// through float32 and back. G.711 codes stand for integers of 16 bits. Encoding rounds half to even and clips
// at the two ends of the codes.
//
// What is not finite has no code: measure() is asked first.
//
// `stride` is the distance from one channel to the next of the planar side; interleaved frames on both
// sides are one channel of frames * channels.
struct Level {
    bool finite;           // every sample
    std::ptrdiff_t above;  // samples beyond full scale, which is 1
};

template <class T>
struct PcmKernels {
    using Decode = void (*)(const unsigned char* from, T* to, std::ptrdiff_t stride, int channels,
                            std::ptrdiff_t frames);
    using Encode = void (*)(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames,
                            unsigned char* to);
    using Measure = Level (*)(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames);
    Decode decode[kStoredTypes];
    Encode encode[kPcmTypes];  // null: not encoded here
    Measure measure;
    Measure measure_float32;  // of the samples as float32, for which a float64 may be too large
};

}  // namespace luthier::inline LUTHIER_ISA
