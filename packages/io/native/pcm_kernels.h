// Samples as files hold them to planar floats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// Interleaved; little-endian where the name does not say otherwise. kULaw and kALaw are the logarithmic
// codes of ITU-T G.711.
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
    kStoredTypes
};

// Integers of b bits stand for code / 2^(b-1), so that every code of up to 24 bits survives the way
// through float32 and back. G.711 codes stand for integers of 16 bits.
//
// `stride` is the distance from one channel to the next of the planar side; interleaved frames on both
// sides are one channel of frames * channels.
template <class T>
struct PcmKernels {
    using Decode = void (*)(const unsigned char* from, T* to, std::ptrdiff_t stride, int channels,
                            std::ptrdiff_t frames);
    Decode decode[kStoredTypes];
};

}  // namespace luthier::inline LUTHIER_ISA
