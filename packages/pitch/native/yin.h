// YIN: the period of a signal around chosen instants.
//
// A. de Cheveigne and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
// J. Acoust. Soc. Am. 111(4), 2002. Kept from the paper: the squared difference d(lag), its division by
// its own running mean (step 3), the absolute threshold (step 4), the refinement between samples
// (step 5). Done differently, each for a reason:
//
// * d is taken symmetrically about the instant: the pairs are (n - lag/2, n + lag/2). Every lag then speaks
// of the same moment, a glide is not read late, and
//   for a periodic signal d is exactly zero at the period whatever the window. Even lags have pairs centred
//   on samples and count the two at the window's ends by half; odd ones have them centred in between. Both
//   then span the same time, and d does not flutter from lag to lag.
// * The signal is low-passed first, gently and without delay, and thinned to what the range needs: in
//   noise the upper bands bring little but noise, and all rates then cost the same.
// * Windows of neighbouring frames overlap. The pairs between two window edges are summed once and the
//   sums shared by all windows that hold them: one product a sample a lag, no drift, no FFT.
// * Differences are squared directly, with no energy-minus-correlation: nothing cancels, single precision
//   is enough.
// * A dip is refined with a windowed sinc, not a parabola, and *then* held against the threshold: at
//   four samples a period the parabola is off by tens of cents and misses dips altogether.
// * The threshold rises with the deepest dip found: a <= threshold + 1.15 a_min. In noise every multiple of
//   the period is about equally deep, none passes the paper's threshold, and the global minimum would pick
//   one at random; this picks the first. For a clean signal it is the paper's rule.
// * At the ends of the signal only pairs inside it are used, so nothing is compared with padding.
#pragma once

#include <cstdint>

#include "luthier/isa.h"
#include "signal.h"
#include "thin.h"
#include "voicing.h"

namespace luthier::inline LUTHIER_ISA {

// Reach of the interpolation of d, in lags to either side, and its steps from one lag to the next.
inline constexpr int kYinReach = 12;
inline constexpr int kYinPhases = 16;
inline constexpr int kYinTaps = 2 * kYinReach;

// How far outside [f_min, f_max] a dip may lie and still be reported, at the range's end: in noise the
// dip of a tone at the end falls outside as often as inside, and its double must not win by that.
inline constexpr double kYinSlack = 0.01;

// How much deeper than the first dip the deepest may be, besides the threshold: dips in noise scatter with
// the noise. On synthetic voices and instruments 1.0 leaves octaves below, 1.3 makes octaves above.
inline constexpr double kYinDepth = 1.15;

// Which of the methods built on d chooses the period (choice_yin.h, choice_mpm.h).
enum class Choosing { yin, mpm };

// What is fixed for a call. Plain data: it crosses from the bindings to each instruction set.
//
// All lengths are in samples of y (thin.h).
template <class T>
struct YinPlan : Thin<T> {
    Choosing choosing;
    double hop;  // input samples, not necessarily whole

    double rate;  // of y
    double f_min, f_max;
    double threshold;
    Voicing voicing;  // the evidence is the aperiodicity
    int window;       // pairs in a whole window, even
    int lags;         // d is known for lags [0, lags)
    // Weights of d[lag - kYinReach + 1 ... lag + kYinReach] at lag + phase / kYinPhases.
    double taps[kYinPhases][kYinTaps];
};

// One copy for each sample type and instruction set.
template <class T>
struct YinKernels {
    // Bytes of scratch memory that `track` needs for up to `frames` frames at a time.
    std::size_t (*scratch_bytes)(const YinPlan<T>& plan, int frames);
    // Frames [first, first + frames) of the signal. Frame k's centre is the input
    // sample nearest to k * hop, counted from frame 0 each time, so that a fractional hop does not drift.
    // Each frame's result depends on the signal and the plan alone, not on how the frames are cut into calls.
    void (*track)(const YinPlan<T>& plan, const Signal<T>& signal, std::int64_t first, int frames,
                  void* scratch, FrameResult* out);
    bool (*finite)(const T* signal, std::int64_t length);
};

}  // namespace luthier::inline LUTHIER_ISA
