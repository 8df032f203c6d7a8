// The autocorrelation method: candidates of a frame's period.
//
// P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of
// a sampled sound", Proc. Institute of Phonetic Sciences 17, University of Amsterdam, 1993. The
// autocorrelation of a windowed frame, divided by that of the window, is an estimate of the signal's own that
// does not fall with the lag; its maxima, refined with a windowed sinc, are candidates, and a path through
// the candidates of successive frames (candidate_path.h) decides. Differently here: the signal is smoothed
// and thinned first (thin.h), which keeps most of a broad noise out; at the signal's ends a frame looks at
// the last whole window instead of at padding; and silence is measured against what surrounds the frame, not
// against the whole signal, which a stream does not know.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"
#include "signal.h"
#include "thin.h"
#include "yin.h"

namespace luthier::inline LUTHIER_ISA {

// The best of a frame's maxima, all other ones are left.
inline constexpr int kCandidates = 15;

struct Candidate {
    double f0, log2_f0;
    double correlation;  // 1 for equal periods
};

struct CandidateFrame {
    double present;  // presence.h's; 0 in silence
    std::int64_t count;
    Candidate candidates[kCandidates];
};

template <class T>
struct AutocorrelationPlan : Thin<T> {
    double hop, rate;  // of x, of y
    double f_min, f_max, octave_cost;
    int window, lags, transform;      // in samples of y; a power of two
    const double* shape;              // the window
    const double* shape_correlation;  // of the window, (lags)
    double taps[kYinPhases][kYinTaps];
};

template <class T>
struct AutocorrelationKernels {
    // What the instruction set's own transform needs; null where there is no memory.
    void* (*make)(const AutocorrelationPlan<T>& plan);
    void (*destroy)(void* tables);
    std::size_t (*scratch_bytes)(const AutocorrelationPlan<T>& plan, int frames);
    void (*analyse)(const AutocorrelationPlan<T>& plan, const void* tables, const Signal<T>& signal,
                    std::int64_t first, int frames, void* scratch, CandidateFrame* out);
};

}  // namespace luthier::inline LUTHIER_ISA
