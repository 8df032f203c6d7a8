// The signal that a method looks at: smoothed, and with as few samples as its range needs.
//
// y[i] is the sum of filter[t] * x[i * step + t]. So y[i] speaks of the sample i * step + delay, and exists
// where the filter finds samples.
#pragma once

#include <cstdint>
#include <cstring>

#include "luthier/simd.h"
#include "signal.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Thin {
    int step, filter_length, delay;
    const T* filter;  // (filter_length), symmetric

    // Samples of y for as many of x.
    std::int64_t there(std::int64_t length) const {
        return length < filter_length ? 0 : (length - filter_length) / step + 1;
    }
    // The sample of y nearest to a sample of x.
    std::int64_t nearest(std::int64_t sample) const {
        const std::int64_t shift = delay / step + 1;  // keeps the division's operand positive
        return (sample - delay + shift * step + step / 2) / step - shift;
    }
};

// Outputs of the filter that are computed together.
template <class T>
inline constexpr int kBlock = 4 * kLanes<T>;

inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline std::int64_t most(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

// y[from, from + count) into `to`, in whole vectors: what lies past the end of y is made of zeros.
template <class T>
void smooth(const Thin<T>& plan, const Signal<T>& signal, std::int64_t from, int count, T* phases, T* to) {
    const std::int64_t length = signal.length;
    constexpr int N = kLanes<T>;
    using V = Vec<T, N>;
    const int step = plan.step, taps = (plan.filter_length + step - 1) / step;
    const int outputs = (count + kBlock<T> - 1) / kBlock<T> * kBlock<T>, stride = outputs + taps;
    for (int phase = 0; phase < step; ++phase) {
        T* row = phases + std::size_t(phase) * stride;
        const std::int64_t first = from * step + phase;
        const std::int64_t there = first >= length ? 0 : least(stride, (length - first + step - 1) / step);
        if (step == 1 && there > 0)
            std::memcpy(row, signal.at(first), std::size_t(there) * sizeof(T));
        else
            for (std::int64_t i = 0; i < there; ++i) row[i] = *signal.at(first + i * step);
        for (std::int64_t i = there; i < stride; ++i) row[i] = 0;
    }
    for (int i = 0; i < outputs; i += kBlock<T>) {
        V sum[kBlock<T> / N] = {};
        for (int phase = 0; phase < step; ++phase) {
            const T* row = phases + std::size_t(phase) * stride + i;
            for (int t = phase; t < plan.filter_length; t += step, ++row)
                for (int k = 0; k < kBlock<T> / N; ++k) sum[k] += plan.filter[t] * load<V>(row + k * N);
        }
        for (int k = 0; k < kBlock<T> / N; ++k) store(to + i + k * N, sum[k]);
    }
}

// A power of two that brings the largest of `count` samples near one, or as near as one can; 0 for silence.
template <class T>
double unit_scale(const T* x, int count) {
    double peak = 0;
    for (int i = 0; i < count; ++i) {
        const double a = x[i] < 0 ? -double(x[i]) : double(x[i]);
        if (a > peak) peak = a;
    }
    if (!(peak > 0)) return 0;
    double scale = 1;
    while (peak * scale < 0x1p-32 && scale < 0x1p+960) scale *= 0x1p+32;
    while (peak * scale > 0x1p+32) scale *= 0x1p-32;
    return scale;
}

}  // namespace luthier::inline LUTHIER_ISA
