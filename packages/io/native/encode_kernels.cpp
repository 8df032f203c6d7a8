#include "encode_kernels.h"

#include "luthier/math.h"
#include "luthier/random.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

inline float round_even(float x) { return __builtin_rintf(x); }
inline double round_even(double x) { return __builtin_rint(x); }

// A comparison with NaN is false: NaN becomes `low`, and the conversion to an integer stays defined.
template <class T>
inline T clip(T x, T low, T high) {
    x = x > low ? x : low;
    return x < high ? x : high;
}

template <int Bits, class T>
inline std::int32_t quantise(T x) {
    // The top code of 32 bits is not a float: go through double there.
    if constexpr (Bits == 32)
        return std::int32_t(round_even(clip(double(x) * 2147483648.0, -2147483648.0, 2147483647.0)));
    constexpr T scale = T(std::int64_t(1) << (Bits - 1));
    return std::int32_t(round_even(clip(x * scale, -scale, scale - T(1))));
}

// G.711 (ITU-T, 1988), tables 1 and 2. The decision values are whole numbers of 1/8192 (u-law) and 1/4096
// (A-law) of full scale: the fraction below that may be cut off.
template <class T>
inline unsigned ulaw(T x) {
    const bool negative = x < T(0);
    const auto magnitude = unsigned(clip((negative ? -x : x) * T(8192), T(0), T(8158)));
    const unsigned biased = magnitude + 33;
    const unsigned segment = 26u - unsigned(__builtin_clz(biased));
    return 0xFFu ^ ((negative ? 0x80u : 0u) | segment << 4 | ((biased >> (segment + 1)) & 0x0F));
}

template <class T>
inline unsigned alaw(T x) {
    const bool negative = x < T(0);
    const auto magnitude = unsigned(clip((negative ? -x : x) * T(4096), T(0), T(4095)));
    const unsigned segment = magnitude < 32 ? 0 : 27u - unsigned(__builtin_clz(magnitude));
    const unsigned step = segment == 0 ? 1 : segment;
    return 0x55u ^ ((negative ? 0u : 0x80u) | segment << 4 | ((magnitude >> step) & 0x0F));
}

inline std::uint32_t swapped(std::uint32_t x) { return __builtin_bswap32(x); }
inline std::uint64_t swapped(std::uint64_t x) { return __builtin_bswap64(x); }

// One sample as a whole word of the file, for all codings but those of 24 bits.
template <Coding C, class T>
inline auto word(T x) {
    if constexpr (C == Coding::u8)
        return (unsigned char)(quantise<8>(x) + 128);
    else if constexpr (C == Coding::s8)
        return (unsigned char)(quantise<8>(x));
    else if constexpr (C == Coding::ulaw)
        return (unsigned char)(ulaw(x));
    else if constexpr (C == Coding::alaw)
        return (unsigned char)(alaw(x));
    else if constexpr (C == Coding::s16)
        return std::uint16_t(quantise<16>(x));
    else if constexpr (C == Coding::s16_big) {
        const auto code = std::uint32_t(quantise<16>(x)) & 0xFFFFu;
        return std::uint16_t(code << 8 | code >> 8);
    } else if constexpr (C == Coding::s32)
        return std::uint32_t(quantise<32>(x));
    else if constexpr (C == Coding::s32_big)
        return swapped(std::uint32_t(quantise<32>(x)));
    else if constexpr (C == Coding::s8_in_32)
        return std::uint32_t(quantise<8>(x)) << 24;
    else if constexpr (C == Coding::s16_in_32)
        return std::uint32_t(quantise<16>(x)) << 16;
    else if constexpr (C == Coding::s24_in_32)
        return std::uint32_t(quantise<24>(x)) << 8;
    else if constexpr (C == Coding::f32)
        return math::bits<std::uint32_t>(float(x));
    else if constexpr (C == Coding::f32_big)
        return swapped(math::bits<std::uint32_t>(float(x)));
    else if constexpr (C == Coding::f64)
        return math::bits<std::uint64_t>(double(x));
    else if constexpr (C == Coding::f64_big)
        return swapped(math::bits<std::uint64_t>(double(x)));
    else
        return math::bits<std::uint32_t>(float(clip(x, T(-1), T(1))));
}

template <class W>
struct Unaligned {
    typedef W type __attribute__((aligned(1), may_alias));
};
template <class W>
struct Twice;
template <>
struct Twice<unsigned char> {
    using type = std::uint16_t;
};
template <>
struct Twice<std::uint16_t> {
    using type = std::uint32_t;
};
template <>
struct Twice<std::uint32_t> {
    using type = std::uint64_t;
};

template <class W>
inline void put(unsigned char* at, W value) {
    *reinterpret_cast<typename Unaligned<W>::type*>(at) = value;
}

template <Coding C, class T>
void encode_words(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames,
                  unsigned char* to) {
    using W = decltype(word<C>(T(0)));
    if constexpr (sizeof(W) <= 4) {
        // Two channels as one word twice as wide are stores in a row.
        if (channels == 2) {
            using D = typename Twice<W>::type;
            const T* __restrict left = from;
            const T* __restrict right = from + stride;
            unsigned char* __restrict out = to;
            for (std::ptrdiff_t i = 0; i < frames; ++i)
                put(out + i * 2 * sizeof(W),
                    D(D(word<C>(left[i])) | D(D(word<C>(right[i])) << (8 * sizeof(W)))));
            return;
        }
    }
    if (channels == 1) {
        const T* __restrict in = from;
        unsigned char* __restrict out = to;
        for (std::ptrdiff_t i = 0; i < frames; ++i) put(out + i * sizeof(W), word<C>(in[i]));
        return;
    }
    for (int c = 0; c < channels; ++c) {
        const T* __restrict in = from + c * stride;
        unsigned char* __restrict out = to + c * sizeof(W);
        for (std::ptrdiff_t i = 0; i < frames; ++i) put(out + i * channels * sizeof(W), word<C>(in[i]));
    }
}

// Sixteen codes in 32 bits to 48 bytes: byte j of the result is byte `at(j)` of four codes.
template <bool Big>
struct Three {
    static constexpr int at(int j) { return j >= 12 ? 0 : 4 * (j / 3) + (Big ? 2 - j % 3 : j % 3); }
};

// Codes of 24 bits: interleaved as 32-bit integers in a buffer of the first cache level, then packed.
template <bool Big, class T>
void encode_24(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames, unsigned char* to) {
    constexpr std::ptrdiff_t kCodes = 2048;
    using Bytes = Vec<unsigned char, 16>;
    std::int32_t codes[kCodes + 16];
    const std::ptrdiff_t samples = frames * channels;
    // Runs of whole frames where these fit, of parts of frames else.
    for (std::ptrdiff_t start = 0; start < samples;) {
        const std::ptrdiff_t frame = start / channels;
        std::ptrdiff_t n;
        if (channels <= kCodes) {
            const std::ptrdiff_t whole =
                frames - frame < kCodes / channels ? frames - frame : kCodes / channels;
            n = whole * channels;
            if (channels == 2) {
                const T* __restrict left = from + frame;
                const T* __restrict right = left + stride;
                for (std::ptrdiff_t i = 0; i < whole; ++i) {
                    codes[2 * i] = quantise<24>(left[i]);
                    codes[2 * i + 1] = quantise<24>(right[i]);
                }
            } else {
                for (int c = 0; c < channels; ++c) {
                    const T* __restrict in = from + c * stride + frame;
                    for (std::ptrdiff_t i = 0; i < whole; ++i) codes[i * channels + c] = quantise<24>(in[i]);
                }
            }
        } else {
            const std::ptrdiff_t channel = start - frame * channels;
            n = channels - channel < kCodes ? channels - channel : kCodes;
            for (std::ptrdiff_t i = 0; i < n; ++i)
                codes[i] = quantise<24>(from[(channel + i) * stride + frame]);
        }
        unsigned char* __restrict out = to + 3 * start;
        std::ptrdiff_t i = 0;
        // Each store writes four bytes too many, which the next one puts right.
        for (; i + 8 <= n; i += 4) {
            const Bytes four = load<Bytes>(codes + i);
            store(out + 3 * i, shuffle<Three<Big>>(four, four));
        }
        for (; i < n; ++i) {
            const auto code = std::uint32_t(codes[i]);
            out[3 * i] = (unsigned char)(code >> (Big ? 16 : 0));
            out[3 * i + 1] = (unsigned char)(code >> 8);
            out[3 * i + 2] = (unsigned char)(code >> (Big ? 0 : 16));
        }
        start += n;
    }
}

// An integer as wide as T, so that counting takes as many lanes as comparing.
template <class T>
struct CountOf {
    using type = std::int64_t;
};
template <>
struct CountOf<float> {
    using type = std::int32_t;
};

// Stored is the type whose infinities count.
template <class Stored, class T>
Level measure(const T* from, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames) {
    using Count = typename CountOf<T>::type;
    constexpr std::ptrdiff_t kRun = 1 << 16;  // no Count overflows
    Level level{true, 0};
    for (int c = 0; c < channels; ++c) {
        for (std::ptrdiff_t start = 0; start < frames; start += kRun) {
            const T* __restrict run = from + c * stride + start;
            const std::ptrdiff_t n = frames - start < kRun ? frames - start : kRun;
            Count bad = 0, above = 0;
            for (std::ptrdiff_t i = 0; i < n; ++i) {
                const auto x = T(Stored(run[i]));
                bad |= Count(!(x - x == T(0)));
                above += Count(x > T(1) || x < T(-1));
            }
            level.finite = level.finite && bad == 0;
            level.above += std::ptrdiff_t(above);
        }
    }
    return level;
}

// The difference of two uniform numbers is triangular: mean 0 and variance step^2 / 6, which makes the
// first two moments of the whole error independent of the signal.
//   R. Wannamaker, S. Lipshitz, J. Vanderkooy and J. Wright, "A theory of nonsubtractive dither", IEEE
//   Transactions on Signal Processing 48, 2000
// `step` is a power of two: no product below is rounded.
template <class T>
void dither(const T* from, std::ptrdiff_t frames, double step, std::uint64_t seed, std::uint64_t channel,
            std::uint64_t first, double* to) {
    using Numbers = Random<float>;
    constexpr auto kBlock = std::uint64_t(Numbers::kBlock);
    const Numbers one(seed, 2 * channel), other(seed, 2 * channel + 1);
    float a[kBlock], b[kBlock];
    for (std::ptrdiff_t i = 0; i < frames;) {
        const std::uint64_t number = first + std::uint64_t(i);
        const auto skip = std::ptrdiff_t(number % kBlock);
        one.uniform(number / kBlock, a);
        other.uniform(number / kBlock, b);
        const std::ptrdiff_t left = std::ptrdiff_t(kBlock) - skip;
        const std::ptrdiff_t n = frames - i < left ? frames - i : left;
        for (std::ptrdiff_t k = 0; k < n; ++k)
            to[i + k] = double(from[i + k]) + double(a[skip + k] - b[skip + k]) * step;
        i += n;
    }
}

template <class T>
constexpr EncodeKernels<T> table() {
    return {{encode_words<Coding::u8, T>, encode_words<Coding::s8, T>, encode_words<Coding::s16, T>,
             encode_words<Coding::s16_big, T>, encode_24<false, T>, encode_24<true, T>,
             encode_words<Coding::s32, T>, encode_words<Coding::s32_big, T>, encode_words<Coding::f32, T>,
             encode_words<Coding::f32_big, T>, encode_words<Coding::f64, T>, encode_words<Coding::f64_big, T>,
             encode_words<Coding::ulaw, T>, encode_words<Coding::alaw, T>, encode_words<Coding::s8_in_32, T>,
             encode_words<Coding::s16_in_32, T>, encode_words<Coding::s24_in_32, T>,
             encode_words<Coding::f32_clipped, T>},
            measure<T, T>,
            measure<float, T>,
            dither<T>};
}

}  // namespace

extern const EncodeKernels<float> encode_kernels_float;
extern const EncodeKernels<double> encode_kernels_double;
const EncodeKernels<float> encode_kernels_float = table<float>();
const EncodeKernels<double> encode_kernels_double = table<double>();

}  // namespace luthier::inline LUTHIER_ISA
