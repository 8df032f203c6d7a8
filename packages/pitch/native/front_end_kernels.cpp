#include <new>

#include "cut.h"
#include "front_end.h"
#include "luthier/buffer.h"
#include "luthier/fft.h"
#include "luthier/math.h"
#include "luthier/simd.h"
#include "unit_scale.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

// Frames side by side.
constexpr int kSide = kLanes<float>;
using Lanes = Vec<float, kSide>;

constexpr double kLn2 = 0.693147180559945309417;

struct Made {
    const FrontEndPlan* plan;
    RealFft<float> fft[kMostAnalyses];
};

void* make(const FrontEndPlan& plan) {
    Made* made = new (std::nothrow) Made;
    if (!made) return nullptr;
    made->plan = &plan;
    for (int a = 0; a < plan.analyses; ++a) {
        if (!made->fft[a].prepare(plan.analysis[a].size)) {
            delete made;
            return nullptr;
        }
    }
    return made;
}

void destroy(void* made) { delete static_cast<Made*>(made); }

// Of one block of frames, in floats.
struct Scratch {
    float* stretch;               // the samples that a frame sees, scaled
    float* windowed;              // and one window's, with zeros up to the transform's size
    float* spectrum;              // its transform
    float* room;                  // for the transform
    float* power[kMostAnalyses];  // (bins of the transform, frames)
    float* rows;                  // (bins, frames): a channel
};

std::size_t lay_out(const FrontEndPlan& plan, void* memory, Scratch* s) {
    Cut cut(memory);
    std::size_t largest = 0;
    for (int a = 0; a < plan.analyses; ++a) {
        const std::size_t size = std::size_t(plan.analysis[a].size);
        largest = size > largest ? size : largest;
    }
    s->stretch = cut.take<float>(std::size_t(plan.length));
    s->windowed = cut.take<float>(largest);
    s->spectrum = cut.take<float>(largest + 2);
    s->room = cut.take<float>(largest);
    for (int a = 0; a < plan.analyses; ++a)
        s->power[a] = cut.take<float>(std::size_t(plan.analysis[a].size / 2 + 1) * kSide);
    s->rows = cut.take<float>(std::size_t(plan.bins) * kSide);
    return cut.bytes();
}

std::size_t scratch_bytes(const FrontEndPlan& plan) {
    Scratch s;
    return lay_out(plan, nullptr, &s);
}

std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
std::int64_t most(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

// A frame's samples at unit scale and without their mean, which a window would smear over the lowest bins.
// Returns the exponent of the scale, or -1000 for silence.
int fill(const FrontEndPlan& plan, const float* signal, std::int64_t origin, std::int64_t length,
         std::int64_t start, float* to) {
    constexpr int N = 16;
    using V = Vec<float, N>;
    const int count = plan.length;
    const std::int64_t low = most(0, least(count, origin - start));
    const std::int64_t high = most(low, least(count, origin + length - start));
    const float* from = signal + (start - origin);
    V peaks{};
    std::int64_t i = low;
    for (; i + N <= high; i += N) {
        const V v = load<V>(from + i);
        peaks = maximum(peaks, maximum(v, -v));
    }
    float peak = 0;
    for (int k = 0; k < N; ++k) peak = peaks[k] > peak ? peaks[k] : peak;
    for (; i < high; ++i) {
        const float a = from[i] < 0 ? -from[i] : from[i];
        peak = a > peak ? a : peak;
    }
    if (!(peak > 0)) return -1000;
    const int e = exponent_of(peak);
    const UnitScale scale(e);
    V sums{};
    for (i = 0; i < low; ++i) to[i] = 0;
    for (i = low; i + N <= high; i += N) {
        const V v = scale(load<V>(from + i));
        sums += v;
        store(to + i, v);
    }
    double sum = 0;
    for (int k = 0; k < N; ++k) sum += double(sums[k]);
    for (; i < high; ++i) {
        to[i] = scale(from[i]);
        sum += double(to[i]);
    }
    const float mean = float(sum / double(high - low));
    for (i = low; i < high; ++i) to[i] -= mean;
    for (i = high; i < count; ++i) to[i] = 0;
    return e;
}

// The power spectra of one frame, into its lane.
void spectra(const Made& made, const Scratch& s, int lane) {
    const FrontEndPlan& plan = *made.plan;
    for (int a = 0; a < plan.analyses; ++a) {
        const FrontEndPlan::Analysis& analysis = plan.analysis[a];
        const float* from = s.stretch + (analysis.start - plan.start);
        for (int i = 0; i < analysis.length; ++i) s.windowed[i] = from[i] * analysis.window[i];
        for (int i = analysis.length; i < analysis.size; ++i) s.windowed[i] = 0;
        made.fft[a].forward(s.windowed, s.spectrum, s.room);
        float* to = s.power[a] + lane;
        for (int k = 0; k <= analysis.size / 2; ++k) {
            const float re = s.spectrum[2 * k], im = s.spectrum[2 * k + 1];
            to[k * kSide] = re * re + im * im;
        }
    }
}

void clear(const FrontEndPlan& plan, const Scratch& s, int lane) {
    for (int a = 0; a < plan.analyses; ++a)
        for (int k = 0; k <= plan.analysis[a].size / 2; ++k) s.power[a][k * kSide + lane] = 0;
}

template <class V>
V feature(const FrontEndPlan& plan, V power) {
    using E = math::Element<V>;
    return (log2(power + E(plan.floor)) * E(kLn2) + E(plan.offset)) * E(plan.scale);
}

void run(const void* opaque, const float* signal, std::int64_t origin, std::int64_t length,
         std::int64_t first, int frames, void* memory, float* out, std::int64_t stride, double* powers) {
    const Made& made = *static_cast<const Made*>(opaque);
    const FrontEndPlan& plan = *made.plan;
    Scratch s;
    lay_out(plan, memory, &s);
    for (int begin = 0; begin < frames; begin += kSide) {
        const int count = frames - begin < kSide ? frames - begin : kSide;
        int exponents[kSide];
        for (int lane = 0; lane < kSide; ++lane) {
            const std::int64_t start = (first + begin + lane) * plan.hop + plan.start;
            exponents[lane] = lane < count ? fill(plan, signal, origin, length, start, s.stretch) : -1000;
            if (exponents[lane] > -1000)
                spectra(made, s, lane);
            else
                clear(plan, s, lane);
        }
        // The mean of a spectrum, but for what a constant or a rumble below 20 Hz would bring.
        Lanes sum{};
        const int last = plan.analysis[0].size / 2;
        for (int k = 3; k < last; ++k) sum += load<Lanes>(s.power[0] + k * kSide);
        const Lanes mean = sum / float(last - 3);
        const Lanes inverse = mean > 0 ? 1.0f / mean : Lanes{};
        for (int lane = 0; lane < count; ++lane) {
            // Twice half the exponent's power: its square may be more than a double holds.
            const int e = exponents[lane];
            double power = double(mean[lane]);
            if (e > -1000) power *= double(power_of_two(e / 2)) * double(power_of_two(e / 2));
            if (e > -1000) power *= double(power_of_two(e - e / 2)) * double(power_of_two(e - e / 2));
            powers[begin + lane] = power;
        }
        for (int c = 0; c < plan.channels; ++c) {
            const float* from = s.power[plan.source[c]];
            for (int bin = 0; bin < plan.bins; ++bin) {
                const int row = c * plan.bins + bin;
                const float* power = from + plan.from[row] * kSide;
                const float* weights = plan.weights + plan.weight[row];
                Lanes even{}, odd{};
                const int taps = plan.taps[row];
                int t = 0;
                for (; t + 2 <= taps; t += 2) {
                    even += weights[t] * load<Lanes>(power + t * kSide);
                    odd += weights[t + 1] * load<Lanes>(power + (t + 1) * kSide);
                }
                if (t < taps) even += weights[t] * load<Lanes>(power + t * kSide);
                store(s.rows + bin * kSide, feature(plan, (even + odd) * inverse));
            }
            for (int lane = 0; lane < count; ++lane) {
                float* to = out + c * stride + std::int64_t(begin + lane) * plan.bins;
                for (int bin = 0; bin < plan.bins; ++bin) to[bin] = s.rows[bin * kSide + lane];
            }
        }
    }
}

void level(const FrontEndPlan& plan, const double* powers, int frames, double* loudest, float* out) {
    double most_of_late = *loudest;
    for (int k = 0; k < frames; ++k) {
        most_of_late *= plan.fade;
        if (powers[k] > most_of_late) most_of_late = powers[k];
        const double relative = most_of_late > 0 ? powers[k] / most_of_late : 0;
        const float value = feature(plan, float(relative));
        for (int bin = 0; bin < plan.bins; ++bin) out[std::int64_t(k) * plan.bins + bin] = value;
    }
    *loudest = most_of_late;
}

}  // namespace

extern const FrontEndKernels front_end_kernels;
const FrontEndKernels front_end_kernels = {make, destroy, scratch_bytes, run, level};

}  // namespace luthier::inline LUTHIER_ISA
