// The phase of an oscillator by which something swings, in turns, at each frame; its rate may glide.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

class SwingPhase {
  public:
    // Turns a frame at the group's first frame, and how many more each frame.
    void set(double turns, double more) {
        Group<double> frames, halves;
        for (int i = 0; i < kGroup; ++i) {
            frames[i] = i;
            halves[i] = i * (i - 1) / 2.0;
        }
        ahead_ = turns * frames + more * halves;
        advance_ = kGroup * turns + kGroup * (kGroup - 1) / 2.0 * more;
    }

    Group<double> frames() const LUTHIER_REALTIME { return phase_ + ahead_; }

    // To the next group.
    void advance() LUTHIER_REALTIME {
        phase_ += advance_;
        phase_ -= __builtin_floor(phase_);
    }

    void reset() LUTHIER_REALTIME { phase_ = 0; }
    template <class Visit>
    void state(Visit&& visit) {
        visit(&phase_, sizeof phase_);
    }

  private:
    double phase_ = 0;  // at the group's first frame
    double advance_ = 0;
    Group<double> ahead_{};
};

}  // namespace luthier::inline LUTHIER_ISA
