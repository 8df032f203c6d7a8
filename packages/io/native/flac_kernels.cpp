#include "flac_kernels.h"

#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

// 64 for zero, which __builtin_clzll leaves open.
[[gnu::always_inline]] inline int leading_zeros(std::uint64_t x) {
#if defined(__LZCNT__) || defined(__aarch64__)
    return x ? __builtin_clzll(x) : 64;
#else
    return __builtin_clzll(x | 1);  // 63 serves as well: no caller has more than 63 valid bits
#endif
}

[[gnu::always_inline]] inline std::uint64_t big64(const unsigned char* p) {
    std::uint64_t x;
    __builtin_memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

// Bits, the most significant first. The next one is the top bit of `cache`, of which `count` are valid;
// those below are either zero or what follows in the file, so that filling up may OR.
struct Bits {
    const unsigned char* at;
    const unsigned char* end;
    std::uint64_t cache = 0;
    int count = 0;

    // To 56 bits or more, unless the bytes end.
    void fill() {
        if (end - at >= 8) {
            cache |= big64(at) >> count;
            at += (63 - count) >> 3;
            count |= 56;
            return;
        }
        while (count < 56 && at < end) {
            cache |= std::uint64_t(*at++) << (56 - count);
            count += 8;
        }
    }
    void drop(int bits) {
        cache <<= bits;
        count -= bits;
    }
    // 1 <= bits <= 33. False where the bytes end.
    bool read(int bits, std::uint64_t& value) {
        if (count < bits) {
            fill();
            if (count < bits) return false;
        }
        value = cache >> (64 - bits);
        drop(bits);
        return true;
    }
    bool read_signed(int bits, std::int64_t& value) {
        std::uint64_t raw;
        if (!read(bits, raw)) return false;
        value = std::int64_t(raw << (64 - bits)) >> (64 - bits);
        return true;
    }
    // Zeros before the next one, which is taken, too. Those of more than `most` are given up.
    bool read_unary(std::uint64_t most, std::uint64_t& zeros) {
        zeros = 0;
        for (;;) {
            if (count == 0) {
                fill();
                if (count == 0) return false;
            }
            const int run = leading_zeros(cache);
            if (run < count) {
                zeros += std::uint64_t(run);
                drop(run);
                drop(1);
                return true;
            }
            zeros += std::uint64_t(count);
            cache = 0;
            count = 0;
            if (zeros > most) return true;
        }
    }
};

enum class Outcome { fine, cut, invalid };

[[gnu::always_inline]] inline std::uint32_t fold(std::int32_t x) {
    return (std::uint32_t(x) << 1) ^ std::uint32_t(x >> 31);
}
[[gnu::always_inline]] inline std::int32_t unfold(std::uint32_t x) {
    return std::int32_t((x >> 1) ^ (0u - (x & 1)));
}

Outcome rice_one(Bits& bits, int k, std::uint32_t& value) {
    const std::uint64_t most = 0xFFFFFFFFu >> k;
    std::uint64_t quotient, rest = 0;
    if (!bits.read_unary(most, quotient)) return Outcome::cut;
    if (quotient > most) return Outcome::invalid;
    if (k > 0 && !bits.read(k, rest)) return Outcome::cut;
    value = std::uint32_t(quotient << k | rest);
    return Outcome::fine;
}

// A Rice code is `quotient` zeros, a one, and k bits. `Batch` codes are read from a filled cache at a time:
// in nearly all cases they fit its 56 bits, and if not, they are read again one by one.
template <int Batch>
Outcome rice_batches(Bits& bits, int k, std::int32_t* to, int n) {
    Bits b = bits;
    const int bias = 1 << k;
    int i = 0;
    while (i + Batch <= n) {
        b.fill();
        std::uint64_t cache = b.cache;
        unsigned used = 0;
        std::uint32_t values[Batch];
#pragma GCC unroll 8
        for (int j = 0; j < Batch; ++j) {
            const auto quotient = unsigned(leading_zeros(cache));
            values[j] =
                (quotient << k) + std::uint32_t((cache << (quotient & 63)) >> (63 - k)) - unsigned(bias);
            const unsigned length = quotient + unsigned(k) + 1;
            cache <<= length & 63;
            used += length;
        }
        if (used <= unsigned(b.count)) [[likely]] {
            __builtin_memcpy(to + i, values, sizeof values);
            b.drop(int(used));
            i += Batch;
            continue;
        }
        for (int j = 0; j < Batch; ++j, ++i) {
            std::uint32_t value;
            const Outcome outcome = rice_one(b, k, value);
            if (outcome != Outcome::fine) return outcome;
            to[i] = std::int32_t(value);
        }
    }
    for (; i < n; ++i) {
        std::uint32_t value;
        const Outcome outcome = rice_one(b, k, value);
        if (outcome != Outcome::fine) return outcome;
        to[i] = std::int32_t(value);
    }
    bits = b;
    return Outcome::fine;
}

Outcome rice(Bits& bits, int k, std::int32_t* to, int n) {
    if (k <= 6) return rice_batches<6>(bits, k, to, n);
    if (k <= 9) return rice_batches<4>(bits, k, to, n);
    if (k <= 14) return rice_batches<3>(bits, k, to, n);
    if (k <= 22) return rice_batches<2>(bits, k, to, n);
    for (int i = 0; i < n; ++i) {
        std::uint32_t value;
        const Outcome outcome = rice_one(bits, k, value);
        if (outcome != Outcome::fine) return outcome;
        to[i] = std::int32_t(value);
    }
    return Outcome::fine;
}

// Section 9.2.7: the residuals behind `order` samples of a block, folded.
Outcome residuals(Bits& bits, int block, int order, std::int32_t* to) {
    std::uint64_t method, partition_order;
    if (!bits.read(2, method) || !bits.read(4, partition_order)) return Outcome::cut;
    if (method > 1) return Outcome::invalid;
    const int parameter_bits = method == 0 ? 4 : 5;
    const std::uint64_t escape = (1u << parameter_bits) - 1;
    const int per_partition = block >> partition_order;
    if ((per_partition << partition_order) != block || per_partition < order) return Outcome::invalid;
    int at = order;
    for (int end = per_partition; end <= block; end += per_partition) {
        std::uint64_t k, raw;
        if (!bits.read(parameter_bits, k)) return Outcome::cut;
        if (k != escape) {
            const Outcome outcome = rice(bits, int(k), to + at, end - at);
            if (outcome != Outcome::fine) return outcome;
        } else {
            if (!bits.read(5, raw)) return Outcome::cut;
            for (int i = at; i < end; ++i) {
                std::int64_t value = 0;
                if (raw > 0 && !bits.read_signed(int(raw), value)) return Outcome::cut;
                to[i] = std::int32_t(fold(std::int32_t(value)));
            }
        }
        at = end;
    }
    return Outcome::fine;
}

Outcome put(Bits& bits, int width, FlacSubframe& subframe, int from, int to) {
    for (int i = from; i < to; ++i) {
        std::int64_t value;
        if (!bits.read_signed(width, value)) return Outcome::cut;
        if (subframe.wide)
            subframe.wide[i] = value;
        else
            subframe.samples[i] = std::int32_t(value);
    }
    return Outcome::fine;
}

constexpr std::int32_t kFixed[5][4] = {{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}};

Outcome subframe_of(Bits& bits, int block, FlacSubframe& subframe) {
    std::uint64_t head, unary = 0;
    if (!bits.read(8, head)) return Outcome::cut;
    if (head & 0x80) return Outcome::invalid;
    subframe.wasted = 0;
    if (head & 1) {
        if (!bits.read_unary(32, unary)) return Outcome::cut;
        if (unary + 1 >= std::uint64_t(subframe.bits)) return Outcome::invalid;
        subframe.wasted = int(unary) + 1;
    }
    const int width = subframe.bits - subframe.wasted, type = int(head >> 1);
    subframe.predicted = false;
    if (type == 0) {
        const Outcome outcome = put(bits, width, subframe, 0, 1);
        if (outcome != Outcome::fine) return outcome;
        for (int i = 1; i < block; ++i) {
            if (subframe.wide)
                subframe.wide[i] = subframe.wide[0];
            else
                subframe.samples[i] = subframe.samples[0];
        }
        return Outcome::fine;
    }
    if (type == 1) return put(bits, width, subframe, 0, block);
    const bool fixed = type >= 8 && type <= 12, linear = type >= 32;
    if (!fixed && !linear) return Outcome::invalid;
    const int order = fixed ? type - 8 : type - 31;
    if (order > block) return Outcome::invalid;
    subframe.predicted = true;
    subframe.order = order;
    subframe.shift = 0;
    Outcome outcome = put(bits, width, subframe, 0, order);
    if (outcome != Outcome::fine) return outcome;
    for (int i = 0; i < kFlacMaxOrder; ++i) subframe.coefficients[i] = fixed && i < 4 ? kFixed[order][i] : 0;
    if (linear) {
        std::uint64_t precision;
        std::int64_t shift, value;
        if (!bits.read(4, precision) || !bits.read_signed(5, shift)) return Outcome::cut;
        if (precision == 15 || shift < 0) return Outcome::invalid;
        subframe.shift = int(shift);
        for (int i = 0; i < order; ++i) {
            if (!bits.read_signed(int(precision) + 1, value)) return Outcome::cut;
            subframe.coefficients[i] = std::int32_t(value);
        }
    }
    return residuals(bits, block, order, subframe.samples);
}

std::int64_t unpack(const unsigned char* bytes, std::size_t size, int block, int channels,
                    FlacSubframe* subframes) {
    Bits bits{bytes, bytes + size};
    for (int c = 0; c < channels; ++c) {
        const Outcome outcome = subframe_of(bits, block, subframes[c]);
        if (outcome != Outcome::fine) return outcome == Outcome::cut ? kFlacCut : kFlacInvalid;
    }
    return bits.at - bytes - bits.count / 8;
}

// ---------------------------------------------------------------------------------------------------------

// Sums wrap around; they are right where the true ones fit, and mean nothing in a damaged frame.
void restore_scalar(FlacSubframe& s, int from, int to) {
    for (int n = from; n < to; ++n) {
        std::uint64_t sum = 0;
        for (int j = 0; j < s.order; ++j)
            sum += std::uint64_t(std::int64_t(s.coefficients[j])) *
                   std::uint64_t(std::int64_t(s.samples[n - 1 - j]));
        s.samples[n] = std::int32_t(std::uint32_t(std::int64_t(sum) >> s.shift) +
                                    std::uint32_t(unfold(std::uint32_t(s.samples[n]))));
    }
}

void restore_wide(FlacSubframe& s, int block) {
    for (int n = s.order; n < block; ++n) {
        std::uint64_t sum = 0;
        for (int j = 0; j < s.order; ++j)
            sum += std::uint64_t(std::int64_t(s.coefficients[j])) * std::uint64_t(s.wide[n - 1 - j]);
        s.wide[n] = std::int64_t(std::uint64_t(std::int64_t(sum) >> s.shift) +
                                 std::uint64_t(std::int64_t(unfold(std::uint32_t(s.samples[n])))));
    }
}

inline constexpr int kLanesOfRestore = kLanes<std::int32_t> < 8 ? kLanes<std::int32_t> : 8;
using Ints = Vec<std::int32_t, kLanesOfRestore>;
using Words = Vec<std::uint32_t, kLanesOfRestore>;
using Longs = Vec<std::int64_t, kLanesOfRestore / 2>;
using LongWords = Vec<std::uint64_t, kLanesOfRestore / 2>;

[[gnu::always_inline]] inline Ints odd_to_even(Ints x) { return Ints(LongWords(x) >> 32); }

struct EvenThenOdd {
    static constexpr int at(int j) { return j & 1 ? kLanesOfRestore + j : j; }
};

// The interleaving of blocks of `Size` lanes that exchanges two rows of a transposition.
template <int Size>
struct LowBlocks {
    static constexpr int at(int j) { return j & Size ? kLanesOfRestore + j - Size : j; }
};
template <int Size>
struct HighBlocks {
    static constexpr int at(int j) { return j & Size ? kLanesOfRestore + j : j + Size; }
};

template <int Size>
[[gnu::always_inline]] inline void transpose_step(Ints* rows) {
    if constexpr (Size < kLanesOfRestore) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanesOfRestore; ++i) {
            if (i & Size) continue;
            const Ints a = rows[i], b = rows[i + Size];
            rows[i] = shuffle<LowBlocks<Size>>(a, b);
            rows[i + Size] = shuffle<HighBlocks<Size>>(a, b);
        }
        transpose_step<2 * Size>(rows);
    }
}

// As many samples of as many channels: rows become columns.
[[gnu::always_inline]] inline void transpose(Ints* rows) { transpose_step<1>(rows); }

// The recursion is a chain: each sample waits for the one before. Lanes are therefore channels and blocks,
// which do not depend on each other. Lanes of a lower order have zeros as their last coefficients.
template <int Order, bool Wide>
void restore_lanes(FlacSubframe* const* subframes, int count, int block) {
    constexpr int L = kLanesOfRestore;
    std::int32_t* lanes[L];
    std::int32_t transposed[Order][L];
    Ints shift;
    int start = 0;
    for (int l = 0; l < L; ++l) {
        // Lanes to spare do what the first does.
        FlacSubframe& s = *subframes[l < count ? l : 0];
        lanes[l] = s.samples;
        shift[l] = s.shift;
        for (int j = 0; j < Order; ++j) transposed[j][l] = s.coefficients[j];
        start = start > s.order ? start : s.order;
    }
    for (int l = 0; l < count; ++l) restore_scalar(*subframes[l], subframes[l]->order, start);
    const int end = start + (block - start) / L * L;

    Ints coefficients[Order], history[Order + L];
    Ints odd_coefficients[Wide ? Order : 1], odd_history[Wide ? Order + L : 1];
    for (int j = 0; j < Order; ++j) {
        coefficients[j] = load<Ints>(transposed[j]);
        for (int l = 0; l < L; ++l)
            history[Order - 1 - j][l] = start - 1 - j >= 0 ? lanes[l][start - 1 - j] : 0;
        if constexpr (Wide) {
            odd_coefficients[j] = odd_to_even(coefficients[j]);
            odd_history[Order - 1 - j] = odd_to_even(history[Order - 1 - j]);
        }
    }
    for (int n = start; n < end; n += L) {
        Ints rows[L];
#pragma GCC unroll 16
        for (int l = 0; l < L; ++l) rows[l] = load<Ints>(lanes[l] + n);
        transpose(rows);
        Ints newest = history[Order - 1], odd_newest{};
        if constexpr (Wide) odd_newest = odd_history[Order - 1];
#pragma GCC unroll 1
        for (int i = 0; i < L; ++i) {
            const Words folded = Words(rows[i]);
            const Words residual = (folded >> 1) ^ (Words{} - (folded & 1));
            const Ints* past =
                history + Order + i - 1;  // past[-j] is what is j samples older than the newest
            if constexpr (Wide) {
                const Ints* odd_past = odd_history + Order + i - 1;
                Longs even{}, odd{};
#pragma GCC unroll 32
                for (int j = Order - 1; j > 0; --j) {
                    even += multiply_even<L>(coefficients[j], past[-j]);
                    odd += multiply_even<L>(odd_coefficients[j], odd_past[-j]);
                }
                even += multiply_even<L>(coefficients[0], newest);
                odd += multiply_even<L>(odd_coefficients[0], odd_newest);
                // Of either the lower half is all that counts, so that a logical shift serves.
                const Words lower = Words(LongWords(even) >> (LongWords(shift) & 0xFFFFFFFFu));
                const Words upper = Words((LongWords(odd) >> (LongWords(shift) >> 32)) << 32);
                newest = Ints(shuffle<EvenThenOdd>(lower, upper) + residual);
                odd_newest = odd_to_even(newest);
                odd_history[Order + i] = odd_newest;
            } else {
                Words sum{};
#pragma GCC unroll 32
                for (int j = Order - 1; j > 0; --j) sum += Words(coefficients[j]) * Words(past[-j]);
                sum += Words(coefficients[0]) * Words(newest);
                newest = Ints(Words(Ints(sum) >> shift) + residual);
            }
            rows[i] = history[Order + i] = newest;
        }
        transpose(rows);
#pragma GCC unroll 16
        for (int l = 0; l < L; ++l) store(lanes[l] + n, rows[l]);
#pragma GCC unroll 32
        for (int j = 0; j < Order; ++j) {
            history[j] = history[L + j];
            if constexpr (Wide) odd_history[j] = odd_history[L + j];
        }
    }
    for (int l = 0; l < count; ++l) restore_scalar(*subframes[l], end, block);
}

template <bool Wide>
void restore_of_order(int order, FlacSubframe* const* subframes, int count, int block) {
    if (order <= 2) return restore_lanes<2, Wide>(subframes, count, block);
    if (order <= 4) return restore_lanes<4, Wide>(subframes, count, block);
    if (order <= 6) return restore_lanes<6, Wide>(subframes, count, block);
    if (order <= 8) return restore_lanes<8, Wide>(subframes, count, block);
    if (order <= 10) return restore_lanes<10, Wide>(subframes, count, block);
    if (order <= 12) return restore_lanes<12, Wide>(subframes, count, block);
    if (order <= 16) return restore_lanes<16, Wide>(subframes, count, block);
    if (order <= 24) return restore_lanes<24, Wide>(subframes, count, block);
    return restore_lanes<kFlacMaxOrder, Wide>(subframes, count, block);
}

// Whether sums of 32 bits hold every prediction. They may wrap around where nothing is shifted out below.
bool is_narrow(const FlacSubframe& s) {
    if (s.shift == 0) return true;
    std::int64_t sum = 0;
    for (int j = 0; j < s.order; ++j) sum += s.coefficients[j] < 0 ? -s.coefficients[j] : s.coefficients[j];
    return sum << (s.bits - s.wasted - 1) <= 0x7FFFFFFF;
}

// Lanes that wait until there are enough of them.
template <bool Wide>
struct Waiting {
    FlacSubframe* subframes[kLanesOfRestore];
    int count = 0, order = 0;

    void add(FlacSubframe* s, int block) {
        subframes[count++] = s;
        order = order > s->order ? order : s->order;
        if (count == kLanesOfRestore) finish(block);
    }
    void finish(int block) {
        if (count > 0) restore_of_order<Wide>(order, subframes, count, block);
        count = order = 0;
    }
};

void restore(FlacSubframe* const* subframes, int count, int block) {
    Waiting<false> narrow;
    Waiting<true> wide;
    for (int i = 0; i < count; ++i) {
        FlacSubframe* s = subframes[i];
        if (!s->predicted) continue;
        if (s->wide)
            restore_wide(*s, block);
        else if (is_narrow(*s))
            narrow.add(s, block);
        else
            wide.add(s, block);
        s->predicted = false;
    }
    narrow.finish(block);
    wide.finish(block);
}

// ---------------------------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline T number(std::int32_t code, int wasted, T scale) {
    return T(std::int32_t(std::uint32_t(code) << wasted)) * scale;
}

template <class T>
void single(const std::int32_t* __restrict from, int wasted, std::ptrdiff_t frames, T scale, T* __restrict to,
            std::ptrdiff_t step) {
    if (step == 1) {
        for (std::ptrdiff_t i = 0; i < frames; ++i) to[i] = number(from[i], wasted, scale);
        return;
    }
    for (std::ptrdiff_t i = 0; i < frames; ++i) to[i * step] = number(from[i], wasted, scale);
}

// Section 4.2. All sums modulo 2^32: what comes out fits, whatever is on the way there.
template <FlacStereo Stereo, std::ptrdiff_t Step, class T>
void pair_of(const std::int32_t* __restrict first, int first_wasted, const std::int32_t* __restrict second,
             int second_wasted, std::ptrdiff_t frames, T scale, T* __restrict left, T* __restrict right) {
    for (std::ptrdiff_t i = 0; i < frames; ++i) {
        const std::uint32_t a = std::uint32_t(first[i]) << first_wasted;
        const std::uint32_t b = std::uint32_t(second[i]) << second_wasted;
        std::uint32_t l = a, r = b;
        if constexpr (Stereo == FlacStereo::left_side) r = a - b;
        if constexpr (Stereo == FlacStereo::side_right) l = a + b;
        if constexpr (Stereo == FlacStereo::mid_side) {
            const std::uint32_t twice = a << 1 | (b & 1);
            l = std::uint32_t(std::int32_t(twice + b) >> 1);
            r = std::uint32_t(std::int32_t(twice - b) >> 1);
        }
        left[i * Step] = T(std::int32_t(l)) * scale;
        right[i * Step] = T(std::int32_t(r)) * scale;
    }
}

template <FlacStereo Stereo, class T>
void pair_of(const std::int32_t* first, int first_wasted, const std::int32_t* second, int second_wasted,
             std::ptrdiff_t frames, T scale, T* left, T* right, std::ptrdiff_t step) {
    // Two channels are what is decorrelated: interleaved, their step is 2.
    if (step == 1)
        pair_of<Stereo, 1>(first, first_wasted, second, second_wasted, frames, scale, left, right);
    else
        pair_of<Stereo, 2>(first, first_wasted, second, second_wasted, frames, scale, left, right);
}

template <class T>
void pair(FlacStereo stereo, const std::int32_t* first, int first_wasted, const std::int32_t* second,
          int second_wasted, std::ptrdiff_t frames, T scale, T* left, T* right, std::ptrdiff_t step) {
    auto* run = pair_of<FlacStereo::independent, T>;
    if (stereo == FlacStereo::left_side) run = pair_of<FlacStereo::left_side, T>;
    if (stereo == FlacStereo::side_right) run = pair_of<FlacStereo::side_right, T>;
    if (stereo == FlacStereo::mid_side) run = pair_of<FlacStereo::mid_side, T>;
    run(first, first_wasted, second, second_wasted, frames, scale, left, right, step);
}

}  // namespace

extern const FlacKernels flac_kernels;
const FlacKernels flac_kernels = {unpack, restore, single<float>, single<double>, pair<float>, pair<double>};

}  // namespace luthier::inline LUTHIER_ISA
