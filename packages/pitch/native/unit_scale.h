// Powers of two that bring a signal near one: multiplying by them is exact, so level changes no bit.
#pragma once

#include <cstdint>

#include "luthier/math.h"

namespace luthier::inline LUTHIER_ISA {

// The exponent e for which 2^-e brings a peak above zero to [1/2, 1); denormals count as what they are.
inline int exponent_of(float peak) {
    int extra = 0;
    if (peak < 0x1p-100f) peak *= 0x1p+100f, extra = -100;
    return int(math::bits<std::uint32_t>(peak) >> 23) - 126 + extra;
}

// 2^e for -126 <= e <= 127.
inline float power_of_two(int e) { return math::bits<float>(std::uint32_t(e + 127) << 23); }

// Multiplies by 2^-e in two steps: 2^-e alone may be more than a float holds.
struct UnitScale {
    explicit UnitScale(int e) : one(power_of_two(-e / 2)), two(power_of_two(-e - -e / 2)) {}
    template <class V>
    V operator()(V v) const {
        return v * one * two;
    }
    float one, two;
};

}  // namespace luthier::inline LUTHIER_ISA
