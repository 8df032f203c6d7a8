// Ballistics without an attack: u rises at once and falls by a time constant,
//
//     e = max(u, (1 - share) e + share u)
//
// The step is the larger of a constant and of a straight line in e, and so are two steps in a row: many of
// them are a prefix scan (G. Blelloch, "Prefix sums and their applications", 1990), without a chain of
// waiting from frame to frame. (Ballistics of luthier/envelope.h has both time constants, and that chain.)
#pragma once

#include "lanes.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct InstantAttack : Pole<T> {
    using Pole<T>::share, Pole<T>::powers, Pole<T>::whole;

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
