// Measurements over whole signals.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "measure_kernels.h"
#include "pool_access.h"
#include "registers.h"

LUTHIER_DISPATCH(effects::MeasureKernels, measure_kernels)

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::effects {
namespace {

template <class T>
class Meter {
  public:
    Meter(const LoudnessClass<T>& meter, double rate, int channels, const double* weights) : class_(&meter) {
        memory_ = ::operator new(meter.size, std::align_val_t(meter.alignment));
        meter.construct(memory_, rate, channels, weights);
    }
    Meter(Meter&& other) noexcept : class_(other.class_), memory_(std::exchange(other.memory_, nullptr)) {}
    Meter& operator=(Meter&&) = delete;
    ~Meter() {
        if (!memory_) return;
        class_->destroy(memory_);
        ::operator delete(memory_, std::align_val_t(class_->alignment));
    }
    void* get() const { return memory_; }

  private:
    const LoudnessClass<T>* class_;
    void* memory_;
};

template <class T>
using Samples = nb::ndarray<const T, nb::ndim<3>, nb::device::cpu>;
using Weights = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Python has checked the shapes: (batch, channels, frames), (channels,), (batch, steps) zeros, (batch, 2).
template <class T>
bool measure(const LoudnessClass<T>& meter, Samples<T> x, double rate, Weights weights, Table energies,
             Table peaks) {
    const luthier_pool* pool = shared_pool();
    const std::size_t items = x.shape(0);
    const int channels = int(x.shape(1));
    const auto frames = std::int64_t(x.shape(2));
    std::vector<Meter<T>> meters;
    std::vector<char> unclean(items);
    // A slice of some tens of milliseconds at most, so that Ctrl-C is heard; a whole number of groups.
    const std::int64_t work = std::max<std::int64_t>(1, std::int64_t(items) * channels);
    const std::int64_t slice = std::max<std::int64_t>((1 << 22) / work / 1024, 1) * 1024;
    {
        ReleaseGil unlocked;
        for (std::size_t i = 0; i < items; ++i) meters.emplace_back(meter, rate, channels, weights.data());
    }
    for (std::int64_t at = 0; at < frames; at += slice) {
        {
            ReleaseGil unlocked;
            parallel_for(pool, items, [&](std::size_t i) {
                unclean[i] |= meter.process(meters[i].get(), x.data() + std::ptrdiff_t(i) * x.stride(0) + at,
                                            x.stride(1), std::min(slice, frames - at), &energies(i, 0));
            });
        }
        if (frames > slice && PyErr_CheckSignals() != 0) throw nb::python_error();
    }
    for (std::size_t i = 0; i < items; ++i) {
        meter.finish(meters[i].get());
        meter.peaks(meters[i].get(), &peaks(i, 0), &peaks(i, 1));
    }
    return std::find(unclean.begin(), unclean.end(), 1) != unclean.end();
}

}  // namespace

void register_measures(nb::module_& m) {
    m.def(
        "loudness",
        [](Samples<float> x, double rate, Weights weights, Table energies, Table peaks) {
            return measure<float>(select_measure_kernels().loudness32, x, rate, weights, energies, peaks);
        },
        "samples"_a.noconvert(), "sample_rate"_a, "weights"_a, "energies"_a.noconvert(),
        "peaks"_a.noconvert());
    m.def(
        "loudness",
        [](Samples<double> x, double rate, Weights weights, Table energies, Table peaks) {
            return measure<double>(select_measure_kernels().loudness64, x, rate, weights, energies, peaks);
        },
        "samples"_a.noconvert(), "sample_rate"_a, "weights"_a, "energies"_a.noconvert(),
        "peaks"_a.noconvert());
}

}  // namespace luthier::effects
