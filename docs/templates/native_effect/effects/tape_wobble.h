// A delay line whose length swings: what a worn tape machine does to the pitch.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct TapeWobble : EffectDefaults {
    // What moves with the sound: the parameters of the Python class, in its order.
    struct Params {
        double depth_ms, rate_hz;
    };
    static constexpr const char* parameters[] = {"depth_ms", "rate_hz"};

    // What is chosen before: its options. A choice comes as its place in the list, a flag as 0 or 1.
    struct Options {
        double shape;
    };
    static constexpr const char* options[] = {"shape"};

    static constexpr double kMostMs = 20;  // depth_ms, at most

    void prepare(const Spec& spec, const Options& chosen) {
        triangle_ = chosen.shape == 1;
        frames_a_ms_ = spec.sample_rate / 1000;
        turns_a_hz_ = 1 / spec.sample_rate;
        // A group more than the longest delay: then a group that is run again reads nothing that the first
        // run wrote, and the memory need not be saved.
        length_ = int(kMostMs * frames_a_ms_) + 3 + kGroup;
        memory_ = AlignedBuffer<T>(std::size_t(length_) * spec.channels);
    }

    void set(const Params& from, const Params& to) {
        // The middle of the swing is half its depth: the delay is never less than a frame.
        from_ = 0.5 * from.depth_ms * frames_a_ms_;
        to_ = 0.5 * to.depth_ms * frames_a_ms_;
        step_ = to.rate_hz * turns_a_hz_;
    }

    // Whole groups of 16 frames, in place. While a parameter moves, one group at a time.
    void process(Block<T> x) LUTHIER_REALTIME {
        for (int at = 0; at < x.frames; at += kGroup) {
            for (int i = 0; i < kGroup; ++i) {
                const double half = from_ + (to_ - from_) * i / (kGroup - 1);
                const double delay = 1 + half * (1 + swing());
                const int whole = int(delay);
                const T part = T(delay - whole);
                for (int c = 0; c < x.channels; ++c) {
                    T* memory = memory_.data() + std::ptrdiff_t(c) * length_;
                    memory[position_] = x[c][at + i];
                    const T near = memory[(position_ + length_ - whole) % length_];
                    const T far = memory[(position_ + length_ - whole - 1) % length_];
                    x[c][at + i] = near + part * (far - near);
                }
                position_ = (position_ + 1) % length_;
                phase_ += step_;
                phase_ -= phase_ >= 1 ? 1 : 0;
            }
        }
    }

    void reset() LUTHIER_REALTIME {
        memory_.clear();
        position_ = 0;
        phase_ = 0;
    }

    // What a rerun of the last group needs put back.
    template <class Visit>
    void state(Visit&& visit) {
        visit(&position_, sizeof position_);
        visit(&phase_, sizeof phase_);
    }

    double tail(const Params& p, double) const { return p.depth_ms * frames_a_ms_ + 2; }

  private:
    double swing() const {
        return triangle_ ? (phase_ < 0.5 ? 4 * phase_ - 1 : 3 - 4 * phase_) : sin_turns(phase_);
    }

    AlignedBuffer<T> memory_;
    int length_ = 0, position_ = 0;
    double phase_ = 0, step_ = 0, from_ = 0, to_ = 0;
    double frames_a_ms_ = 0, turns_a_hz_ = 0;
    bool triangle_ = false;
};

}  // namespace luthier::inline LUTHIER_ISA
