// Interpolation by a windowed sinc that the caller gives as a table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// The right half of a symmetric impulse response, `size` points, `precision` of them a sample; between
// the points it is linear. For a cutoff of `scale` times the table's (1 or less) the response is stretched:
// a sample is then `step` points, scale * precision without its fraction.
struct SincTable {
    const double* values;
    std::int64_t size;
    std::int64_t precision;
    std::int64_t step;
    double scale;
};

struct SincKernels {
    // The table's rows in the order of their use, for many outputs: elements of double in it, then itself.
    std::size_t (*arranged_size)(const SincTable& table);
    void (*arrange)(const SincTable& table, double* arranged);
    // Elements of double that a call of interpolate() needs.
    std::size_t (*scratch_size)(const SincTable& table);
    // Zeros that a row of samples must have before its first and behind its last.
    std::int64_t (*margin)(const SincTable& table);
    // `rows` rows at `count` positions, in frames, each from 0 to less than `frames`. The rows are given
    // twice, forwards and backwards, from their first sample on. `arranged` may be null.
    void (*interpolate)(const SincTable& table, const double* arranged, const double* forwards,
                        const double* backwards, std::ptrdiff_t stride, std::int64_t frames, int rows,
                        const double* positions, std::int64_t count, double* out, std::ptrdiff_t out_stride,
                        double* scratch);
};

}  // namespace luthier::inline LUTHIER_ISA
