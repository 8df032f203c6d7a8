// Frames of many rows over the thread pool, with a look for Ctrl-C between rounds.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <new>

#include "luthier/pool.h"
#include "luthier/python.h"

namespace luthier::pitch {

// Calls run(row, first, count) so that every frame of every row is covered once, `frames_per_task` at a
// time, in no order and on several threads. The GIL must be held; it is released around the work and
// taken between rounds of about 40 ms, where a pending signal is raised as nanobind::python_error.
// run() must not throw and must not touch Python.
template <class Run>
void spread(const luthier_pool* pool, std::int64_t rows, std::int64_t frames, int frames_per_task, Run run) {
    const std::int64_t per_row = (frames + frames_per_task - 1) / frames_per_task;
    const std::int64_t tasks = rows * per_row;
    std::int64_t round = pool && pool->version == kPoolVersion ? pool->threads() : 1;
    for (std::int64_t done = 0; done < tasks;) {
        const std::int64_t count = std::min(round, tasks - done);
        const auto began = std::chrono::steady_clock::now();
        {
            ReleaseGil unlocked;
            parallel_for(pool, std::size_t(count), [&](std::size_t i) {
                const std::int64_t task = done + std::int64_t(i);
                const std::int64_t first = task % per_row * frames_per_task;
                run(task / per_row, first, int(std::min<std::int64_t>(frames_per_task, frames - first)));
            });
        }
        done += count;
        if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        if (took.count() < 0.02) round *= 2;
        if (took.count() > 0.05) round = std::max<std::int64_t>(1, round / 2);
    }
}

}  // namespace luthier::pitch
