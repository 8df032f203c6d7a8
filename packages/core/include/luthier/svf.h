// Second-order sections: their design, and the state that runs them.
//
// A section is held in state-space form, state' = A state + B u, y = C state + D u, with the state of the
// trapezoidal ("topology preserving") state variable filter: the charges of two integrators. Its transfer
// function is the bilinear transform's, so it equals the biquad of R. Bristow-Johnson's "Cookbook formulae
// for audio EQ biquad filter coefficients"; but the two charges keep their meaning when the coefficients
// change, so that cutoff, Q and gain can move while it runs, and they are well scaled down to the lowest
// cutoffs, where the state of a direct form is not.
//   A. Simper, "Linear trapezoidal integrated state variable filter" (Cytomic, 2013)
//   V. Zavalishin, "The art of VA filter design" (2.1, 2018), chapters 3 and 4
//
// Everything here is double, realtime-safe and cheap: a design is some 50 ns.
#pragma once

#include "luthier/isa.h"
#include "luthier/math.h"

namespace luthier::inline LUTHIER_ISA {

// One first- or second-order section. The default passes its input through.
struct Section {
    double a11 = 0, a12 = 0, a21 = 0, a22 = 0;  // state' = A state + B u
    double b1 = 0, b2 = 0;
    double c1 = 0, c2 = 0, d = 1;  // y = C state + D u

    // One frame; the plain form, for what changes every frame.
    double step(double u, double (&state)[2]) const {
        const double s1 = state[0], s2 = state[1];
        state[0] = a11 * s1 + a12 * s2 + b1 * u;
        state[1] = a21 * s1 + a22 * s2 + b2 * u;
        return c1 * s1 + c2 * s2 + d * u;
    }
};

namespace design {

// Cutoffs are limited to this fraction of the sample rate, just below Nyquist.
inline constexpr double kHighestCutoff = 0.49;

inline double limit(double x, double least, double most) { return x < least ? least : x > most ? most : x; }

// tan(pi cutoff / sample_rate): the bilinear transform puts the analogue cutoff exactly at cutoff_hz.
inline double prewarp(double cutoff_hz, double sample_rate) {
    return tan_half_turns(limit(cutoff_hz / sample_rate, 0, kHighestCutoff));
}

// H(s) = m0 + (m1 s + m2) / (s^2 + k s + 1), s in units of the cutoff, g its prewarped frequency.
inline Section state_variable(double g, double k, double m0, double m1, double m2) {
    const double x1 = 1 / (1 + g * (g + k)), x2 = g * x1, x3 = g * x2;
    return {.a11 = 2 * x1 - 1,
            .a12 = -2 * x2,
            .a21 = 2 * x2,
            .a22 = 1 - 2 * x3,
            .b1 = 2 * x2,
            .b2 = 2 * x3,
            .c1 = m1 * x1 + m2 * x2,
            .c2 = m2 * (1 - x3) - m1 * x2,
            .d = m0 + m1 * x2 + m2 * x3};
}

// H(s) = low / (s + 1) + high s / (s + 1), s in units of the cutoff.
inline Section first_order(double g, double low, double high) {
    const double x = g / (1 + g);
    return {.a11 = 1 - 2 * x, .b1 = 2 * x, .c1 = (low - high) * (1 - x), .d = low * x + high * (1 - x)};
}

inline double damping(double q) { return 1 / (q > 1e-3 ? q : 1e-3); }

// The cookbook's filters. q is at least 0.001.

inline Section lowpass(double cutoff_hz, double q, double sample_rate) {
    return state_variable(prewarp(cutoff_hz, sample_rate), damping(q), 0, 0, 1);
}

inline Section highpass(double cutoff_hz, double q, double sample_rate) {
    const double k = damping(q);
    return state_variable(prewarp(cutoff_hz, sample_rate), k, 1, -k, -1);
}

// Gain 1 at the centre.
inline Section bandpass(double cutoff_hz, double q, double sample_rate) {
    const double k = damping(q);
    return state_variable(prewarp(cutoff_hz, sample_rate), k, 0, k, 0);
}

inline Section notch(double cutoff_hz, double q, double sample_rate) {
    const double k = damping(q);
    return state_variable(prewarp(cutoff_hz, sample_rate), k, 1, -k, 0);
}

inline Section allpass(double cutoff_hz, double q, double sample_rate) {
    const double k = damping(q);
    return state_variable(prewarp(cutoff_hz, sample_rate), k, 1, -2 * k, 0);
}

// gain_db at the centre, 1 far from it.
inline Section peak(double cutoff_hz, double q, double gain_db, double sample_rate) {
    const double a = db_to_gain(gain_db * 0.5);
    const double k = damping(q) / a;
    return state_variable(prewarp(cutoff_hz, sample_rate), k, 1, k * (a * a - 1), 0);
}

// gain_db far below the cutoff, half of it (in dB) at the cutoff, 1 far above.
inline Section low_shelf(double cutoff_hz, double q, double gain_db, double sample_rate) {
    const double root = db_to_gain(gain_db * 0.25), a = root * root;
    const double k = damping(q);
    return state_variable(prewarp(cutoff_hz, sample_rate) / root, k, 1, k * (a - 1), a * a - 1);
}

// gain_db far above the cutoff, half of it (in dB) at the cutoff, 1 far below.
inline Section high_shelf(double cutoff_hz, double q, double gain_db, double sample_rate) {
    const double root = db_to_gain(gain_db * 0.25), a = root * root;
    const double k = damping(q);
    return state_variable(prewarp(cutoff_hz, sample_rate) * root, k, a * a, k * (1 - a) * a, 1 - a * a);
}

// First order: 6 dB an octave, -3.01 dB at the cutoff; the allpass turns the phase by 90 degrees there.

inline Section lowpass1(double cutoff_hz, double sample_rate) {
    return first_order(prewarp(cutoff_hz, sample_rate), 1, 0);
}

inline Section highpass1(double cutoff_hz, double sample_rate) {
    return first_order(prewarp(cutoff_hz, sample_rate), 0, 1);
}

inline Section allpass1(double cutoff_hz, double sample_rate) {
    return first_order(prewarp(cutoff_hz, sample_rate), 1, -1);
}

// A Butterworth filter of any order is butterworth_sections(order) sections in series.
inline constexpr int butterworth_sections(int order) { return (order + 1) / 2; }

// 1 / Q of a section of second order; an odd order's last section is the one of first order.
inline double butterworth_damping(int order, int section) {
    return 2 * sin_turns((2 * section + 1) / (4.0 * order));
}

inline Section butterworth_lowpass(int order, int section, double cutoff_hz, double sample_rate) {
    const double g = prewarp(cutoff_hz, sample_rate);
    if (2 * section + 1 == order) return first_order(g, 1, 0);
    return state_variable(g, butterworth_damping(order, section), 0, 0, 1);
}

inline Section butterworth_highpass(int order, int section, double cutoff_hz, double sample_rate) {
    const double g = prewarp(cutoff_hz, sample_rate);
    if (2 * section + 1 == order) return first_order(g, 0, 1);
    const double k = butterworth_damping(order, section);
    return state_variable(g, k, 1, -k, -1);
}

// The section with the transfer function (b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2), which has to be
// stable: for filters that a standard gives as numbers.
inline Section transfer(double b0, double b1, double b2, double a1, double a2) {
    const double n = 4 / (1 - a1 + a2);
    const double g = __builtin_sqrt((1 + a1 + a2) * n / 4);
    const double k = n * (1 - a2) / (2 * g);
    const double m0 = n * (b0 - b1 + b2) / 4;
    const double m1 = n * (b0 - b2) / (2 * g) - m0 * k;
    const double m2 = (b0 + b1 + b2) / (1 + a1 + a2) - m0;
    return state_variable(g, k, m0, m1, m2);
}

// Frames after which the section's answer to a full-scale impulse stays below level_db: somewhat too long
// rather than too short, and at most 2^40. A series takes no longer than the sum of its sections.
inline double decay_frames(const Section& s, double level_db = -120) {
    // |C A^n B| <= |C| |A^n| |B|, which falls with n because the trapezoidal rule keeps the filter's
    // passivity. The least n below the level, bit by bit from powers of A by squaring.
    struct Matrix {
        double a, b, c, d;
        Matrix operator*(const Matrix& m) const {
            return {a * m.a + b * m.c, a * m.b + b * m.d, c * m.a + d * m.c, c * m.b + d * m.d};
        }
    };
    constexpr int bits = 40;
    Matrix powers[bits] = {{s.a11, s.a12, s.a21, s.a22}};
    for (int i = 1; i < bits; ++i) powers[i] = powers[i - 1] * powers[i - 1];
    const double level = db_to_gain(2 * level_db);
    const double ends = (s.b1 * s.b1 + s.b2 * s.b2) * (s.c1 * s.c1 + s.c2 * s.c2);
    Matrix power{1, 0, 0, 1};
    double frames = 1;
    for (int i = bits - 1; i >= 0; --i) {
        const Matrix m = power * powers[i];
        if ((m.a * m.a + m.b * m.b + m.c * m.c + m.d * m.d) * ends < level) continue;
        power = m;
        frames += double(1ll << i);
    }
    return frames + 1;
}

}  // namespace design

}  // namespace luthier::inline LUTHIER_ISA
