// Flanger: a copy so close behind that the two comb each other, its delay swinging between centre (1 - depth)
// and centre (1 + depth).
#pragma once

#include "modulated_delay.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Flanger : ModulatedDelayEffect<T, Flanger<T>, CopyParams> {
    static constexpr double kLeastMs = 0, kLongestMs = 2 * 20;

    static DelaySwing swing(const CopyParams& p, double ms) {
        return {.turns = p.rate_hz / (1000 * ms),
                .centre = p.centre_delay_ms * ms,
                .swing = p.centre_delay_ms * p.depth * ms,
                .feedback = p.feedback,
                .mix = p.mix,
                .stereo_phase = p.stereo_phase};
    }
};

}  // namespace luthier::inline LUTHIER_ISA
