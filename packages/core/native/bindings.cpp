// luthier.core._native: the thread pool, the CPU report, and the shared kernels as Python functions
// for tests and benchmarks. One register_*() a topic, each in <topic>_bindings.cpp.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "registers.h"
#include "thread_pool.h"

namespace nb = nanobind;

namespace {

// For tests of the pool: how often each pair (i, j) of two nested loops was visited.
std::vector<int> pool_visits(std::size_t outer, std::size_t inner) {
    std::vector<int> visits(outer * inner);
    luthier::parallel_for(luthier::core::pool(), outer, [&](std::size_t i) {
        luthier::parallel_for(luthier::core::pool(), inner, [&](std::size_t j) { ++visits[i * inner + j]; });
    });
    return visits;
}

// For tests of the pool: true when n items were at work at the same moment, so on n threads.
bool pool_meets(std::size_t n, double seconds) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::atomic<std::size_t> arrived{0};
    std::atomic<bool> all{false};
    luthier::parallel_for(luthier::core::pool(), n, [&](std::size_t) {
        ++arrived;
        while (!all && Clock::now() < end) {
            if (arrived == n) all = true;
            std::this_thread::yield();
        }
    });
    return all;
}

}  // namespace

NB_MODULE(_native, m) {
    luthier::watch_exit();
    m.attr("isa") = luthier::isa_name(luthier::selected_isa());
    m.attr("cpu_isa") = luthier::isa_name(luthier::cpu_isa());
    m.def("pool", [] { return nb::capsule(luthier::core::pool(), luthier::kPoolCapsule); });
    m.def("threads", &luthier::core::threads);
    m.def("default_threads", &luthier::core::default_threads);
    m.def("set_threads", &luthier::core::set_threads, nb::arg("count"),
          nb::call_guard<luthier::ReleaseGil>());
    m.def("_pool_visits", &pool_visits, nb::arg("outer"), nb::arg("inner"),
          nb::call_guard<luthier::ReleaseGil>());
    m.def("_pool_meets", &pool_meets, nb::arg("n"), nb::arg("seconds"),
          nb::call_guard<luthier::ReleaseGil>());
    luthier::core::register_all(m);
}
