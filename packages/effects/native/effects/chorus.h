// Chorus: a copy whose delay swings by up to 10 ms round its centre, as pedalboard's and JUCE's documentation
// have it: 20 ms times half the depth, never less than 1 ms, fed back with its sign turned.
#pragma once

#include "modulated_delay.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Chorus : EffectDefaults {
    struct Params {
        double rate_hz, depth, centre_delay_ms, feedback, mix, stereo_phase;
    };
    static constexpr const char* parameters[] = {"rate_hz",  "depth", "centre_delay_ms",
                                                 "feedback", "mix",   "stereo_phase"};

    void prepare(const Spec& spec) {
        ms_ = spec.sample_rate / 1000;
        delay_.prepare(spec.channels, spec.sample_rate, int((kLongestMs + kSwingMs) * ms_) + 1,
                       kLeastMs * ms_);
    }

    void set(const Params& from, const Params& to) { delay_.set(swing(from), swing(to)); }
    void process(Block<T> x) LUTHIER_REALTIME { delay_.process(x); }
    void reset() { delay_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        delay_.state(visit);
    }
    double tail(const Params& p, double silence) const {
        return delay_.tail(swing(p), kLeastMs * ms_, silence);
    }
    double gain(const Params& p) const { return delay_.gain(swing(p)); }

  private:
    static constexpr double kLongestMs = 100, kSwingMs = 10, kLeastMs = 1;

    DelaySwing swing(const Params& p) const {
        return {.turns = p.rate_hz / (1000 * ms_),
                .centre = p.centre_delay_ms * ms_,
                .swing = kSwingMs * p.depth * ms_,
                .feedback = -p.feedback,
                .mix = p.mix,
                .stereo_phase = p.stereo_phase};
    }

    double ms_ = 44.1;  // frames
    ModulatedDelay<T> delay_;
};

}  // namespace luthier::inline LUTHIER_ISA
