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
#include "luthier/python.h"
#include "luthier/window.h"
#include "registers.h"

LUTHIER_DISPATCH(FftKernels, fft_kernels)

namespace nb = nanobind;

namespace luthier::core {
namespace {

template <class T, bool Complex>
const FftTable<T>& kernels() {
    const FftKernels& k = select_fft_kernels();
    if constexpr (std::is_same_v<T, float>)
        return Complex ? k.complex32 : k.real32;
    else
        return Complex ? k.complex64 : k.real64;
}

template <class T>
using Input = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A plan. Complex numbers are two elements of a row, re and im: a spectrum of the real transform has
// rows of n + 2, signal and spectrum of the complex one have rows of 2n.
template <class T, bool Complex>
class Plan {
  public:
    explicit Plan(int n) : n_(n), plan_(kernels<T, Complex>().create(n)) {
        if (!plan_)
            throw std::invalid_argument("n must be a power of two from 2 to 2^24, got " + std::to_string(n));
    }
    ~Plan() { kernels<T, Complex>().destroy(plan_); }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    void forward(Input<T> in, Output<T> out) const {
        const std::size_t count = rows(in, signal(), out, spectrum());
        ReleaseGil released;
        kernels<T, Complex>().forward(plan_, in.data(), out.data(), static_cast<long long>(count));
    }
    void inverse(Input<T> in, Output<T> out) const {
        const std::size_t count = rows(in, spectrum(), out, signal());
        ReleaseGil released;
        kernels<T, Complex>().inverse(plan_, in.data(), out.data(), static_cast<long long>(count));
    }
    void convolve(Input<T> a, Input<T> b, Output<T> out) const {
        rows(b, signal(), out, signal());
        const auto count = static_cast<long long>(rows(a, signal(), out, signal()));
        ReleaseGil released;
        if constexpr (std::is_same_v<T, float>)
            select_fft_kernels().convolve32(plan_, a.data(), b.data(), out.data(), count);
        else
            select_fft_kernels().convolve64(plan_, a.data(), b.data(), out.data(), count);
    }

  private:
    std::size_t signal() const { return std::size_t(n_) * (Complex ? 2 : 1); }
    std::size_t spectrum() const { return Complex ? 2 * std::size_t(n_) : std::size_t(n_) + 2; }

    static std::size_t rows(const Input<T>& in, std::size_t width_in, const Output<T>& out,
                            std::size_t width_out) {
        if (in.shape(1) != width_in || out.shape(1) != width_out || in.shape(0) != out.shape(0))
            throw std::invalid_argument("rows must have " + std::to_string(width_in) + " elements in and " +
                                        std::to_string(width_out) + " out, and be as many in as out");
        return in.shape(0);
    }

    int n_;
    void* plan_;
};

template <class T, bool Complex>
void bind_plan(nb::module_& m, const char* name) {
    using Type = Plan<T, Complex>;
    nb::class_<Type> plan(m, name);
    plan.def(nb::init<int>(), nb::arg("n"))
        .def("forward", &Type::forward, nb::arg("x").noconvert(), nb::arg("out").noconvert())
        .def("inverse", &Type::inverse, nb::arg("x").noconvert(), nb::arg("out").noconvert());
    if constexpr (!Complex)
        plan.def("convolve", &Type::convolve, nb::arg("a").noconvert(), nb::arg("b").noconvert(),
                 nb::arg("out").noconvert());
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
        ReleaseGil released;
        make_window(which, data.get(), n, periodic, shape);
    }
    double* points = data.release();
    nb::capsule owner(points, [](void* p) noexcept { delete[] static_cast<double*>(p); });
    return {points, {static_cast<std::size_t>(n)}, owner};
}

}  // namespace

void register_fft(nb::module_& m) {
    bind_plan<float, false>(m, "RealFft32");
    bind_plan<double, false>(m, "RealFft64");
    bind_plan<float, true>(m, "ComplexFft32");
    bind_plan<double, true>(m, "ComplexFft64");
    m.def("window", &window, nb::arg("name"), nb::arg("n"), nb::arg("periodic") = true,
          nb::arg("shape") = 0.0);
}

}  // namespace luthier::core
