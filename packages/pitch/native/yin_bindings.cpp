#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <new>
#include <numbers>
#include <type_traits>
#include <vector>

#include "luthier/dispatch.h"
#include "registers.h"
#include "spread.h"
#include "yin.h"

LUTHIER_DISPATCH(YinKernels<float>, yin_kernels_f32)
LUTHIER_DISPATCH(YinKernels<double>, yin_kernels_f64)

namespace nb = nanobind;

namespace luthier::pitch {
namespace {

template <class T>
const YinKernels<T>& kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_yin_kernels_f32();
    else
        return select_yin_kernels_f64();
}

// Modified Bessel function of the first kind, order 0, by its power series.
double bessel_i0(double x) {
    double term = 1, sum = 1;
    for (int k = 1; k < 40; ++k) sum += term *= (x / (2 * k)) * (x / (2 * k));
    return sum;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

// The Kaiser window (J. F. Kaiser, 1974) on [-1, 1].
double kaiser(double x, double beta) {
    return bessel_i0(beta * std::sqrt(std::max(0.0, 1 - x * x))) / bessel_i0(beta);
}

// Interpolation of d. A ripple r moves a dip of period T by up to 275 r T cents: hence -120 dB. Each phase is
// scaled so that a constant stays one.
template <class T>
void fill_taps(YinPlan<T>& plan) {
    for (int phase = 0; phase < kYinPhases; ++phase) {
        double sum = 0;
        for (int tap = 0; tap < kYinTaps; ++tap) {
            const double x = tap - (kYinReach - 1) - double(phase) / kYinPhases;
            plan.taps[phase][tap] = sinc(x) * kaiser(x / kYinReach, 12.3);
            sum += plan.taps[phase][tap];
        }
        for (double& tap : plan.taps[phase]) tap /= sum;
    }
}

// The low-pass 1 / (1 + (f / corner)^2), whose impulse response is exp(-2 pi corner |t|), down to -60 dB;
// and where samples are left out, a sinc that keeps the rest from folding onto what stays.
std::vector<double> design(double sample_rate, double corner, int step) {
    const double decay = 2 * std::numbers::pi * corner / sample_rate;
    const int tail = std::max(1, int(std::ceil(7 / decay)));
    std::vector<double> filter(2 * tail + 1);
    for (int t = -tail; t <= tail; ++t) filter[t + tail] = std::exp(-decay * std::abs(t));
    if (step > 1) {
        const int reach = 5 * step;
        std::vector<double> both(filter.size() + 2 * reach);
        for (int t = -reach; t <= reach; ++t) {
            const double tap = sinc(0.75 * t / step) * kaiser(double(t) / (reach + 1), 5.0);
            for (std::size_t i = 0; i < filter.size(); ++i) both[i + t + reach] += tap * filter[i];
        }
        filter = std::move(both);
    }
    double sum = 0;
    for (double tap : filter) sum += tap;
    for (double& tap : filter) tap /= sum;
    return filter;
}

// Memory for a call's scratch, aligned to a cache line; null where there is none.
std::unique_ptr<std::byte[]> reserve(std::size_t bytes) {
    return std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[bytes + 64]);
}

template <class T>
using Rows = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class T>
void track(Rows<T> samples, double sample_rate, double hop, double f_min, double f_max, double window_s,
           double threshold, double voicing, Result f0, Result confidence, nb::capsule pool) {
    YinPlan<T> plan{};
    // Eight samples a period at least, and 16 kHz: a formant's worth of harmonics for any voice.
    plan.step = std::max(1, int(sample_rate / std::max(16000.0, 8 * f_max)));
    const std::vector<double> filter = design(sample_rate, std::max(2000.0, f_max), plan.step);
    const std::vector<T> taps(filter.begin(), filter.end());
    plan.filter = taps.data();
    plan.filter_length = int(taps.size());
    plan.delay = plan.filter_length / 2;
    plan.hop = hop;
    plan.rate = sample_rate / plan.step;
    plan.f_min = f_min;
    plan.f_max = f_max;
    plan.threshold = threshold;
    plan.voicing = voicing;
    plan.window = 2 * std::max(4, int(std::lround(window_s * plan.rate / 2)));
    plan.lags = int(std::ceil(plan.rate / f_min * (1 + kYinSlack))) + 2 + kYinReach;
    fill_taps(plan);

    const std::int64_t rows = samples.shape(0), length = samples.shape(1), frames = f0.shape(1);
    if (rows == 0 || frames == 0) return;
    const YinKernels<T>& k = kernels<T>();

    // Tasks of some 2^22 products, a millisecond or few, that see no more than 2^18 samples.
    const double products = std::min(hop / plan.step, double(plan.window)) * plan.lags;
    const int frames_per_task = int(std::clamp(std::min((1 << 22) / products, (1 << 18) / hop), 1.0, 128.0));
    const std::size_t bytes = k.scratch_bytes(plan, frames_per_task);
    std::atomic<bool> starved{false};
    spread(static_cast<const luthier_pool*>(pool.data()), rows, frames, frames_per_task,
           [&](std::int64_t row, std::int64_t first, int count) {
               const auto memory = reserve(bytes);
               if (!memory) {
                   starved = true;
                   return;
               }
               void* aligned =
                   reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(memory.get()) + 63) / 64 * 64);
               k.track(plan, samples.data() + row * length, length, first, count, aligned,
                       {f0.data() + row * frames + first, confidence.data() + row * frames + first});
           });
    if (starved) throw std::bad_alloc();
}

template <class T>
bool finite(Rows<T> samples) {
    ReleaseGil unlocked;
    return kernels<T>().finite(samples.data(), std::int64_t(samples.size()));
}

template <class T>
void register_for(nb::module_& m) {
    m.def("yin", &track<T>, nb::arg("samples").noconvert(), nb::arg("sample_rate"), nb::arg("hop"),
          nb::arg("f_min"), nb::arg("f_max"), nb::arg("window_s"), nb::arg("threshold"), nb::arg("voicing"),
          nb::arg("f0").noconvert(), nb::arg("confidence").noconvert(), nb::arg("pool"));
    m.def("finite", &finite<T>, nb::arg("samples").noconvert());
}

}  // namespace

void register_yin(nb::module_& m) {
    register_for<float>(m);
    register_for<double>(m);
}

}  // namespace luthier::pitch
