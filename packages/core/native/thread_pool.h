// The process's one thread pool, owned by luthier.core and shared through luthier/pool.h.
#pragma once

#include "luthier/pool.h"

namespace luthier::core {

// The struct that goes into the capsule; lives as long as the process.
const luthier_pool* pool();

// Threads that parallel_for uses, the caller's included.
int threads();

// Sets that number; 0 returns to the default: the CPUs in this process's affinity mask, and no more
// than its cgroup's quota rounded up.
void set_threads(int count);

int default_threads();

}  // namespace luthier::core
