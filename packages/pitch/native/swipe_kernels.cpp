#include <cstddef>

#include "cut.h"
#include "luthier/fft.h"
#include "luthier/math.h"
#include "luthier/simd.h"
#include "presence.h"
#include "swipe.h"
#include "thin.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

template <class T>
using Plan = SwipePlan<T>;

template <class T>
struct Tables {
    RealFft<T> fft[kSwipeWindows];
};

template <class T>
void* make(const Plan<T>& plan) {
    auto* tables = new Tables<T>;
    bool whole = true;
    for (int i = 0; i < plan.windows; ++i) whole &= tables->fft[i].prepare(plan.window[i].size);
    if (whole) return tables;
    delete tables;
    return nullptr;
}

template <class T>
void destroy(void* tables) {
    delete static_cast<Tables<T>*>(tables);
}

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }

template <class T>
struct Scratch {
    T* phases;  // see thin.h
    T* y;       // what all frames see, zeros outside the signal
    T *frame, *transform, *power;
    T* loudness;  // (ERBs, lanes)
    T* energy;    // (ERBs + 1, lanes) of the loudness from there on
    T* strength;  // (candidates, lanes)
};

template <class T>
std::size_t lay_out(const Plan<T>& plan, int frames, void* memory, Scratch<T>* s) {
    Cut cut(memory);
    const int longest = plan.window[0].size;
    const std::size_t stretch =
        std::size_t(double(frames - 1) * plan.hop / plan.step) + longest + 8 + kBlock<T>;
    const std::size_t taps = std::size_t(plan.filter_length) / plan.step + 1;
    s->phases = cut.take<T>((stretch + taps) * plan.step);
    s->y = cut.take<T>(stretch);
    s->frame = cut.take<T>(longest + 2);
    s->transform = cut.take<T>(longest);
    s->power = cut.take<T>(longest / 2 + 8);
    s->loudness = cut.take<T>(std::size_t(plan.erbs) * kLanes<T>);
    s->energy = cut.take<T>(std::size_t(plan.erbs + 1) * kLanes<T>);
    s->strength = cut.take<T>(std::size_t(plan.candidates) * kLanes<T>);
    return cut.bytes();
}

template <class T>
std::size_t scratch_bytes(const Plan<T>& plan, int frames) {
    Scratch<T> s;
    return lay_out<T>(plan, frames, nullptr, &s);
}

// A frame's samples as the spectra see them: scaled, and without an offset.
template <class T>
struct Sight {
    const T* centre;
    std::int64_t back, ahead;  // samples of the signal on either side of the centre
    T scale, offset;
};

// The magnitudes of one frame in one window, in s.power.
template <class T>
void transform(const SwipeWindow<T>& w, const RealFft<T>& fft, const Scratch<T>& s, const Sight<T>& sight) {
    const int bins = w.size / 2 + 1;
    for (int k = 0; k < bins; ++k) s.power[k] = 0;
    for (int part = 0; part < w.parts; ++part) {
        const int start = part * w.stride - (w.parts - 1) * w.stride / 2 - w.size / 2;
        for (int i = 0; i < w.size; ++i)
            s.frame[i] = w.shape[i] * (sight.centre[start + i] * sight.scale - sight.offset);
        // Zeros outside the signal, not the negative of the offset.
        for (int i = 0; i < w.size && start + i < -sight.back; ++i) s.frame[i] = 0;
        for (int i = w.size - 1; i >= 0 && start + i >= sight.ahead; --i) s.frame[i] = 0;
        fft.forward(s.frame, s.frame, s.transform);
        for (int k = 0; k < bins; ++k)
            s.power[k] += s.frame[2 * k] * s.frame[2 * k] + s.frame[2 * k + 1] * s.frame[2 * k + 1];
    }
    for (int k = 0; k < bins; ++k) s.power[k] = root(s.power[k]);
}

// The loudness of these, into a lane.
template <class T>
void listen(const Plan<T>& plan, const SwipeWindow<T>& w, const Scratch<T>& s, int lane) {
    for (int e = w.from[0]; e < plan.erbs; ++e) {
        const T* from = s.power + w.bin[e] - 1;
        const T* by = w.weights + 4 * e;
        const T magnitude = by[0] * from[0] + by[1] * from[1] + by[2] * from[2] + by[3] * from[3];
        s.loudness[e * kLanes<T> + lane] = magnitude > 0 ? root(magnitude) : T(0);
    }
}

// A pitch a few cents off, from the peaks of its first harmonics. Between two bins of a Hann window's main
// lobe the ratio of the magnitudes gives a sinusoid's place exactly (Grandke, "Interpolation algorithms for
// discrete Fourier transforms of weighted signals", IEEE Trans. Instrum. Meas. 32, 1983); what is known of f0
// from a harmonic grows with its power and the square of its number.
template <class T>
double sharpen(const Plan<T>& plan, const SwipeWindow<T>& w, const Scratch<T>& s, double f0) {
    constexpr int kHarmonics = 5;
    const double bin = plan.rate / w.size;
    const int last = w.size / 2 - 2;
    double places[kHarmonics], powers[kHarmonics], most_power = 0;
    for (int h = 1; h <= kHarmonics; ++h) {
        powers[h - 1] = 0;
        const double expected = h * f0 / bin;
        const int reach = 1 + int(0.025 * expected);
        const int from = int(expected + 0.5) - reach, to = from + 2 * reach;
        if (from < 1 || to > last) continue;
        int peak = from;
        for (int k = from; k <= to; ++k)
            if (s.power[k] > s.power[peak]) peak = k;
        const double here = double(s.power[peak]);
        const double left = double(s.power[peak - 1]), right = double(s.power[peak + 1]);
        if (!(here > 0) || left > here || right > here) continue;
        const double ratio = (right > left ? right : left) / here;
        const double offset = (2 * ratio - 1) / (ratio + 1);
        places[h - 1] = (peak + (right > left ? offset : -offset)) * bin / h;
        powers[h - 1] = here * here;
        if (powers[h - 1] > most_power) most_power = powers[h - 1];
    }
    double sum = 0, weights = 0;
    for (int h = 1; h <= kHarmonics; ++h) {
        if (powers[h - 1] < 0.01 * most_power || powers[h - 1] == 0) continue;
        const double off = places[h - 1] / f0 - 1;
        if (off > 0.025 || off < -0.025) continue;
        sum += powers[h - 1] * h * h * places[h - 1];
        weights += powers[h - 1] * h * h;
    }
    return weights > 0 ? sum / weights : f0;
}

// Adds what a window says of its candidates, for all lanes.
template <class T>
void compare(const Plan<T>& plan, const SwipeWindow<T>& w, const Scratch<T>& s) {
    constexpr int N = kLanes<T>;
    using V = Vec<T, N>;
    V sum{};
    for (int e = plan.erbs - 1; e >= w.from[0]; --e) {
        const V loud = load<V>(s.loudness + e * N);
        sum += loud * loud;
        store(s.energy + e * N, sum);
    }
    for (int c = 0; c < w.count; c += kSwipeBlock) {
        V dot[kSwipeBlock] = {};
        const T* kernel = w.kernels + std::size_t(c) * plan.erbs;
        for (int e = w.from[c]; e < plan.erbs; ++e) {
            const V loud = load<V>(s.loudness + e * N);
            for (int k = 0; k < kSwipeBlock; ++k) dot[k] += kernel[e * kSwipeBlock + k] * loud;
        }
        for (int k = 0; k < kSwipeBlock; ++k) {
            V energy = load<V>(s.energy + w.from[c + k] * N);
            for (int lane = 0; lane < N; ++lane) energy[lane] = root(energy[lane]);
            T* to = s.strength + (w.first + c + k) * N;
            store(to, load<V>(to) + (energy > T(0) ? w.mix[c + k] * dot[k] / energy : V{}));
        }
    }
}

template <class T>
void analyse(const Plan<T>& plan, const void* tables, const Signal<T>& signal, std::int64_t first, int count,
             void* memory, FrameResult* out) {
    constexpr int N = kLanes<T>;
    const Tables<T>& table = *static_cast<const Tables<T>*>(tables);
    Scratch<T> s;
    lay_out<T>(plan, count, memory, &s);
    const std::int64_t length = plan.there(signal.length);
    const auto centre = [&](std::int64_t frame) {
        return plan.nearest(std::int64_t(double(frame) * plan.hop + 0.5));
    };
    const int half = plan.window[0].size / 2;
    const std::int64_t origin = centre(first) - half, stop = centre(first + count - 1) + half;
    const std::int64_t low = least(most(origin, 0), stop), high = most(least(stop, length), low);
    if (high > low) smooth<T>(plan, signal, low, int(high - low), s.phases, s.y + (low - origin));
    for (std::int64_t i = origin; i < low; ++i) s.y[i - origin] = 0;
    for (std::int64_t i = high; i < stop; ++i) s.y[i - origin] = 0;

    for (int group = 0; group < count; group += N) {
        const int lanes = count - group < N ? count - group : N;
        Sight<T> sights[N];
        bool silent[N];
        for (int lane = 0; lane < lanes; ++lane) {
            const std::int64_t at = centre(first + group + lane);
            const T* y = s.y + (at - origin);
            const std::int64_t back = least(half, at), ahead = least(half, length - at);
            silent[lane] = true;
            sights[lane] = {y, back, ahead, 0, 0};
            if (ahead + back < 8) continue;
            const int some = int(back + ahead);
            const double scale = unit_scale(y - back, some);
            double mean = 0;
            for (int i = 0; i < some; ++i) mean += double(y[i - back]) * scale;
            mean /= some;
            double largest = 0;
            for (int i = 0; i < some; ++i) {
                const double v = double(y[i - back]) * scale - mean;
                largest = v > largest ? v : -v > largest ? -v : largest;
            }
            // An offset alone leaves what rounding left of it.
            const double offset = mean < 0 ? -mean : mean;
            silent[lane] = scale == 0 || !(largest > (sizeof(T) == 4 ? 1e-6 : 1e-14) * offset);
            sights[lane].scale = T(scale);
            sights[lane].offset = T(mean);
        }
        for (int i = 0; i < plan.candidates * N; ++i) s.strength[i] = 0;
        for (int i = 0; i < plan.windows; ++i) {
            const SwipeWindow<T>& w = plan.window[i];
            for (int e = w.from[0] * N; e < plan.erbs * N; ++e) s.loudness[e] = 0;
            for (int lane = 0; lane < lanes; ++lane)
                if (!silent[lane]) {
                    transform(w, table.fft[i], s, sights[lane]);
                    listen(plan, w, s, lane);
                }
            compare(plan, w, s);
        }
        for (int lane = 0; lane < lanes; ++lane) {
            FrameResult* result = out + group + lane;
            if (silent[lane]) {
                *result = {plan.f_min, 0};
                continue;
            }
            const auto strength = [&](int c) { return double(s.strength[c * N + lane]); };
            int best = 0;
            for (int c = 1; c < plan.used; ++c)
                if (strength(c) > strength(best)) best = c;
            double place = best, value = strength(best);
            if (best > 0 && best < plan.used - 1) {
                const double left = strength(best - 1), right = strength(best + 1);
                const double bend = left - 2 * value + right;
                const double offset = bend < 0 ? 0.5 * (left - right) / bend : 0;
                place += offset;
                value -= 0.25 * (left - right) * offset;
            }
            // In the window of the most periods of those that had a say.
            int sharpest = 0;
            while (sharpest < plan.windows - 1 &&
                   plan.window[sharpest].first + plan.window[sharpest].count <= best)
                ++sharpest;
            transform(plan.window[sharpest], table.fft[sharpest], s, sights[lane]);
            const double f =
                sharpen(plan, plan.window[sharpest], s, exp2(plan.log2_first + plan.log2_step * place));
            const double f0 = f < plan.f_min ? plan.f_min : f > plan.f_max ? plan.f_max : f;
            const Sight<T>& sight = sights[lane];
            const double present = presence(sight.centre - sight.back, int(sight.back + sight.ahead),
                                            int(sight.back), plan.rate / f0);
            const double strong = value > 0 ? value : 0;
            const double evidence = 0.5 * kLn2 * log2(strong * strong + kSwipeScatter * kSwipeScatter);
            *result = {f0, probability_of_voicing(plan.voicing, evidence, present)};
        }
    }
}

}  // namespace

extern const SwipeKernels<float> swipe_kernels_f32;
extern const SwipeKernels<double> swipe_kernels_f64;
const SwipeKernels<float> swipe_kernels_f32 = {make<float>, destroy<float>, scratch_bytes<float>,
                                               analyse<float>};
const SwipeKernels<double> swipe_kernels_f64 = {make<double>, destroy<double>, scratch_bytes<double>,
                                                analyse<double>};

}  // namespace luthier::inline LUTHIER_ISA
