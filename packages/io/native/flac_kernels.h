// The inner loops of a FLAC decoder: subframes from bits, prediction undone, integers to floats.
// Source: RFC 9639, sections 9.2 (subframes), 9.2.5 to 9.2.7 (prediction and residuals), 4.2 (stereo).
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

inline constexpr int kFlacChannels = 8, kFlacMaxOrder = 32;

// One channel of a block. `unpack` fills it in, `restore` makes its samples whole.
struct FlacSubframe {
    std::int32_t* samples = nullptr;  // one a frame of the block, without the wasted bits
    std::int64_t* wide = nullptr;     // instead, where samples have 33 bits: the side channel of 32-bit audio
    int bits = 0;                     // of a sample, the wasted ones included; given
    int wasted = 0;                   // zeros below every sample
    bool predicted = false;           // the samples behind the first `order` are folded residuals still
    int order = 0, shift = 0;
    std::int32_t coefficients[kFlacMaxOrder] = {};  // of the newest sample first
};

// What `unpack` returns instead of a count of bytes.
inline constexpr std::int64_t kFlacCut = -1;      // the bytes end before the frame does
inline constexpr std::int64_t kFlacInvalid = -2;  // no encoder may write this

enum class FlacStereo { independent, left_side, side_right, mid_side };

struct FlacKernels {
    // Reads the subframes of a frame that begin at `bytes`. Returns how many bytes they take, the zero bits
    // up to a whole byte included. Reads nothing behind bytes + size.
    std::int64_t (*unpack)(const unsigned char* bytes, std::size_t size, int block, int channels,
                           FlacSubframe* subframes);
    // Undoes the prediction of subframes of `block` samples each.
    void (*restore)(FlacSubframe* const* subframes, int count, int block);
    // One channel, and two that are coded together, as numbers: code * scale at to[0], to[step], ...
    void (*single_float)(const std::int32_t* from, int wasted, std::ptrdiff_t frames, float scale, float* to,
                         std::ptrdiff_t step);
    void (*single_double)(const std::int32_t* from, int wasted, std::ptrdiff_t frames, double scale,
                          double* to, std::ptrdiff_t step);
    void (*pair_float)(FlacStereo stereo, const std::int32_t* first, int first_wasted,
                       const std::int32_t* second, int second_wasted, std::ptrdiff_t frames, float scale,
                       float* left, float* right, std::ptrdiff_t step);
    void (*pair_double)(FlacStereo stereo, const std::int32_t* first, int first_wasted,
                        const std::int32_t* second, int second_wasted, std::ptrdiff_t frames, double scale,
                        double* left, double* right, std::ptrdiff_t step);
};

}  // namespace luthier::inline LUTHIER_ISA
