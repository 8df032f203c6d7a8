// White noise made pink, brown, blue or violet: filters whose response is a power of the frequency.
//
// A falling slope of 3 dB an octave is a chain of poles and zeros in turn, evenly spaced in octaves, J. O.
// Smith and H. F. Smith, "Closed form fractional integration and differentiation via real exponentially
// spaced pole-zero pairs", arXiv:1606.06154, 2016. Poles and zeros are those of the analogue chain, each
// mapped by exp(-2 pi f / sample_rate); one more zero makes up for what that does near half the rate. From 20
// Hz (of 44.1 kHz) to 0.45 of the rate it is within 0.2 dB. 6 dB an octave is one pole and such a zero.
// Rising slopes are the inverses.
#pragma once

#include <cmath>

#include "luthier/biquad.h"

namespace luthier::inline LUTHIER_ISA {

enum class NoiseColour { white, pink, brown, blue, violet };

class NoiseFilter {
  public:
    static constexpr int kSections = 6;

    NoiseFilter(NoiseColour colour, double sample_rate) {
        constexpr double pi = 3.14159265358979323846;
        const bool steep = colour == NoiseColour::brown || colour == NoiseColour::violet;
        if (colour == NoiseColour::white) return;
        // The slope begins here; at higher rates the chain is longer by its spacing.
        const double lowest = 8.0 / 44100 < 8.0 / sample_rate ? 8.0 / 44100 : 8.0 / sample_rate;
        if (steep) {
            poles_[0] = std::exp(-2 * pi * lowest);
            zeros_[0] = -0.222;
        } else {
            constexpr int count = 2 * kSections - 1;
            const double spacing = std::pow(0.5 / lowest, 1.0 / count);
            for (int k = 0; k < count; ++k) {
                const double pole = lowest * std::pow(spacing, k);
                poles_[k] = std::exp(-2 * pi * pole);
                zeros_[k] = std::exp(-2 * pi * pole * std::sqrt(spacing));
            }
            zeros_[count] = -0.13;
        }
        if (colour == NoiseColour::blue || colour == NoiseColour::violet)
            for (int k = 0; k < 2 * kSections; ++k) {
                const double pole = poles_[k];
                poles_[k] = zeros_[k];
                zeros_[k] = pole;
            }
    }

    // Two first-order sections, (1 - zero / z) / (1 - pole / z) each, as one.
    Section section(int i) const {
        const double p1 = poles_[2 * i], z1 = zeros_[2 * i], p2 = poles_[2 * i + 1], z2 = zeros_[2 * i + 1];
        return {.a11 = p1,
                .a12 = 0,
                .a21 = p1 - z1,
                .a22 = p2,
                .b1 = 1,
                .b2 = 1,
                .c1 = p1 - z1,
                .c2 = p2 - z2,
                .d = 1};
    }

    // The level of what white noise of level 1 becomes: the root of the mean of |H|^2 over all frequencies,
    // summed over equal steps of their logarithms.
    double level() const {
        constexpr int steps = 4096;
        constexpr double least = 1e-8;
        const double ratio = std::pow(0.5 / least, 1.0 / steps);
        double sum = least * power(0);
        for (int i = 0; i < steps; ++i) {
            const double low = least * std::pow(ratio, i), high = low * ratio;
            sum += (high - low) * power(std::sqrt(low * high));
        }
        return std::sqrt(2 * sum);
    }

  private:
    // |H|^2 at so many turns a frame.
    double power(double turns) const {
        const double s = std::sin(3.14159265358979323846 * turns), q = 4 * s * s;
        double product = 1;
        for (int k = 0; k < 2 * kSections; ++k)
            product *= ((1 - zeros_[k]) * (1 - zeros_[k]) + zeros_[k] * q) /
                       ((1 - poles_[k]) * (1 - poles_[k]) + poles_[k] * q);
        return product;
    }

    double poles_[2 * kSections] = {}, zeros_[2 * kSections] = {};
};

}  // namespace luthier::inline LUTHIER_ISA
