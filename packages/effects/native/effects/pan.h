// Pan: the left channel's gain falls and the right one's rises, or the other way, relative to the middle.
//
// Laws, by what the middle lies below the ends: -3 dB is the quarter of a circle, of equal power; -6 dB the
// straight line, of equal sum; -4.5 dB the geometric mean of the two. `balance` only takes away.
#pragma once

#include "luthier/effect.h"
#include "sides.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Pan : EffectDefaults {
    struct Params {
        double pan;
    };
    static constexpr const char* parameters[] = {"pan"};
    struct Options {
        double law;
    };
    static constexpr const char* options[] = {"law"};

    void prepare(const Spec&, const Options& chosen) { law_ = int(chosen.law); }

    void set(const Params& from, const Params& to) {
        left_ = glide<T>(side(-from.pan), side(-to.pan));
        right_ = glide<T>(side(from.pan), side(to.pan));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Sides sides{x.channels};
        for (int c = 0; c < x.channels; ++c) {
            if (!sides.left(c)) continue;
            scale(x[c], x.frames, left_);
            scale(x[c + 1], x.frames, right_);
        }
    }

    double gain(const Params& p) const { return side(p.pan < 0 ? -p.pan : p.pan); }

  private:
    // The gain of the side to which `toward` points, 1 in the middle.
    double side(double toward) const {
        const double line = 1 + toward;
        // sqrt(2) sin(pi / 4 (1 + toward)); exactly 0, 1 and sqrt(2) at its ends and in the middle.
        const double circle = toward == 0    ? 1
                              : toward <= -1 ? 0
                                             : 1.41421356237309504880 * sin_turns((1 + toward) / 8);
        switch (law_) {
            case 0: return circle;
            case 1: return __builtin_sqrt(line * circle);
            case 2: return line;
            default: return line < 1 ? line : 1;
        }
    }

    static void scale(T* x, int frames, Group<T> gain) {
        for (int i = 0; i < frames; i += kGroup) store(x + i, load<Group<T>>(x + i) * gain);
    }

    int law_ = 0;
    Group<T> left_{}, right_{};
};

}  // namespace luthier::inline LUTHIER_ISA
