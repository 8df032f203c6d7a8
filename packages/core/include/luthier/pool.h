// The process's one thread pool, as other extension modules see it.
//
// luthier.core's extension owns the threads and hands out a capsule named "luthier.pool" that holds
// this plain C struct. It only ever grows at its end: `size` and `version` tell an older or newer
// module what it may read, and no C++ type crosses from one wheel to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

extern "C" {
struct luthier_pool {
    std::uint32_t size;     // sizeof(luthier_pool) of the owner
    std::uint32_t version;  // 1; a reader that does not know the version runs on the calling thread
    // Calls fn(ctx, i) for i in [0, n), in no order, on the pool's threads and the caller's; returns
    // when all are done. fn must not throw and must not touch Python. Nested calls run inline.
    void (*parallel_for)(void (*fn)(void* ctx, std::size_t i), void* ctx, std::size_t n);
    int (*threads)(void);
};
}

namespace luthier {

inline constexpr std::uint32_t kPoolVersion = 1;
inline constexpr const char* kPoolCapsule = "luthier.pool";

// Runs fn(i) for i in [0, n) on `pool`, or here when there is none that this module understands.
template <class F>
void parallel_for(const luthier_pool* pool, std::size_t n, F&& fn) {
    if (n > 1 && pool && pool->version == kPoolVersion && pool->size >= sizeof(luthier_pool)) {
        using Function = std::remove_reference_t<F>;
        pool->parallel_for([](void* ctx, std::size_t i) { (*static_cast<Function*>(ctx))(i); }, &fn, n);
        return;
    }
    for (std::size_t i = 0; i < n; ++i) fn(i);
}

}  // namespace luthier
