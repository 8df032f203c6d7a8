// The discrete Fourier transform of real signals, for powers of two from 2 to 2^24.
//
//     RealFft<float> fft;                              // or double
//     fft.prepare(1024);                               // allocates the tables; false: no such size
//     AlignedBuffer<float> scratch(fft.scratch());
//     fft.forward(in, out, scratch.data());            // n reals -> n/2 + 1 complex numbers: re im re im ...
//     fft.inverse(out, in, scratch.data());            // and back; 1/n is included
//
// forward() is X[k] = sum_j x[j] exp(-2 pi i j k / n), NumPy's and SciPy's rfft; inverse() is their
// irfft, and like them ignores the imaginary parts of X[0] and X[n/2]. Both are realtime-safe: no
// allocation, no lock, no libm. `in` may be `out`; nothing need be aligned, though cache-line
// alignment is faster. A plan does not change after prepare(), so threads may share one, each with
// a scratch of its own.
//
// How it works. With W lanes in a vector and M = n / W, lane l of vector j holds x[W j + l]. A real
// transform of length M over j, in all lanes at once, needs no shuffles:
//     F_l[k] = sum_j x[W j + l] exp(-2 pi i j k / M)
// and one pass across the lanes finishes it (the decimation in time of Cooley and Tukey, 1965):
//     X[k + M t] = sum_l exp(-2 pi i l t / W) exp(-2 pi i l k / n) F_l[k]
// The pass takes W/2 columns k at a time, transposes them in registers, and does the sum over l as a
// radix-2 step between the halves of a vector and W/2-point transforms down the vectors. Columns
// k = 0 and k = M/2, where F is real, are a W x W matrix each.
// Down the lanes, a first pass of radix 4 to 32 reads the input in digit-reversed order; passes of
// radix 8 follow in place on half-complex rows (Sorensen, Jones, Heideman, Burrus: "Real-valued fast
// Fourier transform algorithms", IEEE Trans. ASSP 35, 1987), sub-transform by sub-transform and depth
// first, so that what is combined is still in the nearest cache (Frigo and Johnson: "The design and
// implementation of FFTW3", Proc. IEEE 93, 2005, on the recursion).
// The inverse is the same graph transposed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

namespace fft {

struct Unit {
    double c, s;
};

// cos and sin of 2 pi k / n for a power of two n, to about one unit in the last place: reduced to an
// octant exactly, then a Taylor series. Usable at compile time and the same on every platform.
constexpr Unit unit(std::int64_t k, std::int64_t n) {
    k &= n - 1;
    if (2 * k > n) {
        const Unit u = unit(n - k, n);
        return {u.c, -u.s};
    }
    if (4 * k > n) {
        const Unit u = unit(n / 2 - k, n);
        return {-u.c, u.s};
    }
    if (8 * k > n) {
        const Unit u = unit(n / 4 - k, n);
        return {u.s, u.c};
    }
    const double x = 6.283185307179586476925 * double(k) / double(n);
    const double x2 = x * x;
    double c = 0.0, s = 0.0;
    for (int i = 18; i >= 2; i -= 2) {
        c = -(1.0 + c) * x2 / double(i * (i - 1));
        s = -(1.0 + s) * x2 / double(i * (i + 1));
    }
    return {1.0 + c, x + x * s};
}

// A loop whose counter is a constant, so that what it indexes can live in registers.
template <int I>
struct Index {
    constexpr operator int() const { return I; }
};
template <class F, int... I>
[[gnu::always_inline]] inline void unroll(F& f, IndexList<I...>) {
    (f(Index<I>{}), ...);
}
template <int N, class F>
[[gnu::always_inline]] inline void unroll(F&& f) {
    unroll(f, typename IndexRange<N>::type{});
}

// N-point complex transform of (re, im), in place and in natural order. With re and im exchanged it
// is the unscaled inverse.
template <int N, class V>
[[gnu::always_inline]] inline void complex(V* re, V* im) {
    using T = decltype(V{}[0] + V{}[0]);
    if constexpr (N == 2) {
        const V r = re[0] - re[1], i = im[0] - im[1];
        re[0] += re[1];
        im[0] += im[1];
        re[1] = r;
        im[1] = i;
    } else if constexpr (N == 4) {
        const V ar = re[0] + re[2], ai = im[0] + im[2], br = re[0] - re[2], bi = im[0] - im[2];
        const V cr = re[1] + re[3], ci = im[1] + im[3], dr = re[1] - re[3], di = im[1] - im[3];
        re[0] = ar + cr;
        im[0] = ai + ci;
        re[1] = br + di;
        im[1] = bi - dr;
        re[2] = ar - cr;
        im[2] = ai - ci;
        re[3] = br - di;
        im[3] = bi + dr;
    } else if constexpr (N > 4) {
        constexpr int H = N / 2;
        V er[H], ei[H], od[H], oi[H];
        unroll<H>([&](auto i) __attribute__((always_inline)) {
            er[i] = re[2 * i];
            ei[i] = im[2 * i];
            od[i] = re[2 * i + 1];
            oi[i] = im[2 * i + 1];
        });
        complex<H>(er, ei);
        complex<H>(od, oi);
        unroll<H>([&](auto k) __attribute__((always_inline)) {
            if constexpr (k == 0) {
                re[0] = er[0] + od[0];
                im[0] = ei[0] + oi[0];
                re[H] = er[0] - od[0];
                im[H] = ei[0] - oi[0];
            } else if constexpr (4 * k == N) {
                re[k] = er[k] + oi[k];
                im[k] = ei[k] - od[k];
                re[k + H] = er[k] - oi[k];
                im[k + H] = ei[k] + od[k];
            } else {
                // cos (1 - i tan): with fused multiply-adds six operations instead of eight.
                constexpr Unit u = unit(k, N);
                constexpr T cosine = T(u.c), tangent = T(u.s / u.c);
                const V r = od[k] + tangent * oi[k], i = oi[k] - tangent * od[k];
                re[k] = er[k] + cosine * r;
                im[k] = ei[k] + cosine * i;
                re[k + H] = er[k] - cosine * r;
                im[k + H] = ei[k] - cosine * i;
            }
        });
    }
}

// Y[t] = sum_{i<Q} x[i] exp(-2 pi i (2t+1) / 2Q), the transform at odd multiples of half a bin.
// Y[Q-1-t] is the conjugate of Y[t]; given are those with even t, Z[u] = Y[2u] for u < Q/2.
template <int Q, class V>
[[gnu::always_inline]] inline void real_odd(const V* x, V* zr, V* zi) {
    using T = decltype(V{}[0] + V{}[0]);
    unroll<Q / 2>([&](auto i) __attribute__((always_inline)) {
        if constexpr (i == 0) {
            zr[0] = x[0];
            zi[0] = -x[Q / 2];
        } else {
            constexpr Unit u = unit(i, 2 * Q);
            constexpr T c = T(u.c), s = T(u.s);
            zr[i] = c * x[i] - s * x[i + Q / 2];
            zi[i] = -s * x[i] - c * x[i + Q / 2];
        }
    });
    complex<Q / 2>(zr, zi);
}

// Half of the unscaled inverse: x / 2. Destroys zr and zi.
template <int Q, class V>
[[gnu::always_inline]] inline void real_odd_inverse(V* zr, V* zi, V* x) {
    using T = decltype(V{}[0] + V{}[0]);
    complex<Q / 2>(zi, zr);
    unroll<Q / 2>([&](auto i) __attribute__((always_inline)) {
        if constexpr (i == 0) {
            x[0] = zr[0];
            x[Q / 2] = -zi[0];
        } else {
            constexpr Unit u = unit(i, 2 * Q);
            constexpr T c = T(u.c), s = T(u.s);
            x[i] = c * zr[i] - s * zi[i];
            x[i + Q / 2] = -s * zr[i] - c * zi[i];
        }
    });
}

// N-point real transform in place, to half-complex order: x[k] = Re X[k] for k <= N/2 and
// x[N-k] = Im X[k] for 0 < k < N/2.
template <int N, class V>
[[gnu::always_inline]] inline void real(V* x) {
    if constexpr (N == 2) {
        const V d = x[0] - x[1];
        x[0] += x[1];
        x[1] = d;
    } else if constexpr (N > 2) {
        constexpr int Q = N / 2;
        V s[Q], d[Q], zr[Q / 2], zi[Q / 2];
        unroll<Q>([&](auto i) __attribute__((always_inline)) {
            s[i] = x[i] + x[i + Q];
            d[i] = x[i] - x[i + Q];
        });
        real<Q>(s);
        real_odd<Q>(d, zr, zi);
        unroll<Q / 2 + 1>([&](auto u) __attribute__((always_inline)) { x[2 * u] = s[u]; });
        unroll<Q / 2 - 1>([&](auto u)
                              __attribute__((always_inline)) { x[N - 2 * (u + 1)] = s[Q - (u + 1)]; });
        unroll<Q / 2>([&](auto u) __attribute__((always_inline)) {
            constexpr bool mirrored = 4 * u >= Q && Q > 2;
            constexpr int f = 2 * (mirrored ? Q - 1 - 2 * u : 2 * u) + 1;
            x[f] = zr[u];
            x[N - f] = mirrored ? -zi[u] : zi[u];
        });
    }
}

// The unscaled inverse of real().
template <int N, class V>
[[gnu::always_inline]] inline void real_inverse(V* x) {
    if constexpr (N == 2) {
        real<2>(x);
    } else if constexpr (N > 2) {
        constexpr int Q = N / 2;
        V s[Q], d[Q], zr[Q / 2], zi[Q / 2];
        unroll<Q / 2 + 1>([&](auto u) __attribute__((always_inline)) { s[u] = x[2 * u]; });
        unroll<Q / 2 - 1>([&](auto u)
                              __attribute__((always_inline)) { s[Q - (u + 1)] = x[N - 2 * (u + 1)]; });
        unroll<Q / 2>([&](auto u) __attribute__((always_inline)) {
            constexpr bool mirrored = 4 * u >= Q && Q > 2;
            constexpr int f = 2 * (mirrored ? Q - 1 - 2 * u : 2 * u) + 1;
            zr[u] = x[f];
            zi[u] = mirrored ? -x[N - f] : x[N - f];
        });
        real_inverse<Q>(s);
        real_odd_inverse<Q>(zr, zi, d);
        unroll<Q>([&](auto i) __attribute__((always_inline)) {
            x[i] = s[i] + 2 * d[i];
            x[i + Q] = s[i] - 2 * d[i];
        });
    }
}

// Lane patterns for vectors of W lanes in two halves of B; a and b are the operands of shuffle().
template <int W>
struct SwapHalves {
    static constexpr int at(int j) { return j ^ (W / 2); }
};
// Within groups of E lanes: a0 b0 a1 b1 ... of the lower (High = 0) or upper half of each group.
template <int W, int E, int High>
struct Zip {
    static constexpr int at(int j) {
        const int group = j & ~(E - 1), i = j & (E - 1);
        return group + High * (E / 2) + i / 2 + (i & 1) * W;
    }
};
// Exchanges blocks of D lanes: a's even blocks with b's even blocks behind them, or the odd ones.
template <int W, int D, int High>
struct Exchange {
    static constexpr int at(int j) { return ((j & ~D) | (High * D)) + ((j & D) ? W : 0); }
};
// a = re, b = im: interleaved complex numbers of one half, in order or reversed.
template <int W, int Half, bool Reversed>
struct Interleave {
    static constexpr int at(int j) {
        const int i = Reversed ? W / 2 - 1 - j / 2 : j / 2;
        return Half * (W / 2) + i + (j & 1) * W;
    }
};
// a and b = two runs of W/2 interleaved numbers: all re (Part = 0) or im (1), one run a half.
template <int W, int Part, bool Reversed>
struct Deinterleave {
    static constexpr int at(int j) {
        const int half = j / (W / 2), i = j & (W / 2 - 1);
        return half * W + 2 * (Reversed ? W / 2 - 1 - i : i) + Part;
    }
};

// Transposes the two B x B matrices that B vectors hold in their lower and upper halves.
template <int W, int E, int S, class V>
[[gnu::always_inline]] inline void zip_stages(V* v) {
    // log2(E) perfect shuffles of E rows transpose E x E.
    if constexpr (S < E) {
        V t[W / 2];
        unroll<W / 2>([&](auto i) __attribute__((always_inline)) {
            constexpr int group = i & ~(E - 1), r = i & (E - 1);
            t[i] = shuffle<Zip<W, E, (r & 1)>>(v[group + r / 2], v[group + r / 2 + E / 2]);
        });
        unroll<W / 2>([&](auto i) __attribute__((always_inline)) { v[i] = t[i]; });
        zip_stages<W, E, 2 * S>(v);
    }
}
template <int W, int D, class V>
[[gnu::always_inline]] inline void exchange_stages(V* v) {
    if constexpr (D < W / 2) {
        unroll<W / 2>([&](auto i) __attribute__((always_inline)) {
            if constexpr ((i & D) == 0) {
                const V a = v[i], b = v[i + D];
                v[i] = shuffle<Exchange<W, D, 0>>(a, b);
                v[i + D] = shuffle<Exchange<W, D, 1>>(a, b);
            }
        });
        exchange_stages<W, 2 * D>(v);
    }
}
template <int W, class V>
[[gnu::always_inline]] inline void transpose_halves(V* v) {
    // Shuffles within 16 bytes are single cheap instructions; larger blocks are then exchanged.
    constexpr int kSmall = 16 / int(sizeof(v[0][0]));
    constexpr int E = kSmall < W / 2 ? kSmall : W / 2;
    zip_stages<W, E, 1>(v);
    exchange_stages<W, E>(v);
}

// What the passes read: everything that prepare() computed.
template <class T>
struct Tables {
    int n = 0;
    int rows = 0;  // M = n / W
    int leaf = 0;  // radix of the first pass, rows = leaf * 8^levels
    int levels = 0;
    const T* column = nullptr;  // [rows/2][2][W]: exp(2 pi i l k / n)
    const T* half = nullptr;    // [W/2][2][W]: 1 in the lower half, exp(2 pi i l / W) in the upper
    const T* edge = nullptr;    // [2][W][W] forward, then [2][W][W] inverse
    const T* twiddle[8] = {};   // a level: [S/2][7][2]: exp(2 pi i j k / 8S)
};

// The real transforms of length M down the lanes, and back.
template <class T, int W>
struct Rows {
    using V = Vec<T, W>;

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

    // Combines eight half-complex transforms of length `s`, one behind the other, into one.
    [[gnu::flatten]] static void combine(T* rows, int s, const T* twiddle) {
        const std::ptrdiff_t step = std::ptrdiff_t(s) * W;
        {
            V x[8];
            unroll<8>([&](auto i) { x[i] = load<V>(rows + i * step); });
            real<8>(x);
            unroll<8>([&](auto i) { store(rows + i * step, x[i]); });
        }
        {
            T* mid = rows + s / 2 * W;
            V x[8], zr[4], zi[4];
            unroll<8>([&](auto i) { x[i] = load<V>(mid + i * step); });
            real_odd<8>(x, zr, zi);
            store(mid, zr[0]);
            store(mid + 7 * step, zi[0]);
            store(mid + 2 * step, zr[1]);
            store(mid + 5 * step, zi[1]);
            store(mid + 3 * step, zr[2]);
            store(mid + 4 * step, -zi[2]);
            store(mid + 1 * step, zr[3]);
            store(mid + 6 * step, -zi[3]);
        }
        for (int k = 1; k < s / 2; ++k) {
            T* up = rows + k * W;
            T* down = rows + (s - k) * W;
            const T* w = twiddle + k * 14;
            V re[8], im[8];
            unroll<8>([&](auto i) {
                re[i] = load<V>(up + i * step);
                im[i] = load<V>(down + i * step);
                if constexpr (i > 0) {
                    const T c = w[2 * i - 2], sn = w[2 * i - 1];
                    const V r = re[i] * c + im[i] * sn;
                    im[i] = im[i] * c - re[i] * sn;
                    re[i] = r;
                }
            });
            complex<8>(re, im);
            unroll<8>([&](auto t) {
                store(up + t * step, t < 4 ? re[t] : -im[t]);
                store(down + (7 - t) * step, t < 4 ? im[t] : re[t]);
            });
        }
    }
    [[gnu::flatten]] static void split(T* rows, int s, const T* twiddle) {
        const std::ptrdiff_t step = std::ptrdiff_t(s) * W;
        {
            V x[8];
            unroll<8>([&](auto i) { x[i] = load<V>(rows + i * step); });
            real_inverse<8>(x);
            unroll<8>([&](auto i) { store(rows + i * step, x[i]); });
        }
        {
            T* mid = rows + s / 2 * W;
            V x[8];
            V zr[4] = {load<V>(mid), load<V>(mid + 2 * step), load<V>(mid + 3 * step), load<V>(mid + step)};
            V zi[4] = {load<V>(mid + 7 * step), load<V>(mid + 5 * step), -load<V>(mid + 4 * step),
                       -load<V>(mid + 6 * step)};
            real_odd_inverse<8>(zr, zi, x);
            unroll<8>([&](auto i) { store(mid + i * step, x[i] + x[i]); });
        }
        for (int k = 1; k < s / 2; ++k) {
            T* up = rows + k * W;
            T* down = rows + (s - k) * W;
            const T* w = twiddle + k * 14;
            V re[8], im[8];
            unroll<8>([&](auto t) {
                const V a = load<V>(up + t * step), b = load<V>(down + (7 - t) * step);
                re[t] = t < 4 ? a : b;
                im[t] = t < 4 ? b : -a;
            });
            complex<8>(im, re);
            unroll<8>([&](auto i) {
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

    static void leaves(const Tables<T>& p, const T* in, std::ptrdiff_t stride, T* rows) {
        switch (p.leaf) {
            case 4: return leaf<4>(in, stride, rows);
            case 8: return leaf<8>(in, stride, rows);
            case 16: return leaf<16>(in, stride, rows);
            default: return leaf<32>(in, stride, rows);
        }
    }
    static void leaves_inverse(const Tables<T>& p, const T* rows, T* out, std::ptrdiff_t stride, T scale) {
        switch (p.leaf) {
            case 4: return leaf_inverse<4>(rows, out, stride, scale);
            case 8: return leaf_inverse<8>(rows, out, stride, scale);
            case 16: return leaf_inverse<16>(rows, out, stride, scale);
            default: return leaf_inverse<32>(rows, out, stride, scale);
        }
    }

    // The transform of the rows in, in + stride, ...; `s` rows of them after `level` combinations.
    static void forward(const Tables<T>& p, int level, int s, const T* in, std::ptrdiff_t stride, T* rows) {
        if (level == 0) return leaves(p, in, stride, rows);
        for (int i = 0; i < 8; ++i)
            forward(p, level - 1, s / 8, in + i * stride, stride * 8, rows + std::ptrdiff_t(i) * (s / 8) * W);
        combine(rows, s / 8, p.twiddle[level - 1]);
    }
    static void inverse(const Tables<T>& p, int level, int s, T* rows, T* out, std::ptrdiff_t stride) {
        if (level == 0) return leaves_inverse(p, rows, out, stride, T(1) / T(p.n));
        split(rows, s / 8, p.twiddle[level - 1]);
        for (int i = 0; i < 8; ++i)
            inverse(p, level - 1, s / 8, rows + std::ptrdiff_t(i) * (s / 8) * W, out + i * stride,
                    stride * 8);
    }
};

// The pass across the lanes, and back.
template <class T, int W>
struct Lanes {
    using V = Vec<T, W>;
    static constexpr int B = W / 2;

    static V sign() {
        V v = V{} + T(1);
        for (int j = B; j < W; ++j) v[j] = T(-1);
        return v;
    }

    [[gnu::flatten]] static void forward(const Tables<T>& p, const T* rows, T* out) {
        const std::ptrdiff_t m = p.rows;
        const V sgn = sign();
        for (std::ptrdiff_t k0 = 0; k0 < m / 2; k0 += B) {
            V re[B], im[B];
            unroll<B>([&](auto j) {
                const std::ptrdiff_t k = k0 + j;
                const V c = load<V>(p.column + k * 2 * W), s = load<V>(p.column + k * 2 * W + W);
                const V r = load<V>(rows + k * W), i = load<V>(rows + ((m - k) & (m - 1)) * W);
                re[j] = r * c + i * s;
                im[j] = i * c - r * s;
            });
            transpose_halves<W>(re);
            transpose_halves<W>(im);
            unroll<B>([&](auto l) {
                const V r = shuffle<SwapHalves<W>>(re[l], re[l]) + sgn * re[l];
                const V i = shuffle<SwapHalves<W>>(im[l], im[l]) + sgn * im[l];
                if constexpr (l == 0) {
                    re[l] = r;
                    im[l] = i;
                } else {
                    const V c = load<V>(p.half + l * 2 * W), s = load<V>(p.half + l * 2 * W + W);
                    re[l] = r * c + i * s;
                    im[l] = i * c - r * s;
                }
            });
            complex<B>(re, im);
            // Column 0 is not of this form: what it leaves here edges() overwrites.
            unroll<B>([&](auto u) {
                if constexpr (W == 2) {
                    store(out + 2 * k0, shuffle<Interleave<W, 0, false>>(re[u], im[u]));
                    store(out + 2 * (m - k0), shuffle<Interleave<W, 1, false>>(re[u], -im[u]));
                } else if constexpr (2 * u < B) {
                    T* to = out + 2 * (k0 + m * 2 * u);
                    store(to, shuffle<Interleave<W, 0, false>>(re[u], im[u]));
                    store(to + 2 * m, shuffle<Interleave<W, 1, false>>(re[u], im[u]));
                } else {
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

    [[gnu::flatten]] static void inverse(const Tables<T>& p, const T* in, T* rows) {
        const std::ptrdiff_t m = p.rows;
        const V sgn = sign();
        for (std::ptrdiff_t k0 = 0; k0 < m / 2; k0 += B) {
            V re[B], im[B];
            unroll<B>([&](auto u) {
                if constexpr (W == 2) {
                    const V a = load<V>(in + 2 * k0), b = load<V>(in + 2 * (m - k0));
                    re[u] = shuffle<Deinterleave<W, 0, false>>(a, b);
                    im[u] = shuffle<Deinterleave<W, 1, false>>(a, b) * sgn;
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
            complex<B>(im, re);
            unroll<B>([&](auto l) {
                if constexpr (l > 0) {
                    const V c = load<V>(p.half + l * 2 * W), s = load<V>(p.half + l * 2 * W + W);
                    const V r = re[l] * c - im[l] * s;
                    im[l] = im[l] * c + re[l] * s;
                    re[l] = r;
                }
                re[l] = shuffle<SwapHalves<W>>(re[l], re[l]) + sgn * re[l];
                im[l] = shuffle<SwapHalves<W>>(im[l], im[l]) + sgn * im[l];
            });
            transpose_halves<W>(re);
            transpose_halves<W>(im);
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
            a += from[0] * load<V>(even + t * W);
            c += (t == 0 ? in[p.n] : from[1]) * load<V>(even + (B + t) * W);
            b += from[m] * load<V>(odd + t * W);
            d += from[m + 1] * load<V>(odd + (B + t) * W);
        });
        store(rows, a + c);
        store(rows + m / 2 * W, b + d);
    }
};

}  // namespace fft

template <class T>
class RealFft {
  public:
    // Makes the plan for transforms of `n` samples. Allocates. False when n is not a power of two
    // from 2 to 2^24.
    bool prepare(int n) {
        if (n < 2 || n > (1 << 24) || (n & (n - 1)) != 0) return false;
        tables_ = {};
        lanes_ = 0;
        tables_.n = n;
        if (n < 16) {
            prepare_small(n);
            return true;
        }
        int w = kMaxLanes;
        while (w * w > n) w /= 2;
        const int rows = n / w;
        int leaf = rows, levels = 0;
        while (leaf > 32) leaf /= 8, ++levels;
        std::size_t size = std::size_t(n) + std::size_t(w) * w + 4 * std::size_t(w) * w;
        for (int level = 0, s = leaf; level < levels; ++level, s *= 8) size += padded(s / 2 * 14);
        memory_ = AlignedBuffer<T>(size);
        lanes_ = w;
        tables_.rows = rows;
        tables_.leaf = leaf;
        tables_.levels = levels;

        T* to = memory_.data();
        tables_.column = to;
        for (int k = 0; k < rows / 2; ++k, to += 2 * w)
            for (int l = 0; l < w; ++l) put(to + l, to + w + l, std::int64_t(l) * k, n);
        tables_.half = to;
        for (int l = 0; l < w / 2; ++l, to += 2 * w)
            for (int j = 0; j < w; ++j) put(to + j, to + w + j, j < w / 2 ? 0 : l, w);
        tables_.edge = to;
        to = fill_edges(to, w);
        for (int level = 0, s = leaf; level < levels; ++level, s *= 8) {
            tables_.twiddle[level] = to;
            for (int k = 0; k < s / 2; ++k)
                for (int j = 1; j < 8; ++j)
                    put(to + k * 14 + 2 * j - 2, to + k * 14 + 2 * j - 1, std::int64_t(j) * k, 8 * s);
            to += padded(s / 2 * 14);
        }
        return true;
    }

    int size() const { return tables_.n; }
    int bins() const { return tables_.n / 2 + 1; }

    // Elements of T that forward() and inverse() need as scratch.
    std::size_t scratch() const { return std::size_t(tables_.n); }

    void forward(const T* in, T* out, T* scratch) const LUTHIER_REALTIME {
        switch (lanes_) {
            case 2: return forward_in<2>(in, out, scratch);
            case 4: return forward_in<4>(in, out, scratch);
            case 8: return forward_in<8>(in, out, scratch);
            case 16: return forward_in<16>(in, out, scratch);
            default: return forward_small(in, out, scratch);
        }
    }

    void inverse(const T* in, T* out, T* scratch) const LUTHIER_REALTIME {
        switch (lanes_) {
            case 2: return inverse_in<2>(in, out, scratch);
            case 4: return inverse_in<4>(in, out, scratch);
            case 8: return inverse_in<8>(in, out, scratch);
            case 16: return inverse_in<16>(in, out, scratch);
            default: return inverse_small(in, out, scratch);
        }
    }

  private:
    static constexpr int kMaxLanes = kLanes<T> < 16 ? kLanes<T> : 16;

    static void put(T* c, T* s, std::int64_t k, std::int64_t n) {
        const fft::Unit u = fft::unit(k, n);
        *c = T(u.c);
        *s = T(u.s);
    }
    static std::size_t padded(std::size_t size) { return (size + 15) & ~std::size_t(15); }

    // The W x W matrices of columns 0 and M/2. Forward: row l has the W/2 real, then the W/2 imaginary
    // parts of exp(-2 pi i l t / W), with t = W/2 in the place of the imaginary part of t = 0; then the
    // same for exp(-2 pi i l (2t+1) / 2W). Inverse: their transposes, every term doubled whose
    // conjugate is left out.
    static T* fill_edges(T* to, int w) {
        const int b = w / 2;
        T* inverse = to + 2 * w * w;
        for (int odd = 0; odd < 2; ++odd, to += w * w, inverse += w * w)
            for (int l = 0; l < w; ++l)
                for (int t = 0; t < b; ++t) {
                    const fft::Unit u = fft::unit(std::int64_t(l) * (2 * t + odd), 2 * w);
                    const bool alone = t == 0 && !odd;
                    to[l * w + t] = T(u.c);
                    to[l * w + b + t] = T(alone ? (l % 2 ? -1.0 : 1.0) : -u.s);
                    inverse[t * w + l] = (alone ? 1 : 2) * to[l * w + t];
                    inverse[(b + t) * w + l] = (alone ? 1 : 2) * to[l * w + b + t];
                }
        return inverse;
    }

    template <int W>
    void forward_in(const T* in, T* out, T* scratch) const {
        if constexpr (W <= kMaxLanes && (W > 2 || kMaxLanes == 2)) {
            fft::Rows<T, W>::forward(tables_, tables_.levels, tables_.rows, in, W, scratch);
            fft::Lanes<T, W>::forward(tables_, scratch, out);
        }
    }
    template <int W>
    void inverse_in(const T* in, T* out, T* scratch) const {
        if constexpr (W <= kMaxLanes && (W > 2 || kMaxLanes == 2)) {
            fft::Lanes<T, W>::inverse(tables_, in, scratch);
            fft::Rows<T, W>::inverse(tables_, tables_.levels, tables_.rows, scratch, out, W);
        }
    }

    // Sizes 2, 4 and 8 by the definition.
    void prepare_small(int n) {
        memory_ = AlignedBuffer<T>(2 * std::size_t(n));
        for (int k = 0; k < n; ++k) put(memory_.data() + 2 * k, memory_.data() + 2 * k + 1, k, n);
    }
    void forward_small(const T* in, T* out, T* scratch) const {
        const int n = tables_.n;
        const T* w = memory_.data();
        for (int j = 0; j < n; ++j) scratch[j] = in[j];
        for (int k = 0; k <= n / 2; ++k) {
            T re = 0, im = 0;
            for (int j = 0; j < n; ++j) {
                re += scratch[j] * w[2 * (j * k & (n - 1))];
                im -= scratch[j] * w[2 * (j * k & (n - 1)) + 1];
            }
            out[2 * k] = re;
            out[2 * k + 1] = im;
        }
    }
    void inverse_small(const T* in, T* out, T* scratch) const {
        const int n = tables_.n;
        const T* w = memory_.data();
        for (int j = 0; j < n; ++j) {
            T sum = in[0] + (j % 2 ? -in[n] : in[n]);
            for (int k = 1; k < n / 2; ++k)
                sum +=
                    2 * (in[2 * k] * w[2 * (j * k & (n - 1))] - in[2 * k + 1] * w[2 * (j * k & (n - 1)) + 1]);
            scratch[j] = sum / T(n);
        }
        for (int j = 0; j < n; ++j) out[j] = scratch[j];
    }

    fft::Tables<T> tables_;
    int lanes_ = 0;
    AlignedBuffer<T> memory_;
};

}  // namespace luthier::inline LUTHIER_ISA
