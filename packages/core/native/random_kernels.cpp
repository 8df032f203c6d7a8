#include "random_kernels.h"

#include "luthier/random.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

void philox_block(const std::uint32_t* counter, const std::uint32_t* key, bool vectors,
                  std::uint32_t* words) {
    using Words = Vec<std::uint32_t, 16>;
    if (vectors) {
        Philox<Words> x{};
        for (int w = 0; w < 4; ++w) x.word[w] = Words{} + counter[w];
        x = philox4x32(x, key[0], key[1]);
        for (int w = 0; w < 4; ++w) words[w] = x.word[w][w];
    } else {
        const auto x =
            philox4x32<std::uint32_t>({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
        for (int w = 0; w < 4; ++w) words[w] = x.word[w];
    }
}

template <class T>
void uniform(std::uint64_t key, std::uint64_t stream, std::uint64_t first, long long blocks, T* to) {
    const Random<T> random(key, stream);
    for (long long i = 0; i < blocks; ++i) random.uniform(first + i, to + i * Random<T>::kBlock);
}

template <class T>
void normal(std::uint64_t key, std::uint64_t stream, std::uint64_t first, long long blocks, T* to) {
    const Random<T> random(key, stream);
    for (long long i = 0; i < blocks; ++i) random.normal(first + i, to + i * Random<T>::kBlock);
}

}  // namespace

extern const RandomKernels random_kernels;
const RandomKernels random_kernels = {&philox_block, &uniform<float>, &uniform<double>, &normal<float>,
                                      &normal<double>};

}  // namespace luthier::inline LUTHIER_ISA
