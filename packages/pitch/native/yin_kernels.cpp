#include <cstddef>
#include <cstring>

#include "choice_mpm.h"
#include "choice_yin.h"
#include "cut.h"
#include "luthier/simd.h"
#include "presence.h"
#include "thin.h"
#include "yin.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

// Lags come in pairs (2m, 2m + 1) that share the sample n - m; a vector holds kLanes values of m.
template <class T>
int half_lags(const YinPlan<T>& plan) {
    const int needed = (plan.lags + 1) / 2;
    return (needed + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// even[m] = sum over n of (x[n-m] - x[n+m])^2, odd[m] = sum of (x[n-m] - x[n+1+m])^2, for K vectors of m
// and `count` successive n. `up` is at x[n], `down` at the same sample of the reversed signal, so that
// both are read forwards.
template <class T, int K>
void sum_pairs(const T* up, const T* down, int count, T* even, T* odd) {
    constexpr int N = kLanes<T>;
    using V = Vec<T, N>;
    V e[K], o[K], here[K];
    for (int k = 0; k < K; ++k) {
        e[k] = o[k] = V{};
        here[k] = load<V>(up + k * N);
    }
    for (int n = 0; n < count; ++n, ++up, --down) {
        for (int k = 0; k < K; ++k) {
            const V back = load<V>(down + k * N);
            const V next = load<V>(up + 1 + k * N);
            const V de = back - here[k], od = back - next;
            e[k] += de * de;
            o[k] += od * od;
            here[k] = next;
        }
    }
    for (int k = 0; k < K; ++k) {
        store(even + k * N, e[k]);
        store(odd + k * N, o[k]);
    }
}

template <class T>
void sum_segment(const T* up, const T* down, int count, int half, T* even, T* odd) {
    constexpr int N = kLanes<T>;
    int m = 0;
    for (; m + 4 * N <= half; m += 4 * N) sum_pairs<T, 4>(up + m, down + m, count, even + m, odd + m);
    switch ((half - m) / N) {
        case 3: sum_pairs<T, 3>(up + m, down + m, count, even + m, odd + m); break;
        case 2: sum_pairs<T, 2>(up + m, down + m, count, even + m, odd + m); break;
        case 1: sum_pairs<T, 1>(up + m, down + m, count, even + m, odd + m); break;
        default: break;
    }
}

// sum of (a[i] - b[i])^2, as a double
template <class T>
double squared_distance(const T* a, const T* b, int count) {
    constexpr int N = kLanes<T>;
    using V = Vec<T, N>;
    V s0{}, s1{};
    int i = 0;
    for (; i + 2 * N <= count; i += 2 * N) {
        const V d0 = load<V>(a + i) - load<V>(b + i);
        const V d1 = load<V>(a + i + N) - load<V>(b + i + N);
        s0 += d0 * d0;
        s1 += d1 * d1;
    }
    const V s = s0 + s1;
    double sum = 0;
    for (int k = 0; k < N; ++k) sum += double(s[k]);
    for (; i < count; ++i) {
        const double d = double(a[i]) - double(b[i]);
        sum += d * d;
    }
    return sum;
}

template <class T>
void conclude(const YinPlan<T>& plan, const Choice& choice, double present, FrameResult* out) {
    const double f = plan.rate / choice.period;
    out->f0 = f < plan.f_min ? plan.f_min : f > plan.f_max ? plan.f_max : f;
    out->confidence = choice.silent ? 0 : probability_of_voicing(plan.voicing, choice.aperiodicity, present);
}

// Scratch memory of one call.
template <class T>
struct Scratch {
    T* phases;             // the stretch of signal under the frames, one phase of `step` after the other
    T *up, *down;          // that stretch of y, forwards and reversed
    T* segments;           // the even and odd sums of each segment still in use, in a ring
    std::int64_t* begins;  // where each of them begins
    double* d;             // at lag 0, with kYinReach values in front
    double* room;          // three times `lags` values
    double* energy;        // of all samples in the pairs, for those who divide by it
    double* squares;       // sums of the squares of y before each sample that a frame sees, about their mean
    T* raw;                // the input under one frame, brought to unit scale
    T* local;              // what one frame sees of y
    int ring, half;
    std::size_t stretch;  // samples that `up` holds
};

template <class T>
std::size_t lay_out(const YinPlan<T>& plan, int frames, void* memory, Scratch<T>* s) {
    Cut cut(memory);
    s->half = half_lags<T>(plan);
    // A window holds at most this many starts and ends of windows.
    s->ring = 2 * int(plan.window * double(plan.step) / plan.hop) + 6;
    // Enough for one whole frame's sight even when an end of the signal cuts it, and for whole vectors.
    s->stretch =
        std::size_t(double(frames - 1) * plan.hop / plan.step) + plan.window + 4 * s->half + 8 + kBlock<T>;
    const std::size_t taps = std::size_t(plan.filter_length) / plan.step + 1;
    s->phases = cut.take<T>((s->stretch + taps) * plan.step);
    s->up = cut.take<T>(s->stretch);
    s->down = cut.take<T>(s->stretch);
    s->segments = cut.take<T>(std::size_t(s->ring) * 2 * s->half);
    s->begins = cut.take<std::int64_t>(s->ring);
    s->d = cut.take<double>(2 * s->half + kYinReach) + (memory ? kYinReach : 0);
    s->room = cut.take<double>(3 * std::size_t(plan.lags));
    const bool divides = plan.choosing == Choosing::mpm;
    s->energy = cut.take<double>(divides ? 2 * s->half : 0);
    s->squares = cut.take<double>(divides ? plan.window + plan.lags + 8 : 0);
    s->raw = cut.take<T>(std::size_t(plan.window + plan.lags + 4) * plan.step + plan.filter_length);
    s->local = cut.take<T>(plan.window + plan.lags + 4 + kBlock<T>);
    return cut.bytes();
}

template <class T>
std::size_t scratch_bytes(const YinPlan<T>& plan, int frames) {
    Scratch<T> s;
    return lay_out<T>(plan, frames, nullptr, &s);
}

// s.squares for the `count` samples of y that a frame sees.
template <class T>
void sum_squares(const Scratch<T>& s, const T* y, int count) {
    double mean = 0;
    for (int i = 0; i < count; ++i) mean += double(y[i]);
    mean /= count;
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        s.squares[i] = sum;
        sum += (double(y[i]) - mean) * (double(y[i]) - mean);
    }
    s.squares[count] = sum;
}

// The energy of the samples [from, from + pairs) and [from + lag, from + lag + pairs), the first and the last
// pair by half where they are so in d.
template <class T>
double pair_energy(const Scratch<T>& s, std::int64_t from, int lag, int pairs, bool half_first,
                   bool half_last) {
    const double* early = s.squares + from;
    const double* late = early + lag;
    double sum = (early[pairs] - early[0]) + (late[pairs] - late[0]);
    if (half_first) sum -= 0.5 * ((early[1] - early[0]) + (late[1] - late[0]));
    if (half_last) sum -= 0.5 * ((early[pairs] - early[pairs - 1]) + (late[pairs] - late[pairs - 1]));
    return sum;
}

template <class T>
Choice choose(const YinPlan<T>& plan, const Scratch<T>& s) {
    return plan.choosing == Choosing::mpm ? choose_mpm(plan, s.d, s.energy, s.room)
                                          : choose_yin(plan, s.d, s.room);
}

// Whatever frame of y: where its window starts, and the samples of y that there are.
template <class T>
struct Frames {
    const YinPlan<T>& plan;
    const Signal<T>& signal;
    std::int64_t length;  // of y

    std::int64_t start(std::int64_t frame) const {
        return plan.nearest(std::int64_t(double(frame) * plan.hop + 0.5)) - plan.window / 2;
    }
};

// One frame the slow way: for windows that an end of the signal cuts, and for levels whose squares leave
// the range of T.
template <class T>
void track_alone(const Frames<T>& frames, std::int64_t start, const Scratch<T>& s, FrameResult* out) {
    const YinPlan<T>& plan = frames.plan;
    const std::int64_t length = frames.length, w = plan.window, reach = (plan.lags + 1) / 2;
    const std::int64_t low = most(0, least(start - reach, length - w / 2 - plan.lags));
    const std::int64_t high = least(length, most(start + w + reach, w / 2 + plan.lags));
    const int count = int(high - low);
    double scale = 0;
    if (count > 0) {
        // The input is scaled, not y: the filter's products would underflow too.
        const std::int64_t first = low * plan.step;
        const int inputs = (count - 1) * plan.step + plan.filter_length;
        const T* raw = frames.signal.at(first);
        scale = unit_scale(raw, inputs);
        T* scaled = s.raw;
        for (int i = 0; i < inputs; ++i) scaled[i] = T(double(raw[i]) * scale);
        smooth<T>(plan, {scaled, 0, inputs}, 0, count, s.phases, s.local);
        if (plan.choosing == Choosing::mpm) sum_squares(s, s.local, count);
    }
    double sum = 0;
    s.d[0] = 0;
    for (int lag = 1; lag < plan.lags; ++lag) {
        s.d[lag] = 0;
        if (plan.choosing == Choosing::mpm) s.energy[lag] = 0;
        if (scale == 0) continue;
        // All in half samples: the pairs' middles lie on those of the lag's own parity, from `lag` on, and
        // the window spans [from, to]. A middle on an end of it counts half, whatever cut it there.
        const std::int64_t odd = lag % 2, bound = 2 * (length - 1) - lag;
        std::int64_t from = most(2 * start, lag), to = least(2 * (start + w), bound);
        // Half a window of pairs is the least to rely on: the rest comes from further inside.
        if (to - from < w) {
            if (2 * start < lag)
                to = least(from + w, bound);
            else
                from = most(to - w, lag);
        }
        if (to - from >= w / 2) {
            const bool half_first = (from - odd) % 2 == 0, half_last = (to - odd) % 2 == 0;
            const std::int64_t first = (from - odd + 1) / 2, last = (to - odd) / 2;
            const T* early = s.local + (first - lag / 2 - low);
            const T* late = early + lag;
            const int pairs = int(last - first) + 1;
            double d = squared_distance(early, late, pairs);
            if (half_first) d -= 0.5 * squared_distance(early, late, 1);
            if (half_last) d -= 0.5 * squared_distance(early + pairs - 1, late + pairs - 1, 1);
            s.d[lag] = (d > 0 ? d : 0) * double(2 * w) / double(to - from);
            if (plan.choosing == Choosing::mpm)
                s.energy[lag] = pair_energy(s, first - lag / 2 - low, lag, pairs, half_first, half_last) *
                                double(2 * w) / double(to - from);
        } else if (lag > 1) {
            // Too few, in a signal of a few periods: say nothing, which is the mean.
            s.d[lag] = sum / (lag - 1);
        }
        sum += s.d[lag];
    }
    const Choice choice = choose(plan, s);
    const double present =
        choice.silent ? 1 : presence(s.local, count, int(start + w / 2 - low), choice.period);
    conclude(plan, choice, present, out);
}

template <class T>
void track(const YinPlan<T>& plan, const Signal<T>& signal, std::int64_t first, int count, void* memory,
           FrameResult* out) {
    Scratch<T> s;
    lay_out<T>(plan, count, memory, &s);
    const int w = plan.window;
    const std::int64_t reach = (plan.lags + 1) / 2;
    const std::int64_t length = plan.there(signal.length);
    const Frames<T> frames{plan, signal, length};

    // The frames whose pairs all lie inside the signal are successive.
    std::int64_t begin = first, end = first + count;
    while (begin < end && frames.start(begin) < reach) ++begin;
    while (end > begin && frames.start(end - 1) + w + reach > length) --end;

    // up[i] and down[-i] are y[origin + i]. What is outside y is zero and reaches only lags that nobody
    // reads.
    std::int64_t origin = 0;
    T* down = s.down;
    if (begin < end) {
        origin = frames.start(begin) - s.half;
        const std::int64_t stop = frames.start(end - 1) + w + s.half + 1;
        const std::int64_t low = most(origin, 0);
        for (std::int64_t i = origin; i < low; ++i) s.up[i - origin] = 0;
        smooth(plan, signal, low, int(stop - low), s.phases, s.up + (low - origin));
        down += stop - origin - 1;
        for (std::int64_t i = 0; i < stop - origin; ++i) down[-i] = s.up[i];
    }

    // Segments lie between successive edges of windows, all windows of the grid, so that they do not
    // depend on where this call begins. `opening` and `closing` are the first to start and end after `at`.
    std::int64_t at = 0, opening = begin, closing = most(0, begin - s.ring), written = 0;
    for (std::int64_t frame = first; frame < first + count; ++frame) {
        const std::int64_t start = frames.start(frame), stop = start + w;
        FrameResult* result = out + (frame - first);
        if (frame < begin || frame >= end) {
            track_alone(frames, start, s, result);
            continue;
        }
        for (at = most(at, start); at < stop; ++written) {
            while (frames.start(opening) <= at) ++opening;
            while (frames.start(closing) + w <= at) ++closing;
            const std::int64_t edge = least(frames.start(opening), frames.start(closing) + w);
            const int slot = int(written % s.ring);
            T* even = s.segments + std::size_t(slot) * 2 * s.half;
            sum_segment(s.up + (at - origin), down - (at - origin), int(edge - at), s.half, even,
                        even + s.half);
            s.begins[slot] = at;
            at = edge;
        }
        // This window's segments are the newest ones, back to its start. Summed in order of time.
        std::int64_t oldest = written;
        while (oldest > 0 && written - oldest < s.ring && s.begins[(oldest - 1) % s.ring] >= start) --oldest;
        for (int m = 0; m < s.half; m += kLanes<T>) {
            using V = Vec<T, kLanes<T>>;
            V even{}, odd{};
            for (std::int64_t i = oldest; i < written; ++i) {
                const T* from = s.segments + std::size_t(i % s.ring) * 2 * s.half + m;
                even += load<V>(from);
                odd += load<V>(from + s.half);
            }
            // The ends of even lags by half.
            const V after = load<V>(down + m - (stop - origin)) - load<V>(s.up + m + (stop - origin));
            const V before = load<V>(down + m - (start - origin)) - load<V>(s.up + m + (start - origin));
            even += T(0.5) * (after * after - before * before);
            for (int lane = 0; lane < kLanes<T>; ++lane) {
                s.d[2 * (m + lane)] = double(even[lane]);
                s.d[2 * (m + lane) + 1] = double(odd[lane]);
            }
        }
        double sum = 0;
        for (int lag = 1; lag < plan.lags; ++lag) sum += s.d[lag];
        // Outside this range squares of T underflow or overflow. Silence comes here too.
        constexpr double kLeast = sizeof(T) == 4 ? 1e-30 : 1e-280, kMost = sizeof(T) == 4 ? 1e+30 : 1e+280;
        if (!(sum > kLeast * w * plan.lags && sum < kMost)) {
            track_alone(frames, start, s, result);
            continue;
        }
        if (plan.choosing == Choosing::mpm) {
            sum_squares(s, s.up + (start - reach - origin), int(w + 2 * reach));
            for (int lag = 1; lag < plan.lags; ++lag)
                s.energy[lag] = lag % 2 == 0 ? pair_energy(s, reach - lag / 2, lag, w + 1, true, true)
                                             : pair_energy(s, reach - lag / 2, lag, w, false, false);
        }
        const Choice choice = choose(plan, s);
        const double present =
            presence(s.up + (start - reach - origin), int(w + 2 * reach), int(reach + w / 2), choice.period);
        conclude(plan, choice, present, result);
    }
}

// Whether all samples are: anything times zero is zero but for infinities and not-a-numbers.
template <class T>
bool finite(const T* signal, std::int64_t length) {
    constexpr int N = 2 * kLanes<T>;
    Vec<T, N> sum{};
    std::int64_t i = 0;
    for (; i + N <= length; i += N) sum += load<Vec<T, N>>(signal + i) * T(0);
    T total = 0;
    for (; i < length; ++i) total += signal[i] * T(0);
    for (int k = 0; k < N; ++k) total += sum[k];
    return total == 0;
}

}  // namespace

extern const YinKernels<float> yin_kernels_f32;
extern const YinKernels<double> yin_kernels_f64;
const YinKernels<float> yin_kernels_f32 = {scratch_bytes<float>, track<float>, finite<float>};
const YinKernels<double> yin_kernels_f64 = {scratch_bytes<double>, track<double>, finite<double>};

}  // namespace luthier::inline LUTHIER_ISA
