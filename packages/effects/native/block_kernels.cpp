#include "block_kernels.h"

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

namespace {

// What copy_finite() does when it stays in place has no need to write.
template <class T, bool copies>
T copy_and_check(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME {
    // x - x is zero for finite x and not-a-number otherwise, and a sum keeps any not-a-number. Four sums, for
    // an addition takes longer than a store.
    Group<T> sums[4]{};
    std::ptrdiff_t i = 0;
    for (; i + 4 * kGroup <= n; i += 4 * kGroup)
        for (int k = 0; k < 4; ++k) {
            const Group<T> x = load<Group<T>>(from + i + k * kGroup);
            sums[k] += x - x;
            if constexpr (copies) store(to + i + k * kGroup, x);
        }
    const Group<T> all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    T sum = 0;
    for (int lane = 0; lane < kGroup; ++lane) sum += all[lane];
    for (; i < n; ++i) {
        sum += from[i] - from[i];
        if constexpr (copies) to[i] = from[i];
    }
    return sum;
}

template <class T>
bool copy_finite(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME {
    const T sum = from == to ? copy_and_check<T, false>(from, to, n) : copy_and_check<T, true>(from, to, n);
    if (sum == 0) [[likely]]
        return false;
    for (std::ptrdiff_t i = 0; i < n; ++i)
        if (to[i] - to[i] != 0) to[i] = 0;
    return true;
}

template <class T>
void add(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME {
    for (std::ptrdiff_t i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

extern const effects::BlockKernelTable block_kernels;
const effects::BlockKernelTable block_kernels = {{&copy_finite<float>, &add<float>},
                                                 {&copy_finite<double>, &add<double>}};

}  // namespace luthier::inline LUTHIER_ISA
