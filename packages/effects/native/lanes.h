// A group's frames in registers of this CPU: as many of its vectors as hold the 16 frames.
//
//     for (int at = 0; at < kGroup; at += kWidth<T>) {
//         const Lanes<T> x = load<Lanes<T>>(from + at);
//
// GCC turns comparisons, selections and shuffles of vectors wider than a register into one scalar operation
// for each lane; additions and products come out well either way.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
inline constexpr int kWidth = kLanes<T> < kGroup ? kLanes<T> : kGroup;

template <class T>
using Lanes = Vec<T, kWidth<T>>;

template <class V>
inline V magnitude(V x) {
    return maximum(x, -x);
}

// f(lanes so far, lanes By before) for By = 1, 2, 4 ...: the steps of a prefix scan within a register.
template <int By = 1, class V, class F>
inline V scan(V x, F f) {
    if constexpr (By < int(sizeof(V) / sizeof(x[0])))
        return scan<2 * By>(f(x, shift_lanes<By>(x)), f);
    else
        return x;
}

// What a recursion of one pole needs to go a register at a time: each frame is 1 - share of the one before
// and something besides.
template <class T>
struct Pole {
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
};

}  // namespace luthier::inline LUTHIER_ISA
