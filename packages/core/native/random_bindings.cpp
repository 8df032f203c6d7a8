// Random numbers as Python sees them: for tests and benchmarks, not a public interface.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "random_kernels.h"
#include "registers.h"

LUTHIER_DISPATCH(RandomKernels, random_kernels)

namespace nb = nanobind;

namespace luthier::core {
namespace {

template <class T>
using Output = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T, class F>
void fill(F kernel, Output<T> out, std::uint64_t key, std::uint64_t stream, std::uint64_t first) {
    if (out.size() % 64 != 0) throw std::invalid_argument("numbers come in blocks of 64");
    ReleaseGil released;
    kernel(key, stream, first, (long long)(out.size() / 64), out.data());
}

}  // namespace

void register_random(nb::module_& m) {
    m.def(
        "philox4x32",
        [](const std::vector<std::uint32_t>& counter, const std::vector<std::uint32_t>& key, bool vectors) {
            if (counter.size() != 4 || key.size() != 2)
                throw std::invalid_argument("counter is four words, key two");
            std::vector<std::uint32_t> words(4);
            select_random_kernels().philox(counter.data(), key.data(), vectors, words.data());
            return words;
        },
        nb::arg("counter"), nb::arg("key"), nb::arg("vectors") = true);
    m.def(
        "random_uniform",
        [](Output<float> out, std::uint64_t key, std::uint64_t stream, std::uint64_t first) {
            fill<float>(select_random_kernels().uniform32, out, key, stream, first);
        },
        nb::arg("out").noconvert(), nb::arg("key"), nb::arg("stream") = 0, nb::arg("first") = 0);
    m.def(
        "random_uniform",
        [](Output<double> out, std::uint64_t key, std::uint64_t stream, std::uint64_t first) {
            fill<double>(select_random_kernels().uniform64, out, key, stream, first);
        },
        nb::arg("out").noconvert(), nb::arg("key"), nb::arg("stream") = 0, nb::arg("first") = 0);
    m.def(
        "random_normal",
        [](Output<float> out, std::uint64_t key, std::uint64_t stream, std::uint64_t first) {
            fill<float>(select_random_kernels().normal32, out, key, stream, first);
        },
        nb::arg("out").noconvert(), nb::arg("key"), nb::arg("stream") = 0, nb::arg("first") = 0);
    m.def(
        "random_normal",
        [](Output<double> out, std::uint64_t key, std::uint64_t stream, std::uint64_t first) {
            fill<double>(select_random_kernels().normal64, out, key, stream, first);
        },
        nb::arg("out").noconvert(), nb::arg("key"), nb::arg("stream") = 0, nb::arg("first") = 0);
}

}  // namespace luthier::core
