#include <cstddef>

#include "autocorrelation.h"
#include "cut.h"
#include "dips.h"
#include "fft_table.h"
#include "luthier/math.h"
#include "luthier/simd.h"
#include "presence.h"
#include "thin.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

constexpr double kSteady = 0.005;

template <class T>
using Plan = AutocorrelationPlan<T>;

template <class T>
void* make(const Plan<T>& plan) {
    return make_fft<T>(plan.transform);
}

template <class T>
struct Scratch {
    T* phases;  // see thin.h
    T* y;       // what all frames see
    T* frame;   // one frame windowed, its spectrum, its correlation
    T* transform;
    double* shape;              // the window of a signal that is shorter than a frame
    double* shape_correlation;  // and its own
    double* distance;           // 1 minus the correlation, with kYinReach values in front
};

template <class T>
std::size_t lay_out(const Plan<T>& plan, int frames, void* memory, Scratch<T>* s) {
    Cut cut(memory);
    const std::size_t stretch =
        std::size_t(double(frames - 1) * plan.hop / plan.step) + plan.window + 8 + kBlock<T>;
    const std::size_t taps = std::size_t(plan.filter_length) / plan.step + 1;
    s->phases = cut.take<T>((stretch + taps) * plan.step);
    s->y = cut.take<T>(stretch);
    s->frame = cut.take<T>(plan.transform + 2);
    s->transform = cut.take<T>(plan.transform);
    s->shape = cut.take<double>(plan.window);
    s->shape_correlation = cut.take<double>(plan.lags);
    s->distance = cut.take<double>(plan.lags + kYinReach) + (memory ? kYinReach : 0);
    return cut.bytes();
}

template <class T>
std::size_t scratch_bytes(const Plan<T>& plan, int frames) {
    Scratch<T> s;
    return lay_out<T>(plan, frames, nullptr, &s);
}

// The correlation of the windowed samples at s.frame[0, lags), not divided by anything. False for silence.
template <class T>
bool correlate(const Plan<T>& plan, const RealFft<T>& fft, const Scratch<T>& s, const T* y, int count,
               const double* shape) {
    const double scale = unit_scale(y, count);
    double weighted = 0, weights = 0;
    for (int i = 0; i < count; ++i) {
        weighted += shape[i] * (double(y[i]) * scale);
        weights += shape[i];
    }
    const double mean = weighted / weights;
    double largest = 0;
    for (int i = 0; i < count; ++i) {
        const double v = double(y[i]) * scale - mean;
        largest = v > largest ? v : -v > largest ? -v : largest;
        s.frame[i] = T(shape[i] * v);
    }
    const double level = mean < 0 ? -mean : mean;
    // An offset alone leaves what rounding left of it.
    if (!(largest > (sizeof(T) == 4 ? 1e-6 : 1e-14) * level) || scale == 0) return false;
    // Again to unit scale: what an offset hid.
    double more = 1;
    while (largest * more < 0x1p-16) more *= 0x1p+16;
    if (more > 1)
        for (int i = 0; i < count; ++i) s.frame[i] = T(shape[i] * ((double(y[i]) * scale - mean) * more));
    for (int i = count; i < plan.transform; ++i) s.frame[i] = 0;
    fft.forward(s.frame, s.frame, s.transform);
    for (int i = 0; i < plan.transform + 2; i += 2) {
        s.frame[i] = s.frame[i] * s.frame[i] + s.frame[i + 1] * s.frame[i + 1];
        s.frame[i + 1] = 0;
    }
    fft.inverse(s.frame, s.frame, s.transform);
    return s.frame[0] > 0;
}

// Keeps the kCandidates that are best by what a path would gain from them.
template <class T>
void add(const Plan<T>& plan, const Candidate& candidate, CandidateFrame* out) {
    const auto worth = [&](const Candidate& c) { return c.correlation + plan.octave_cost * c.log2_f0; };
    if (out->count < kCandidates) {
        out->candidates[out->count++] = candidate;
        return;
    }
    int least_worthy = 0;
    for (int i = 1; i < kCandidates; ++i)
        if (worth(out->candidates[i]) < worth(out->candidates[least_worthy])) least_worthy = i;
    if (worth(candidate) > worth(out->candidates[least_worthy])) out->candidates[least_worthy] = candidate;
}

template <class T>
Candidate candidate_at(const Plan<T>& plan, double lag, double correlation) {
    const double f = plan.rate / lag;
    const double f0 = f < plan.f_min ? plan.f_min : f > plan.f_max ? plan.f_max : f;
    // The correlation exceeds one where the window's is small.
    return {f0, log2(f0), correlation > 1 ? 1 / correlation : correlation};
}

// The maxima of the correlation in s.frame.
template <class T>
void find(const Plan<T>& plan, const Scratch<T>& s, const double* shape_correlation, int lags,
          CandidateFrame* out) {
    const double shortest = plan.rate / plan.f_max * (1 - kYinSlack);
    const double longest = plan.rate / plan.f_min * (1 + kYinSlack);
    double* d = s.distance;
    const double unit = shape_correlation[0] / double(s.frame[0]);
    for (int lag = 0; lag < lags; ++lag) d[lag] = 1 - unit * double(s.frame[lag]) / shape_correlation[lag];
    for (int lag = lags; lag < plan.lags; ++lag) d[lag] = 1;
    for (int i = 1; i <= kYinReach; ++i) d[-i] = d[i];
    const int from = shortest < 2 ? 1 : int(shortest), last = plan.lags - 1 - kYinReach;
    int lowest = from;
    for (int lag = from; lag < last; ++lag) {
        if (d[lag] < d[lowest]) lowest = lag;
        if (d[lag] > d[lag - 1] || d[lag] >= d[lag + 1] || d[lag] >= 1) continue;
        const Dip dip = refine(plan, d, lag);
        if (dip.lag < shortest || dip.lag > longest) continue;
        // What rings for a few periods of a high pitch, as a hiss in a narrow band does, is no tone: it must
        // be alike after kSteady seconds too.
        double value = dip.value;
        const int times = int(kSteady * plan.rate / dip.lag);
        if (times > 1 && times * dip.lag < last) {
            const double later = between(plan, d, int(times * dip.lag * kYinPhases + 0.5));
            if (later > value) value = 0.5 * (value + later);
        }
        add(plan, candidate_at(plan, dip.lag, 1 - value), out);
    }
    if (out->count == 0) add(plan, candidate_at(plan, lowest, 0), out);
}

template <class T>
void analyse(const Plan<T>& plan, const void* tables, const Signal<T>& signal, std::int64_t first, int count,
             void* memory, CandidateFrame* out) {
    const RealFft<T>& fft = *static_cast<const RealFft<T>*>(tables);
    Scratch<T> s;
    lay_out<T>(plan, count, memory, &s);
    const std::int64_t length = plan.there(signal.length);
    const int window = int(least(plan.window, length));
    const auto centre = [&](std::int64_t frame) {
        return plan.nearest(std::int64_t(double(frame) * plan.hop + 0.5));
    };
    const auto start = [&](std::int64_t frame) {
        return most(0, least(centre(frame) - plan.window / 2, length - window));
    };

    const double* shape = plan.shape;
    const double* shape_correlation = plan.shape_correlation;
    int lags = plan.lags;
    if (window < plan.window) {
        // A signal of less than a frame: its own window. Lags beyond most of it say nothing.
        for (int i = 0; i < window; ++i) s.shape[i] = 0.5 - 0.5 * cos_turns((i + 0.5) / window);
        lags = int(least(lags, most(1, window * 2 / 3)));
        for (int lag = 0; lag < lags; ++lag) {
            double sum = 0;
            for (int i = 0; i + lag < window; ++i) sum += s.shape[i] * s.shape[i + lag];
            s.shape_correlation[lag] = sum;
        }
        shape = s.shape;
        shape_correlation = s.shape_correlation;
    }

    const std::int64_t origin = start(first);
    if (window > 0)
        smooth<T>(plan, signal, origin, int(start(first + count - 1) + window - origin), s.phases, s.y);
    for (int i = 0; i < count; ++i) {
        CandidateFrame* frame = out + i;
        *frame = {};
        const T* y = s.y + (start(first + i) - origin);
        if (window < 8 || !correlate(plan, fft, s, y, window, shape)) {
            add(plan, candidate_at(plan, plan.rate / plan.f_min, 0), frame);
            continue;
        }
        find(plan, s, shape_correlation, lags, frame);
        double best = 0, period = plan.rate / plan.f_min;
        for (int j = 0; j < frame->count; ++j) {
            const Candidate& c = frame->candidates[j];
            if (c.correlation > best) best = c.correlation, period = plan.rate / c.f0;
        }
        frame->present = presence(y, window, int(centre(first + i) - start(first + i)), period);
    }
}

}  // namespace

extern const AutocorrelationKernels<float> autocorrelation_kernels_f32;
extern const AutocorrelationKernels<double> autocorrelation_kernels_f64;
const AutocorrelationKernels<float> autocorrelation_kernels_f32 = {make<float>, destroy_fft<float>,
                                                                   scratch_bytes<float>, analyse<float>};
const AutocorrelationKernels<double> autocorrelation_kernels_f64 = {make<double>, destroy_fft<double>,
                                                                    scratch_bytes<double>, analyse<double>};

}  // namespace luthier::inline LUTHIER_ISA
