// What a change of sample rate is made of, and its filters, designed in double. Not for realtime code.
// resample.h tells how it works.
#pragma once

#include <cmath>
#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/fft.h"
#include "luthier/isa.h"
#include "luthier/window.h"

namespace luthier::inline LUTHIER_ISA {

// `to` frames leave for every `from` that come in: lowest terms, each from 1 to kMostTerm.
struct ResampleSpec {
    std::int64_t from;
    std::int64_t to;
    // Shares of the lower Nyquist frequency: the pass band's end, and where the stop band begins.
    double pass;
    double stop;
    double attenuation_db;  // of the stop band; the pass band's ripple follows from it
    double delay;           // 0: linear phase, 1: minimum phase, between: that share of its phase
    // Leave at the intermediate rate, for ResamplePlan::evaluate; then from = to = 1.
    bool intermediate;
    // Begin with what rings before the first frame, and end with what rings behind the last.
    bool ringing;
};

namespace resample {

inline constexpr std::int64_t kMostTerm = std::int64_t(1) << 60;

// (a b + add) / c and what remains, for 0 <= a, b, add < 2^62 and c > 0, when the quotient fits.
struct Quotient {
    std::int64_t whole, rest;
};
inline Quotient multiply_divide(std::int64_t a, std::int64_t b, std::int64_t add, std::int64_t c) {
    if ((a | b) < (std::int64_t(1) << 31)) {
        const std::int64_t value = a * b + add;  // below 2^62 + 2^62
        return {value / c, value % c};
    }
    // Long division, which needs no function of the compiler's library.
    const unsigned __int128 value = static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b) +
                                    static_cast<unsigned __int128>(add);
    unsigned __int128 rest = 0;
    std::uint64_t whole = 0;
    for (int bit = 127; bit >= 0; --bit) {
        rest = rest << 1 | (value >> bit & 1);
        whole <<= 1;
        if (rest >= static_cast<unsigned __int128>(c)) {
            rest -= static_cast<unsigned __int128>(c);
            whole |= 1;
        }
    }
    return {std::int64_t(whole), std::int64_t(rest)};
}

inline std::int64_t greatest_divisor(std::int64_t a, std::int64_t b) {
    while (b != 0) {
        const std::int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// The intermediate rate is up / down of the incoming one; from it to the outgoing rate, output m stands
// at position m * step_num / step_den of the intermediate signal.
struct Shape {
    int up, down;
    std::int64_t step_num, step_den;
    bool direct;          // the intermediate rate is the outgoing one
    double band;          // the lower Nyquist frequency, in cycles per incoming sample
    double oversampling;  // intermediate rate over twice the band
};

// Above this ratio a decimation by a power of two comes first, which leaves kLeftRatio or more.
inline constexpr double kMostRatioOfStage = 64, kLeftRatio = 16;

inline constexpr int kMostUp = 4;

inline Shape choose_shape(const ResampleSpec& spec) {
    Shape s{};
    const double ratio = double(spec.from) / double(spec.to);
    s.band = 0.5 / (ratio > 1 ? ratio : 1);
    // Small factors need no second stage; with large ones the first would be dearer than both.
    s.direct = !spec.intermediate && spec.to <= kMostUp && (spec.to == 1 || spec.from <= 8);
    if (s.direct) {
        s.up = int(spec.to);
        s.down = int(spec.from);
        s.step_num = s.step_den = 1;
    } else {
        // Twice the band and more, so that the second stage's filter is short. The band may end early.
        const double narrow = 0.5 / (s.band * spec.stop);
        s.up = narrow < 2 ? 2 : 1;
        s.down = narrow < 2 ? 1 : int(narrow / 2);
        const std::int64_t num = spec.from * s.up, den = spec.to * s.down;
        const std::int64_t divisor = greatest_divisor(num, den);
        s.step_num = num / divisor;
        s.step_den = den / divisor;
    }
    s.oversampling = s.up / (2 * s.band * spec.stop * s.down);
    return s;
}

// The second stage's kernel: a Kaiser-Bessel bell over `width` samples of the intermediate signal. It
// only has to keep out the images, a whole rate away; what it takes from the band the first stage gives
// beforehand. So it is far shorter than an interpolator that is flat by itself. Jackson, Meyer, Nishimura
// and Macovski, "Selection of a convolution function for Fourier inversion using gridding", IEEE Trans.
// Medical Imaging 10, 1991.
struct Bell {
    int width;
    double shape;

    // Area 1.
    double at(double x) const {
        const double r = 2 * x / width, inside = (1 - r) * (1 + r);
        if (inside < 0) return 0;
        return bessel_i0(shape * std::sqrt(inside)) * shape / (width * std::sinh(shape));
    }
    // Its Fourier transform at f cycles a sample, below the first zero.
    double response(double f) const {
        const double x = 3.14159265358979323846 * width * f, inside = (shape - x) * (shape + x);
        if (inside < 1e-6) return shape / std::sinh(shape);
        const double r = std::sqrt(inside);
        return std::sinh(r) / r * shape / std::sinh(shape);
    }
};
inline Bell make_bell(int width, double oversampling) {
    // Slightly less than the shape whose first zero lies at the nearest image, as Beatty, Nishimura and
    // Pauly found, IEEE Trans. Medical Imaging 24, 2005.
    return {width, 0.985 * 3.14159265358979323846 * width * (1 - 0.5 / oversampling)};
}

inline int power_of_two(std::int64_t least) {
    int n = 16;
    while (n < least && n < (1 << 24)) n *= 2;
    return n;
}

// The first stage's impulse response on a grid `up` times finer than the input: taps[first .. last].
struct Taps {
    AlignedBuffer<double> values;
    std::int64_t first = 0, last = -1;

    double at(std::int64_t i) const { return i < first || i > last ? 0 : values[std::size_t(i - first)]; }
};

// Gives a filter whose taps lie at 0, 1, ... n - 1 (mod n) the phase of the minimum phase filter of the
// same magnitude, times `share`. By the cepstrum: Oppenheim and Schafer, "Discrete-Time Signal
// Processing", 3rd ed., 13.5. `spectrum` holds magnitudes in its real parts; the result is in `taps`.
inline void bend_phase(const RealFft<double>& fft, double share, double floor, double* spectrum, double* taps,
                       double* scratch) {
    const int n = fft.size();
    AlignedBuffer<double> log_magnitude(std::size_t(n) + 2);
    for (int k = 0; k <= n; k += 2) {
        // A floor far below the stop band: the logarithm of a zero has no use.
        spectrum[k] = std::sqrt(spectrum[k] * spectrum[k] + floor * floor);
        spectrum[k + 1] = 0;
        log_magnitude[std::size_t(k)] = std::log(spectrum[k]);
    }
    fft.inverse(log_magnitude.data(), taps, scratch);
    // The odd part of the cepstrum that makes it causal is the minimum phase.
    taps[0] = taps[n / 2] = 0;
    for (int i = n / 2 + 1; i < n; ++i) taps[i] = -taps[i];
    fft.forward(taps, log_magnitude.data(), scratch);
    for (int k = 0; k <= n; k += 2) {
        const double phase = share * log_magnitude[std::size_t(k) + 1];
        const double magnitude = spectrum[k];
        spectrum[k] = magnitude * std::cos(phase);
        spectrum[k + 1] = magnitude * std::sin(phase);
    }
    fft.inverse(spectrum, taps, scratch);
}

// A Kaiser-windowed sinc; for two stages with the second one's droop made up for.
inline Taps design_taps(const ResampleSpec& spec, const Shape& shape, const Bell* bell) {
    const double transition = (spec.stop - spec.pass) * shape.band;
    const double a = spec.attenuation_db;
    // J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", Proc. IEEE
    // Int. Symp. Circuits and Systems, 1974.
    const double half = 0.5 * (a - 7.95) / (14.36 * transition);
    const double beta = a > 50 ? 0.1102 * (a - 8.7) : 0.5842 * std::pow(a - 21, 0.4) + 0.07886 * (a - 21);
    const double cutoff = 0.5 * (spec.stop + spec.pass) * shape.band;
    const double pi = 3.14159265358979323846;

    const auto reach = std::int64_t(half * shape.up);
    // The making up spreads the response by about as much as the bell does.
    const std::int64_t spread = bell ? std::int64_t(bell->width) * shape.down : 0;
    const std::int64_t size = 2 * (reach + spread) + 1;
    const bool bent = spec.delay > 0;
    Taps taps;

    AlignedBuffer<double> window(std::size_t(reach) + 1);
    const double peak = bessel_i0(beta);
    for (std::int64_t i = 0; i <= reach; ++i) {
        const double t = double(i) / shape.up, r = t / half;
        const double x = 2 * pi * cutoff * t;
        window[std::size_t(i)] = (i == 0 ? 2 * cutoff : std::sin(x) / (pi * t)) *
                                 bessel_i0(beta * std::sqrt((1 - r) * (1 + r))) / peak;
    }
    if (!bell && !bent) {
        taps.first = -reach;
        taps.last = reach;
        taps.values = AlignedBuffer<double>(std::size_t(size));
        for (std::int64_t i = -reach; i <= reach; ++i)
            taps.values[std::size_t(i + reach)] = window[std::size_t(i < 0 ? -i : i)];
        return taps;
    }

    RealFft<double> fft;
    fft.prepare(power_of_two(bent ? 8 * size : size + spread));
    const int n = fft.size();
    AlignedBuffer<double> signal{std::size_t(n)}, spectrum(std::size_t(n) + 2), scratch(fft.scratch());
    for (std::int64_t i = -reach; i <= reach; ++i)
        signal[std::size_t(i & (n - 1))] = window[std::size_t(i < 0 ? -i : i)];
    fft.forward(signal.data(), spectrum.data(), scratch.data());
    // The first stage's own gain is `up` at frequency 0.
    if (bent)
        bend_phase(fft, spec.delay, shape.up * std::pow(10.0, -0.05 * (a + 15)), spectrum.data(),
                   signal.data(), scratch.data());
    if (bell) {
        if (bent) fft.forward(signal.data(), spectrum.data(), scratch.data());
        const double edge = 0.5 / shape.oversampling;
        for (int k = 0; k <= n; k += 2) {
            const double f = 0.5 * k * shape.down / n;
            const double gain = 1 / bell->response(f < edge ? f : edge);
            spectrum[std::size_t(k)] *= gain;
            spectrum[std::size_t(k) + 1] *= gain;
        }
        fft.inverse(spectrum.data(), signal.data(), scratch.data());
    }
    // All of a minimum phase filter lies after 0. Between the two it begins before, and nowhere ends.
    taps.first = spec.delay >= 1 ? -spread : -(reach + spread);
    taps.last = reach + spread + (bent ? reach : 0);
    taps.values = AlignedBuffer<double>(std::size_t(taps.last - taps.first + 1));
    for (std::int64_t i = taps.first; i <= taps.last; ++i)
        taps.values[std::size_t(i - taps.first)] = signal[std::size_t(i & (n - 1))];
    return taps;
}

}  // namespace resample
}  // namespace luthier::inline LUTHIER_ISA
