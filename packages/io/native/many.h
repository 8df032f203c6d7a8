// Many pieces of work on the process's threads, which Ctrl-C stops.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>

#include "decoder.h"
#include "luthier/pool.h"

namespace luthier::io {

// Thrown in the others' work when one thread was told to stop.
struct Stopped {};

// Calls work(i, progress) for i in [0, n), each once, on at most `threads` threads of the pool, this one
// among them. `work` throws what is to end everything, which is thrown here then; `progress` of this
// thread is `here`, which may throw too.
template <class F>
void run_many(const luthier_pool* pool, std::size_t n, std::size_t threads, Progress& here, F&& work) {
    struct Shared : Progress {
        void poll() override {
            if (stop.load(std::memory_order_relaxed)) throw Stopped();
        }
        std::atomic<bool> stop{false};
        std::atomic<std::size_t> next{0};
        std::mutex mutex;
        std::condition_variable idle;
        std::size_t at_work = 0;
        std::exception_ptr failure;
    } shared;
    struct Caller : Progress {
        Caller(Shared& all, Progress& own) : all_(all), own_(own) {}
        void poll() override {
            own_.poll();
            all_.poll();
        }
        Shared& all_;
        Progress& own_;
    } caller(shared, here);

    const auto id = std::this_thread::get_id();
    const auto fail = [&] {
        std::lock_guard lock(shared.mutex);
        if (!shared.failure) shared.failure = std::current_exception();
        shared.stop = true;
    };
    auto slot = [&](std::size_t) {
        const bool mine = std::this_thread::get_id() == id;
        {
            std::lock_guard lock(shared.mutex);
            ++shared.at_work;
        }
        try {
            while (!shared.stop) {
                const std::size_t i = shared.next.fetch_add(1, std::memory_order_relaxed);
                if (i >= n) break;
                work(i, mine ? static_cast<Progress&>(caller) : static_cast<Progress&>(shared));
            }
        } catch (const Stopped&) {
        } catch (...) {
            fail();
        }
        std::unique_lock lock(shared.mutex);
        --shared.at_work;
        shared.idle.notify_all();
        // The pool's own wait would not hear Ctrl-C.
        while (mine && shared.at_work > 0) {
            if (shared.idle.wait_for(lock, std::chrono::milliseconds(50)) != std::cv_status::timeout)
                continue;
            lock.unlock();
            try {
                if (!shared.stop) here.poll();
            } catch (...) {
                fail();
            }
            lock.lock();
        }
    };
    parallel_for(pool, std::max<std::size_t>(1, std::min(n, threads)), slot);
    if (shared.failure) std::rethrow_exception(shared.failure);
}

}  // namespace luthier::io
