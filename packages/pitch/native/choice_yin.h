// YIN's choice of a period (steps 3 to 5 of the paper; see yin.h).
#pragma once

#include "dips.h"

namespace luthier::inline LUTHIER_ISA {

// From d to a period. `d` has kYinReach values in front for lags below zero; `room` is scratch.
template <class T>
Choice choose_yin(const YinPlan<T>& plan, double* d, double* room) {
    const double shortest = plan.rate / plan.f_max, longest = plan.rate / plan.f_min;
    const int from = shortest < 3 ? 2 : int(shortest * (1 - kYinSlack));
    const int last = plan.lags - 1 - kYinReach;
    for (int i = 1; i <= kYinReach; ++i) d[-i] = d[i];

    // Step 3 divides d by its mean so far.
    double* mean = room;
    double sum = 0;
    for (int lag = 1; lag <= last; ++lag) {
        sum += d[lag];
        mean[lag] = sum / lag;
    }
    if (!(sum > 0)) return {longest, 1, true};

    double* lags = mean + plan.lags;
    double* values = lags + plan.lags;
    int dips = 0, lowest_lag = from;
    double deepest = 1e300, lowest = 1e300;
    for (int lag = from; lag < last; ++lag) {
        if (d[lag] < lowest * mean[lag]) lowest = d[lag] / mean[lag], lowest_lag = lag;
        if (d[lag] > d[lag - 1] || d[lag] >= d[lag + 1] || d[lag] >= mean[lag]) continue;
        const Dip dip = refine(plan, d, lag);
        if (dip.lag < shortest * (1 - kYinSlack) || dip.lag > longest * (1 + kYinSlack)) continue;
        lags[dips] = dip.lag;
        values[dips] = dip.value / mean[lag];
        if (values[dips] < deepest) deepest = values[dips];
        ++dips;
    }
    if (dips == 0) return {double(lowest_lag), 1, false};

    const double limit = plan.threshold + kYinDepth * deepest;
    int chosen = 0;
    while (values[chosen] > limit) ++chosen;
    // Noise makes several dips of one: take the deepest of them.
    const double valley = 1.4 * lags[chosen];
    for (int i = chosen + 1; i < dips && lags[i] < valley; ++i)
        if (values[i] < values[chosen]) chosen = i;
    return {lags[chosen], values[chosen], false};
}

}  // namespace luthier::inline LUTHIER_ISA
