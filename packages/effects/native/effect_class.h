// An effect behind plain function pointers: how the engine, compiled once, calls the copy of an effect
// that was compiled for this CPU.
#pragma once

#include <cstddef>

#include "luthier/isa.h"

namespace luthier::effects {

template <class T>
struct EffectClass {
    const char* name;
    const char* const* parameters;
    int parameter_count;
    std::size_t size, alignment;

    void (*construct)(void* effect);
    void (*destroy)(void* effect);
    void (*prepare)(void* effect, double sample_rate, int channels);
    void (*set)(void* effect, const double* from, const double* to) LUTHIER_REALTIME;
    void (*process)(void* effect, T* data, std::ptrdiff_t stride, int channels, int frames) LUTHIER_REALTIME;
    void (*reset)(void* effect) LUTHIER_REALTIME;
    // Copies the small state to or from `memory`; returns its bytes. Null memory only counts.
    std::size_t (*save)(void* effect, void* memory) LUTHIER_REALTIME;
    void (*restore)(void* effect, const void* memory) LUTHIER_REALTIME;
    int (*latency)(const void* effect);
    double (*tail)(const void* effect, const double* parameters, double silence);
    double (*gain)(const void* effect, const double* parameters);
};

// Sample-wise helpers of the engine that gain from wide vectors.
template <class T>
struct BlockKernels {
    // Copies n samples, non-finite ones as zero; true when there were any. `from` may equal `to`.
    bool (*copy_finite)(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME;
    void (*add)(const T* from, T* to, std::ptrdiff_t n) LUTHIER_REALTIME;
};

template <class T>
struct EffectLibrary {
    const EffectClass<T>* classes;
    int count;
    BlockKernels<T> kernels;
};

struct EffectLibraries {
    EffectLibrary<float> f32;
    EffectLibrary<double> f64;
};

}  // namespace luthier::effects
