#include <cstddef>
#include <cstring>

#include "luthier/simd.h"
#include "yin.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

// Lags come in pairs (2m, 2m + 1) that share the sample n - m; a vector holds kLanes values of m.
template <class T>
int half_lags(const YinPlan& plan) {
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

std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
std::int64_t most(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

// d at one lag between two lags that are known, d reaching kYinReach to either side.
double between(const YinPlan& plan, const double* d, int position) {
    const int lag = position / kYinPhases, phase = position % kYinPhases;
    if (phase == 0) return d[lag];
    const double* from = d + lag - kYinReach + 1;
    const double* taps = plan.taps[phase];
    double sum = 0;
    for (int i = 0; i < kYinTaps; ++i) sum += taps[i] * from[i];
    return sum;
}

struct Dip {
    double lag;
    double value;  // of d
};

// The minimum of the band-limited d within one lag of the sampled minimum at `lag`: a search down to
// 1/16 of a lag, then the parabola through the last three (its error there is below 0.1 cent for two
// samples a period, and falls with the cube of the rate).
Dip refine(const YinPlan& plan, const double* d, int lag) {
    int best = lag * kYinPhases;
    double value = d[lag];
    for (int step = kYinPhases / 2; step >= 1; step /= 2) {
        const int middle = best;
        for (int side = -1; side <= 1; side += 2) {
            const double v = between(plan, d, middle + side * step);
            if (v < value) value = v, best = middle + side * step;
        }
    }
    const double left = between(plan, d, best - 1), right = between(plan, d, best + 1);
    const double bend = left - 2 * value + right;
    double offset = 0;
    if (bend > 0) {
        offset = 0.5 * (left - right) / bend;
        offset = offset < -0.5 ? -0.5 : offset > 0.5 ? 0.5 : offset;
        value -= 0.25 * (left - right) * offset;
    }
    return {(best + offset) / kYinPhases, value > 0 ? value : 0};
}

// From d to a period. `d` has kYinReach values in front for lags below zero; `normal` is scratch.
void choose(const YinPlan& plan, double* d, double* normal, double* f0, double* confidence) {
    const double shortest = plan.sample_rate / plan.f_max, longest = plan.sample_rate / plan.f_min;
    const int from = shortest < 3 ? 2 : int(shortest * (1 - kYinSlack));
    const int last = plan.lags - 1 - kYinReach;
    for (int i = 1; i <= kYinReach; ++i) d[-i] = d[i];

    // Step 3: d over its mean so far; `normal` keeps that mean, because dips are refined in d.
    double sum = 0, lowest = 1e300;
    int lowest_lag = from;
    normal[0] = 0;
    for (int lag = 1; lag <= last; ++lag) {
        sum += d[lag];
        normal[lag] = sum / lag;
    }
    if (!(sum > 0)) {  // silence
        *f0 = plan.f_min;
        *confidence = 0;
        return;
    }

    // All dips, refined, into the front of `normal`'s spare half.
    double* lags = normal + plan.lags;
    double* values = lags + plan.lags;
    int dips = 0;
    double deepest = 1e300;
    for (int lag = from; lag < last; ++lag) {
        if (d[lag] < lowest * normal[lag]) lowest = d[lag] / normal[lag], lowest_lag = lag;
        if (d[lag] > d[lag - 1] || d[lag] >= d[lag + 1] || d[lag] >= normal[lag]) continue;
        const Dip dip = refine(plan, d, lag);
        if (dip.lag < shortest * (1 - kYinSlack) || dip.lag > longest * (1 + kYinSlack)) continue;
        const double value = dip.value / normal[lag];
        lags[dips] = dip.lag;
        values[dips] = value;
        ++dips;
        if (value < deepest) deepest = value;
    }
    double period = lowest_lag, aperiodicity = 1;
    if (dips) {
        const double limit = deepest + plan.threshold * (1 - deepest);
        int chosen = 0;
        while (values[chosen] > limit) ++chosen;
        period = lags[chosen];
        aperiodicity = values[chosen];
    }
    const double f = plan.sample_rate / period;
    *f0 = f < plan.f_min ? plan.f_min : f > plan.f_max ? plan.f_max : f;
    const double ratio = aperiodicity / plan.voicing, square = ratio * ratio;
    *confidence = 1 / (1 + square * square);
}

// Scratch memory of one call.
template <class T>
struct Scratch {
    T *up, *down;           // the stretch of signal under the frames, forwards and reversed
    T* segments;            // the even and odd sums of each segment still in use, in a ring
    std::int64_t* begins;   // where each of them begins
    double* d;              // at lag 0, with kYinReach values in front
    double* normal;         // three times `lags` values
    T* local;               // the support of one frame, brought to unit scale
    int ring, half;
};

template <class T>
std::size_t lay_out(const YinPlan& plan, int frames, char* memory, Scratch<T>* s) {
    std::size_t at = 0;
    const auto take = [&](std::size_t count, std::size_t size) {
        char* here = memory ? memory + at : nullptr;
        at += (count * size + 63) / 64 * 64;
        return here;
    };
    s->half = half_lags<T>(plan);
    // A window holds at most this many starts and ends of windows.
    s->ring = 2 * int(plan.window / plan.hop) + 6;
    const std::size_t stretch = std::size_t(double(frames) * plan.hop) + plan.window + 2 * s->half + 4;
    s->up = reinterpret_cast<T*>(take(stretch, sizeof(T)));
    s->down = reinterpret_cast<T*>(take(stretch, sizeof(T)));
    s->segments = reinterpret_cast<T*>(take(std::size_t(s->ring) * 2 * s->half, sizeof(T)));
    s->begins = reinterpret_cast<std::int64_t*>(take(s->ring, sizeof(std::int64_t)));
    s->d = reinterpret_cast<double*>(take(2 * s->half + kYinReach, sizeof(double))) + (memory ? kYinReach : 0);
    s->normal = reinterpret_cast<double*>(take(3 * std::size_t(plan.lags), sizeof(double)));
    s->local = reinterpret_cast<T*>(take(plan.window + plan.lags + 4, sizeof(T)));
    return at;
}

template <class T>
std::size_t scratch_bytes(const YinPlan& plan, int frames) {
    Scratch<T> s;
    return lay_out<T>(plan, frames, nullptr, &s);
}

// A power of two that brings the largest of `count` samples near one; 0 for silence.
template <class T>
double unit_scale(const T* x, int count) {
    double peak = 0;
    for (int i = 0; i < count; ++i) {
        const double a = x[i] < 0 ? -double(x[i]) : double(x[i]);
        if (a > peak) peak = a;
    }
    if (!(peak > 0)) return 0;
    double scale = 1;
    while (peak * scale < 0x1p-32) scale *= 0x1p+32;
    while (peak * scale > 0x1p+32) scale *= 0x1p-32;
    return scale;
}

// d of one frame, the slow way: for windows that an end of the signal cuts, and for levels whose squares
// leave the range of T.
template <class T>
void difference_alone(const YinPlan& plan, const T* signal, std::int64_t length, std::int64_t start,
                      const Scratch<T>& s) {
    const std::int64_t w = plan.window, reach = plan.lags / 2 + 1;
    const std::int64_t low = most(0, least(start - reach, length - w / 2 - plan.lags));
    const std::int64_t high = least(length, most(start + w + reach, w / 2 + plan.lags));
    const double scale = unit_scale(signal + low, int(high - low));
    for (int i = 0; i < int(high - low); ++i) s.local[i] = T(double(signal[low + i]) * scale);
    double sum = 0;
    s.d[0] = 0;
    for (int lag = 1; lag < plan.lags; ++lag) {
        s.d[lag] = 0;
        if (scale == 0) continue;
        const std::int64_t back = lag / 2, ahead = lag - back;
        std::int64_t from = most(start, back), to = least(start + w, length - ahead);
        // Half a window of pairs is the least to rely on: the rest comes from further inside.
        if (to - from < w / 2) {
            if (start < back)
                to = least(from + w / 2, length - ahead);
            else
                from = most(to - w / 2, back);
        }
        // Too few even so, in a signal of a few periods: say nothing, which is the mean.
        const std::int64_t count = to - from;
        if (count >= w / 4)
            s.d[lag] = squared_distance(s.local + (from - back - low), s.local + (from + ahead - low),
                                        int(count)) * double(w) / double(count);
        else if (lag > 1)
            s.d[lag] = sum / (lag - 1);
        sum += s.d[lag];
    }
}

template <class T>
void track(const YinPlan& plan, const T* signal, std::int64_t length, std::int64_t first, int frames,
           void* memory, YinOutput out) {
    Scratch<T> s;
    lay_out<T>(plan, frames, static_cast<char*>(memory), &s);
    const int w = plan.window;
    const std::int64_t reach = plan.lags / 2 + 1;
    const auto start_of = [&](std::int64_t frame) { return yin_centre(plan, frame) - w / 2; };

    // The frames whose pairs all lie inside the signal are successive.
    std::int64_t begin = first, end = first + frames;
    while (begin < end && start_of(begin) < reach) ++begin;
    while (end > begin && start_of(end - 1) + w + reach > length) --end;

    // up[i] and down[-i] are the sample at origin + i. What is outside the signal is zero and reaches only
    // lags that nobody reads.
    std::int64_t origin = 0;
    T* down = s.down;
    if (begin < end) {
        origin = start_of(begin) - s.half;
        const std::int64_t stop = start_of(end - 1) + w + s.half + 1;
        const std::int64_t low = most(origin, 0), high = least(stop, length);
        for (std::int64_t i = origin; i < low; ++i) s.up[i - origin] = 0;
        std::memcpy(s.up + (low - origin), signal + low, std::size_t(high - low) * sizeof(T));
        for (std::int64_t i = high; i < stop; ++i) s.up[i - origin] = 0;
        down += stop - origin - 1;
        for (std::int64_t i = 0; i < stop - origin; ++i) down[-i] = s.up[i];
    }

    // Segments lie between successive edges of windows, all windows of the grid, so that they do not
    // depend on where this call begins. `opening` and `closing` are the first to start and end after `at`.
    std::int64_t at = 0, opening = begin, closing = most(0, begin - s.ring), written = 0;
    for (std::int64_t frame = first; frame < first + frames; ++frame) {
        const std::int64_t start = start_of(frame), stop = start + w;
        double sum = 0;
        if (frame >= begin && frame < end) {
            for (at = most(at, start); at < stop; ++written) {
                while (start_of(opening) <= at) ++opening;
                while (start_of(closing) + w <= at) ++closing;
                const std::int64_t edge = least(start_of(opening), start_of(closing) + w);
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
                Vec<T, kLanes<T>> even{}, odd{};
                for (std::int64_t i = oldest; i < written; ++i) {
                    const T* from = s.segments + std::size_t(i % s.ring) * 2 * s.half + m;
                    even += load<Vec<T, kLanes<T>>>(from);
                    odd += load<Vec<T, kLanes<T>>>(from + s.half);
                }
                for (int lane = 0; lane < kLanes<T>; ++lane) {
                    s.d[2 * (m + lane)] = double(even[lane]);
                    s.d[2 * (m + lane) + 1] = double(odd[lane]);
                }
            }
            for (int lag = 1; lag < plan.lags; ++lag) sum += s.d[lag];
        }
        // Outside this range squares of T underflow or overflow. Silence comes here too.
        constexpr double kLeast = sizeof(T) == 4 ? 1e-30 : 1e-280, kMost = sizeof(T) == 4 ? 1e+30 : 1e+280;
        const double pairs = double(w) * plan.lags;
        if (!(sum > kLeast * pairs && sum < kMost)) difference_alone(plan, signal, length, start, s);
        choose(plan, s.d, s.normal, out.f0 + (frame - first), out.confidence + (frame - first));
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
