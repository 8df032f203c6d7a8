// The largest magnitudes between samples, at 4 times the rate: what Rec. ITU-R BS.1770-5, annex 2, calls true
// peak, with a longer filter than its example. A sinc under a Kaiser window over 24 samples: within 0.05 dB
// up to 0.43 of the sample rate, exact at 0 Hz and at the samples themselves. The quarters leave up to 0.69
// dB of a sine at half the sample rate unseen, 0.14 dB of one at a quarter.
//
// A meter must not say too much, and a limiter must not see too little: the limiter's is another, longer
// filter, which rounds up (peak_interpolator.h).
#pragma once

#include <cmath>

#include "luthier/buffer.h"
#include "luthier/simd.h"
#include "luthier/window.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class PeakTaps {
  public:
    static constexpr int kTaps = 24;
    static constexpr int kBefore = kTaps / 2 - 1, kAfter = kTaps / 2;  // frames that it looks round

    // Not for realtime code.
    PeakTaps() {
        constexpr double beta = 5, half = kTaps / 2, pi = 3.14159265358979323846;
        for (int phase = 1; phase < 4; ++phase) {
            double taps[kTaps], sum = 0;
            for (int k = 0; k < kTaps; ++k) {
                const double t = k - kBefore - 0.25 * phase, r = t / half;
                taps[k] =
                    r * r < 1 ? std::sin(pi * t) / (pi * t) * bessel_i0(beta * std::sqrt(1 - r * r)) : 0;
                sum += taps[k];
            }
            for (int k = 0; k < kTaps; ++k) taps_[phase - 1][k] = T(taps[k] / sum);
        }
    }

    // For each frame of N groups the largest magnitude at its time and at the three quarters behind it. Reads
    // x[-kBefore] to x[N * kGroup - 1 + kAfter].
    template <int N = 1>
    void at(const T* x, Vec<T, kGroup>* peaks) const LUTHIER_REALTIME {
        using V = Vec<T, kGroup>;
        for (int n = 0; n < N; ++n) {
            const V v = load<V>(x + n * kGroup);
            peaks[n] = v < 0 ? -v : v;
        }
        for (int phase = 0; phase < 3; ++phase) {
            V sum[N]{};
            for (int k = 0; k < kTaps; ++k)
                for (int n = 0; n < N; ++n) sum[n] += load<V>(x + n * kGroup + k - kBefore) * taps_[phase][k];
            for (int n = 0; n < N; ++n) {
                const V magnitude = sum[n] < 0 ? -sum[n] : sum[n];
                peaks[n] = magnitude > peaks[n] ? magnitude : peaks[n];
            }
        }
    }

  private:
    T taps_[3][kTaps];
};

}  // namespace luthier::inline LUTHIER_ISA
