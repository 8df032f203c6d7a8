// luthier.core._native: the thread pool, the CPU report, and the shared kernels as Python functions
// for tests and benchmarks. One register_*() a topic, each in <topic>_bindings.cpp.
#include <nanobind/nanobind.h>

#include "luthier/dispatch.h"
#include "registers.h"
#include "thread_pool.h"

namespace nb = nanobind;

NB_MODULE(_native, m) {
    m.attr("isa") = luthier::isa_name(luthier::selected_isa());
    m.attr("cpu_isa") = luthier::isa_name(luthier::cpu_isa());
    m.def("pool", [] {
        return nb::capsule(luthier::core::pool(), luthier::kPoolCapsule);
    });
    m.def("threads", &luthier::core::threads);
    m.def("default_threads", &luthier::core::default_threads);
    m.def("set_threads", &luthier::core::set_threads, nb::arg("count"), nb::call_guard<nb::gil_scoped_release>());
    luthier::core::register_all(m);
}
