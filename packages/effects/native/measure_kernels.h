// What is measured over a whole signal, as the bindings see it: one table an instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luthier::effects {

template <class T>
struct LoudnessClass {
    std::size_t size, alignment;
    void (*construct)(void* meter, double sample_rate, int channels, const double* weights);
    void (*destroy)(void* meter);
    bool (*process)(void* meter, const T* x, std::ptrdiff_t stride, std::int64_t frames, double* energies);
    void (*finish)(void* meter);
    void (*peaks)(const void* meter, double* sample_peak, double* true_peak);
};

struct MeasureKernels {
    LoudnessClass<float> loudness32;
    LoudnessClass<double> loudness64;
};

}  // namespace luthier::effects
