// StereoWidth: what differs between left and right, times the width. L' = M + width S, R' = M - width S with
// M = (L + R) / 2, S = (L - R) / 2.
#pragma once

#include "luthier/effect.h"
#include "sides.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct StereoWidth : EffectDefaults {
    struct Params {
        double width;
    };
    static constexpr const char* parameters[] = {"width"};

    // L' = L + (width - 1) S: exactly L at 1.
    void set(const Params& from, const Params& to) {
        more_ = glide<T>((from.width - 1) / 2, (to.width - 1) / 2);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Sides sides{x.channels};
        const Group<T> more = more_;
        for (int c = 0; c < x.channels; ++c) {
            if (!sides.left(c)) continue;
            T *l = x[c], *r = x[c + 1];
            for (int i = 0; i < x.frames; i += kGroup) {
                const Group<T> left = load<Group<T>>(l + i), right = load<Group<T>>(r + i);
                const Group<T> difference = (left - right) * more;
                store(l + i, left + difference);
                store(r + i, right - difference);
            }
        }
    }

    double gain(const Params& p) const { return p.width > 1 ? p.width : 1; }

  private:
    Group<T> more_{};
};

}  // namespace luthier::inline LUTHIER_ISA
