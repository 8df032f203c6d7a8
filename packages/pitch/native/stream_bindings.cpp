#include "registers.h"
#include "stream.h"

namespace nb = nanobind;

namespace luthier::pitch {
namespace {

template <class T>
bool finite(Rows<T> samples) {
    ReleaseGil unlocked;
    return all_finite(samples.data(), std::int64_t(samples.size()));
}

template <class T>
void register_for(nb::module_& m, const char* name) {
    m.def("finite", &finite<T>, nb::arg("samples").noconvert());
    nb::class_<Stream<T>>(m, name)
        .def("push", &Stream<T>::push, nb::arg("samples").noconvert())
        .def("flush", &Stream<T>::flush)
        .def("reset", &Stream<T>::reset)
        .def_prop_ro("latency", &Stream<T>::latency);
}

}  // namespace

void register_streams(nb::module_& m) {
    register_for<float>(m, "Stream32");
    register_for<double>(m, "Stream64");
}

}  // namespace luthier::pitch
