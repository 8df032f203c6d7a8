#include <cstddef>

#include "cut.h"
#include "fft_table.h"
#include "luthier/math.h"
#include "luthier/simd.h"
#include "presence.h"
#include "pyin.h"
#include "pyin_path.h"
#include "thin.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

template <class T>
using Plan = PyinPlan<T>;

template <class T>
void* make(const Plan<T>& plan) {
    return make_fft<T>(plan.transform);
}

template <class T>
struct Scratch {
    T *frame, *spectrum, *transform;
    double* d;             // over its running mean, for lags from min_period
    int *places, *passes;  // of the troughs: index into d, the first threshold above
    double* heights;
};

template <class T>
std::size_t lay_out(const Plan<T>& plan, void* memory, Scratch<T>* s) {
    Cut cut(memory);
    const std::size_t periods = std::size_t(plan.max_period - plan.min_period + 1);
    s->frame = cut.take<T>(plan.length);
    s->spectrum = cut.take<T>(plan.transform + 2);
    s->transform = cut.take<T>(plan.transform);
    s->d = cut.take<double>(periods);
    s->places = cut.take<int>(periods);
    s->passes = cut.take<int>(periods);
    s->heights = cut.take<double>(periods);
    return cut.bytes();
}

template <class T>
std::size_t scratch_bytes(const Plan<T>& plan, int) {
    Scratch<T> s;
    return lay_out<T>(plan, nullptr, &s);
}

// s.d from s.frame. False where the frame is silent.
template <class T>
bool difference(const Plan<T>& plan, const RealFft<T>& fft, const Scratch<T>& s) {
    const double scale = unit_scale(s.frame, plan.length);
    if (scale == 0) return false;
    for (int i = 0; i < plan.length; ++i) s.spectrum[i] = s.frame[i] = T(double(s.frame[i]) * scale);
    for (int i = plan.length; i < plan.transform; ++i) s.spectrum[i] = 0;
    fft.forward(s.spectrum, s.spectrum, s.transform);
    for (int i = 0; i < plan.transform + 2; i += 2) {
        s.spectrum[i] = s.spectrum[i] * s.spectrum[i] + s.spectrum[i + 1] * s.spectrum[i + 1];
        s.spectrum[i + 1] = 0;
    }
    fft.inverse(s.spectrum, s.spectrum, s.transform);
    double sum = 0, energy = double(s.frame[0]) * double(s.frame[0]);
    for (int lag = 1; lag <= plan.max_period; ++lag) {
        if (lag > 1) energy += double(s.frame[lag - 1]) * double(s.frame[lag - 1]);
        const double d = 2 * (double(s.spectrum[0]) - double(s.spectrum[lag])) - (lag > 1 ? energy : 0);
        sum += d;
        if (lag >= plan.min_period) s.d[lag - plan.min_period] = d * lag / (sum + 0x1p-1022);
    }
    return true;
}

template <class T>
double parabola(const double* d, int i, int count) {
    if (i == 0 || i == count - 1) return 0;
    const double bend = d[i + 1] + d[i - 1] - 2 * d[i], slope = 0.5 * (d[i + 1] - d[i - 1]);
    const double flat = bend < 0 ? -bend : bend, steep = slope < 0 ? -slope : slope;
    return steep >= flat ? 0 : -slope / bend;
}

template <class T>
void find(const Plan<T>& plan, const Scratch<T>& s, PyinFrame* out) {
    const double* d = s.d;
    const int count = plan.max_period - plan.min_period + 1, n = plan.thresholds;
    int troughs = 0, lowest = 0;
    int below[kThresholds] = {};  // troughs that are so below each threshold
    for (int i = 0; i < count; ++i) {
        const bool falls = i == 0 ? true : d[i] < d[i - 1];
        const bool rises = i == count - 1 ? i > 0 : i == 0 ? d[0] < d[1] : d[i] <= d[i + 1];
        if (!(falls && rises)) continue;
        s.places[troughs] = i;
        s.heights[troughs] = d[i];
        // Thresholds are (j + 1) / n, rounded as a product of the step.
        int pass = d[i] < 0 ? 0 : d[i] >= 1 ? n : int(d[i] * n);
        while (pass > 0 && d[i] < pass * (1.0 / n)) --pass;
        while (pass < n && !(d[i] < (pass + 1) * (1.0 / n))) ++pass;
        s.passes[troughs] = pass;
        for (int j = pass; j < n; ++j) ++below[j];
        if (d[i] < s.heights[lowest]) lowest = troughs;
        ++troughs;
    }
    out->count = 0;
    out->lowest = 1;
    double voiced = 0;
    if (troughs > 0) {
        out->lowest = float(s.heights[lowest] < 1 ? s.heights[lowest] : 1);
        // What the next trough below each threshold gets.
        double next[kThresholds];
        for (int j = 0; j < n; ++j) {
            const double beyond = exp2(below[j] * log2(plan.decay));
            next[j] = below[j] > 0 ? plan.prior[j] * (1 - plan.decay) / (1 - beyond) : 0;
        }
        for (int t = 0; t < troughs; ++t) {
            double probability = 0;
            for (int j = s.passes[t]; j < n; ++j) {
                probability += next[j];
                next[j] *= plan.decay;
            }
            if (t == lowest) {
                double missed = 0;
                for (int j = 0; j < s.passes[t]; ++j) missed += plan.prior[j];
                probability += plan.no_trough * missed;
            }
            if (!(probability > 1e-30)) continue;
            const double period = plan.min_period + s.places[t] + parabola<T>(d, s.places[t], count);
            const double place = plan.bins_per_octave * log2(plan.rate / period / plan.f_min);
            double bin = (place + 0x1.8p52) - 0x1.8p52;
            bin = bin < 0 ? 0 : bin > plan.bins - 1 ? plan.bins - 1 : bin;
            const double offset = place - bin < -0.49 ? -0.49 : place - bin > 0.49 ? 0.49 : place - bin;
            // Of two in one bin the later counts.
            int at = 0;
            while (at < out->count && out->troughs[at].bin != int(bin)) ++at;
            if (at == kTroughs) {
                // Full: the least probable makes room.
                for (int i = at = 0; i < kTroughs; ++i)
                    if (out->troughs[i].log_probability < out->troughs[at].log_probability) at = i;
                if (out->troughs[at].log_probability >= probability) continue;
            }
            if (at == out->count) ++out->count;
            out->troughs[at] = {std::int32_t(bin), float(offset), float(s.heights[t]), 0, probability};
        }
        for (int i = 0; i < out->count; ++i) {
            voiced += out->troughs[i].log_probability;
            out->troughs[i].log_probability = kLn2 * log2(out->troughs[i].log_probability);
        }
    }
    // What rounding left is no doubt.
    voiced = voiced > 1 - 1e-12 ? 1 : voiced;
    out->log_unvoiced = kLn2 * log2((1 - voiced) / plan.bins + 0x1p-1022);
}

template <class T>
void analyse(const Plan<T>& plan, const void* tables, const Signal<T>& signal, std::int64_t first, int count,
             void* memory, PyinFrame* out) {
    const RealFft<T>& fft = *static_cast<const RealFft<T>*>(tables);
    Scratch<T> s;
    lay_out<T>(plan, memory, &s);
    for (int i = 0; i < count; ++i) {
        const std::int64_t centre = std::int64_t(double(first + i) * plan.hop + 0.5);
        const std::int64_t start = centre - plan.length / 2;
        const std::int64_t from = most(start, 0), to = least(start + plan.length, signal.length);
        for (int j = 0; j < plan.length; ++j) s.frame[j] = 0;
        for (std::int64_t j = from; j < to; ++j) s.frame[j - start] = *signal.at(j);
        PyinFrame* frame = out + i;
        frame->present = 0;
        if (!difference(plan, fft, s)) {
            frame->count = 0;
            frame->lowest = 1;
            frame->log_unvoiced = -kLn2 * log2(double(plan.bins));
            continue;
        }
        find(plan, s, frame);
        double height = 2, period = plan.max_period;
        for (int j = 0; j < frame->count; ++j)
            if (frame->troughs[j].height < height) {
                height = frame->troughs[j].height;
                period = plan.rate / plan.f_min * exp2(-double(frame->troughs[j].bin) / plan.bins_per_octave);
            }
        if (to - from >= 8)
            frame->present = presence(s.frame + (from - start), int(to - from), int(centre - from), period);
    }
}

template <class T>
std::size_t path_bytes(const Plan<T>& plan) {
    return PyinPath<T>(plan, nullptr).bytes;
}

template <class T>
void begin(const Plan<T>& plan, void* memory) {
    PyinPath<T>(plan, memory).begin();
}

template <class T>
int decide(const Plan<T>& plan, void* memory, const PyinFrame* frames, int count, FrameResult* out) {
    return PyinPath<T>(plan, memory).decide(frames, count, out);
}

template <class T>
int conclude(const Plan<T>& plan, void* memory, FrameResult* out) {
    return PyinPath<T>(plan, memory).conclude(out);
}

template <class T>
constexpr PyinKernels<T> kernels() {
    return {make<T>,       destroy_fft<T>, scratch_bytes<T>, analyse<T>,
            path_bytes<T>, begin<T>,       decide<T>,        conclude<T>};
}

}  // namespace

extern const PyinKernels<float> pyin_kernels_f32;
extern const PyinKernels<double> pyin_kernels_f64;
const PyinKernels<float> pyin_kernels_f32 = kernels<float>();
const PyinKernels<double> pyin_kernels_f64 = kernels<double>();

}  // namespace luthier::inline LUTHIER_ISA
