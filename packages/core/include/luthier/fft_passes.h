// The passes of the fast Fourier transforms in fft.h, which describes them; not for other use.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/fft_lanes.h"
#include "luthier/fft_small.h"
#include "luthier/isa.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA::fft {

inline constexpr int kMaxPasses = 10;

// The widest vector in use; narrower ones serve the signals that are too short for it.
template <class T>
inline constexpr int kMaxLanes = kLanes<T> < 16 ? kLanes<T> : 16;

// What the passes read: everything that prepare() computed.
template <class T>
struct Tables {
    int n = 0;
    int rows = 0;                // M = n / W
    int levels = 0;              // passes down the lanes after the first
    int radix[kMaxPasses] = {};  // of those passes; their product is `rows`
    // Of the pass with radix r that combines transforms of length s: [s][r-1][2], exp(2 pi i j k / rs);
    // the real transform needs half of the k only.
    const T* twiddle[kMaxPasses] = {};
    const T* column = nullptr;  // [M][2][W]: exp(2 pi i l k / n); for the real transform [M/2][2][W]
    const T* half = nullptr;    // [W/2][2][W]: 1 in the lower half, exp(2 pi i l / W) in the upper
    const T* edge = nullptr;    // of the real transform: [2][W][W] forward, then [2][W][W] inverse
};

// Chooses the radices for M rows of `row_bytes`: eights, one or two fours behind them for what is left
// over, or a sixteen first. In a large signal the first pass's strides are multiples of 4096 bytes, which
// share one set of the nearest cache, and it must not touch more lines at once than the set has ways.
template <class T>
void factor(Tables<T>& p, int row_bytes) {
    int bits = 0;
    while ((1 << bits) < p.rows) ++bits;
    const bool large = std::int64_t(p.rows) * row_bytes >= 65536;
    const int first = bits < 4 ? bits : bits % 3 == 1 && !large ? 4 : 3;
    p.radix[0] = 1 << first;
    bits -= first;
    int pass = 0;
    for (; bits >= 5 || bits == 3; bits -= 3) p.radix[++pass] = 8;
    for (; bits > 0; bits -= 2) p.radix[++pass] = 4;
    p.levels = pass;
}

inline std::size_t padded(std::size_t size) { return (size + 15) & ~std::size_t(15); }

// Elements of T in the twiddles of all passes.
template <class T>
std::size_t twiddle_size(const Tables<T>& p, bool real) {
    std::size_t size = 0, s = std::size_t(p.radix[0]);
    for (int pass = 1; pass <= p.levels; s *= std::size_t(p.radix[pass++]))
        size += padded((real ? s / 2 : s) * 2 * std::size_t(p.radix[pass] - 1));
    return size;
}

template <class T>
void put(T* c, T* s, std::int64_t k, std::int64_t n) {
    const Unit u = unit(k, n);
    *c = T(u.c);
    *s = T(u.s);
}

template <class T>
T* fill_twiddles(Tables<T>& p, bool real, T* to) {
    std::int64_t s = p.radix[0];
    for (int pass = 1; pass <= p.levels; s *= p.radix[pass++]) {
        const int r = p.radix[pass];
        const std::int64_t columns = real ? s / 2 : s;
        p.twiddle[pass] = to;
        for (std::int64_t k = 0; k < columns; ++k)
            for (int j = 1; j < r; ++j) {
                T* c = to + 2 * (k * (r - 1) + j - 1);
                put(c, c + 1, j * k, r * s);
            }
        to += padded(std::size_t(columns) * 2 * std::size_t(r - 1));
    }
    return to;
}

// The tables of the pass across the lanes, for `columns` columns.
template <class T>
T* fill_lanes(Tables<T>& p, int columns, int w, T* to) {
    p.column = to;
    for (int k = 0; k < columns; ++k, to += 2 * w)
        for (int l = 0; l < w; ++l) put(to + l, to + w + l, std::int64_t(l) * k, p.n);
    p.half = to;
    for (int l = 0; l < w / 2; ++l, to += 2 * w)
        for (int j = 0; j < w; ++j) put(to + j, to + w + j, j < w / 2 ? 0 : l, w);
    return to;
}

// The W x W matrices of columns 0 and M/2 of the real transform. Forward: row l has the W/2 real, then
// the W/2 imaginary parts of exp(-2 pi i l t / W), with t = W/2 in the place of the imaginary part of
// t = 0; then the same for exp(-2 pi i l (2t+1) / 2W). Inverse: their transposes, every term doubled
// whose conjugate is left out.
template <class T>
T* fill_edges(Tables<T>& p, int w, T* to) {
    const int b = w / 2;
    p.edge = to;
    T* inverse = to + 2 * w * w;
    for (int odd = 0; odd < 2; ++odd, to += w * w, inverse += w * w)
        for (int l = 0; l < w; ++l)
            for (int t = 0; t < b; ++t) {
                const Unit u = unit(std::int64_t(l) * (2 * t + odd), 2 * w);
                const bool alone = t == 0 && !odd;
                to[l * w + t] = T(u.c);
                to[l * w + b + t] = T(alone ? (l % 2 ? -1.0 : 1.0) : -u.s);
                inverse[t * w + l] = (alone ? 1 : 2) * to[l * w + t];
                inverse[(b + t) * w + l] = (alone ? 1 : 2) * to[l * w + b + t];
            }
    return inverse;
}

// The row at which the first pass over the rows i, i + count, ... leaves its result.
template <class T>
int reversed(const Tables<T>& p, int i) {
    int row = 0, s = p.rows;
    for (int level = p.levels; level > 0; --level) {
        s /= p.radix[level];
        row += i % p.radix[level] * s;
        i /= p.radix[level];
    }
    return row;
}

// The real transforms of length M down the lanes, and back.
template <class T, int W>
struct RealRows {
    using V = Vec<T, W>;
    static constexpr int kNear = 65536 / int(sizeof(V));  // rows that are worked on depth first

    template <int R>
    [[gnu::flatten]] static void leaf(const T* in, std::ptrdiff_t stride, T* rows) {
        V x[R];
        unroll<R>([&](auto i) { x[i] = load<V>(in + i * stride); });
        real<R>(x);
        unroll<R>([&](auto i) { store(rows + i * W, x[i]); });
    }
    template <int R>
    [[gnu::flatten]] static void leaf_inverse(const T* rows, T* out, std::ptrdiff_t stride, T scale) {
        V x[R];
        unroll<R>([&](auto i) { x[i] = load<V>(rows + i * W); });
        real_inverse<R>(x);
        unroll<R>([&](auto i) { store(out + i * stride, x[i] * scale); });
    }

    // Combines R half-complex transforms of length `s`, one behind the other, into one.
    template <int R>
    [[gnu::flatten]] static void combine(T* rows, int s, const T* twiddle) {
        const std::ptrdiff_t step = std::ptrdiff_t(s) * W;
        {
            V x[R];
            unroll<R>([&](auto i) { x[i] = load<V>(rows + i * step); });
            real<R>(x);
            unroll<R>([&](auto i) { store(rows + i * step, x[i]); });
        }
        {
            T* mid = rows + s / 2 * W;
            V x[R], zr[R / 2], zi[R / 2];
            unroll<R>([&](auto i) { x[i] = load<V>(mid + i * step); });
            real_odd<R>(x, zr, zi);
            unroll<R / 2>([&](auto u) {
                constexpr bool mirrored = 4 * u >= R;
                constexpr int t = mirrored ? R - 1 - 2 * u : 2 * u;
                store(mid + t * step, zr[u]);
                store(mid + (R - 1 - t) * step, mirrored ? -zi[u] : zi[u]);
            });
        }
        for (int k = 1; k < s / 2; ++k) {
            T* up = rows + k * W;
            T* down = rows + (s - k) * W;
            const T* w = twiddle + k * 2 * (R - 1);
            V re[R], im[R];
            unroll<R>([&](auto i) {
                re[i] = load<V>(up + i * step);
                im[i] = load<V>(down + i * step);
                if constexpr (i > 0) {
                    const T c = w[2 * i - 2], sn = w[2 * i - 1];
                    const V r = re[i] * c + im[i] * sn;
                    im[i] = im[i] * c - re[i] * sn;
                    re[i] = r;
                }
            });
            complex<R>(re, im);
            unroll<R>([&](auto t) {
                store(up + t * step, t < R / 2 ? re[t] : -im[t]);
                store(down + (R - 1 - t) * step, t < R / 2 ? im[t] : re[t]);
            });
        }
    }
    template <int R>
    [[gnu::flatten]] static void split(T* rows, int s, const T* twiddle) {
        const std::ptrdiff_t step = std::ptrdiff_t(s) * W;
        {
            V x[R];
            unroll<R>([&](auto i) { x[i] = load<V>(rows + i * step); });
            real_inverse<R>(x);
            unroll<R>([&](auto i) { store(rows + i * step, x[i]); });
        }
        {
            T* mid = rows + s / 2 * W;
            V x[R], zr[R / 2], zi[R / 2];
            unroll<R / 2>([&](auto u) {
                constexpr bool mirrored = 4 * u >= R;
                constexpr int t = mirrored ? R - 1 - 2 * u : 2 * u;
                zr[u] = load<V>(mid + t * step);
                zi[u] = load<V>(mid + (R - 1 - t) * step);
                if constexpr (mirrored) zi[u] = -zi[u];
            });
            real_odd_inverse<R>(zr, zi, x);
            unroll<R>([&](auto i) { store(mid + i * step, x[i] + x[i]); });
        }
        for (int k = 1; k < s / 2; ++k) {
            T* up = rows + k * W;
            T* down = rows + (s - k) * W;
            const T* w = twiddle + k * 2 * (R - 1);
            V re[R], im[R];
            unroll<R>([&](auto t) {
                const V a = load<V>(up + t * step), b = load<V>(down + (R - 1 - t) * step);
                re[t] = t < R / 2 ? a : b;
                im[t] = t < R / 2 ? b : -a;
            });
            complex<R>(im, re);
            unroll<R>([&](auto i) {
                if constexpr (i > 0) {
                    const T c = w[2 * i - 2], sn = w[2 * i - 1];
                    const V r = re[i] * c - im[i] * sn;
                    im[i] = im[i] * c + re[i] * sn;
                    re[i] = r;
                }
                store(up + i * step, re[i]);
                store(down + i * step, im[i]);
            });
        }
    }

    static void combine(const Tables<T>& p, int level, int s, T* rows) {
        switch (p.radix[level]) {
            case 4: return combine<4>(rows, s, p.twiddle[level]);
            default: return combine<8>(rows, s, p.twiddle[level]);
        }
    }
    static void split(const Tables<T>& p, int level, int s, T* rows) {
        switch (p.radix[level]) {
            case 4: return split<4>(rows, s, p.twiddle[level]);
            default: return split<8>(rows, s, p.twiddle[level]);
        }
    }

    static void leaves(const Tables<T>& p, const T* in, std::ptrdiff_t stride, T* rows) {
        switch (p.radix[0]) {
            case 4: return leaf<4>(in, stride, rows);
            case 8: return leaf<8>(in, stride, rows);
            default: return leaf<16>(in, stride, rows);
        }
    }
    static void leaves_inverse(const Tables<T>& p, const T* rows, T* out, std::ptrdiff_t stride) {
        const T scale = T(1) / T(p.n);
        switch (p.radix[0]) {
            case 4: return leaf_inverse<4>(rows, out, stride, scale);
            case 8: return leaf_inverse<8>(rows, out, stride, scale);
            default: return leaf_inverse<16>(rows, out, stride, scale);
        }
    }

    // The transform of the rows in, in + stride, ...; `s` rows of them after `level` combinations.
    // Depth first, unless the signal is large: then the first pass runs over all of it, in the order
    // of the signal, because its strides would miss every cache line by line.
    static void forward(const Tables<T>& p, const T* in, T* rows) {
        if (p.rows > kNear) {
            const int count = p.rows / p.radix[0];
            for (int i = 0; i < count; ++i)
                leaves(p, in + i * W, std::ptrdiff_t(count) * W, rows + std::ptrdiff_t(reversed(p, i)) * W);
            in = nullptr;
        }
        forward(p, p.levels, p.rows, in, W, rows);
    }
    static void forward(const Tables<T>& p, int level, int s, const T* in, std::ptrdiff_t stride, T* rows) {
        if (level == 0) {
            if (in) leaves(p, in, stride, rows);
            return;
        }
        // A narrow vector's signal is short and needs the first pass only.
        if constexpr (W == kMaxLanes<T>) {
            const int radix = p.radix[level];
            s /= radix;
            for (int i = 0; i < radix; ++i)
                forward(p, level - 1, s, in ? in + i * stride : in, stride * radix,
                        rows + std::ptrdiff_t(i) * s * W);
            combine(p, level, s, rows);
        }
    }
    static void inverse(const Tables<T>& p, T* rows, T* out) {
        if (p.rows <= kNear) return inverse(p, p.levels, p.rows, rows, out, W);
        inverse(p, p.levels, p.rows, rows, nullptr, W);
        const int count = p.rows / p.radix[0];
        for (int i = 0; i < count; ++i)
            leaves_inverse(p, rows + std::ptrdiff_t(reversed(p, i)) * W, out + i * W,
                           std::ptrdiff_t(count) * W);
    }
    static void inverse(const Tables<T>& p, int level, int s, T* rows, T* out, std::ptrdiff_t stride) {
        if (level == 0) {
            if (out) leaves_inverse(p, rows, out, stride);
            return;
        }
        // A narrow vector's signal is short and needs the first pass only.
        if constexpr (W == kMaxLanes<T>) {
            const int radix = p.radix[level];
            s /= radix;
            split(p, level, s, rows);
            for (int i = 0; i < radix; ++i)
                inverse(p, level - 1, s, rows + std::ptrdiff_t(i) * s * W, out ? out + i * stride : out,
                        stride * radix);
        }
    }
};

// 1 in the lower half, -1 in the upper.
template <class V, int W>
LUTHIER_REGISTERS inline V sign_of_half() {
    V v = V{} + 1;
    for (int j = W / 2; j < W; ++j) v[j] = -1;
    return v;
}

// The sum over the lanes for W/2 columns: (re, im)[j] is column j, lane by lane, twiddles applied.
// Left in (re, im)[u] are the outputs t = 2u in the lower and t = 2u + 1 in the upper half, the columns
// in their order.
template <int W, class T, class V>
LUTHIER_REGISTERS inline void across(const T* half, V sign, V* re, V* im) {
    transpose_halves<W>(re);
    transpose_halves<W>(im);
    unroll<W / 2>([&](auto l) LUTHIER_REGISTERS {
        const V r = shuffle<SwapHalves<W>>(re[l], re[l]) + sign * re[l];
        const V i = shuffle<SwapHalves<W>>(im[l], im[l]) + sign * im[l];
        if constexpr (l == 0) {
            re[l] = r;
            im[l] = i;
        } else {
            const V c = load<V>(half + l * 2 * W), s = load<V>(half + l * 2 * W + W);
            re[l] = r * c + i * s;
            im[l] = i * c - r * s;
        }
    });
    complex<W / 2>(re, im);
}
// The unscaled inverse of across().
template <int W, class T, class V>
LUTHIER_REGISTERS inline void across_inverse(const T* half, V sign, V* re, V* im) {
    complex<W / 2>(im, re);
    unroll<W / 2>([&](auto l) LUTHIER_REGISTERS {
        if constexpr (l > 0) {
            const V c = load<V>(half + l * 2 * W), s = load<V>(half + l * 2 * W + W);
            const V r = re[l] * c - im[l] * s;
            im[l] = im[l] * c + re[l] * s;
            re[l] = r;
        }
        re[l] = shuffle<SwapHalves<W>>(re[l], re[l]) + sign * re[l];
        im[l] = shuffle<SwapHalves<W>>(im[l], im[l]) + sign * im[l];
    });
    transpose_halves<W>(re);
    transpose_halves<W>(im);
}

// Pairs of slices of spectra, one pair behind the other.
template <class T>
struct Products {
    const T* a;
    const T* b;
    int count;
};

// The real transform's pass across the lanes, and back. A packed spectrum is what the pass has in
// registers: for every block of W/2 columns the W/2 vectors re, im in turn, then re, im of the edges,
// where X[0] and X[n/2] stand for the real and the imaginary part of the first.
template <class T, int W, bool Packed>
struct RealLanes {
    using V = Vec<T, W>;
    static constexpr int B = W / 2;

    [[gnu::flatten]] static void forward(const Tables<T>& p, const T* rows, T* out) {
        const std::ptrdiff_t m = p.rows;
        const V sign = sign_of_half<V, W>();
        for (std::ptrdiff_t k0 = 0; k0 < m / 2; k0 += B) {
            V re[B], im[B];
            unroll<B>([&](auto j) {
                const std::ptrdiff_t k = k0 + j;
                const V c = load<V>(p.column + k * 2 * W), s = load<V>(p.column + k * 2 * W + W);
                const V r = load<V>(rows + k * W), i = load<V>(rows + ((m - k) & (m - 1)) * W);
                re[j] = r * c + i * s;
                im[j] = i * c - r * s;
            });
            across<W>(p.half, sign, re, im);
            // Column 0 is not of this form: what it leaves here edges() overwrites.
            unroll<B>([&](auto u) {
                if constexpr (Packed) {
                    store(out + (k0 + u) * 2 * W, re[u]);
                    store(out + (k0 + u) * 2 * W + W, im[u]);
                } else if constexpr (W == 2) {
                    store(out + 2 * k0, shuffle<Interleave<W, 0, false>>(re[u], im[u]));
                    store(out + 2 * (m - k0), shuffle<Interleave<W, 1, false>>(re[u], -im[u]));
                } else if constexpr (2 * u < B) {
                    T* to = out + 2 * (k0 + m * 2 * u);
                    store(to, shuffle<Interleave<W, 0, false>>(re[u], im[u]));
                    store(to + 2 * m, shuffle<Interleave<W, 1, false>>(re[u], im[u]));
                } else {
                    // X[n - f] is the conjugate of X[f].
                    T* to = out + 2 * (m * (W - 2 * u) - k0 - (B - 1));
                    const V i = -im[u];
                    store(to, shuffle<Interleave<W, 0, true>>(re[u], i));
                    store(to - 2 * m, shuffle<Interleave<W, 1, true>>(re[u], i));
                }
            });
        }
        edges(p, rows, out);
    }

    // Columns 0 and M/2, which are real: X[M t] and X[M/2 + M t], t < W/2, and X[n/2].
    [[gnu::flatten]] static void edges(const Tables<T>& p, const T* rows, T* out) {
        const std::ptrdiff_t m = p.rows;
        const T* mid = rows + m / 2 * W;
        V a{}, b{}, c{}, d{};  // two accumulators each, to hide the latency of the addition
        unroll<B>([&](auto l) {
            a += rows[2 * l] * load<V>(p.edge + 2 * l * W);
            b += mid[2 * l] * load<V>(p.edge + (W + 2 * l) * W);
            c += rows[2 * l + 1] * load<V>(p.edge + (2 * l + 1) * W);
            d += mid[2 * l + 1] * load<V>(p.edge + (W + 2 * l + 1) * W);
        });
        if constexpr (Packed) {
            store(out + p.n, shuffle<Exchange<W, B, 0>>(a + c, b + d));
            store(out + p.n + W, shuffle<Exchange<W, B, 1>>(a + c, b + d));
        } else {
            T even[W], odd[W];
            store(even, a + c);
            store(odd, b + d);
            unroll<B>([&](auto t) {
                T* to = out + 2 * m * t;
                to[0] = even[t];
                to[1] = t == 0 ? T(0) : even[B + t];
                to[m] = odd[t];
                to[m + 1] = odd[B + t];
            });
            out[p.n] = even[B];
            out[p.n + 1] = T(0);
        }
    }

    [[gnu::flatten]] static void inverse(const Tables<T>& p, const T* in, T* rows) {
        const std::ptrdiff_t m = p.rows;
        const V sign = sign_of_half<V, W>();
        for (std::ptrdiff_t k0 = 0; k0 < m / 2; k0 += B) {
            V re[B], im[B];
            unroll<B>([&](auto u) {
                if constexpr (Packed) {
                    re[u] = load<V>(in + (k0 + u) * 2 * W);
                    im[u] = load<V>(in + (k0 + u) * 2 * W + W);
                } else if constexpr (W == 2) {
                    const V a = load<V>(in + 2 * k0), b = load<V>(in + 2 * (m - k0));
                    re[u] = shuffle<Deinterleave<W, 0, false>>(a, b);
                    im[u] = shuffle<Deinterleave<W, 1, false>>(a, b) * sign;
                } else if constexpr (2 * u < B) {
                    const T* from = in + 2 * (k0 + m * 2 * u);
                    const V a = load<V>(from), b = load<V>(from + 2 * m);
                    re[u] = shuffle<Deinterleave<W, 0, false>>(a, b);
                    im[u] = shuffle<Deinterleave<W, 1, false>>(a, b);
                } else {
                    const T* from = in + 2 * (m * (W - 2 * u) - k0 - (B - 1));
                    const V a = load<V>(from), b = load<V>(from - 2 * m);
                    re[u] = shuffle<Deinterleave<W, 0, true>>(a, b);
                    im[u] = -shuffle<Deinterleave<W, 1, true>>(a, b);
                }
            });
            across_inverse<W>(p.half, sign, re, im);
            unroll<B>([&](auto j) {
                const std::ptrdiff_t k = k0 + j;
                const V c = load<V>(p.column + k * 2 * W), s = load<V>(p.column + k * 2 * W + W);
                store(rows + k * W, re[j] * c - im[j] * s);
                store(rows + ((m - k) & (m - 1)) * W, im[j] * c + re[j] * s);
            });
        }
        edges_inverse(p, in, rows);
    }

    [[gnu::flatten]] static void edges_inverse(const Tables<T>& p, const T* in, T* rows) {
        const std::ptrdiff_t m = p.rows;
        const T* even = p.edge + 2 * W * W;
        const T* odd = even + W * W;
        V a{}, b{}, c{}, d{};
        unroll<B>([&](auto t) {
            const T* from = in + 2 * m * t;
            const T* edge = in + p.n + t;
            a += (Packed ? edge[0] : from[0]) * load<V>(even + t * W);
            c += (Packed ? edge[W] : t == 0 ? in[p.n] : from[1]) * load<V>(even + (B + t) * W);
            b += (Packed ? edge[B] : from[m]) * load<V>(odd + t * W);
            d += (Packed ? edge[W + B] : from[m + 1]) * load<V>(odd + (B + t) * W);
        });
        store(rows, a + c);
        store(rows + m / 2 * W, b + d);
    }

    // sum += a * b for packed spectra.
    [[gnu::flatten]] static void multiply_add(const Tables<T>& p, const T* a, const T* b, T* sum) {
        // X[0] and X[n/2] are real and share a place.
        const T first = sum[p.n] + a[p.n] * b[p.n], last = sum[p.n + W] + a[p.n + W] * b[p.n + W];
        for (std::ptrdiff_t i = 0; i <= p.n; i += 2 * W) {
            const V ar = load<V>(a + i), ai = load<V>(a + i + W);
            const V br = load<V>(b + i), bi = load<V>(b + i + W);
            store(sum + i, load<V>(sum + i) + ar * br - ai * bi);
            store(sum + i + W, load<V>(sum + i + W) + ar * bi + ai * br);
        }
        sum[p.n] = first;
        sum[p.n + W] = last;
    }

    // The sums of the products of several spectra, slice by slice: see RealFft::multiply_slices.
    [[gnu::flatten]] static void multiply_slices(const Tables<T>& p, const Products<T>* products, int count,
                                                 std::ptrdiff_t step, int from, int to, T* sums) {
        for (int s = from; s < to; ++s) {
            // Eight accumulators hide the latency of the additions.
            V rr{}, ii{}, ri{}, ir{}, rr2{}, ii2{}, ri2{}, ir2{};
            for (int j = 0; j < count; ++j) {
                const T* a = products[j].a + s * step;
                const T* b = products[j].b + s * step;
                const T* end = a + products[j].count * 2 * W;
                if (products[j].count & 1) {
                    const V ar = load<V>(a), ai = load<V>(a + W), br = load<V>(b), bi = load<V>(b + W);
                    rr += ar * br;
                    ii += ai * bi;
                    ri += ar * bi;
                    ir += ai * br;
                    a += 2 * W;
                    b += 2 * W;
                }
                for (; a < end; a += 4 * W, b += 4 * W) {
                    const V ar = load<V>(a), ai = load<V>(a + W), br = load<V>(b), bi = load<V>(b + W);
                    rr += ar * br;
                    ii += ai * bi;
                    ri += ar * bi;
                    ir += ai * br;
                    const V ar2 = load<V>(a + 2 * W), ai2 = load<V>(a + 3 * W);
                    const V br2 = load<V>(b + 2 * W), bi2 = load<V>(b + 3 * W);
                    rr2 += ar2 * br2;
                    ii2 += ai2 * bi2;
                    ri2 += ar2 * bi2;
                    ir2 += ai2 * br2;
                }
            }
            rr += rr2;
            ii += ii2;
            T* sum = sums + s * 2 * W;
            store(sum, rr - ii);
            store(sum + W, (ri + ri2) + (ir + ir2));
            if (s * 2 * W == p.n) {
                sum[0] = rr[0];
                sum[W] = ii[0];
            }
        }
    }
};

// The complex transform: rows are a vector re and a vector im, the rest as above. The inverse is the
// same transform between exchanged real and imaginary parts.
template <class T, int W, bool Inverse>
struct Complex {
    using V = Vec<T, W>;
    static constexpr int B = W / 2;
    static constexpr std::ptrdiff_t kRow = 2 * W;
    static constexpr int kNear = 65536 / int(2 * sizeof(V));

    template <int R>
    [[gnu::flatten]] static void leaf(const T* in, std::ptrdiff_t stride, T* rows) {
        V re[R], im[R];
        unroll<R>([&](auto i) {
            const V a = load<V>(in + i * stride), b = load<V>(in + i * stride + W);
            re[i] = shuffle<Deinterleave<W, Inverse ? 1 : 0, false>>(a, b);
            im[i] = shuffle<Deinterleave<W, Inverse ? 0 : 1, false>>(a, b);
        });
        complex<R>(re, im);
        unroll<R>([&](auto i) {
            store(rows + i * kRow, re[i]);
            store(rows + i * kRow + W, im[i]);
        });
    }
    template <int R>
    [[gnu::flatten]] static void combine(T* rows, int s, const T* twiddle) {
        const std::ptrdiff_t step = s * kRow;
        for (int k = 0; k < s; ++k) {
            T* row = rows + k * kRow;
            const T* w = twiddle + k * 2 * (R - 1);
            V re[R], im[R];
            unroll<R>([&](auto i) {
                re[i] = load<V>(row + i * step);
                im[i] = load<V>(row + i * step + W);
                if constexpr (i > 0) {
                    const T c = w[2 * i - 2], sn = w[2 * i - 1];
                    const V r = re[i] * c + im[i] * sn;
                    im[i] = im[i] * c - re[i] * sn;
                    re[i] = r;
                }
            });
            complex<R>(re, im);
            unroll<R>([&](auto i) {
                store(row + i * step, re[i]);
                store(row + i * step + W, im[i]);
            });
        }
    }
    static void leaves(const Tables<T>& p, const T* in, std::ptrdiff_t stride, T* rows) {
        switch (p.radix[0]) {
            case 4: return leaf<4>(in, stride, rows);
            case 8: return leaf<8>(in, stride, rows);
            default: return leaf<16>(in, stride, rows);
        }
    }
    static void down(const Tables<T>& p, int level, int s, const T* in, std::ptrdiff_t stride, T* rows) {
        if (level == 0) {
            if (in) leaves(p, in, stride, rows);
            return;
        }
        // A narrow vector's signal is short and needs the first pass only.
        if constexpr (W == kMaxLanes<T>) {
            const int radix = p.radix[level];
            s /= radix;
            for (int i = 0; i < radix; ++i)
                down(p, level - 1, s, in ? in + i * stride : in, stride * radix, rows + i * s * kRow);
            switch (radix) {
                case 4: return combine<4>(rows, s, p.twiddle[level]);
                default: return combine<8>(rows, s, p.twiddle[level]);
            }
        }
    }
    [[gnu::flatten]] static void lanes(const Tables<T>& p, const T* rows, T* out) {
        const std::ptrdiff_t m = p.rows;
        const V sign = sign_of_half<V, W>();
        const T scale = Inverse ? T(1) / T(p.n) : T(1);
        for (std::ptrdiff_t k0 = 0; k0 < m; k0 += B) {
            V re[B], im[B];
            unroll<B>([&](auto j) {
                const std::ptrdiff_t k = k0 + j;
                const V c = load<V>(p.column + k * 2 * W), s = load<V>(p.column + k * 2 * W + W);
                const V r = load<V>(rows + k * kRow), i = load<V>(rows + k * kRow + W);
                re[j] = r * c + i * s;
                im[j] = i * c - r * s;
            });
            across<W>(p.half, sign, re, im);
            unroll<B>([&](auto u) {
                const V a = Inverse ? im[u] * scale : re[u], b = Inverse ? re[u] * scale : im[u];
                T* to = out + 2 * (k0 + m * 2 * u);
                store(to, shuffle<Interleave<W, 0, false>>(a, b));
                store(to + 2 * m, shuffle<Interleave<W, 1, false>>(a, b));
            });
        }
    }
    static void transform(const Tables<T>& p, const T* in, T* out, T* rows) {
        if (p.rows > kNear) {
            const int count = p.rows / p.radix[0];
            for (int i = 0; i < count; ++i)
                leaves(p, in + i * kRow, count * kRow, rows + reversed(p, i) * kRow);
            in = nullptr;
        }
        down(p, p.levels, p.rows, in, kRow, rows);
        lanes(p, rows, out);
    }
};

}  // namespace luthier::inline LUTHIER_ISA::fft

#undef LUTHIER_REGISTERS
