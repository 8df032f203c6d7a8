// From what a method knows of a frame to the probability that the frame is voiced.
//
// The log-odds of voicing are a weighted sum of what speaks for and against it: the method's own evidence
// (how unlike two periods are, how strong the best candidate is), how little of the power around the frame is
// at its centre, and, where a path decides, that it is voiced. The weights are fitted to sounds of which it
// is known (training/calibrate.py; J. C. Platt, "Probabilistic outputs for support vector machines", 1999),
// so that of all frames with a confidence of p a share of p is voiced.
#pragma once

#include "luthier/math.h"
#include "presence.h"

namespace luthier::inline LUTHIER_ISA {

inline constexpr double kLn2 = 0.69314718055994530942;

struct Voicing {
    double offset, evidence, absence, path;
};

// `present` is presence.h's; nothing at all at the centre is surely unvoiced.
inline double probability_of_voicing(const Voicing& weights, double evidence, double present,
                                     bool voiced_path = false) {
    if (!(present > 0)) return 0;
    constexpr double kLeast = 1e-6;
    const double absence = kLn2 * log2(1 + kPresence / (present < kLeast ? kLeast : present));
    const double odds = weights.offset + weights.evidence * evidence + weights.absence * absence +
                        (voiced_path ? weights.path : 0);
    return 1 / (1 + exp2(-odds / kLn2));
}

}  // namespace luthier::inline LUTHIER_ISA
