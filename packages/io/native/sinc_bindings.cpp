// Interpolation by a windowed sinc for Python: rows prepared, the outputs spread over the thread pool.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <vector>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "resample_bindings.h"
#include "sinc_kernels.h"

LUTHIER_DISPATCH(SincKernels, sinc_kernels)

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::io {
namespace {

using Input = nb::ndarray<const double, nb::ndim<2>, nb::device::cpu, nb::c_contig>;
using Output = nb::ndarray<double, nb::ndim<2>, nb::device::cpu, nb::c_contig>;
using Line = nb::ndarray<const double, nb::ndim<1>, nb::device::cpu, nb::c_contig>;

void interpolate(Input in, Line positions, Line table, std::int64_t precision, std::int64_t step,
                 double scale, Output out, bool parallel) {
    const SincKernels& kernels = select_sinc_kernels();
    const auto rows = std::int64_t(in.shape(0)), frames = std::int64_t(in.shape(1));
    const auto count = std::int64_t(positions.shape(0));
    if (precision < 1 || step < 1 || table.shape(0) < 1 || !(scale > 0 && scale <= 1))
        throw nb::value_error("the table or its scale is out of range");
    if (std::int64_t(out.shape(0)) != rows || std::int64_t(out.shape(1)) != count)
        throw nb::value_error("the output's shape does not fit");
    if (rows == 0 || count == 0) return;
    const SincTable t{table.data(), std::int64_t(table.shape(0)), precision, step, scale};
    std::vector<double> arranged, forwards, backwards;
    const std::int64_t margin = kernels.margin(t), stride = frames + 2 * margin;
    {
        ReleaseGil unlocked;
        // Arranging the table is worth it when most of it is used.
        if (count > step / 8) {
            arranged.resize(kernels.arranged_size(t));
            kernels.arrange(t, arranged.data());
        }
        forwards.assign(std::size_t(rows * stride), 0.0);
        backwards.assign(std::size_t(rows * stride), 0.0);
        for (std::int64_t r = 0; r < rows; ++r) {
            const double* from = in.data() + r * frames;
            std::copy(from, from + frames, forwards.begin() + r * stride + margin);
            std::reverse_copy(from, from + frames, backwards.begin() + r * stride + margin);
        }
    }
    const std::int64_t chunk = std::max<std::int64_t>(64, 20'000 / rows);
    const std::int64_t chunks = (count + chunk - 1) / chunk;
    // So many at a time that Ctrl-C is heard.
    const std::int64_t most = parallel ? 64 : 16;
    for (std::int64_t first = 0; first < chunks; first += most) {
        {
            ReleaseGil unlocked;
            auto work = [&](std::size_t i) {
                const std::int64_t at = (first + std::int64_t(i)) * chunk;
                std::vector<double> scratch(kernels.scratch_size(t));
                kernels.interpolate(t, arranged.empty() ? nullptr : arranged.data(), forwards.data() + margin,
                                    backwards.data() + margin, stride, frames, int(rows),
                                    positions.data() + at, std::min(chunk, count - at), out.data() + at,
                                    count, scratch.data());
            };
            const auto n = std::size_t(std::min(most, chunks - first));
            parallel_for(parallel ? shared_pool() : nullptr, n, work);
        }
        if (chunks > most && PyErr_CheckSignals() != 0) throw nb::python_error();
    }
}

}  // namespace

void bind_sinc(nb::module_& m) {
    m.def("interpolate_sinc", &interpolate, "samples"_a.noconvert(), "positions"_a.noconvert(),
          "table"_a.noconvert(), "precision"_a, "step"_a, "scale"_a, "out"_a.noconvert(), "parallel"_a);
}

}  // namespace luthier::io
