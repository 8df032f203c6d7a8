// Leaving the interpreter for native work, and coming back. For binding sources.
//
// Before CPython 3.14 a daemon thread that asks for the GIL while the interpreter shuts down is ended with
// pthread_exit, whose unwinding may not cross a destructor: the whole process would abort at its exit. Such a
// thread sleeps here instead, until the process is gone. And what native work has called into Python is let
// finish before the shutdown, for the interpreter asks for the GIL again and again in there.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace luthier {

namespace detail {
inline std::atomic<bool> closing{false};
inline std::atomic<int> returning{0};  // threads between the question whether to come back and having done so
inline std::atomic<int> called{0};     // calls from native work into Python, in all threads
inline thread_local int calling = 0;   // in this one
inline std::thread::id closing_thread;

// Takes the GIL with `take`, or sleeps for ever when it is too late for that.
template <class F>
void come_back(F&& take) {
    ++returning;
    if (closing && std::this_thread::get_id() != closing_thread) {
        called -= calling;  // they will not go on
        --returning;
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
    take();
    --returning;
}
}  // namespace detail

// In place of nb::gil_scoped_release, in a module that called watch_exit().
class ReleaseGil {
  public:
    ReleaseGil() : state_(PyEval_SaveThread()) {}
    ~ReleaseGil() {
        detail::come_back([this] { PyEval_RestoreThread(state_); });
    }
    ReleaseGil(const ReleaseGil&) = delete;
    ReleaseGil& operator=(const ReleaseGil&) = delete;

  private:
    PyThreadState* state_;
};

// In place of nb::gil_scoped_acquire, inside native work.
class AcquireGil {
  public:
    AcquireGil() {
        detail::come_back([this] {
            state_ = PyGILState_Ensure();
            ++detail::called;
            ++detail::calling;
        });
    }
    ~AcquireGil() {
        PyGILState_Release(state_);
        --detail::calling;
        --detail::called;
    }
    AcquireGil(const AcquireGil&) = delete;
    AcquireGil& operator=(const AcquireGil&) = delete;

  private:
    PyGILState_STATE state_;
};

// Called once, when the module loads.
inline void watch_exit() {
    nanobind::module_::import_("atexit").attr("register")(nanobind::cpp_function([] {
        detail::closing_thread = std::this_thread::get_id();
        detail::closing = true;
        // Who waits for the GIL already gets it now, while that is still harmless.
        PyThreadState* state = PyEval_SaveThread();
        for (int i = 0; i < 1000 && (detail::returning > 0 || detail::called > detail::calling); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        PyEval_RestoreThread(state);
        // What such threads hold is never given back, and nobody need read a list of it.
        nanobind::set_leak_warnings(false);
    }));
}

}  // namespace luthier
