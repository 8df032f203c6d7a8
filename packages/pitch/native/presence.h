// Whether a frame's centre sounds at all.
#pragma once

#include "luthier/simd.h"
#include "thin.h"

namespace luthier::inline LUTHIER_ISA {

// Below this share of the power around a frame, its centre counts as outside the sound.
inline constexpr double kPresence = 0.1;

// How much of the power around a frame is there at its centre: the variance of y over one period there,
// against that of the `count` samples that the frame sees. A window that only reaches into a note says
// that a note is near, not that the frame has a pitch.
template <class T>
double presence(const T* y, int count, int centre, double period) {
    constexpr int N = 2 * kLanes<T>;
    using V = Vec<T, N>;
    const T level = y[0];  // any value near the signal's, so that an offset cancels nothing
    T scale = 1;
    const auto variance = [&](const T* from, int n) {
        V sums{}, squares{};
        int i = 0;
        for (; i + N <= n; i += N) {
            const V v = (load<V>(from + i) - level) * scale;
            sums += v;
            squares += v * v;
        }
        double sum = 0, square = 0;
        for (int k = 0; k < N; ++k) sum += double(sums[k]), square += double(squares[k]);
        for (; i < n; ++i) {
            const double v = double((from[i] - level) * scale);
            sum += v;
            square += v * v;
        }
        const double result = (square - sum * sum / n) / n;
        return result < 0 ? 0 : result;  // by rounding
    };
    int n = int(period + 0.5);
    n = n < 8 ? 8 : n;
    if (n >= count) return 1;
    int start = centre - n / 2;
    start = start < 0 ? 0 : start > count - n ? count - n : start;
    double around = variance(y, count);
    // Squares of the very quiet and the very loud are not numbers; a power of two changes nothing else.
    constexpr double kSafe = sizeof(T) == 4 ? 0x1p+70 : 0x1p+700;
    if (!(around > 1 / kSafe && around < kSafe)) {
        const double unit = unit_scale(y, count);
        scale = T(sizeof(T) == 4 && unit > 0x1p+96 ? 0x1p+96 : unit);
        around = variance(y, count);
    }
    return around > 0 ? variance(y + start, n) / around : 1;
}

// As a share: all, or less in proportion.
inline double share_present(double present) { return present < kPresence ? present / kPresence : 1; }

}  // namespace luthier::inline LUTHIER_ISA
