// Filters of the smoothing and thinning, and of the interpolation of dips. For bindings: it calls libm.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "luthier/window.h"
#include "thin.h"
#include "yin.h"

namespace luthier::pitch {
inline double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

// The Kaiser window (J. F. Kaiser, 1974) on [-1, 1].
inline double kaiser(double x, double beta) {
    return bessel_i0(beta * std::sqrt(std::max(0.0, 1 - x * x))) / bessel_i0(beta);
}

// Interpolation of d. A ripple r moves a dip of period T by up to 275 r T cents: hence -120 dB. Each phase is
// scaled so that a constant stays one.
template <class Plan>
void fill_taps(Plan& plan) {
    for (int phase = 0; phase < kYinPhases; ++phase) {
        double sum = 0;
        for (int tap = 0; tap < kYinTaps; ++tap) {
            const double x = tap - (kYinReach - 1) - double(phase) / kYinPhases;
            plan.taps[phase][tap] = sinc(x) * kaiser(x / kYinReach, 12.3);
            sum += plan.taps[phase][tap];
        }
        for (double& tap : plan.taps[phase]) tap /= sum;
    }
}

// The low-pass 1 / (1 + (f / corner)^2), whose impulse response is exp(-2 pi corner |t|), down to -60 dB;
// and where samples are left out, a sinc that keeps the rest from folding onto what stays.
inline std::vector<double> design(double sample_rate, double corner, int step) {
    const double decay = 2 * std::numbers::pi * corner / sample_rate;
    const int tail = std::max(1, int(std::ceil(7 / decay)));
    std::vector<double> filter(2 * tail + 1);
    for (int t = -tail; t <= tail; ++t) filter[t + tail] = std::exp(-decay * std::abs(t));
    if (step > 1) {
        const int reach = 5 * step;
        std::vector<double> both(filter.size() + 2 * reach);
        for (int t = -reach; t <= reach; ++t) {
            const double tap = sinc(0.75 * t / step) * kaiser(double(t) / (reach + 1), 5.0);
            for (std::size_t i = 0; i < filter.size(); ++i) both[i + t + reach] += tap * filter[i];
        }
        filter = std::move(both);
    }
    double sum = 0;
    for (double tap : filter) sum += tap;
    for (double& tap : filter) tap /= sum;
    return filter;
}

// Fills in `thin` for a range up to f_max, from taps that `taps` will hold, and returns the rate of y.
// Without `smooth` what remains of the spectrum is as it was, up to 0.7 of half the rate of y.
template <class T>
double design_thin(double sample_rate, double f_max, std::vector<T>& taps, Thin<T>& thin,
                   bool smooth = true) {
    // Eight samples a period at least, and 16 kHz: a formant's worth of harmonics for any voice.
    thin.step = std::max(1, int(sample_rate / std::max(16000.0, 8 * f_max)));
    const double corner = smooth ? std::max(2000.0, f_max) : 100 * sample_rate;
    const std::vector<double> filter = design(sample_rate, corner, thin.step);
    taps.assign(filter.begin(), filter.end());
    thin.filter = taps.data();
    thin.filter_length = int(taps.size());
    thin.delay = thin.filter_length / 2;
    return sample_rate / thin.step;
}

}  // namespace luthier::pitch
