// Fourier transforms of a few points, which stay in registers: what the passes of fft_passes.h are made of.
#pragma once

#include <cstdint>

#include "luthier/isa.h"
#include "luthier/simd.h"

// For functions that work on arrays which are to become registers. They touch no other memory, so there
// is nothing in them for a sanitizer to find, and its code around every small array would multiply the
// time to compile by a hundred. fft_passes.h ends its life.
#define LUTHIER_REGISTERS __attribute__((always_inline, no_sanitize("address", "undefined")))

namespace luthier::inline LUTHIER_ISA::fft {

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
LUTHIER_REGISTERS inline void unroll(F& f, IndexList<I...>) {
    (f(Index<I>{}), ...);
}
template <int N, class F>
LUTHIER_REGISTERS inline void unroll(F&& f) {
    unroll(f, typename IndexRange<N>::type{});
}

// N-point complex transform of (re, im), in place and in natural order. With re and im exchanged it
// is the unscaled inverse.
template <int N, class V>
LUTHIER_REGISTERS inline void complex(V* re, V* im) {
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
        unroll<H>([&](auto i) LUTHIER_REGISTERS {
            er[i] = re[2 * i];
            ei[i] = im[2 * i];
            od[i] = re[2 * i + 1];
            oi[i] = im[2 * i + 1];
        });
        complex<H>(er, ei);
        complex<H>(od, oi);
        unroll<H>([&](auto k) LUTHIER_REGISTERS {
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
LUTHIER_REGISTERS inline void real_odd(const V* x, V* zr, V* zi) {
    using T = decltype(V{}[0] + V{}[0]);
    unroll<Q / 2>([&](auto i) LUTHIER_REGISTERS {
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
LUTHIER_REGISTERS inline void real_odd_inverse(V* zr, V* zi, V* x) {
    using T = decltype(V{}[0] + V{}[0]);
    complex<Q / 2>(zi, zr);
    unroll<Q / 2>([&](auto i) LUTHIER_REGISTERS {
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
LUTHIER_REGISTERS inline void real(V* x) {
    if constexpr (N == 2) {
        const V d = x[0] - x[1];
        x[0] += x[1];
        x[1] = d;
    } else if constexpr (N > 2) {
        constexpr int Q = N / 2;
        V s[Q], d[Q], zr[Q / 2], zi[Q / 2];
        unroll<Q>([&](auto i) LUTHIER_REGISTERS {
            s[i] = x[i] + x[i + Q];
            d[i] = x[i] - x[i + Q];
        });
        real<Q>(s);
        real_odd<Q>(d, zr, zi);
        unroll<Q / 2 + 1>([&](auto u) LUTHIER_REGISTERS { x[2 * u] = s[u]; });
        unroll<Q / 2 - 1>([&](auto u) LUTHIER_REGISTERS { x[N - 2 * (u + 1)] = s[Q - (u + 1)]; });
        unroll<Q / 2>([&](auto u) LUTHIER_REGISTERS {
            constexpr bool mirrored = 4 * u >= Q && Q > 2;
            constexpr int f = 2 * (mirrored ? Q - 1 - 2 * u : 2 * u) + 1;
            x[f] = zr[u];
            x[N - f] = mirrored ? -zi[u] : zi[u];
        });
    }
}

// The unscaled inverse of real().
template <int N, class V>
LUTHIER_REGISTERS inline void real_inverse(V* x) {
    if constexpr (N == 2) {
        real<2>(x);
    } else if constexpr (N > 2) {
        constexpr int Q = N / 2;
        V s[Q], d[Q], zr[Q / 2], zi[Q / 2];
        unroll<Q / 2 + 1>([&](auto u) LUTHIER_REGISTERS { s[u] = x[2 * u]; });
        unroll<Q / 2 - 1>([&](auto u) LUTHIER_REGISTERS { s[Q - (u + 1)] = x[N - 2 * (u + 1)]; });
        unroll<Q / 2>([&](auto u) LUTHIER_REGISTERS {
            constexpr bool mirrored = 4 * u >= Q && Q > 2;
            constexpr int f = 2 * (mirrored ? Q - 1 - 2 * u : 2 * u) + 1;
            zr[u] = x[f];
            zi[u] = mirrored ? -x[N - f] : x[N - f];
        });
        real_inverse<Q>(s);
        real_odd_inverse<Q>(zr, zi, d);
        unroll<Q>([&](auto i) LUTHIER_REGISTERS {
            x[i] = s[i] + 2 * d[i];
            x[i + Q] = s[i] - 2 * d[i];
        });
    }
}

}  // namespace luthier::inline LUTHIER_ISA::fft
