// J. O. Smith and P. Gossett, "A flexible sampling-rate conversion method", Proc. IEEE ICASSP 1984. An
// output is a sum over the left wing, whose samples lie at or before its position, and one over the right.
// The table is read at one offset per wing, every `step` points: arranged so that these are neighbours,
// the weights of a wing are a difference of two rows, and everything runs in vectors.
#include "sinc_kernels.h"

#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

constexpr int kWide = kLanes<double>;
using V = Vec<double, kWide>;

std::int64_t taps(const SincTable& t) { return (t.size / t.step + 2 * kWide) / kWide * kWide; }
// Offsets run from 0 to `step`, and one more is needed for the slope.
std::size_t arranged_size(const SincTable& t) { return std::size_t((t.step + 2) * taps(t)); }

void arrange(const SincTable& t, double* to) {
    const std::int64_t n = taps(t);
    for (std::int64_t offset = 0; offset < t.step + 2; ++offset, to += n)
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t at = offset + i * t.step;
            // The slope behind the last point is 0.
            to[i] = at < t.size ? t.values[at] : at == t.size ? t.values[t.size - 1] : 0;
        }
}

// One wing's weights, for the fraction of a sample by which its first one is away; how many.
std::int64_t weigh(const SincTable& t, const double* arranged, double fraction, double* to) {
    const double point = fraction * double(t.precision);
    const auto offset = std::int64_t(point);
    const double eta = point - double(offset);
    const std::int64_t n = taps(t), count = (t.size - offset) / t.step;
    if (arranged && offset <= t.step) {
        const double* row = arranged + offset * n;
        for (std::int64_t i = 0; i < n; i += kWide) {
            const V a = load<V>(row + i), b = load<V>(row + n + i);
            store(to + i, (a + eta * (b - a)) * t.scale);
        }
    } else {
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t at = offset + i * t.step;
            const double a = t.values[at], b = t.values[at + 1 < t.size ? at + 1 : at];
            to[i] = (a + eta * (b - a)) * t.scale;
        }
    }
    const std::int64_t used = (count + kWide - 1) / kWide * kWide;
    for (std::int64_t i = count; i < used; ++i) to[i] = 0;
    return used;
}

double dot(const double* weights, const double* x, std::int64_t n) {
    V a{}, b{};
    std::int64_t i = 0;
    for (; i + 2 * kWide <= n; i += 2 * kWide) {
        a += load<V>(weights + i) * load<V>(x + i);
        b += load<V>(weights + i + kWide) * load<V>(x + i + kWide);
    }
    if (i < n) a += load<V>(weights + i) * load<V>(x + i);
    a += b;
    double sum = 0;
    for (int l = 0; l < kWide; ++l) sum += a[l];
    return sum;
}

void interpolate(const SincTable& t, const double* arranged, const double* forwards, const double* backwards,
                 std::ptrdiff_t stride, std::int64_t frames, int rows, const double* positions,
                 std::int64_t count, double* out, std::ptrdiff_t out_stride, double* scratch) {
    double* left = scratch;
    double* right = scratch + taps(t);
    for (std::int64_t m = 0; m < count; ++m) {
        const double position = positions[m];
        // Not-a-number has no place.
        if (!(position >= 0 && position < double(frames))) {
            for (int r = 0; r < rows; ++r) out[r * out_stride + m] = position - position + __builtin_nan("");
            continue;
        }
        const auto n = std::int64_t(position);
        const double fraction = t.scale * (position - double(n));
        const std::int64_t before = weigh(t, arranged, fraction, left);
        const std::int64_t behind = weigh(t, arranged, t.scale - fraction, right);
        for (int r = 0; r < rows; ++r)
            out[r * out_stride + m] = dot(left, backwards + r * stride + (frames - 1 - n), before) +
                                      dot(right, forwards + r * stride + n + 1, behind);
    }
}

}  // namespace

extern const SincKernels sinc_kernels;
const SincKernels sinc_kernels = {arranged_size, arrange,
                                  [](const SincTable& t) { return std::size_t(2 * taps(t)); },
                                  [](const SincTable& t) { return taps(t) + 2; }, interpolate};

}  // namespace luthier::inline LUTHIER_ISA
