// The real FFT and the windows as Python sees them: for tests and benchmarks, not a public interface.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "fft_kernels.h"
#include "luthier/dispatch.h"
#include "luthier/window.h"
#include "registers.h"

LUTHIER_DISPATCH(FftKernels, fft_kernels)

namespace nb = nanobind;

namespace luthier::core {
namespace {

template <class T>
const FftTable<T>& kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_fft_kernels().f32;
    else
        return select_fft_kernels().f64;
}

template <class T>
using Input = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A plan. Spectra are rows of n + 2 floats: n/2 + 1 complex numbers, re and im in turn.
template <class T>
class Plan {
  public:
    explicit Plan(int n) : n_(n), plan_(kernels<T>().create(n)) {
        if (!plan_)
            throw std::invalid_argument("n must be a power of two from 2 to 2^24, got " + std::to_string(n));
    }
    ~Plan() { kernels<T>().destroy(plan_); }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    void forward(Input<T> in, Output<T> out) const { run(kernels<T>().forward, in, out, n_, n_ + 2); }
    void inverse(Input<T> in, Output<T> out) const { run(kernels<T>().inverse, in, out, n_ + 2, n_); }

  private:
    template <class F>
    void run(F kernel, const Input<T>& in, const Output<T>& out, int width_in, int width_out) const {
        if (in.shape(1) != std::size_t(width_in) || out.shape(1) != std::size_t(width_out) ||
            in.shape(0) != out.shape(0))
            throw std::invalid_argument("in must be (count, " + std::to_string(width_in) +
                                        ") and out (count, " + std::to_string(width_out) + ")");
        const T* from = in.data();
        T* to = out.data();
        const auto count = static_cast<long long>(in.shape(0));
        nb::gil_scoped_release released;
        kernel(plan_, from, to, count);
    }

    int n_;
    void* plan_;
};

template <class T>
void bind_plan(nb::module_& m, const char* name) {
    nb::class_<Plan<T>>(m, name)
        .def(nb::init<int>(), nb::arg("n"))
        .def("forward", &Plan<T>::forward, nb::arg("x").noconvert(), nb::arg("out").noconvert())
        .def("inverse", &Plan<T>::inverse, nb::arg("x").noconvert(), nb::arg("out").noconvert());
}

Window window_by_name(const std::string& name) {
    constexpr std::pair<const char*, Window> names[] = {{"rectangular", Window::rectangular},
                                                        {"hann", Window::hann},
                                                        {"hamming", Window::hamming},
                                                        {"blackman", Window::blackman},
                                                        {"blackman_harris", Window::blackman_harris},
                                                        {"kaiser", Window::kaiser},
                                                        {"gaussian", Window::gaussian}};
    for (const auto& [known, window] : names)
        if (name == known) return window;
    throw std::invalid_argument("unknown window: " + name);
}

nb::ndarray<nb::numpy, double, nb::ndim<1>> window(const std::string& name, int n, bool periodic,
                                                   double shape) {
    if (n < 0) throw std::invalid_argument("n must not be negative");
    const Window which = window_by_name(name);
    auto data = std::make_unique<double[]>(static_cast<std::size_t>(n));
    {
        nb::gil_scoped_release released;
        make_window(which, data.get(), n, periodic, shape);
    }
    double* points = data.release();
    nb::capsule owner(points, [](void* p) noexcept { delete[] static_cast<double*>(p); });
    return {points, {static_cast<std::size_t>(n)}, owner};
}

}  // namespace

void register_fft(nb::module_& m) {
    bind_plan<float>(m, "RealFft32");
    bind_plan<double>(m, "RealFft64");
    m.def("window", &window, nb::arg("name"), nb::arg("n"), nb::arg("periodic") = true,
          nb::arg("shape") = 0.0);
}

}  // namespace luthier::core
