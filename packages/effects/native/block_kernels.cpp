#include "block_kernels.h"

#include <cstdint>
#include <cstring>
#include <new>

#include "luthier/biquad.h"
#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

namespace {

// Copies, or only looks when it would stay in place; whether all is finite.
template <class T, bool copies>
bool copy_and_check(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME {
    // x - x is +0 for finite x and not-a-number otherwise, and a sum keeps any not-a-number. Four sums, for
    // an addition takes longer than a store; and their bits, for a sum over lanes takes as long as a hundred
    // frames. In registers by name: sums of a wider vector would live in memory.
    constexpr int lanes = kLanes<T>;
    using Register = Vec<T, lanes>;
    Register sums[4]{};
    std::ptrdiff_t i = 0;
    for (; i + 4 * lanes <= n; i += 4 * lanes)
        for (int k = 0; k < 4; ++k) {
            const Register x = load<Register>(from + i + k * lanes);
            sums[k] += x - x;
            if constexpr (copies) store(to + i + k * lanes, x);
        }
    T sum = 0;
    for (; i < n; ++i) {
        sum += from[i] - from[i];
        if constexpr (copies) to[i] = from[i];
    }
    const Register all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    std::uint64_t bits[sizeof all / 8], any = 0;
    std::memcpy(bits, &all, sizeof all);
    for (const std::uint64_t word : bits) any |= word;
    return any == 0 && sum == 0;
}

template <class T>
bool copy_finite(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME {
    const bool finite =
        from == to ? copy_and_check<T, false>(from, to, n) : copy_and_check<T, true>(from, to, n);
    if (finite) [[likely]]
        return false;
    for (std::ptrdiff_t i = 0; i < n; ++i)
        if (to[i] - to[i] != 0) to[i] = 0;
    return true;
}

template <class T>
void add(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME {
    for (std::ptrdiff_t i = 0; i < n; ++i) to[i] += from[i];
}

template <class T>
constexpr effects::CascadeKernels<T> describe_cascade() {
    using Cascade = BiquadCascade<T>;
    return {
        .size = sizeof(Cascade),
        .alignment = alignof(Cascade),
        .construct = [](void* c) { new (c) Cascade; },
        .destroy = [](void* c) { static_cast<Cascade*>(c)->~Cascade(); },
        .prepare = [](void* c, int most, int channels) { static_cast<Cascade*>(c)->prepare(most, channels); },
        .arrange =
            [](void* c, const effects::SectionValues* sections, int count) LUTHIER_REALTIME {
                auto& cascade = *static_cast<Cascade*>(c);
                if (count != cascade.sections()) cascade.resize(count);
                for (int i = 0; i < count; ++i) {
                    Section section;
                    static_assert(sizeof section == sizeof sections[i]);
                    std::memcpy(static_cast<void*>(&section), sections + i, sizeof section);
                    if (std::memcmp(&section, &cascade.section(i), sizeof section) != 0)
                        cascade.set(i, section);
                }
            },
        .memory = [](void* c, int channel, int section)
                      LUTHIER_REALTIME { return static_cast<Cascade*>(c)->memory(channel, section); },
        .process =
            [](void* c, T* data, std::ptrdiff_t stride, int channels, int frames)
                LUTHIER_REALTIME { static_cast<Cascade*>(c)->process({data, stride, channels, frames}); },
        .reset = [](void* c) LUTHIER_REALTIME { static_cast<Cascade*>(c)->reset(); },
    };
}

}  // namespace

extern const effects::BlockKernelTable block_kernels;
const effects::BlockKernelTable block_kernels = {
    {&copy_finite<float>, &add<float>, describe_cascade<float>()},
    {&copy_finite<double>, &add<double>, describe_cascade<double>()}};

}  // namespace luthier::inline LUTHIER_ISA
