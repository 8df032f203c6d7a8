// Random numbers as the bindings see them: one table an instruction set.
#pragma once

#include <cstdint>

namespace luthier {

struct RandomKernels {
    // One block of four words, on scalars or on a vector whose lanes all hold it.
    void (*philox)(const std::uint32_t* counter, const std::uint32_t* key, bool vectors,
                   std::uint32_t* words);
    // Blocks of 64 numbers, from block `first` on.
    void (*uniform32)(std::uint64_t key, std::uint64_t stream, std::uint64_t first, long long blocks,
                      float* to);
    void (*uniform64)(std::uint64_t key, std::uint64_t stream, std::uint64_t first, long long blocks,
                      double* to);
    void (*normal32)(std::uint64_t key, std::uint64_t stream, std::uint64_t first, long long blocks,
                     float* to);
    void (*normal64)(std::uint64_t key, std::uint64_t stream, std::uint64_t first, long long blocks,
                     double* to);
};

}  // namespace luthier
