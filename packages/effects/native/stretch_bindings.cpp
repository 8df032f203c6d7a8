// time_stretch over arrays.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "pool_access.h"
#include "registers.h"
#include "stretch_kernels.h"

LUTHIER_DISPATCH(effects::StretchKernels, stretch_kernels)

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::effects {
namespace {

template <class T>
class Run {
  public:
    Run(const StretchClass<T>& stretch, const StretchJob<T>& job) : class_(&stretch) {
        memory_ = ::operator new(stretch.size, std::align_val_t(stretch.alignment));
        stretch.construct(memory_, job);
    }
    Run(Run&& other) noexcept : class_(other.class_), memory_(std::exchange(other.memory_, nullptr)) {}
    Run& operator=(Run&&) = delete;
    ~Run() {
        if (!memory_) return;
        class_->destroy(memory_);
        ::operator delete(memory_, std::align_val_t(class_->alignment));
    }
    bool until(std::int64_t frame) { return class_->run(memory_, frame); }

  private:
    const StretchClass<T>* class_;
    void* memory_;
};

template <class T>
using In = nb::ndarray<const T, nb::ndim<3>, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<3>, nb::device::cpu>;
using Knots = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Python has checked shapes: (batch, channels, frames) with contiguous frames, and two or more knots; the
// places may be the clock's own array.
template <class T>
bool stretch(const StretchClass<T>& kernel, In<T> x, Out<T> y, double rate, Knots clock, Knots places,
             bool preserve) {
    const luthier_pool* pool = shared_pool();
    const std::size_t items = x.shape(0);
    const auto frames = std::int64_t(y.shape(2));
    std::vector<char> unclean(items);
    // As many items at a time as there may be threads, so that a large batch does not need all their memories
    // at once; and a slice of some tens of milliseconds, so that Ctrl-C is heard.
    constexpr std::size_t most = 64;
    for (std::size_t first = 0; first < items; first += most) {
        const std::size_t count = std::min(most, items - first);
        std::vector<Run<T>> runs;
        {
            ReleaseGil unlocked;
            for (std::size_t i = first; i < first + count; ++i)
                runs.emplace_back(
                    kernel,
                    StretchJob<T>{rate, preserve, int(x.shape(1)), x.data() + std::ptrdiff_t(i) * x.stride(0),
                                  x.stride(1), std::int64_t(x.shape(2)),
                                  y.data() + std::ptrdiff_t(i) * y.stride(0), y.stride(1), frames,
                                  clock.data(), places.data(), std::int64_t(clock.shape(0))});
        }
        const auto work = std::max<std::int64_t>(1, std::int64_t(count * x.shape(1)));
        const std::int64_t slice = std::max<std::int64_t>((1 << 19) / work, 64);
        for (std::int64_t at = 0; at < frames; at += slice) {
            {
                ReleaseGil unlocked;
                parallel_for(pool, count, [&](std::size_t i) {
                    unclean[first + i] |= runs[i].until(std::min(at + slice, frames));
                });
            }
            if (frames > slice && PyErr_CheckSignals() != 0) throw nb::python_error();
        }
    }
    return std::find(unclean.begin(), unclean.end(), 1) != unclean.end();
}

}  // namespace

void register_stretch(nb::module_& m) {
    m.def(
        "stretch",
        [](In<float> x, Out<float> y, double rate, Knots clock, Knots places, bool preserve) {
            return stretch<float>(select_stretch_kernels().stretch32, x, y, rate, clock, places, preserve);
        },
        "samples"_a.noconvert(), "out"_a.noconvert(), "sample_rate"_a, "clock"_a.noconvert(),
        "places"_a.noconvert(), "preserve"_a);
    m.def(
        "stretch",
        [](In<double> x, Out<double> y, double rate, Knots clock, Knots places, bool preserve) {
            return stretch<double>(select_stretch_kernels().stretch64, x, y, rate, clock, places, preserve);
        },
        "samples"_a.noconvert(), "out"_a.noconvert(), "sample_rate"_a, "clock"_a.noconvert(),
        "places"_a.noconvert(), "preserve"_a);
}

}  // namespace luthier::effects
