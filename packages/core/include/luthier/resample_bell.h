// The second stage of resample.h: a signal evaluated between its samples by a short kernel.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/resample_design.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA::resample {

// What works on C: so many vectors of so many lanes are one kernel, and as many outputs are worked out
// together as a vector has lanes.
template <class C>
struct BellLanes;
template <>
struct BellLanes<float> {
    static constexpr int lanes = 8, vectors = 1;
};
template <>
struct BellLanes<double> {
    static constexpr int lanes = 4, vectors = 3;
};
template <class C>
inline constexpr int kBellWidth = BellLanes<C>::lanes * BellLanes<C>::vectors;

// Neighbours added within 16 bytes: pairs of `a`, then pairs of `b`.
template <int PerGroup, int Part, int W>
struct AddPairs {
    static constexpr int at(int j) {
        const int group = j / PerGroup * PerGroup, i = j % PerGroup, half = PerGroup / 2;
        return group + 2 * (i % half) + Part + (i < half ? 0 : W);
    }
};
// The lower halves of `a` and `b`, or the upper.
template <int W, int High>
struct Halves {
    static constexpr int at(int j) { return j % (W / 2) + High * (W / 2) + (j < W / 2 ? 0 : W); }
};

// Lane i of the result is the sum of rows[i]'s lanes.
template <class V, int W>
[[gnu::always_inline]] inline V sum_each(const V* rows) {
    constexpr int g = 16 / int(sizeof(rows[0][0]));
    V x[W];
    for (int i = 0; i < W; ++i) x[i] = rows[i];
    int count = W;
    for (int stage = g; stage > 1; stage /= 2) {
        count /= 2;
        for (int i = 0; i < count; ++i) {
            const V a = x[2 * i], b = x[2 * i + 1];
            x[i] = shuffle<AddPairs<g, 0, W>>(a, b) + shuffle<AddPairs<g, 1, W>>(a, b);
        }
    }
    // Two vectors are left, with the sums of the lower and upper halves of their rows.
    static_assert(W == 2 * g);
    return shuffle<Halves<W, 0>>(x[0], x[1]) + shuffle<Halves<W, 1>>(x[0], x[1]);
}

// The bell's taps as functions of the fraction by which a position lies behind a sample.
template <class C>
class BellTaps {
  public:
    static constexpr int kLanes = BellLanes<C>::lanes, kVectors = BellLanes<C>::vectors;
    static constexpr int kWidth = kBellWidth<C>;
    static constexpr int kTerms = sizeof(C) == 4 ? 12 : 20;
    using V = Vec<C, kLanes>;

    void prepare(const Bell& bell) {
        // Tap t at v in [-1, 1] is the bell at (v + 1) / 2 + width / 2 - 1 - t: a polynomial through the
        // Chebyshev points, in powers of v.
        const double pi = 3.14159265358979323846;
        double chebyshev[kTerms][kTerms] = {};  // its polynomials' coefficients
        chebyshev[0][0] = 1;
        chebyshev[1][1] = 1;
        for (int k = 2; k < kTerms; ++k)
            for (int i = 0; i <= k; ++i)
                chebyshev[k][i] = (i ? 2 * chebyshev[k - 1][i - 1] : 0) - chebyshev[k - 2][i];
        for (int t = 0; t < kWidth; ++t) {
            double value[kTerms];
            for (int j = 0; j < kTerms; ++j) {
                const double v = std::cos(pi * (j + 0.5) / kTerms);
                value[j] = bell.at(0.5 * (v + 1) + kWidth / 2 - 1 - t);
            }
            for (int i = 0; i < kTerms; ++i) powers_[i][t] = 0;
            for (int k = 0; k < kTerms; ++k) {
                double c = 0;
                for (int j = 0; j < kTerms; ++j) c += value[j] * std::cos(pi * k * (j + 0.5) / kTerms);
                c *= (k ? 2.0 : 1.0) / kTerms;
                for (int i = 0; i <= k; ++i) powers_[i][t] += c * chebyshev[k][i];
            }
        }
        for (int i = 0; i < kTerms; ++i)
            for (int t = 0; t < kWidth; ++t) coefficients_[i][t] = C(powers_[i][t]);
    }

    // In double, for a table.
    void at(double v, C* to) const {
        for (int t = 0; t < kWidth; ++t) {
            double sum = powers_[kTerms - 1][t];
            for (int i = kTerms - 2; i >= 0; --i) sum = sum * v + powers_[i][t];
            to[t] = C(sum);
        }
    }

    // The signal, whose first tap is from[i], at fractions v[i], for as many as there are lanes.
    [[gnu::always_inline]] V evaluate(const C* const* from, const C* v) const {
        V products[kLanes];
        for (int i = 0; i < kLanes; ++i) {
            V sum{};
            for (int part = 0; part < kVectors; ++part) {
                V taps = load<V>(coefficients_[kTerms - 1] + part * kLanes);
                for (int k = kTerms - 2; k >= 0; --k)
                    taps = taps * v[i] + load<V>(coefficients_[k] + part * kLanes);
                sum += taps * load<V>(from[i] + part * kLanes);
            }
            products[i] = sum;
        }
        return sum_each<V, kLanes>(products);
    }

  private:
    double powers_[kTerms][kWidth];
    alignas(64) C coefficients_[kTerms][kWidth];
};

// The taps and places of the outputs of a fixed step, of which `period` repeat.
template <class C>
class BellTable {
  public:
    static constexpr int kLanes = BellLanes<C>::lanes, kVectors = BellLanes<C>::vectors;
    static constexpr int kWidth = kBellWidth<C>;
    static constexpr std::int64_t kMostRows = 2048;
    using V = Vec<C, kLanes>;

    void prepare(const BellTaps<C>& bell, std::int64_t step_num, std::int64_t step_den) {
        period_ = int(step_den);
        advance_ = int(step_num);
        // A group may begin at any row.
        const int rows = period_ + kLanes;
        taps_ = AlignedBuffer<C>(std::size_t(rows) * kWidth);
        places_ = AlignedBuffer<int>(std::size_t(rows));
        for (int j = 0; j < rows; ++j) {
            const std::int64_t position = j * step_num;
            places_[std::size_t(j)] = int(position / step_den);
            bell.at(2.0 * double(position % step_den) / double(step_den) - 1.0,
                    &taps_[std::size_t(j) * kWidth]);
        }
    }

    int period() const { return period_; }
    int advance() const { return advance_; }
    int place(int row) const { return places_[std::size_t(row)]; }

    // The outputs of the rows row, row + 1, ..., with signal[0] under row 0's first tap.
    [[gnu::always_inline]] V evaluate(const C* signal, int row) const {
        const C* taps = taps_.data() + std::ptrdiff_t(row) * kWidth;
        const int* places = places_.data() + row;
        V products[kLanes];
        for (int i = 0; i < kLanes; ++i) {
            const C* from = signal + places[i];
            V sum = load<V>(taps + i * kWidth) * load<V>(from);
            for (int part = 1; part < kVectors; ++part)
                sum += load<V>(taps + i * kWidth + part * kLanes) * load<V>(from + part * kLanes);
            products[i] = sum;
        }
        return sum_each<V, kLanes>(products);
    }

  private:
    int period_ = 0, advance_ = 0;
    AlignedBuffer<C> taps_;
    AlignedBuffer<int> places_;
};

}  // namespace luthier::inline LUTHIER_ISA::resample
