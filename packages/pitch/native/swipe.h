// SWIPE': the pitch whose sawtooth the spectrum resembles.
//
// A. Camacho and J. G. Harris, "A sawtooth waveform inspired pitch estimator for speech and music", J.
// Acoust. Soc. Am. 124(3), 2008. The square root of the magnitude spectrum, on a scale of equal rectangular
// bandwidths (ERB), is compared with a kernel for each candidate: cosine lobes at the candidate and its prime
// multiples, valleys halfway between, decaying as 1 / sqrt(f). The comparison is the cosine of the angle
// between the two, so it does not depend on level. The best window for a candidate has eight of its periods;
// there is one of each power of two, and the strengths of the two nearest ones are mixed.
//
// Differently: windows shorter than kSwipeSpan are averaged over so much time, which steadies high pitches in
// noise; spectra are interpolated with cubics; and with `whiten` the spectrum rises by 3 dB an octave first,
// which makes pink noise white, so that it does not favour low candidates. (Dividing each spectrum by its own
// mean over some ERBs was tried: it costs more in white noise than it brings in pink.) Strengths of all
// candidates are a matrix product over as many frames as a vector has lanes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"
#include "signal.h"
#include "thin.h"
#include "voicing.h"

namespace luthier::inline LUTHIER_ISA {

// How strong the best candidate of a noise is.
inline constexpr double kSwipeScatter = 0.12;
inline constexpr int kSwipeWindows = 24;
inline constexpr int kSwipeBlock = 8;  // candidates that are compared together

// One size of window and the candidates that it serves. All arrays of ERBs have the plan's length.
template <class T>
struct SwipeWindow {
    int size, parts, stride;   // windows that are averaged, and from one to the next
    int first, count;          // candidates, a multiple of kSwipeBlock
    const T* shape;            // (size)
    const std::int32_t* bin;   // of the spectrum, of each ERB the second of the four it lies among
    const T* weights;          // (ERBs, 4) of these
    const T* kernels;          // (count / kSwipeBlock, ERBs, kSwipeBlock)
    const std::int32_t* from;  // (count) the first ERB that a candidate looks at; rising
    const T* mix;              // (count) the share that the window has in a candidate
};

template <class T>
struct SwipePlan : Thin<T> {
    double hop, rate;  // of x, of y
    double f_min, f_max;
    double log2_first, log2_step;  // of the candidates
    int candidates;                // rounded up to blocks
    int used;                      // of them
    int erbs, windows;
    Voicing voicing;                       // the evidence is ln(sqrt(strength^2 + kSwipeScatter^2))
    SwipeWindow<T> window[kSwipeWindows];  // the longest first
};

template <class T>
struct SwipeKernels {
    void* (*make)(const SwipePlan<T>& plan);
    void (*destroy)(void* tables);
    std::size_t (*scratch_bytes)(const SwipePlan<T>& plan, int frames);
    void (*analyse)(const SwipePlan<T>& plan, const void* tables, const Signal<T>& signal, std::int64_t first,
                    int frames, void* scratch, FrameResult* out);
};

}  // namespace luthier::inline LUTHIER_ISA
