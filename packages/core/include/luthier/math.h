// Elementary functions for realtime code: no libm, no tables, no branches.
//
// Every function is a template over float, double, Vec<float, N> and Vec<double, N>, and a vector's lane
// gets the very bits that the scalar gets on the same instruction set (the paths differ from each other by
// contraction to FMA). The errors stated were measured against multiple precision (tests/test_math.py).
//
// Method: reduce to a small interval without rounding error, then a minimax polynomial in Horner form. The
// coefficients are our own, by Remez exchange on the relative error. Reductions after Muller, "Elementary
// Functions: Algorithms and Implementation" (3rd ed., 2016), chapters 9 to 11.
//
// Edges: stated with each function. Not-a-number gives not-a-number except in log2 and gain_to_db, which
// are finite for every finite input and count it as 0. Denormal input counts as 0 or as itself, both
// within the stated error.
#pragma once

#include <cstdint>
#include <cstring>

#include "luthier/isa.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

namespace math {

template <int bytes>
struct Word {
    using Unsigned = std::uint32_t;
};
template <>
struct Word<8> {
    using Unsigned = std::uint64_t;
};

// What a scalar or a vector is made of, and the integer types of the same shape.
template <class V>
struct Shape {
    using Element = decltype(V{}[0] + V{}[0]);
    using Integer = decltype(V{} < V{});
    using Unsigned = Vec<typename Word<sizeof(Element)>::Unsigned, sizeof(V) / sizeof(Element)>;
};
template <>
struct Shape<float> {
    using Element = float;
    using Integer = std::int32_t;
    using Unsigned = std::uint32_t;
};
template <>
struct Shape<double> {
    using Element = double;
    using Integer = std::int64_t;
    using Unsigned = std::uint64_t;
};
template <class V>
using Element = typename Shape<V>::Element;
template <class V>
using Integer = typename Shape<V>::Integer;

template <class To, class From>
inline To bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

template <class V>
inline constexpr bool kSingle = sizeof(Element<V>) == 4;

// The format of a float and of a double.
template <class E>
struct Format;
template <>
struct Format<float> {
    static constexpr int fraction = 23;
    static constexpr int maximum_exponent = 128;
    static constexpr float least = 0x1p-126f;  // the smallest normal number
    static constexpr float greatest = 0x1.fffffep127f;
    static constexpr float round = 0x1.8p23f;  // x + round - round is x to the nearest integer
    static constexpr std::int32_t sqrt_half = 0x3f3504f3;
};
template <>
struct Format<double> {
    static constexpr int fraction = 52;
    static constexpr int maximum_exponent = 1024;
    static constexpr double least = 0x1p-1022;
    static constexpr double greatest = 0x1.fffffffffffffp1023;
    static constexpr double round = 0x1.8p52;
    static constexpr std::int64_t sqrt_half = 0x3fe6a09e667f3bcd;
};

template <class V, class E, int N>
inline V horner(V x, const E (&c)[N]) {
    V sum = V{} + c[N - 1];
    for (int i = N - 2; i >= 0; --i) sum = sum * x + c[i];
    return sum;
}

// (2^f - 1) / f for |f| <= 1/2; relative error 1.1e-8 and 1.8e-17.
template <class V>
inline V exp2m1_over(V f) {
    if constexpr (kSingle<V>) {
        constexpr float c[] = {0.693147187927f,   0.24022649795f,    0.0555035743347f,
                               0.00961823746336f, 0.00133907355704f, 0.000154035238743f};
        return horner(f, c);
    } else {
        constexpr double c[] = {
            0.69314718055994531121,     0.24022650695910097894,   0.055504108664821235884,
            0.0096181291076070637334,   0.0013333558146531797367, 0.00015403530441483287602,
            0.000015252733701055642806, 1.3215442722797012868e-6, 1.0178121363590149623e-7,
            7.0725619688983660351e-9,   4.445527956326519086e-10};
        return horner(f, c);
    }
}

// sin(2 pi r) / r in u = r^2, |r| <= 1/4; relative error 2.1e-11 and 2.6e-19.
template <class V>
inline V sine_over(V u) {
    if constexpr (kSingle<V>) {
        constexpr float c[] = {6.28318530705f,  -41.3417020969f, 81.6052236907f,
                               -76.7041702731f, 42.0077974365f,  -14.3813922945f};
        return horner(u, c);
    } else {
        constexpr double c[] = {6.2831853071795864753,  -41.341702240399756229,  81.605249276073406022,
                                -76.705859752798491687, 42.058693923785016074,   -15.094641620505520117,
                                3.819927050429837765,   -0.71772357986895058609, 0.10085633003758276439};
        return horner(u, c);
    }
}

// log2((1 + s) / (1 - s)) / s in u = s^2, for |s| <= 3 - 2 sqrt(2); relative error 6.9e-10 and 1.1e-18.
template <class V>
inline V log2_over(V u) {
    if constexpr (kSingle<V>) {
        constexpr float c[] = {2.88539007979f, 0.961798848292f, 0.576714309809f, 0.431737900538f};
        return horner(u, c);
    } else {
        constexpr double c[] = {2.8853900817779268114,  0.96179669392598983037, 0.57707801634546424173,
                                0.41219858585246445704, 0.32059853377704341045, 0.26233440986463024824,
                                0.22091164958661378106, 0.21367305007446999408};
        return horner(u, c);
    }
}

// 2^(n + f) for |f| <= 1/2, n = shifted - round: the integer n stands in the low bits of `shifted`, and is
// added to the exponent of 2^f. Unsigned, because it wraps where the exponent is not representable.
template <class V>
inline V scale(V power, V shifted) {
    using F = Format<Element<V>>;
    using U = typename Shape<V>::Unsigned;
    const U n = bits<U>(shifted) - bits<U>(V{} + F::round);
    return bits<V>(bits<U>(power) + (n << F::fraction));
}

// `result` where the exponent is representable; else 0, infinity or not-a-number.
template <class V>
inline V limit_exp2(V x, V least, V most, V result) {
    using F = Format<Element<V>>;
    return (x < least) ? V{} : (x < most) ? result : x * F::greatest;
}

}  // namespace math

// 2^x. Within 1 ulp (float), 2e-16 (double). 0 below -126 (-1022), infinity from 128 (1024).
template <class V>
inline V exp2(V x) {
    using F = math::Format<math::Element<V>>;
    const V shifted = x + F::round;
    const V f = x - (shifted - F::round);
    const V power = f * math::exp2m1_over(f) + math::Element<V>(1);
    return math::limit_exp2(x, V{} + math::Element<V>(2 - F::maximum_exponent),
                            V{} + math::Element<V>(F::maximum_exponent), math::scale(power, shifted));
}

// log2(x). Within 2 ulp (float), 5e-16 (double), relative, at 1 too. Everything below the smallest normal
// number, zero, negatives and not-a-number included, gives -126 (-1022); infinity gives 128 (1024).
template <class V>
inline V log2(V x) {
    using F = math::Format<math::Element<V>>;
    using I = math::Integer<V>;
    x = (x >= F::least) ? x : V{} + F::least;
    const I above = math::bits<I>(x) - F::sqrt_half;
    const I exponent = above >> F::fraction;
    const V m = math::bits<V>(math::bits<I>(x) - (exponent << F::fraction));  // [sqrt(1/2), sqrt(2))
    const V integer = math::bits<V>(math::bits<I>(V{} + F::round) + exponent) - F::round;
    const V s = (m - math::Element<V>(1)) / (m + math::Element<V>(1));
    return integer + s * math::log2_over(s * s);
}

// sin(2 pi x), x in turns. Within 2 ulp (float), 4e-16 (double), relative, at its zeros too. For |x| up to
// 2^22 (float), 2^51 (double); meaningless but finite beyond.
template <class V>
inline V sin_turns(V x) {
    using F = math::Format<math::Element<V>>;
    const V r = x - ((x + F::round) - F::round);
    const V half = r < math::Element<V>(0) ? V{} - math::Element<V>(0.5) : V{} + math::Element<V>(0.5);
    const V folded = (r * r > math::Element<V>(0.0625)) ? half - r : r;
    return folded * math::sine_over(folded * folded);
}

// cos(2 pi x), x in turns. As sin_turns.
template <class V>
inline V cos_turns(V x) {
    using F = math::Format<math::Element<V>>;
    const V r = x - ((x + F::round) - F::round);
    const V folded = math::Element<V>(0.25) - (r < math::Element<V>(0) ? -r : r);
    return folded * math::sine_over(folded * folded);
}

// tan(pi x). The bilinear transform's prewarp is tan_half_turns(cutoff / sample_rate), 0 <= x < 1/2. Within
// 3 ulp (float), 6e-16 (double), relative.
template <class V>
inline V tan_half_turns(V x) {
    const V turns = x * math::Element<V>(0.5);
    return sin_turns(turns) / cos_turns(turns);
}

// tanh(x). Within 3 ulp (float), 6e-16 (double); odd, never beyond +-1, and +-1 at infinity.
template <class V>
inline V tanh(V x) {
    using E = math::Element<V>;
    using F = math::Format<E>;
    constexpr E flat = math::kSingle<V> ? E(10) : E(20);  // beyond, tanh rounds to 1
    const V magnitude = x < E(0) ? -x : x;
    const V clipped = magnitude > flat ? V{} + flat : magnitude;
    // With 2^(n + f) = e^(2|x|): e^(2|x|) - 1 = 2^n (2^f - 1) + (2^n - 1), without cancellation at n = 0.
    const V octaves = clipped * E(2.88539008177792681472);
    const V shifted = octaves + F::round;
    const V f = octaves - (shifted - F::round);
    const V power = math::scale(V{} + E(1), shifted);
    const V e = power * (f * math::exp2m1_over(f)) + (power - E(1));
    const V positive = e / (e + E(2));
    return x < E(0) ? -positive : positive;
}

// 10^(x / 20): decibels to gain. Within 1.5 ulp (float), 4e-16 (double) up to +-400 dB. 0 below -758 (-6153)
// dB, infinity above 770 (6165).
template <class V>
inline V db_to_gain(V db) {
    using E = math::Element<V>;
    using F = math::Format<E>;
    // 20 log10(2) dB an octave, in two parts of which the first has so few bits that n * upper is exact.
    constexpr E upper = math::kSingle<V> ? E(0x1.815p2) : E(0x1.8151824c7p2);
    constexpr E lower = math::kSingle<V> ? E(0.000092100779623904274778) : E(2.0121403979138856404e-11);
    const V shifted = db * E(0.16609640474436811739) + F::round;
    const V n = shifted - F::round;
    const V f = ((db - n * upper) - n * lower) * E(0.16609640474436811739);
    const V power = f * math::exp2m1_over(f) + math::Element<V>(1);
    constexpr E octave = E(6.0205999132796239043);
    return math::limit_exp2(db, V{} + E(2 - F::maximum_exponent) * octave,
                            V{} + E(F::maximum_exponent) * octave, math::scale(power, shifted));
}

// 20 log10(x): gain to decibels. Within 2.5 ulp (float), 6e-16 (double), relative.
// -758.6 dB (-6153) for everything below the
// smallest normal number.
template <class V>
inline V gain_to_db(V gain) {
    return log2(gain) * math::Element<V>(6.0205999132796239043);
}

}  // namespace luthier::inline LUTHIER_ISA
