// Window functions, computed in double. Not for realtime code: they call libm.
//
//     double w[1024];
//     make_window(Window::hann, w, 1024, true);              // periodic, for spectral analysis
//     make_window(Window::kaiser, w, 1024, false, 8.6);      // symmetric, for filter design
//
// A periodic window is the symmetric one of n + 1 points without its last. Definitions and
// coefficients: F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier
// transform", Proc. IEEE 66, 1978 (Blackman-Harris: the four-term -92 dB one); Kaiser's I0 is its
// power series, Abramowitz and Stegun 9.6.10.
#pragma once

#include <cmath>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

enum class Window { rectangular, hann, hamming, blackman, blackman_harris, kaiser, gaussian };

// The modified Bessel function of the first kind and order 0. All terms are positive, so the series
// loses nothing; it takes about |x| terms.
inline double bessel_i0(double x) {
    const double q = 0.25 * x * x;
    double term = 1.0, sum = 1.0;
    for (int k = 1; term > 1e-18 * sum; ++k) {
        term *= q / (double(k) * double(k));
        sum += term;
    }
    return sum;
}

// Writes `n` points; a single one is 1. `shape` is Kaiser's beta (0 to 600), or the Gaussian's standard
// deviation in points (> 0); the others ignore it.
inline void make_window(Window window, double* out, int n, bool periodic, double shape = 0.0) {
    const int span = n == 1 ? 0 : periodic ? n : n - 1;  // point `span` would be the first one's mirror image
    const double turn = 6.283185307179586476925 / (span > 0 ? span : 1);
    const double peak = bessel_i0(shape);
    for (int i = 0; i < n; ++i) {
        // Counted from the nearer end: the two halves are then equal to the last bit.
        const int j = 2 * i > span ? span - i : i;
        const double x = turn * j;
        const double centred = j - 0.5 * span;
        double w = 1.0;
        if (span > 0) {
            switch (window) {
                case Window::rectangular: break;
                case Window::hann: w = 0.5 - 0.5 * std::cos(x); break;
                case Window::hamming: w = 0.54 - 0.46 * std::cos(x); break;
                case Window::blackman: w = 0.42 - 0.5 * std::cos(x) + 0.08 * std::cos(2 * x); break;
                case Window::blackman_harris:
                    w = 0.35875 - 0.48829 * std::cos(x) + 0.14128 * std::cos(2 * x) -
                        0.01168 * std::cos(3 * x);
                    break;
                case Window::kaiser: {
                    const double r = 2.0 * centred / span;
                    w = bessel_i0(shape * std::sqrt((1.0 - r) * (1.0 + r))) / peak;
                    break;
                }
                case Window::gaussian: w = std::exp(-0.5 * (centred / shape) * (centred / shape)); break;
            }
        }
        out[i] = w;
    }
}

}  // namespace luthier::inline LUTHIER_ISA
