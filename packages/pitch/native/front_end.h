// The front end of the networks: from samples to (channels, frames, bins).
//
// A frame has several *analyses*, power spectra of the samples around it through windows of different
// lengths. A bin is a candidate f0, and a *channel* is one multiple of all candidates in one analysis: the
// power there, taken with a triangle that is as wide as the distance to the next candidate's multiple, at
// least one bin of the spectrum. A candidate's harmonics thus lie in one column (the harmonic CQT of R. M.
// Bittner, B. McFee, J. Salamon, P. Li, J. P. Bello, "Deep salience representations for f0 estimation in
// polyphonic music", ISMIR 2017), and a network finds an octave error by looking up and down a column.
//
// Powers are taken against the frame's own mean, so that the features do not depend on level: before anything
// is squared a frame is scaled by the power of two that brings its peak to [1/2, 1), which is exact. The last
// channel is the frame's level against the loudest before it, which fades; it is all that is carried from
// frame to frame.
//
// Frame k's features depend on the signal alone, not on how frames are cut into calls: frames are computed
// side by side in the lanes of vectors, each lane by itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

inline constexpr int kMostAnalyses = 8;

// What is fixed. Plain data: it crosses from the bindings to each instruction set.
struct FrontEndPlan {
    int hop, bins;
    int analyses;
    struct Analysis {
        int size;             // of the transform
        int start, length;    // samples from the frame's first to the window's first, and the window's
        const float* window;  // (length), its squares summing to one
    } analysis[kMostAnalyses];
    int start, length;  // what all windows together see
    int channels;       // without the level's
    const int* source;  // (channels): the analysis
    // A row, one for each channel and bin in this order, is the sum of `taps` powers from bin `from` on, with
    // weights from the table. No taps: above the spectrum, or at its very end.
    const int* from;
    const int* taps;
    const std::int64_t* weight;
    const float* weights;
    float floor, offset, scale;  // the feature is (ln(power + floor) + offset) * scale
    double fade;                 // of the loudest frame's power, from frame to frame
};

// One copy for each instruction set.
struct FrontEndKernels {
    // The transforms' tables; null where there is no memory. The plan must outlive it.
    void* (*make)(const FrontEndPlan& plan);
    void (*destroy)(void* made);
    std::size_t (*scratch_bytes)(const FrontEndPlan& plan);
    // Frames [first, first + frames): channel c of frame first + k goes to out[c * stride + k * bins ...].
    // The samples at `signal` are those from `origin` on, `length` of them; all others count as zero. Powers
    // of the frames go to `powers`.
    void (*run)(const void* made, const float* signal, std::int64_t origin, std::int64_t length,
                std::int64_t first, int frames, void* scratch, float* out, std::int64_t stride,
                double* powers);
    // The level's channel of successive frames. `loudest` is carried on.
    void (*level)(const FrontEndPlan& plan, const double* powers, int frames, double* loudest, float* out);
};

}  // namespace luthier::inline LUTHIER_ISA
