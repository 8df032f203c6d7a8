// Probabilistic YIN.
//
// M. Mauch and S. Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold
// distributions", Proc. ICASSP, 2014. Every threshold of YIN is tried, each with its prior probability (a
// beta distribution); below a threshold the troughs share its probability, earlier ones with the larger share
// (a truncated geometric, "Boltzmann", distribution); and a hidden Markov model of pitch bins, each voiced
// and unvoiced, finds the path. Definitions and defaults are those of librosa.pyin 0.11, so that a frame of
// the same length gives the same candidates:
//
// * A frame is the `length` samples about its centre, zeros outside the signal.
// * d(lag) pairs each of these samples with the one `lag` later, and with zero beyond the frame.
//   (Written 2 (r(0) - r(lag)) - the energy of the first `lag` samples, zero of them at lag 1.)
// * Troughs are refined by the parabola through three values of d / its running mean.
// * Transitions are triangular over bins, up to `max_transition_rate`, renormalised at the range's ends;
//   others have the probability of the least positive normal number.
//
// Differently: the path is decided a fixed number of frames late instead of at the end of the signal; and the
// pitch of a voiced frame is its trough's own, within its bin. The Viterbi step is a banded max-plus product
// of whole vectors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"
#include "signal.h"
#include "voicing.h"

namespace luthier::inline LUTHIER_ISA {

// The troughs of a frame that a record holds: those that come later in it have the prior of at most exp(-2 *
// 64) of the earlier ones, with the default.
inline constexpr int kTroughs = 64;
// As high as the lowest trough of a noise: from here on a height says no more.
inline constexpr double kNoiseHeight = 0.88;
inline constexpr int kThresholds = 1024;
inline constexpr int kMostBins = 1 << 14;  // two kinds of states are numbered in 16 bits

struct PyinTrough {
    std::int32_t bin;
    float offset;  // of its own pitch from the bin's, in bins
    float height;
    float unused;
    double log_probability;
};

struct PyinFrame {
    double present;       // presence.h's; 0 in silence
    double log_unvoiced;  // of each unvoiced bin
    float lowest;         // of all troughs, 1 if there is none
    std::int32_t count;
    PyinTrough troughs[kTroughs];
};

template <class T>
struct PyinPlan {
    double hop, rate, f_min;
    int length, transform;  // of a frame; a power of two
    int min_period, max_period;
    int thresholds;             // at most kThresholds
    double prior[kThresholds];  // the probability of threshold (j + 1) / thresholds
    double decay, no_trough;    // the share of each trough in the last one's; see librosa's no_trough_prob
    int bins_per_octave, bins;
    // The path.
    int reach;                   // bins to either side that a step may go
    const double* log_triangle;  // (2 reach + 1)
    const double* log_norm;      // (bins), of a row of the transitions
    double log_stay, log_switch;
    int lag;
    Voicing voicing;  // the evidence is the square of the trough's height, up to kNoiseHeight
};

template <class T>
struct PyinKernels {
    void* (*make)(const PyinPlan<T>& plan);
    void (*destroy)(void* tables);
    std::size_t (*scratch_bytes)(const PyinPlan<T>& plan, int frames);
    void (*analyse)(const PyinPlan<T>& plan, const void* tables, const Signal<T>& signal, std::int64_t first,
                    int frames, void* scratch, PyinFrame* out);
    std::size_t (*path_bytes)(const PyinPlan<T>& plan);
    void (*begin)(const PyinPlan<T>& plan, void* path);
    int (*decide)(const PyinPlan<T>& plan, void* path, const PyinFrame* frames, int count, FrameResult* out);
    int (*conclude)(const PyinPlan<T>& plan, void* path, FrameResult* out);
};

}  // namespace luthier::inline LUTHIER_ISA
