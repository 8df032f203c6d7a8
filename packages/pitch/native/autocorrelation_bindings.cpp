#include <nanobind/nanobind.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "autocorrelation.h"
#include "candidate_path.h"
#include "luthier/dispatch.h"
#include "registers.h"
#include "stream.h"
#include "thin_design.h"
#include "voicing_weights.h"

LUTHIER_DISPATCH(AutocorrelationKernels<float>, autocorrelation_kernels_f32)
LUTHIER_DISPATCH(AutocorrelationKernels<double>, autocorrelation_kernels_f64)

namespace nb = nanobind;

namespace luthier::pitch {
namespace {

template <class T>
const AutocorrelationKernels<T>& kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_autocorrelation_kernels_f32();
    else
        return select_autocorrelation_kernels_f64();
}

template <class T>
class AutocorrelationMethod final : public Method<T> {
  public:
    AutocorrelationMethod(double sample_rate, double spacing, double f_min, double f_max, double window_s,
                          const PathCosts& costs, int path_lag)
        : costs_(costs) {
        AutocorrelationPlan<T>& plan = plan_;
        plan.rate = design_thin<T>(sample_rate, f_max, taps_, plan);
        plan.hop = spacing;
        plan.f_min = f_min;
        plan.f_max = f_max;
        plan.octave_cost = costs.octave;
        plan.window = 2 * std::max(16, int(std::lround(window_s * plan.rate / 2)));
        plan.lags =
            std::min(int(std::ceil(plan.rate / f_min * (1 + kYinSlack))) + 2 + kYinReach, plan.window - 1);
        plan.transform = 16;
        while (plan.transform < plan.window + plan.lags) plan.transform *= 2;
        fill_taps(plan);
        shape_.resize(plan.window);
        for (int i = 0; i < plan.window; ++i)
            shape_[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (i + 0.5) / plan.window);
        shape_correlation_.resize(plan.lags);
        for (int shift = 0; shift < plan.lags; ++shift) {
            double sum = 0;
            for (int i = 0; i + shift < plan.window; ++i) sum += shape_[i] * shape_[i + shift];
            shape_correlation_[shift] = sum;
        }
        plan.shape = shape_.data();
        plan.shape_correlation = shape_correlation_.data();
        tables_ = std::unique_ptr<void, void (*)(void*)>(kernels<T>().make(plan), kernels<T>().destroy);
        if (!tables_) throw std::invalid_argument(kTooLong);

        this->hop = spacing;
        this->after = (plan.window / 2 + 2) * std::int64_t(plan.step) + plan.filter_length - plan.delay;
        this->before = (plan.window / 2 + 2) * std::int64_t(plan.step) + plan.delay;
        this->at_start = (plan.window + 2) * std::int64_t(plan.step) + plan.filter_length;
        this->frames_per_task = int(std::clamp((1 << 17) / spacing, 1.0, 64.0));
        this->record_bytes = sizeof(CandidateFrame);
        this->lag = path_lag;
    }

    std::size_t scratch_bytes(int frames) const override { return kernels<T>().scratch_bytes(plan_, frames); }
    void analyse(const Signal<T>& signal, std::int64_t first, int count, void* scratch,
                 std::byte* records) const override {
        kernels<T>().analyse(plan_, tables_.get(), signal, first, count, scratch,
                             reinterpret_cast<CandidateFrame*>(records));
    }

    std::size_t path_bytes() const override { return CandidatePath::bytes(this->lag); }
    void begin(void* memory) const override { path(memory).begin(); }
    int decide(void* memory, const std::byte* records, int count, FrameResult* out) const override {
        return path(memory).decide(reinterpret_cast<const CandidateFrame*>(records), count, out);
    }
    int conclude(void* memory, FrameResult* out) const override { return path(memory).conclude(out); }

  private:
    CandidatePath path(void* memory) const { return {costs_, this->lag, memory}; }

    PathCosts costs_;
    std::vector<T> taps_;
    std::vector<double> shape_, shape_correlation_;
    AutocorrelationPlan<T> plan_{};
    std::unique_ptr<void, void (*)(void*)> tables_{nullptr, nullptr};
};

template <class T>
nb::object make(std::int64_t rows, double sample_rate, double hop, double f_min, double f_max,
                double window_s, const PathCosts& costs, int lag, nb::capsule pool) {
    return make_stream<T>(
        std::make_unique<AutocorrelationMethod<T>>(sample_rate, hop, f_min, f_max, window_s, costs, lag),
        rows, pool);
}

}  // namespace

void register_autocorrelation(nb::module_& m) {
    m.def(
        "autocorrelation",
        [](bool single, std::int64_t rows, double sample_rate, double hop, double f_min, double f_max,
           double window_s, double octave_cost, double octave_jump_cost, double voicing_change_cost,
           double voicing_threshold, const Weights& voicing, int lag, nb::capsule pool) {
            const PathCosts costs{octave_cost,         octave_jump_cost,
                                  voicing_change_cost, 0.5 * std::log2(f_min * f_max),
                                  voicing_threshold,   voicing_of(voicing)};
            return (single ? make<float> : make<double>)(rows, sample_rate, hop, f_min, f_max, window_s,
                                                         costs, lag, pool);
        },
        nb::arg("single"), nb::arg("rows"), nb::arg("sample_rate"), nb::arg("hop"), nb::arg("f_min"),
        nb::arg("f_max"), nb::arg("window_s"), nb::arg("octave_cost"), nb::arg("octave_jump_cost"),
        nb::arg("voicing_change_cost"), nb::arg("voicing_threshold"), nb::arg("voicing"), nb::arg("lag"),
        nb::arg("pool"));
}

}  // namespace luthier::pitch
