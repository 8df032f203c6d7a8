#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <type_traits>
#include <vector>

#include "luthier/dispatch.h"
#include "registers.h"
#include "stream.h"
#include "thin_design.h"
#include "voicing_weights.h"
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

// A method of the family: its plan, and the memory that the plan points into.
template <class T>
class YinMethod final : public Method<T> {
  public:
    YinMethod(Choosing choosing, double sample_rate, double spacing, double f_min, double f_max,
              double window_s, double threshold, const Voicing& voicing) {
        YinPlan<T>& plan = plan_;
        plan.choosing = choosing;
        plan.rate = design_thin<T>(sample_rate, f_max, taps_, plan);
        plan.hop = spacing;
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
                double f_max, double window_s, double threshold, const Weights& voicing, nb::capsule pool) {
    return make_stream<T>(std::make_unique<YinMethod<T>>(choosing, sample_rate, hop, f_min, f_max, window_s,
                                                         threshold, voicing_of(voicing)),
                          rows, pool);
}

void define(nb::module_& m, const char* name, Choosing choosing) {
    m.def(
        name,
        [choosing](bool single, std::int64_t rows, double sample_rate, double hop, double f_min, double f_max,
                   double window_s, double threshold, const Weights& voicing, nb::capsule pool) {
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
