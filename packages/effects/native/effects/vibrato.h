// Vibrato: nothing but a copy whose delay swings, so that its pitch does.
#pragma once

#include "modulated_delay.h"

namespace luthier::inline LUTHIER_ISA {

struct VibratoParams {
    double rate_hz, depth, centre_delay_ms, stereo_phase;

    static constexpr const char* names[] = {"rate_hz", "depth", "centre_delay_ms", "stereo_phase"};
};

template <class T>
struct Vibrato : ModulatedDelayEffect<T, Vibrato<T>, VibratoParams> {
    static constexpr double kLeastMs = 0, kLongestMs = 2 * 20;

    static DelaySwing swing(const VibratoParams& p, double ms) {
        return {.turns = p.rate_hz / (1000 * ms),
                .centre = p.centre_delay_ms * ms,
                .swing = p.centre_delay_ms * p.depth * ms,
                .feedback = 0,
                .mix = 1,
                .stereo_phase = p.stereo_phase};
    }
};

}  // namespace luthier::inline LUTHIER_ISA
