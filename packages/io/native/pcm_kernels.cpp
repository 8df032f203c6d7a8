// Decoding is one pass of loads, conversions and stores: loops that the compiler vectorises, except for
// samples of three bytes, which it gathers one by one, see Decode24.
#include "pcm_kernels.h"

#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

template <class S>
struct Unaligned {
    typedef S type __attribute__((aligned(1), may_alias));
};

// One stored sample of type P: its bytes and its value as T.
template <PcmType P>
struct Stored;

template <class S>
struct StoredNumber {
    static constexpr int bytes = sizeof(S);
    static S get(const unsigned char* at) {
        return *reinterpret_cast<const typename Unaligned<S>::type*>(at);
    }
};

inline std::uint16_t swapped(std::uint16_t x) { return __builtin_bswap16(x); }
inline std::uint32_t swapped(std::uint32_t x) { return __builtin_bswap32(x); }
inline std::uint64_t swapped(std::uint64_t x) { return __builtin_bswap64(x); }

// Its bits lie in the file as those of B, an unsigned integer, with the other end first.
template <class S, class B>
struct StoredSwapped {
    static constexpr int bytes = sizeof(S);
    static S get(const unsigned char* at) { return __builtin_bit_cast(S, swapped(StoredNumber<B>::get(at))); }
};

template <>
struct Stored<kU8> : StoredNumber<unsigned char> {
    template <class T>
    static T load(const unsigned char* at) {
        return T(int(*at) - 128) * T(1.0 / 128);
    }
};
template <>
struct Stored<kS8> : StoredNumber<signed char> {
    template <class T>
    static T load(const unsigned char* at) {
        return T(get(at)) * T(1.0 / 128);
    }
};

template <class Number>
struct Stored16 : Number {
    template <class T>
    static T load(const unsigned char* at) {
        return T(Number::get(at)) * T(1.0 / 32768);
    }
};
template <>
struct Stored<kS16> : Stored16<StoredNumber<std::int16_t>> {};
template <>
struct Stored<kS16Big> : Stored16<StoredSwapped<std::int16_t, std::uint16_t>> {};

template <bool Big>
struct Stored24 {
    static constexpr int bytes = 3;
    template <class T>
    static T load(const unsigned char* at) {
        const std::uint32_t top = std::uint32_t(at[Big ? 2 : 0]) << 8 | std::uint32_t(at[1]) << 16 |
                                  std::uint32_t(at[Big ? 0 : 2]) << 24;
        return T(std::int32_t(top)) * T(1.0 / 2147483648.0);
    }
};
template <>
struct Stored<kS24> : Stored24<false> {};
template <>
struct Stored<kS24Big> : Stored24<true> {};

template <class Number>
struct Stored32 : Number {
    template <class T>
    static T load(const unsigned char* at) {
        return T(Number::get(at)) * T(1.0 / 2147483648.0);
    }
};
template <>
struct Stored<kS32> : Stored32<StoredNumber<std::int32_t>> {};
template <>
struct Stored<kS32Big> : Stored32<StoredSwapped<std::int32_t, std::uint32_t>> {};

template <class Number>
struct StoredFloat : Number {
    template <class T>
    static T load(const unsigned char* at) {
        return T(Number::get(at));
    }
};
template <>
struct Stored<kF32> : StoredFloat<StoredNumber<float>> {};
template <>
struct Stored<kF64> : StoredFloat<StoredNumber<double>> {};
template <>
struct Stored<kF32Big> : StoredFloat<StoredSwapped<float, std::uint32_t>> {};
template <>
struct Stored<kF64Big> : StoredFloat<StoredSwapped<double, std::uint64_t>> {};

// ITU-T G.711: sign, three bits that name a segment, four bits within it; each value is the middle of
// its interval. Stated on the scale of 16 bits. A table of 256 values costs less than shifts by as many
// bits as each sample says.
constexpr std::int32_t ulaw_value(int code) {
    const std::int32_t inverted = ~code & 255;
    const std::int32_t value = (((inverted & 15) << 3) + 132) << (inverted >> 4 & 7);
    return inverted & 128 ? 132 - value : value - 132;
}
constexpr std::int32_t alaw_value(int code) {
    const std::int32_t even = code ^ 0x55, segment = even >> 4 & 7;
    const std::int32_t value = ((even & 15) << 4) + (segment ? 264 : 8);
    const std::int32_t scaled = value << (segment ? segment - 1 : 0);
    return even & 128 ? scaled : -scaled;
}

template <class T, std::int32_t (*Value)(int)>
struct Companded {
    T value[256];
    constexpr Companded() : value{} {
        for (int i = 0; i < 256; ++i) value[i] = T(Value(i)) * T(1.0 / 32768);
    }
};
template <class T, std::int32_t (*Value)(int)>
constexpr Companded<T, Value> kCompanded;

template <>
struct Stored<kULaw> : StoredNumber<unsigned char> {
    template <class T>
    static T load(const unsigned char* at) {
        return kCompanded<T, ulaw_value>.value[*at];
    }
};
template <>
struct Stored<kALaw> : StoredNumber<unsigned char> {
    template <class T>
    static T load(const unsigned char* at) {
        return kCompanded<T, alaw_value>.value[*at];
    }
};

// Four samples of three bytes at a time: one permutation puts them on top of 32-bit integers. It reads
// 16 bytes for 12, so that the end is left to the plain loop.
template <bool Big, int Channels, class T>
struct Decode24 {
    using Bytes = Vec<unsigned char, 16>;
    using Integers = Vec<std::int32_t, 4>;
    using Floats = Vec<T, 4>;

    struct Unpack {
        // Byte b of sample s. The lowest byte is any of them, and cleared afterwards.
        static constexpr int at(int j) {
            const int s = j / 4, b = j % 4;
            return b == 0 ? 3 * s : 3 * s + (Big ? 3 - b : b - 1);
        }
    };
    struct Even {
        static constexpr int at(int j) { return 2 * j; }
    };
    struct Odd {
        static constexpr int at(int j) { return 2 * j + 1; }
    };

    static Integers unpack(const unsigned char* from) {
        const Bytes bytes = luthier::load<Bytes>(from);
        const auto top = __builtin_bit_cast(Integers, luthier::shuffle<Unpack>(bytes, bytes));
        return top & ~0xFF;
    }
    static void put(T* to, Integers codes) {
        luthier::store(to, __builtin_convertvector(codes, Floats) * T(1.0 / 2147483648.0));
    }

    // Returns how many frames are done.
    static std::ptrdiff_t run(const unsigned char* __restrict from, T* __restrict left, T* __restrict right,
                              std::ptrdiff_t frames) {
        std::ptrdiff_t i = 0;
        for (; i + 4 + 2 <= frames; i += 4, from += 12 * Channels) {
            const Integers a = unpack(from);
            if constexpr (Channels == 1) {
                put(left + i, a);
            } else {
                const Integers b = unpack(from + 12);
                put(left + i, luthier::shuffle<Even>(a, b));
                put(right + i, luthier::shuffle<Odd>(a, b));
            }
        }
        return i;
    }
};

template <PcmType P, int Channels, class T>
void decode_fixed(const unsigned char* from, T* to, std::ptrdiff_t stride, std::ptrdiff_t frames) {
    using S = Stored<P>;
    T* __restrict left = to;
    T* __restrict right = Channels > 1 ? to + stride : to;
    constexpr bool kBig24 = P == kS24Big;
    std::ptrdiff_t i = 0;
    if constexpr (P == kS24 || kBig24) i = Decode24<kBig24, Channels, T>::run(from, left, right, frames);
    for (; i < frames; ++i) {
        left[i] = S::template load<T>(from + i * Channels * S::bytes);
        if constexpr (Channels > 1) right[i] = S::template load<T>(from + (i * Channels + 1) * S::bytes);
    }
}

template <PcmType P, class T>
void decode(const unsigned char* from, T* to, std::ptrdiff_t stride, int channels, std::ptrdiff_t frames) {
    using S = Stored<P>;
    if (channels == 1) return decode_fixed<P, 1>(from, to, stride, frames);
    if (channels == 2) return decode_fixed<P, 2>(from, to, stride, frames);
    if constexpr (P == kS24 || P == kS24Big) {
        // A piece at a time is unpacked as it lies, then taken apart.
        constexpr std::ptrdiff_t kPiece = 2048;
        T piece[kPiece];
        for (std::ptrdiff_t i = 0; i < frames && channels <= kPiece / 8;) {
            const std::ptrdiff_t room = kPiece / channels, n = frames - i < room ? frames - i : room;
            decode_fixed<P, 1>(from + i * channels * S::bytes, piece, 0, n * channels);
            for (int c = 0; c < channels; ++c)
                for (std::ptrdiff_t j = 0; j < n; ++j) to[c * stride + i + j] = piece[j * channels + c];
            i += n;
        }
        if (channels <= kPiece / 8) return;
    }
    // The caller's blocks fit the cache: a pass a channel reads them again from there.
    for (int c = 0; c < channels; ++c) {
        T* __restrict channel = to + c * stride;
        for (std::ptrdiff_t i = 0; i < frames; ++i)
            channel[i] = S::template load<T>(from + (i * channels + c) * S::bytes);
    }
}

template <class T>
constexpr PcmKernels<T> table() {
    return {{decode<kU8, T>, decode<kS16, T>, decode<kS24, T>, decode<kS32, T>, decode<kF32, T>,
             decode<kF64, T>, decode<kS8, T>, decode<kS16Big, T>, decode<kS24Big, T>, decode<kS32Big, T>,
             decode<kF32Big, T>, decode<kF64Big, T>, decode<kULaw, T>, decode<kALaw, T>}};
}

}  // namespace

extern const PcmKernels<float> pcm_kernels_float;
extern const PcmKernels<double> pcm_kernels_double;
const PcmKernels<float> pcm_kernels_float = table<float>();
const PcmKernels<double> pcm_kernels_double = table<double>();

}  // namespace luthier::inline LUTHIER_ISA
