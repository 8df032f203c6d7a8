// Vectors. GCC's and Clang's vector types give arithmetic, comparison and lane access for any power
// of two of lanes; the compiler lowers a vector wider than a register to several registers. This is
// the only header that may name an intrinsic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "luthier/isa.h"

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

}  // namespace luthier::inline LUTHIER_ISA
