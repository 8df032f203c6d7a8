// What the binding sources share: Ctrl-C, errors, and objects that Python holds.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <exception>
#include <mutex>

#include "decoder.h"
#include "luthier/python.h"

namespace luthier::io {

// Lets Ctrl-C through while the GIL is released.
class Signals : public Progress {
  public:
    void poll() override {
        const auto now = Clock::now();
        if (now - last_ < std::chrono::milliseconds(50)) return;
        last_ = now;
        AcquireGil gil;
        if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
    }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point last_ = Clock::now();
};

// Runs `body` without the GIL and with the object to itself.
template <class Object, class F>
auto alone(Object& object, F&& body) {
    ReleaseGil release;
    std::lock_guard lock(object.mutex);
    return body();
}

// Sets the Python error that stands for a native one.
void translate(const std::exception_ptr& thrown, void*);

void bind_reading(nanobind::module_& m);

}  // namespace luthier::io
