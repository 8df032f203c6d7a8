#include "rate_kernels.h"

#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

using V = Vec<float, 16>;

float total(V v) {
    float sum = 0;
    for (int i = 0; i < 16; ++i) sum += v[i];
    return sum;
}

float product(const float* x, const float* taps, int count) {
    V even{}, odd{};
    int t = 0;
    for (; t + 32 <= count; t += 32) {
        even += load<V>(x + t) * load<V>(taps + t);
        odd += load<V>(x + t + 16) * load<V>(taps + t + 16);
    }
    if (t < count) even += load<V>(x + t) * load<V>(taps + t);
    return total(even + odd);
}

void run(const RateTable& table, const float* samples, std::int64_t base, std::int64_t first,
         std::int64_t count, float* out) {
    const int before = table.taps / 2 - 1;
    // Where output `first` stands; from there on sums, which are exact.
    std::int64_t whole = first / table.to * table.from + first % table.to * table.from / table.to;
    std::int64_t rest = first % table.to * table.from % table.to;
    const std::int64_t step = table.from / table.to, step_rest = table.from % table.to;
    const double scale = double(table.rows - 1) / double(table.to);
    for (std::int64_t m = 0; m < count; ++m) {
        const float* x = samples + (whole - before - base);
        if (table.rows > table.to) {
            out[m] = product(x, table.row + rest * table.taps, table.taps);
        } else {
            const double place = double(rest) * scale;
            const int row = int(place);
            const float share = float(place - row);
            const float* taps = table.row + std::int64_t(row) * table.taps;
            const float a = product(x, taps, table.taps), b = product(x, taps + table.taps, table.taps);
            out[m] = a + share * (b - a);
        }
        whole += step;
        rest += step_rest;
        if (rest >= table.to) rest -= table.to, ++whole;
    }
}

}  // namespace

extern const RateKernels rate_kernels;
const RateKernels rate_kernels = {run};

}  // namespace luthier::inline LUTHIER_ISA
