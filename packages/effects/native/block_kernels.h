// What of the engine itself gains from wide vectors.
#pragma once

#include <cstddef>

#include "luthier/effect_class.h"
#include "luthier/isa.h"

namespace luthier::effects {

// Sections of second order in series, behind plain function pointers: BiquadCascade.
template <class T>
struct CascadeKernels {
    std::size_t size, alignment;

    void (*construct)(void* cascade);
    void (*destroy)(void* cascade);
    void (*prepare)(void* cascade, int most_sections, int channels);
    // The sections from now on. The states stay where they are.
    void (*arrange)(void* cascade, const SectionValues* sections, int count) LUTHIER_REALTIME;
    double* (*memory)(void* cascade, int channel, int section)LUTHIER_REALTIME;
    void (*process)(void* cascade, T* data, std::ptrdiff_t stride, int channels, int frames) LUTHIER_REALTIME;
    void (*reset)(void* cascade) LUTHIER_REALTIME;
};

template <class T>
struct BlockKernels {
    // Copies n samples, non-finite ones as zero; true when there were any. `from` may equal `to`.
    bool (*copy_finite)(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME;
    void (*add)(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME;
    CascadeKernels<T> cascade;
};

struct BlockKernelTable {
    BlockKernels<float> f32;
    BlockKernels<double> f64;

    const BlockKernels<float>& of(float) const { return f32; }
    const BlockKernels<double>& of(double) const { return f64; }
};

}  // namespace luthier::effects
