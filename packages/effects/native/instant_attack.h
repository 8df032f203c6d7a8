// Ballistics without an attack: u rises at once and falls by a time constant,
//
//     e = max(u, (1 - share) e + share u)
//
// The step is the larger of a constant and of a straight line in e, and so are two steps in a row: many of
// them are a prefix scan (G. Blelloch, "Prefix sums and their applications", 1990), without a chain of
// waiting from frame to frame.
#pragma once

#include "lanes.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct InstantAttack {
    T share = 1;
    Lanes<T> powers{};  // (1 - share)^1, ^2 ...
    double whole = 0;   // the last of them

    void set(double step) {
        share = T(step);
        double power = 1;
        for (int i = 0; i < kWidth<T>; ++i) {
            power *= 1 - step;
            powers[i] = T(power);
        }
        whole = power;
    }

    // u >= 0.
    Lanes<T> step(Lanes<T> u, double& state) const LUTHIER_REALTIME {
        // Up to each frame: e = max(at_least, powers e_before + sum).
        Lanes<T> at_least = u, sum = share * u;
        compose<1>(at_least, sum);
        const T before = T(state);
        const double fallen = state * whole + double(sum[kWidth<T> - 1]), least = at_least[kWidth<T> - 1];
        state = fallen > least ? fallen : least;
        if (state < kSilence) state = 0;
        return maximum(powers * before + sum, at_least);
    }

  private:
    // With what holds for the frames before. (The zeros that shift_lanes brings in do no harm: the sum alone
    // is never above the line.)
    template <int By>
    void compose(Lanes<T>& at_least, Lanes<T>& sum) const {
        if constexpr (By < kWidth<T>) {
            at_least = maximum(powers[By - 1] * shift_lanes<By>(at_least) + sum, at_least);
            sum += powers[By - 1] * shift_lanes<By>(sum);
            compose<2 * By>(at_least, sum);
        }
    }

    static constexpr double kSilence = 1e-9;
};

}  // namespace luthier::inline LUTHIER_ISA
