// luthier.pitch._native.FrontEnd: a front end made once, run over rows of samples, whole or piece by piece.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <memory>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

#include "front_end_maker.h"
#include "registers.h"
#include "spread.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::pitch {
namespace {

using Samples = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Features = nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using PerRow = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// A second and a quarter of audio at the networks' hop: a millisecond of work.
constexpr int kTask = 64;

void run(const FrontEnd& front_end, Samples samples, std::int64_t origin, std::int64_t first, PerRow loudest,
         Features out, nb::capsule pool) {
    const FrontEndPlan& plan = front_end.plan();
    const FrontEndKernels& kernels = front_end.kernels();
    const std::int64_t rows = samples.shape(0), length = samples.shape(1), frames = out.shape(2);
    if (rows == 0 || frames == 0) return;
    const std::int64_t stride = frames * plan.bins, item = stride * (plan.channels + 1);
    const std::size_t bytes = kernels.scratch_bytes(plan);
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
               kernels.run(front_end.made(), samples.data() + row * length, origin, length, first + from,
                           count, reinterpret_cast<void*>((address + 63) / 64 * 64),
                           out.data() + row * item + from * plan.bins, stride,
                           powers.data() + row * frames + from);
           });
    if (starved) throw std::bad_alloc();
    for (std::int64_t row = 0; row < rows; ++row)
        kernels.level(plan, powers.data() + row * frames, int(frames), loudest.data() + row,
                      out.data() + row * item + plan.channels * stride);
}

}  // namespace

void register_front_end(nb::module_& m) {
    nb::class_<FrontEnd>(m, "FrontEnd")
        .def(nb::init<double, int, int, double, double, const std::vector<std::tuple<int, int, int, int>>&,
                      const std::vector<std::pair<int, double>>&, double, double, double, double>(),
             "sample_rate"_a, "hop"_a, "bins"_a, "lowest_hz"_a, "bins_per_octave"_a, "analyses"_a,
             "channels"_a, "floor"_a, "offset"_a, "scale"_a, "decay_db_s"_a)
        .def("run", &run, "samples"_a.noconvert(), "origin"_a, "first"_a, "loudest"_a.noconvert(),
             "out"_a.noconvert(), "pool"_a)
        .def_prop_ro("start", &FrontEnd::start)
        .def_prop_ro("stop", &FrontEnd::stop);
}

}  // namespace luthier::pitch
