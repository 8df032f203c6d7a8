// Tremolo: the level swings between 1 and 1 - depth as a sine, the same in all channels. It starts at 1.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Tremolo : EffectDefaults {
    struct Params {
        double rate_hz, depth;
    };
    static constexpr const char* parameters[] = {"rate_hz", "depth"};

    void prepare(const Spec& spec) { sample_rate_ = spec.sample_rate; }

    void set(const Params& from, const Params& to) {
        turns_ = from.rate_hz / sample_rate_;
        depth_ = glide<T>(from.depth, to.depth);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        Group<T> frames;
        for (int i = 0; i < kGroup; ++i) frames[i] = T(i);
        for (int i = 0; i < x.frames; i += kGroup) {
            const Group<T> swing = T(0.5) - T(0.5) * cos_turns(T(phase_) + T(turns_) * frames);
            const Group<T> gain = 1 - depth_ * swing;
            for (int c = 0; c < x.channels; ++c) store(x[c] + i, load<Group<T>>(x[c] + i) * gain);
            phase_ += kGroup * turns_;
            phase_ -= __builtin_floor(phase_);
        }
    }

    void reset() { phase_ = 0; }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&phase_, sizeof phase_);
    }

  private:
    double sample_rate_ = 44100;
    double turns_ = 0;  // a frame
    double phase_ = 0;  // in turns, at the group's first frame
    Group<T> depth_{};
};

}  // namespace luthier::inline LUTHIER_ISA
