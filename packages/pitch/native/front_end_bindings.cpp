// luthier.pitch._native.FrontEnd: a front end made once, run over rows of samples, whole or piece by piece.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <new>
#include <numbers>
#include <tuple>
#include <utility>
#include <vector>

#include "front_end.h"
#include "luthier/dispatch.h"
#include "registers.h"
#include "spread.h"

LUTHIER_DISPATCH(FrontEndKernels, front_end_kernels)

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::pitch {
namespace {

using Samples = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Features = nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using PerRow = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

class FrontEnd {
  public:
    // `analyses` are (size, centre, rise, fall), `channels` are (analysis, multiple). Nothing is checked
    // here: luthier.pitch.models does.
    FrontEnd(double sample_rate, int hop, int bins, double lowest_hz, double bins_per_octave,
             const std::vector<std::tuple<int, int, int, int>>& analyses,
             const std::vector<std::pair<int, double>>& channels, double floor, double offset, double scale,
             double decay_db_s) {
        plan_ = {};
        plan_.hop = hop;
        plan_.bins = bins;
        plan_.analyses = int(analyses.size());
        plan_.channels = int(channels.size());
        plan_.floor = float(floor);
        plan_.offset = float(offset);
        plan_.scale = float(scale);
        plan_.fade = std::pow(10.0, -decay_db_s / 10 * hop / sample_rate);
        make_windows(analyses);
        make_rows(sample_rate, lowest_hz, bins_per_octave, channels);
        made_ = kernels_.make(plan_);
        if (!made_) throw std::bad_alloc();
    }
    ~FrontEnd() { kernels_.destroy(made_); }
    FrontEnd(const FrontEnd&) = delete;
    FrontEnd& operator=(const FrontEnd&) = delete;

    void run(Samples samples, std::int64_t origin, std::int64_t first, PerRow loudest, Features out,
             nb::capsule pool) const {
        const std::int64_t rows = samples.shape(0), length = samples.shape(1), frames = out.shape(2);
        if (rows == 0 || frames == 0) return;
        const std::int64_t stride = frames * plan_.bins, item = stride * (plan_.channels + 1);
        const std::size_t bytes = kernels_.scratch_bytes(plan_);
        std::vector<double> powers(std::size_t(rows * frames));
        std::atomic<bool> starved{false};
        spread(static_cast<const luthier_pool*>(pool.data()), rows, frames, kTask,
               [&](std::int64_t row, std::int64_t from, int count) {
                   const std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[bytes + 64]);
                   if (!memory) {
                       starved = true;
                       return;
                   }
                   const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(memory.get());
                   kernels_.run(made_, samples.data() + row * length, origin, length, first + from, count,
                                reinterpret_cast<void*>((address + 63) / 64 * 64),
                                out.data() + row * item + from * plan_.bins, stride,
                                powers.data() + row * frames + from);
               });
        if (starved) throw std::bad_alloc();
        for (std::int64_t row = 0; row < rows; ++row)
            kernels_.level(plan_, powers.data() + row * frames, int(frames), loudest.data() + row,
                           out.data() + row * item + plan_.channels * stride);
    }

    std::int64_t start() const { return plan_.start; }
    std::int64_t stop() const { return plan_.start + plan_.length; }

  private:
    // A second and a quarter of audio at the networks' hop: a millisecond of work.
    static constexpr int kTask = 64;

    void make_windows(const std::vector<std::tuple<int, int, int, int>>& analyses) {
        int low = 1 << 30, high = -(1 << 30);
        for (int a = 0; a < plan_.analyses; ++a) {
            const auto [size, centre, rise, fall] = analyses[a];
            std::vector<float>& window = windows_.emplace_back(rise + fall);
            double energy = 0;
            const auto at = [&](int i) {
                return 0.5 + 0.5 * std::cos(std::numbers::pi *
                                            (i < rise ? double(i - rise) / rise : double(i - rise) / fall));
            };
            for (int i = 0; i < rise + fall; ++i) energy += at(i) * at(i);
            for (int i = 0; i < rise + fall; ++i) window[i] = float(at(i) / std::sqrt(energy));
            plan_.analysis[a] = {size, centre - rise, rise + fall, nullptr};
            low = std::min(low, centre - rise);
            high = std::max(high, centre + fall);
        }
        for (int a = 0; a < plan_.analyses; ++a) plan_.analysis[a].window = windows_[a].data();
        plan_.start = low;
        plan_.length = high - low;
    }

    void make_rows(double sample_rate, double lowest_hz, double bins_per_octave,
                   const std::vector<std::pair<int, double>>& channels) {
        for (const auto& [source, multiple] : channels) {
            source_.push_back(source);
            const int size = plan_.analysis[source].size;
            for (int bin = 0; bin < plan_.bins; ++bin) {
                const double f = multiple * lowest_hz * std::exp2(bin / bins_per_octave);
                const double centre = f / sample_rate * size;
                const double half = std::max(1.0, centre * (std::exp2(1 / bins_per_octave) - 1));
                int from = int(std::floor(centre - half)) + 1, to = int(std::ceil(centre + half));
                from = std::max(from, 0);
                to = std::min(to, size / 2 + 1);
                weight_.push_back(std::int64_t(weights_.size()));
                from_.push_back(from);
                if (f > 0.49 * sample_rate) to = from_.back() = 0;
                taps_.push_back(std::max(0, to - from_.back()));
                double sum = 0;
                for (int k = from_.back(); k < to; ++k) sum += 1 - std::abs(k - centre) / half;
                for (int k = from_.back(); k < to; ++k)
                    weights_.push_back(float((1 - std::abs(k - centre) / half) / sum));
            }
        }
        plan_.source = source_.data();
        plan_.from = from_.data();
        plan_.taps = taps_.data();
        plan_.weight = weight_.data();
        plan_.weights = weights_.data();
    }

    FrontEndPlan plan_;
    const FrontEndKernels& kernels_ = select_front_end_kernels();
    std::vector<std::vector<float>> windows_;
    std::vector<int> source_, from_, taps_;
    std::vector<std::int64_t> weight_;
    std::vector<float> weights_;
    void* made_ = nullptr;
};

}  // namespace

void register_front_end(nb::module_& m) {
    nb::class_<FrontEnd>(m, "FrontEnd")
        .def(nb::init<double, int, int, double, double, const std::vector<std::tuple<int, int, int, int>>&,
                      const std::vector<std::pair<int, double>>&, double, double, double, double>(),
             "sample_rate"_a, "hop"_a, "bins"_a, "lowest_hz"_a, "bins_per_octave"_a, "analyses"_a,
             "channels"_a, "floor"_a, "offset"_a, "scale"_a, "decay_db_s"_a)
        .def("run", &FrontEnd::run, "samples"_a.noconvert(), "origin"_a, "first"_a, "loudest"_a.noconvert(),
             "out"_a.noconvert(), "pool"_a)
        .def_prop_ro("start", &FrontEnd::start)
        .def_prop_ro("stop", &FrontEnd::stop);
}

}  // namespace luthier::pitch
