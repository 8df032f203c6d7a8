// Flanger: a copy so close behind that the two comb each other, its delay swinging between centre (1 - depth)
// and centre (1 + depth).
#pragma once

#include "modulated_delay.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Flanger : EffectDefaults {
    struct Params {
        double rate_hz, depth, centre_delay_ms, feedback, mix, stereo_phase;
    };
    static constexpr const char* parameters[] = {"rate_hz",  "depth", "centre_delay_ms",
                                                 "feedback", "mix",   "stereo_phase"};

    void prepare(const Spec& spec) {
        ms_ = spec.sample_rate / 1000;
        delay_.prepare(spec.channels, spec.sample_rate, int(2 * kLongestMs * ms_) + 1, 0);
    }

    void set(const Params& from, const Params& to) { delay_.set(swing(from), swing(to)); }
    void process(Block<T> x) LUTHIER_REALTIME { delay_.process(x); }
    void reset() { delay_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        delay_.state(visit);
    }
    double tail(const Params& p, double silence) const { return delay_.tail(swing(p), 0, silence); }
    double gain(const Params& p) const { return delay_.gain(swing(p)); }

  private:
    static constexpr double kLongestMs = 20;

    DelaySwing swing(const Params& p) const {
        return {.turns = p.rate_hz / (1000 * ms_),
                .centre = p.centre_delay_ms * ms_,
                .swing = p.centre_delay_ms * p.depth * ms_,
                .feedback = p.feedback,
                .mix = p.mix,
                .stereo_phase = p.stereo_phase};
    }

    double ms_ = 44.1;  // frames
    ModulatedDelay<T> delay_;
};

}  // namespace luthier::inline LUTHIER_ISA
