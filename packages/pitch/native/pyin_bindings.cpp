#include <nanobind/nanobind.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "luthier/dispatch.h"
#include "pyin.h"
#include "registers.h"
#include "stream.h"
#include "voicing_weights.h"

LUTHIER_DISPATCH(PyinKernels<float>, pyin_kernels_f32)
LUTHIER_DISPATCH(PyinKernels<double>, pyin_kernels_f64)

namespace nb = nanobind;

namespace luthier::pitch {
namespace {

template <class T>
const PyinKernels<T>& kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_pyin_kernels_f32();
    else
        return select_pyin_kernels_f64();
}

// The regularised incomplete beta function by its continued fraction (NIST Handbook of Mathematical
// Functions, 8.17.22), which converges fast below the mean; above it by the symmetry.
double beta_distribution(double x, double a, double b) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    if (x > (a + 1) / (a + b + 2)) return 1 - beta_distribution(1 - x, b, a);
    const double front = std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) -
                                  std::lgamma(b)) /
                         a;
    // Lentz's algorithm.
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (std::fabs(d) < tiny ? tiny : d);
    double fraction = d;
    for (int m = 1; m < 500; ++m) {
        for (const double term : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                                  -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
            d = 1 + term * d;
            d = 1 / (std::fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = std::fabs(c) < tiny ? tiny : c;
            fraction *= c * d;
        }
        if (std::fabs(c * d - 1) < 1e-15) break;
    }
    return front * fraction;
}

// What the caller may set, as librosa names it.
struct PyinSettings {
    double sample_rate, hop, f_min, f_max, frame_s;
    int thresholds;
    double beta_a, beta_b, boltzmann, resolution, max_transition_rate, switch_probability, no_trough;
    Voicing voicing;
    int lag;
};

template <class T>
class PyinMethod final : public Method<T> {
  public:
    explicit PyinMethod(const PyinSettings& settings) {
        PyinPlan<T>& plan = plan_;
        plan.hop = settings.hop;
        plan.rate = settings.sample_rate;
        plan.f_min = settings.f_min;
        plan.length = std::max(8, int(std::lround(settings.frame_s * plan.rate)));
        plan.min_period = std::max(1, int(std::floor(plan.rate / settings.f_max)));
        plan.max_period = std::min(int(std::ceil(plan.rate / settings.f_min)), plan.length - 1);
        plan.transform = 16;
        while (plan.transform < plan.length + plan.max_period + 1) plan.transform *= 2;
        plan.thresholds = settings.thresholds;
        for (int j = 0; j < plan.thresholds; ++j)
            plan.prior[j] =
                beta_distribution(double(j + 1) / plan.thresholds, settings.beta_a, settings.beta_b) -
                beta_distribution(double(j) / plan.thresholds, settings.beta_a, settings.beta_b);
        plan.decay = std::exp(-settings.boltzmann);
        plan.no_trough = settings.no_trough;
        const int per_semitone = int(std::ceil(1 / settings.resolution));
        plan.bins_per_octave = 12 * per_semitone;
        plan.bins = int(std::floor(plan.bins_per_octave * std::log2(settings.f_max / settings.f_min))) + 1;
        const double semitones = std::nearbyint(settings.max_transition_rate * 12 * settings.hop / plan.rate);
        plan.reach = int(std::min<double>(std::max(1.0, semitones) * per_semitone / 2, plan.bins));
        triangle_.resize(2 * plan.reach + 1);
        for (int o = -plan.reach; o <= plan.reach; ++o)
            triangle_[o + plan.reach] = 1 - std::abs(o) / (plan.reach + 1.0);
        norm_.resize(plan.bins);
        for (int i = 0; i < plan.bins; ++i) {
            double sum = 0;
            for (int o = std::max(-plan.reach, -i); o <= std::min(plan.reach, plan.bins - 1 - i); ++o)
                sum += triangle_[o + plan.reach];
            norm_[i] = std::log(sum);
        }
        for (double& weight : triangle_) weight = std::log(weight);
        plan.log_triangle = triangle_.data();
        plan.log_norm = norm_.data();
        plan.log_stay = std::log(1 - settings.switch_probability);
        plan.log_switch = std::log(settings.switch_probability);
        plan.lag = settings.lag;
        plan.voicing = settings.voicing;
        tables_ = std::unique_ptr<void, void (*)(void*)>(kernels<T>().make(plan), kernels<T>().destroy);
        if (!tables_) throw std::invalid_argument(kTooLong);

        this->hop = settings.hop;
        this->before = plan.length / 2;
        this->after = plan.length - plan.length / 2 - 1;
        this->frames_per_task = 64;
        this->record_bytes = sizeof(PyinFrame);
        this->lag = settings.lag;
    }

    std::size_t scratch_bytes(int frames) const override { return kernels<T>().scratch_bytes(plan_, frames); }
    void analyse(const Signal<T>& signal, std::int64_t first, int count, void* scratch,
                 std::byte* records) const override {
        kernels<T>().analyse(plan_, tables_.get(), signal, first, count, scratch,
                             reinterpret_cast<PyinFrame*>(records));
    }

    std::size_t path_bytes() const override { return kernels<T>().path_bytes(plan_); }
    void begin(void* memory) const override { kernels<T>().begin(plan_, memory); }
    int decide(void* memory, const std::byte* records, int count, FrameResult* out) const override {
        return kernels<T>().decide(plan_, memory, reinterpret_cast<const PyinFrame*>(records), count, out);
    }
    int conclude(void* memory, FrameResult* out) const override {
        return kernels<T>().conclude(plan_, memory, out);
    }

  private:
    std::vector<double> triangle_, norm_;
    PyinPlan<T> plan_{};
    std::unique_ptr<void, void (*)(void*)> tables_{nullptr, nullptr};
};

template <class T>
nb::object make(std::int64_t rows, const PyinSettings& settings, nb::capsule pool) {
    return make_stream<T>(std::make_unique<PyinMethod<T>>(settings), rows, pool);
}

}  // namespace

void register_pyin(nb::module_& m) {
    m.def(
        "pyin",
        [](bool single, std::int64_t rows, double sample_rate, double hop, double f_min, double f_max,
           double frame_s, int n_thresholds, double beta_a, double beta_b, double boltzmann_parameter,
           double resolution, double max_transition_rate, double switch_prob, double no_trough_prob,
           const Weights& voicing, int lag, nb::capsule pool) {
            const PyinSettings settings{sample_rate,
                                        hop,
                                        f_min,
                                        f_max,
                                        frame_s,
                                        n_thresholds,
                                        beta_a,
                                        beta_b,
                                        boltzmann_parameter,
                                        resolution,
                                        max_transition_rate,
                                        switch_prob,
                                        no_trough_prob,
                                        voicing_of(voicing),
                                        lag};
            return (single ? make<float> : make<double>)(rows, settings, pool);
        },
        nb::arg("single"), nb::arg("rows"), nb::arg("sample_rate"), nb::arg("hop"), nb::arg("f_min"),
        nb::arg("f_max"), nb::arg("frame_s"), nb::arg("n_thresholds"), nb::arg("beta_a"), nb::arg("beta_b"),
        nb::arg("boltzmann_parameter"), nb::arg("resolution"), nb::arg("max_transition_rate"),
        nb::arg("switch_prob"), nb::arg("no_trough_prob"), nb::arg("voicing"), nb::arg("lag"),
        nb::arg("pool"));
}

}  // namespace luthier::pitch
