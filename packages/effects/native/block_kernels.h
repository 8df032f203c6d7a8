// Sample-wise helpers of the engine that gain from wide vectors.
#pragma once

#include <cstddef>

#include "luthier/isa.h"

namespace luthier::effects {

template <class T>
struct BlockKernels {
    // Copies n samples, non-finite ones as zero; true when there were any. `from` may equal `to`.
    bool (*copy_finite)(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME;
    void (*add)(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME;
};

struct BlockKernelTable {
    BlockKernels<float> f32;
    BlockKernels<double> f64;

    const BlockKernels<float>& of(float) const { return f32; }
    const BlockKernels<double>& of(double) const { return f64; }
};

}  // namespace luthier::effects
