// McLeod's choice of a period from d.
//
// P. McLeod and G. Wyvill, "A smarter way to find pitch", Proc. International Computer Music Conference,
// 2005. The normalised square difference function is 1 - d(lag) / m(lag), where m is the energy of all
// samples in the pairs: 1 where the pairs are equal, 0 where they are unrelated, whatever the level does
// within the window. Its highest value between each rise through zero and the next fall is a key maximum; the
// first of them within a share `cutoff` of the highest of all gives the period. Here the pairs are those of
// yin.h, symmetric about the frame and of one number for all lags, and maxima are refined with a windowed
// sinc instead of a parabola.
#pragma once

#include "dips.h"

namespace luthier::inline LUTHIER_ISA {

// `d` and `energy` hold d and m, `d` with kYinReach values in front; `room` is scratch.
template <class T>
Choice choose_mpm(const YinPlan<T>& plan, double* d, const double* energy, double* room) {
    const double shortest = plan.rate / plan.f_max * (1 - kYinSlack);
    const double longest = plan.rate / plan.f_min * (1 + kYinSlack);
    const int last = plan.lags - 1 - kYinReach;
    double sum = 0;
    for (int lag = 1; lag < plan.lags; ++lag) {
        sum += d[lag];
        d[lag] = energy[lag] > 0 ? d[lag] / energy[lag] : 1;
    }
    if (!(sum > 0)) return {plan.rate / plan.f_min, 1, true};
    d[0] = 0;
    for (int i = 1; i <= kYinReach; ++i) d[-i] = d[i];

    double* lags = room;
    double* values = lags + plan.lags;
    int dips = 0;
    double deepest = 2;
    int lowest_lag = int(shortest) + 1;
    for (int lag = lowest_lag; lag < last; ++lag)
        if (d[lag] < d[lowest_lag]) lowest_lag = lag;
    int lag = 1;
    while (lag < last && d[lag] < 1) ++lag;
    while (lag < last) {
        while (lag < last && d[lag] >= 1) ++lag;
        Dip best{0, 2};
        for (; lag < last && d[lag] < 1; ++lag) {
            if (d[lag] > d[lag - 1] || d[lag] >= d[lag + 1] || d[lag] > best.value + 0.1) continue;
            const Dip dip = refine(plan, d, lag);
            if (dip.lag >= shortest && dip.lag <= longest && dip.value < best.value) best = dip;
        }
        if (best.value >= 1) continue;
        lags[dips] = best.lag;
        values[dips++] = best.value;
        if (best.value < deepest) deepest = best.value;
    }
    if (dips == 0) return {double(lowest_lag), 1, false};
    int chosen = 0;
    while (1 - values[chosen] < plan.threshold * (1 - deepest)) ++chosen;
    return {lags[chosen], values[chosen], false};
}

}  // namespace luthier::inline LUTHIER_ISA
