#include <nanobind/nanobind.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "luthier/dispatch.h"
#include "registers.h"
#include "stream.h"
#include "swipe.h"
#include "thin_design.h"
#include "voicing_weights.h"

LUTHIER_DISPATCH(SwipeKernels<float>, swipe_kernels_f32)
LUTHIER_DISPATCH(SwipeKernels<double>, swipe_kernels_f64)

namespace nb = nanobind;

namespace luthier::pitch {
namespace {

template <class T>
const SwipeKernels<T>& kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_swipe_kernels_f32();
    else
        return select_swipe_kernels_f64();
}

// B. R. Glasberg and B. C. J. Moore, "Derivation of auditory filter shapes from notched-noise data", Hearing
// Research 47, 1990, as the paper rounds it.
double to_erbs(double hz) { return 21.4 * std::log10(1 + hz / 229); }
double to_hz(double erbs) { return 229 * (std::pow(10, erbs / 21.4) - 1); }

bool is_prime(int n) {
    for (int i = 2; i * i <= n; ++i)
        if (n % i == 0) return false;
    return n > 1;
}

// Twelve and a half cents, and a tenth of an ERB.
constexpr double kStep = 1.0 / 96, kErbStep = 0.1;
// Windows are averaged over so many seconds at least.
constexpr double kSpan = 0.02;

// What a SwipeWindow points to.
template <class T>
struct WindowMemory {
    std::vector<T> shape, weights, kernels, mix;
    std::vector<std::int32_t> bin, from;
};

// The kernel of a candidate over the ERBs' frequencies from `first` on, its positive part of unit length.
std::vector<double> make_kernel(const std::vector<double>& hz, int first, double candidate) {
    std::vector<double> kernel(hz.size());
    const int harmonics = int(hz.back() / candidate - 0.75);
    for (int n = 1; n <= harmonics; ++n) {
        if (n > 1 && !is_prime(n)) continue;
        for (std::size_t e = std::size_t(first); e < hz.size(); ++e) {
            const double ratio = hz[e] / candidate, away = std::fabs(ratio - n);
            if (away < 0.25)
                kernel[e] = std::cos(2 * std::numbers::pi * ratio);
            else if (away < 0.75)
                kernel[e] += 0.5 * std::cos(2 * std::numbers::pi * ratio);
        }
    }
    double square = 0;
    for (std::size_t e = 0; e < hz.size(); ++e) {
        kernel[e] /= std::sqrt(hz[e]);
        if (kernel[e] > 0) square += kernel[e] * kernel[e];
    }
    for (double& value : kernel) value /= square > 0 ? std::sqrt(square) : 1;
    return kernel;
}

template <class T>
class SwipeMethod final : public Method<T> {
  public:
    SwipeMethod(double sample_rate, double spacing, double f_min, double f_max, bool whiten,
                const Voicing& voicing) {
        SwipePlan<T>& plan = plan_;
        plan.rate = design_thin<T>(sample_rate, f_max, taps_, plan, false);
        plan.hop = spacing;
        plan.f_min = f_min;
        plan.f_max = f_max;
        plan.voicing = voicing;
        plan.log2_first = std::log2(f_min) - kStep;
        plan.log2_step = kStep;
        plan.used = int(std::ceil((std::log2(f_max) - plan.log2_first) / kStep)) + 2;
        std::vector<double> candidates(plan.used);
        for (int c = 0; c < plan.used; ++c) candidates[c] = std::exp2(plan.log2_first + c * kStep);

        // The thinning takes off what is above.
        const double highest = plan.rate / 2 * (plan.step > 1 ? 0.7 : 1);
        std::vector<double> hz;
        for (double erb = to_erbs(candidates[0] / 4); erb < to_erbs(highest); erb += kErbStep)
            hz.push_back(to_hz(erb));
        plan.erbs = int(hz.size());

        const auto size_for = [&](double f) { return int(std::lround(std::log2(8 * plan.rate / f))); };
        const int longest = std::max(4, size_for(f_min)), shortest = std::clamp(size_for(f_max), 4, longest);
        plan.windows = longest - shortest + 1;
        memory_.resize(plan.windows);
        for (int i = 0; i < plan.windows; ++i)
            fill(plan.window[i], memory_[i], i, longest - i, candidates, hz, whiten);
        plan.candidates = plan.used + 2 * kSwipeBlock;
        tables_ = std::unique_ptr<void, void (*)(void*)>(kernels<T>().make(plan), kernels<T>().destroy);
        if (!tables_) throw std::invalid_argument(kTooLong);

        const std::int64_t half = plan.window[0].size / 2 + 2;
        this->hop = spacing;
        this->after = half * plan.step + plan.filter_length - plan.delay;
        this->before = half * plan.step + plan.delay;
        this->frames_per_task = int(std::clamp((1 << 17) / spacing, 1.0, 64.0));
    }

    std::size_t scratch_bytes(int frames) const override { return kernels<T>().scratch_bytes(plan_, frames); }
    void analyse(const Signal<T>& signal, std::int64_t first, int count, void* scratch,
                 std::byte* records) const override {
        kernels<T>().analyse(plan_, tables_.get(), signal, first, count, scratch,
                             reinterpret_cast<FrameResult*>(records));
    }

  private:
    void fill(SwipeWindow<T>& window, WindowMemory<T>& memory, int index, int log2_size,
              const std::vector<double>& candidates, const std::vector<double>& hz, bool whiten) const {
        const SwipePlan<T>& plan = plan_;
        window.size = 1 << log2_size;
        window.stride = window.size / 2;
        const double span = kSpan * plan.rate;
        window.parts = span > window.size ? int(std::ceil((span - window.size) / window.stride)) + 1 : 1;
        // No longer than the longest window, which is all that a frame sees.
        while ((window.parts - 1) * window.stride + window.size > 1 << (log2_size + index)) --window.parts;
        memory.shape.resize(window.size);
        for (int i = 0; i < window.size; ++i)
            memory.shape[i] = T(0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / window.size));

        const int bins = window.size / 2 + 1;
        for (double f : hz) {
            const double place = f / plan.rate * window.size;
            const int bin = std::clamp(int(place), 1, bins - 3);
            const double x = place - bin;
            // The cubic of Catmull and Rom (1974) through the middle two; a straight line outside them.
            const double inside[4] = {x * (-0.5 + x * (1 - 0.5 * x)), 1 + x * x * (-2.5 + 1.5 * x),
                                      x * (0.5 + x * (2 - 1.5 * x)), x * x * (-0.5 + 0.5 * x)};
            const double below[4] = {-x, 1 + x, 0, 0}, above[4] = {0, 0, 2 - x, x - 1};
            const double* weights = x < 0 ? below : x > 1 ? above : inside;
            memory.bin.push_back(bin);
            const double gain = whiten ? std::sqrt(f / 1000) : 1;
            for (int k = 0; k < 4; ++k) memory.weights.push_back(T(weights[k] * gain));
        }

        // Where a candidate stands among the windows: 0 is the longest, whose own pitch has eight periods in
        // it.
        const auto position = [&](double f) {
            return std::log2(f * (1 << (log2_size + index)) / (8 * plan.rate));
        };
        const auto share = [&](double f) {
            const double p = position(f);
            if (index == 0 && p < 0) return 1.0;
            if (index == plan.windows - 1 && p > index) return 1.0;
            return std::max(0.0, 1 - std::fabs(p - index));
        };
        int first = 0, last = 0;
        for (int c = 0; c < int(candidates.size()); ++c) {
            if (share(candidates[c]) <= 0) continue;
            if (last == 0) first = c;
            last = c + 1;
        }
        window.first = first;
        window.count = (last - first + kSwipeBlock - 1) / kSwipeBlock * kSwipeBlock;
        memory.kernels.assign(std::size_t(window.count) * hz.size(), T(0));
        memory.from.assign(window.count, int(hz.size()) - 1);
        memory.mix.assign(window.count, T(0));
        for (int c = first; c < last; ++c) {
            int from = 0;
            while (from < int(hz.size()) - 1 && hz[from] <= candidates[c] / 4) ++from;
            const int row = c - first;
            memory.from[row] = from;
            memory.mix[row] = T(share(candidates[c]));
            const std::vector<double> kernel = make_kernel(hz, from, candidates[c]);
            T* to = memory.kernels.data() + std::size_t(row / kSwipeBlock) * kSwipeBlock * hz.size() +
                    row % kSwipeBlock;
            for (std::size_t e = 0; e < hz.size(); ++e) to[e * kSwipeBlock] = T(kernel[e]);
        }
        window.shape = memory.shape.data();
        window.bin = memory.bin.data();
        window.weights = memory.weights.data();
        window.kernels = memory.kernels.data();
        window.from = memory.from.data();
        window.mix = memory.mix.data();
    }

    std::vector<T> taps_;
    std::vector<WindowMemory<T>> memory_;
    SwipePlan<T> plan_{};
    std::unique_ptr<void, void (*)(void*)> tables_{nullptr, nullptr};
};

template <class T>
nb::object make(std::int64_t rows, double sample_rate, double hop, double f_min, double f_max, bool whiten,
                const Weights& voicing, nb::capsule pool) {
    return make_stream<T>(
        std::make_unique<SwipeMethod<T>>(sample_rate, hop, f_min, f_max, whiten, voicing_of(voicing)), rows,
        pool);
}

}  // namespace

void register_swipe(nb::module_& m) {
    m.def(
        "swipe",
        [](bool single, std::int64_t rows, double sample_rate, double hop, double f_min, double f_max,
           bool whiten, const Weights& voicing, nb::capsule pool) {
            return (single ? make<float> : make<double>)(rows, sample_rate, hop, f_min, f_max, whiten,
                                                         voicing, pool);
        },
        nb::arg("single"), nb::arg("rows"), nb::arg("sample_rate"), nb::arg("hop"), nb::arg("f_min"),
        nb::arg("f_max"), nb::arg("whiten"), nb::arg("voicing"), nb::arg("pool"));
}

}  // namespace luthier::pitch
