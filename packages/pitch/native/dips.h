// Dips of the difference d between samples: of what the methods on it choose from.
#pragma once

#include "luthier/simd.h"
#include "yin.h"

namespace luthier::inline LUTHIER_ISA {

// d at one lag between two lags that are known, d reaching kYinReach to either side.
template <class Plan>
double between(const Plan& plan, const double* d, int position) {
    const int lag = position / kYinPhases, phase = position % kYinPhases;
    if (phase == 0) return d[lag];
    const double* from = d + lag - kYinReach + 1;
    const double* taps = plan.taps[phase];
    using V = Vec<double, 8>;
    static_assert(kYinTaps % 8 == 0);
    V sum{};
    for (int i = 0; i < kYinTaps; i += 8) sum += load<V>(taps + i) * load<V>(from + i);
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

struct Dip {
    double lag;
    double value;  // of d
};

// The minimum of the band-limited d within one lag of the sampled minimum at `lag`: a search down to
// 1/16 of a lag, then the parabola through the last three (its error there is below 0.1 cent for two
// samples a period, and falls with the cube of the rate).
template <class Plan>
Dip refine(const Plan& plan, const double* d, int lag) {
    int best = lag * kYinPhases;
    double value = d[lag];
    for (int step = kYinPhases / 2; step >= 1; step /= 2) {
        const int middle = best;
        for (int side = -1; side <= 1; side += 2) {
            const double v = between(plan, d, middle + side * step);
            if (v < value) value = v, best = middle + side * step;
        }
    }
    const double left = between(plan, d, best - 1), right = between(plan, d, best + 1);
    const double bend = left - 2 * value + right;
    double offset = 0;
    if (bend > 0) {
        offset = 0.5 * (left - right) / bend;
        offset = offset < -0.5 ? -0.5 : offset > 0.5 ? 0.5 : offset;
        value -= 0.25 * (left - right) * offset;
    }
    return {(best + offset) / kYinPhases, value > 0 ? value : 0};
}

// A frame's result, its period in samples of y.
struct Choice {
    double period;
    double aperiodicity;
    bool silent;
};

}  // namespace luthier::inline LUTHIER_ISA
