// Random numbers by counting: Philox4x32-10.
//
// The numbers of a stream are a function of (key, index) alone: any part of it can be made anywhere, by
// any number of threads and in blocks of any size, and always the same. There is no state to save but the
// index.
//   J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011
#pragma once

#include <cstdint>

#include "luthier/isa.h"
#include "luthier/math.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

// Four words from a counter of four words and a key of two: a bijection of the counter for every key.
// On scalars (std::uint32_t) or vectors of them, a counter a lane.
template <class U>
struct Philox {
    U word[4];
};

namespace philox {

inline constexpr std::uint32_t kMultiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
inline constexpr std::uint32_t kWeyl[2] = {0x9E3779B9u, 0xBB67AE85u};

inline void multiply(std::uint32_t a, std::uint32_t b, std::uint32_t& high, std::uint32_t& low) {
    const std::uint64_t product = std::uint64_t(a) * b;
    high = std::uint32_t(product >> 32);
    low = std::uint32_t(product);
}

// Lanes in pairs: the even ones and the odd ones are 64-bit products in place.
template <class U>
inline void multiply(U a, std::uint32_t b, U& high, U& low) {
    using W = Vec<std::uint64_t, sizeof(U) / 8>;
    const W wide = math::bits<W>(a);
    const W even = (wide & 0xffffffffu) * std::uint64_t(b);
    const W odd = (wide >> 32) * std::uint64_t(b);
    high = math::bits<U>((even >> 32) | (odd & 0xffffffff00000000u));
    low = math::bits<U>((even & 0xffffffffu) | (odd << 32));
}

}  // namespace philox

template <class U>
inline Philox<U> philox4x32(Philox<U> x, std::uint32_t key0, std::uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        U high0, low0, high1, low1;
        philox::multiply(x.word[0], philox::kMultiplier[0], high0, low0);
        philox::multiply(x.word[2], philox::kMultiplier[1], high1, low1);
        x = {{high1 ^ x.word[1] ^ key0, low1, high0 ^ x.word[3] ^ key1, low0}};
        key0 += philox::kWeyl[0];
        key1 += philox::kWeyl[1];
    }
    return x;
}

// Numbers 64 at a time: block `index` of the stream (key, stream). Whole blocks, so that a number does not
// depend on what else is asked for. The i-th of a block is word i / 16 of counter 16 index + i % 16, or of
// the two words i / 32 of counter 32 index + i % 32 for doubles.
template <class T>
class Random {
  public:
    static constexpr int kBlock = 64;

    explicit Random(std::uint64_t key = 0, std::uint64_t stream = 0) : key_(key), stream_(stream) {}

    // Uniform in [0, 1): multiples of 2^-24 (float), 2^-53 (double).
    void uniform(std::uint64_t index, T* to) const LUTHIER_REALTIME {
        if constexpr (sizeof(T) == 4) {
            const auto x = words(index);
            for (int w = 0; w < 4; ++w) store(to + 16 * w, unit(x.word[w]));
        } else {
            for (int half = 0; half < 2; ++half) {
                const auto x = words(2 * index + half);
                for (int w = 0; w < 2; ++w)
                    store(to + 32 * half + 16 * w, unit(x.word[2 * w], x.word[2 * w + 1]));
            }
        }
    }

    // Standard normal, by G. Box and M. Muller's transformation (1958): within +-5.8 (float), 8.6 (double).
    void normal(std::uint64_t index, T* to) const LUTHIER_REALTIME {
        uniform(index, to);
        using V = Vec<T, 16>;
        for (int i = 0; i < kBlock; i += 32) {
            const V angle = load<V>(to + i), radius = load<V>(to + i + 16);
            // 1 - u lies in (0, 1]. -2 ln(1 - u) = -2 ln 2 log2(1 - u)
            V squared = log2(T(1) - radius) * T(-1.3862943611198906188);
            for (int k = 0; k < 16; ++k)
                squared[k] =
                    sizeof(T) == 4 ? T(__builtin_sqrtf(float(squared[k]))) : T(__builtin_sqrt(squared[k]));
            store(to + i, squared * cos_turns(angle));
            store(to + i + 16, squared * sin_turns(angle));
        }
    }

  private:
    using Words = Vec<std::uint32_t, 16>;
    using Bits32 = Vec<std::int32_t, 16>;

    Philox<Words> words(std::uint64_t index) const {
        // The counter is (16 index + lane, stream); the low four bits come from the lane alone.
        Words lane;
        for (int i = 0; i < 16; ++i) lane[i] = i;
        const Words zero{};
        return philox4x32<Words>({{lane + std::uint32_t(index << 4), zero + std::uint32_t(index >> 28),
                                   zero + std::uint32_t(stream_), zero + std::uint32_t(stream_ >> 32)}},
                                 std::uint32_t(key_), std::uint32_t(key_ >> 32));
    }

    // 24 bits are exact as signed integers and as floats.
    static Vec<float, 16> unit(Words word) {
        return __builtin_convertvector(math::bits<Bits32>(word >> 8), Vec<float, 16>) * 0x1p-24f;
    }

    // 27 bits and 26 bits.
    static Vec<double, 16> unit(Words high, Words low) {
        const auto a = __builtin_convertvector(math::bits<Bits32>(high >> 5), Vec<double, 16>);
        const auto b = __builtin_convertvector(math::bits<Bits32>(low >> 6), Vec<double, 16>);
        return (a * 0x1p26 + b) * 0x1p-53;
    }

    std::uint64_t key_, stream_;
};

}  // namespace luthier::inline LUTHIER_ISA
