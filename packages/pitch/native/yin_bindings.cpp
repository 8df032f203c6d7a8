#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <type_traits>
#include <vector>

#include "luthier/dispatch.h"
#include "registers.h"
#include "stream.h"
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

// A method of the family: its plan, and the memory that the plan points into.
template <class T>
class YinMethod final : public Method<T> {
  public:
    YinMethod(Choosing choosing, double sample_rate, double spacing, double f_min, double f_max,
              double window_s, double threshold, double voicing) {
        YinPlan<T>& plan = plan_;
        plan.choosing = choosing;
        // Eight samples a period at least, and 16 kHz: a formant's worth of harmonics for any voice.
        plan.step = std::max(1, int(sample_rate / std::max(16000.0, 8 * f_max)));
        const std::vector<double> filter = design(sample_rate, std::max(2000.0, f_max), plan.step);
        taps_.assign(filter.begin(), filter.end());
        plan.filter = taps_.data();
        plan.filter_length = int(taps_.size());
        plan.delay = plan.filter_length / 2;
        plan.hop = spacing;
        plan.rate = sample_rate / plan.step;
        plan.f_min = f_min;
        plan.f_max = f_max;
        plan.threshold = threshold;
        plan.voicing = voicing;
        plan.window = 2 * std::max(4, int(std::lround(window_s * plan.rate / 2)));
        plan.lags = int(std::ceil(plan.rate / f_min * (1 + kYinSlack))) + 2 + kYinReach;
        fill_taps(plan);

        this->hop = spacing;
        // Half a window and half the longest lag to either side, as many lags as vectors round up to, and
        // the filter.
        const std::int64_t side = plan.window / 2 + (plan.lags + 1) / 2 + 2;
        this->after = side * plan.step + plan.filter_length - plan.delay;
        this->before = (side + 64) * plan.step + plan.delay;
        this->at_start = (plan.window + plan.lags + 2) * std::int64_t(plan.step) + plan.filter_length;
        // Tasks of some 2^22 products, a millisecond or few, that see no more than 2^18 samples.
        const double products = std::min(spacing / plan.step, double(plan.window)) * plan.lags;
        this->frames_per_task =
            int(std::clamp(std::min((1 << 22) / products, (1 << 18) / spacing), 1.0, 128.0));
    }

    std::size_t scratch_bytes(int frames) const override { return kernels<T>().scratch_bytes(plan_, frames); }

    void analyse(const Signal<T>& signal, std::int64_t first, int count, void* scratch,
                 std::byte* records) const override {
        kernels<T>().track(plan_, signal, first, count, scratch, reinterpret_cast<FrameResult*>(records));
    }

  private:
    std::vector<T> taps_;
    YinPlan<T> plan_{};
};

template <class T>
nb::object make(Choosing choosing, std::int64_t rows, double sample_rate, double hop, double f_min,
                double f_max, double window_s, double threshold, double voicing, nb::capsule pool) {
    return make_stream<T>(std::make_unique<YinMethod<T>>(choosing, sample_rate, hop, f_min, f_max, window_s,
                                                         threshold, voicing),
                          rows, pool);
}

void define(nb::module_& m, const char* name, Choosing choosing) {
    m.def(
        name,
        [choosing](bool single, std::int64_t rows, double sample_rate, double hop, double f_min, double f_max,
                   double window_s, double threshold, double voicing, nb::capsule pool) {
            return (single ? make<float> : make<double>)(choosing, rows, sample_rate, hop, f_min, f_max,
                                                         window_s, threshold, voicing, pool);
        },
        nb::arg("single"), nb::arg("rows"), nb::arg("sample_rate"), nb::arg("hop"), nb::arg("f_min"),
        nb::arg("f_max"), nb::arg("window_s"), nb::arg("threshold"), nb::arg("voicing"), nb::arg("pool"));
}

}  // namespace

template <class T>
bool all_finite(const T* samples, std::int64_t count) {
    return kernels<T>().finite(samples, count);
}
template bool all_finite(const float*, std::int64_t);
template bool all_finite(const double*, std::int64_t);

void register_yin(nb::module_& m) {
    define(m, "yin", Choosing::yin);
    define(m, "mpm", Choosing::mpm);
}

}  // namespace luthier::pitch
