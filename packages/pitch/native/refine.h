// From a coarse f0 to a fine one, by the phases of the signal's partials.
//
// The candidates of the pitch networks are 75 cents apart, and what the network reads between them is some
// five cents off. The signal itself says more. Around the result's time, through a Hann window of four
// periods, each partial's instantaneous frequency follows from the window's transform X and that of the
// window's derivative, D, at k f: it is k f - Im(D / X) (F. Auger and P. Flandrin, "Improving the readability
// of time-frequency and time-scale representations by the reassignment method", IEEE Trans. Signal Process.
// 43, 1995). As the window is symmetric, that is the frequency at its centre, in a glide too. The variance of
// each partial's estimate of f0 follows from its power over what is halfway to its neighbours; the estimates
// and the coarse value, whose deviation is taken as twelve cents, are averaged with their inverse variances.
// In noise the coarse value stays.
#pragma once

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// No window reaches further to either side, in samples.
inline constexpr int kRefineReach = 1024;

// One copy for each instruction set.
struct RefineKernels {
    // `turns` is f0 in periods a sample; the refined one is returned. The window's centre is at `centre`,
    // where `room` samples may be read to either side. Scaling them changes nothing.
    double (*refine)(double turns, const float* centre, int room);
};

}  // namespace luthier::inline LUTHIER_ISA
