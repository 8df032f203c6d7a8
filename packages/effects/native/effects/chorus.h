// Chorus: a copy whose delay swings by up to 10 ms round its centre, as pedalboard's and JUCE's documentation
// have it: 20 ms times half the depth, never less than 1 ms, fed back with its sign turned.
#pragma once

#include "modulated_delay.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Chorus : ModulatedDelayEffect<T, Chorus<T>, CopyParams> {
    static constexpr double kSwingMs = 10, kLeastMs = 1, kLongestMs = 100 + kSwingMs;

    static DelaySwing swing(const CopyParams& p, double ms) {
        return {.turns = p.rate_hz / (1000 * ms),
                .centre = p.centre_delay_ms * ms,
                .swing = kSwingMs * p.depth * ms,
                .feedback = -p.feedback,
                .mix = p.mix,
                .stereo_phase = p.stereo_phase};
    }
};

}  // namespace luthier::inline LUTHIER_ISA
