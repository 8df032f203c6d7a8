// The sums of a change of sample rate (rate_change.h), for one instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// Taps are filled up with zeros to a multiple of this.
inline constexpr int kRateAlign = 16;

struct RateTable {
    std::int64_t from, to;  // lowest terms
    int taps;               // of a row
    int rows;               // `to` of them, or fewer that are then interpolated between, and one more
    const float* row;       // (rows, taps)
};

struct RateKernels {
    // Outputs [first, first + count). Output m stands at the sample m * from / to; `samples` are those from
    // `base` on, and row r's tap t belongs to the sample floor(m * from / to) + t - (taps / 2 - 1).
    void (*run)(const RateTable& table, const float* samples, std::int64_t base, std::int64_t first,
                std::int64_t count, float* out);
};

}  // namespace luthier::inline LUTHIER_ISA
