// Vectors. GCC's and Clang's vector types give arithmetic, comparison and lane access for any power
// of two of lanes; the compiler lowers a vector wider than a register to several registers. This is
// the only header that may name an intrinsic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "luthier/isa.h"

#if LUTHIER_X86
#include <immintrin.h>
#endif

namespace luthier::inline LUTHIER_ISA {

template <class T, int N>
struct VecOf {
    typedef T type __attribute__((vector_size(N * sizeof(T))));
};
template <class T, int N>
using Vec = typename VecOf<T, N>::type;

// Bytes of the widest vector register of the instruction set being compiled.
#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
inline constexpr int kLanes = kVectorBytes / int(sizeof(T));

// 0, 1, ... N - 1 as template arguments (std::integer_sequence would be a shared symbol).
template <int... I>
struct IndexList {};
template <int N, int... I>
struct IndexRange : IndexRange<N - 1, N - 1, I...> {};
template <int... I>
struct IndexRange<0, I...> {
    using type = IndexList<I...>;
};

// Unaligned load and store.
template <class V, class T>
inline V load(const T* from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
template <class V, class T>
inline void store(T* to, V v) {
    std::memcpy(to, &v, sizeof v);
}

template <class V, class T>
inline V broadcast(T value) {
    return V{} + value;
}

namespace detail {
template <int By, class V, int... Lane>
inline V shift_lanes(V v, IndexList<Lane...>) {
    return __builtin_shufflevector(V{}, v, (int(sizeof...(Lane)) - By + Lane)...);
}
}  // namespace detail

// Moves every lane up by `By` places; zeros come in below.
template <int By, class V>
inline V shift_lanes(V v) {
    return detail::shift_lanes<By>(v, typename IndexRange<sizeof(V) / sizeof(v[0])>::type{});
}

namespace detail {
template <class Pattern, class V, int... Lane>
[[gnu::always_inline]] inline V shuffle(V a, V b, IndexList<Lane...>) {
    return __builtin_shufflevector(a, b, Pattern::at(Lane)...);
}
}  // namespace detail

// Lane j of the result is lane Pattern::at(j) of `a` followed by `b`.
template <class Pattern, class V>
[[gnu::always_inline]] inline V shuffle(V a, V b) {
    return detail::shuffle<Pattern>(a, b, typename IndexRange<sizeof(V) / sizeof(a[0])>::type{});
}

namespace detail {
template <class V>
inline constexpr bool kDoubles = false;
template <class V>
    requires requires(V v) { v[0]; }
inline constexpr bool kDoubles<V> = sizeof(V{}[0]) == 8;
}  // namespace detail

// a < b ? a : b and a > b ? a : b, of numbers or in each lane. Of vectors of doubles compilers make a
// comparison and a choice of that expression, with three times the latency.
template <class V>
[[gnu::always_inline]] inline V minimum(V a, V b) {
#if LUTHIER_X86
    if constexpr (detail::kDoubles<V>) {
        if constexpr (sizeof(V) == 16) return V(_mm_min_pd(__m128d(a), __m128d(b)));
#ifdef __AVX__
        if constexpr (sizeof(V) == 32) return V(_mm256_min_pd(__m256d(a), __m256d(b)));
#endif
#ifdef __AVX512F__
        if constexpr (sizeof(V) == 64) return V(_mm512_maskz_min_pd(0xFF, __m512d(a), __m512d(b)));
#endif
    }
#endif
    return a < b ? a : b;
}
template <class V>
[[gnu::always_inline]] inline V maximum(V a, V b) {
#if LUTHIER_X86
    if constexpr (detail::kDoubles<V>) {
        if constexpr (sizeof(V) == 16) return V(_mm_max_pd(__m128d(a), __m128d(b)));
#ifdef __AVX__
        if constexpr (sizeof(V) == 32) return V(_mm256_max_pd(__m256d(a), __m256d(b)));
#endif
#ifdef __AVX512F__
        if constexpr (sizeof(V) == 64) return V(_mm512_maskz_max_pd(0xFF, __m512d(a), __m512d(b)));
#endif
    }
#endif
    return a > b ? a : b;
}

// The products of the lanes 0, 2, 4 ... of two vectors of 32-bit integers, in 64 bits.
template <int N>
[[gnu::always_inline]] inline Vec<std::int64_t, N / 2> multiply_even(Vec<std::int32_t, N> a,
                                                                     Vec<std::int32_t, N> b) {
    using Longs = Vec<std::int64_t, N / 2>;
#if LUTHIER_X86 && defined(__AVX512F__)
    if constexpr (N == 16) return Longs(_mm512_maskz_mul_epi32(0xFF, __m512i(a), __m512i(b)));
#endif
#if LUTHIER_X86 && defined(__AVX2__)
    if constexpr (N == 8) return Longs(_mm256_mul_epi32(__m256i(a), __m256i(b)));
#endif
#if LUTHIER_X86 && defined(__SSE4_1__)
    if constexpr (N == 4) return Longs(_mm_mul_epi32(__m128i(a), __m128i(b)));
#endif
    return ((Longs(a) << 32) >> 32) * ((Longs(b) << 32) >> 32);
}

// Numbers below 1.2e-38 (float) or 2.2e-308 (double) count as zero in this scope. A recursion that
// rings out would otherwise spend most of its time on them. With `false` they count as what they are again.
class FlushDenormals {
  public:
#if LUTHIER_X86
    explicit FlushDenormals(bool flush = true) : saved_(_mm_getcsr()) {
        _mm_setcsr(flush ? saved_ | 0x8040 : saved_ & ~0x8040u);  // FTZ and DAZ
    }
    ~FlushDenormals() { _mm_setcsr(saved_); }

  private:
    unsigned saved_;
#elif defined(__aarch64__)
    explicit FlushDenormals(bool flush = true) {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        set(flush ? saved_ | (1ull << 24) : saved_ & ~(1ull << 24));  // FZ
    }
    ~FlushDenormals() { set(saved_); }

  private:
    static void set(std::uint64_t value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }

    std::uint64_t saved_;
#else
    explicit FlushDenormals(bool = true) {}
    ~FlushDenormals() {}

  private:
#endif
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace luthier::inline LUTHIER_ISA
