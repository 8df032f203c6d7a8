#include "luthier/math.h"
#include "luthier/simd.h"
#include "refine.h"
#include "unit_scale.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

constexpr int kPartials = 6;
constexpr double kLog2E = 1.44269504088896340736;
constexpr double kPi = 3.14159265358979323846;

// Twice the partials and what lies halfway to their neighbours, in the lanes of one vector.
using Lanes = Vec<float, 16>;
static_assert(2 * kPartials + 1 <= 16);

double refined(double turns, const float* x, int half, const UnitScale& scale) {
    int partials = 0;
    while (partials < kPartials && (partials + 1) * turns < 0.4625) ++partials;
    if (partials == 0) return turns;

    Lanes cosine{}, sine{}, re, im;
    for (int k = 0; k < 2 * kPartials + 1; ++k) {
        const double multiple = k < kPartials ? k + 1 : k - kPartials + 0.5;
        cosine[k] = float(cos_turns(multiple * turns));
        sine[k] = float(sin_turns(multiple * turns));
    }
    // The window 1/2 + 1/2 cos(pi n / (half + 1)) and its derivative.
    const double bend = 0.5 / (half + 1);
    const double wc = cos_turns(bend), ws = sin_turns(bend);
    double c = 1, s = 0;
    Lanes xr = Lanes{} + scale(x[0]), xi{}, dr{}, di{};
    re = Lanes{} + 1.0f;
    im = Lanes{};
    for (int n = 1; n <= half; ++n) {
        const Lanes turned = re * cosine - im * sine;
        im = re * sine + im * cosine;
        re = turned;
        const double next = c * wc - s * ws;
        s = c * ws + s * wc;
        c = next;
        const float after = scale(x[n]), before = scale(x[-n]);
        const float even = after + before, odd = after - before;
        const float window = float(0.5 + 0.5 * c), slope = float(-kPi * bend * s);
        xr += (window * even) * re;
        xi -= (window * odd) * im;
        dr += (slope * odd) * re;
        di -= (slope * even) * im;
    }
    const Lanes power = xr * xr + xi * xi;
    const Lanes cross = di * xr - dr * xi;  // Im(D conj(X))
    float strongest = 0;
    for (int k = 0; k < partials; ++k) strongest = power[k] > strongest ? power[k] : strongest;
    if (!(strongest > 0)) return turns;

    // Log-frequencies are in cents.
    constexpr double kCents = 1200 * kLog2E, kCoarse = 12;
    double weights = 1 / (kCoarse * kCoarse), sum = 0;
    for (int k = 0; k < partials; ++k) {
        const double p = double(power[k]);
        if (!(p > 1e-9 * double(strongest))) continue;
        const double omega = 2 * kPi * turns * (k + 1);
        const double ratio = (omega - double(cross[k]) / p) / omega;
        if (!(ratio > 0.94 && ratio < 1.06)) continue;
        const double cents = 1200 * log2(ratio);
        // Further than the coarse value can be off, it is another sound's partial; no step in between.
        const double off = cents < 0 ? -cents : cents;
        if (off > 90) continue;
        const double trust = off < 60 ? 1 : (90 - off) / 30;
        const double noise = 0.5 * (double(power[kPartials + k]) + double(power[kPartials + k + 1])) +
                             1e-6 * double(strongest);
        // 3.6 / sqrt(2 snr) / (window in radians of the partial): the Hann window's deviation.
        const double spread = 3.6 * kCents / (2 * half * omega);
        // Strings are stretched: the higher a partial, the less it knows of f0.
        const double stretch = 0.3 + 0.04 * ((k + 1) * (k + 1) - 1);
        const double weight = trust / (spread * spread * noise / (2 * p) + stretch * stretch);
        weights += weight;
        sum += weight * cents;
    }
    return turns * exp2(sum / weights / 1200);
}

double refine(double turns, const float* centre, int room) {
    // Two periods to either side; near the signal's ends down to one.
    const double wanted = 2 / turns < 80 ? 80 : 2 / turns;
    int half = wanted < kRefineReach ? int(wanted) : kRefineReach;
    if (half > room) half = room;
    if (half < 1 / turns || half < 16) return turns;
    float peak = 0;
    for (int n = -half; n <= half; ++n) {
        const float a = centre[n] < 0 ? -centre[n] : centre[n];
        peak = a > peak ? a : peak;
    }
    return peak > 0 ? refined(turns, centre, half, UnitScale(exponent_of(peak))) : turns;
}

}  // namespace

extern const RefineKernels refine_kernels;
const RefineKernels refine_kernels = {refine};

}  // namespace luthier::inline LUTHIER_ISA
