// The real FFT as the bindings see it: one table an instruction set.
#pragma once

namespace luthier {

template <class T>
struct FftTable {
    // Null when n is not a size that RealFft takes.
    void* (*create)(int n);
    void (*destroy)(void* plan);
    // `count` transforms, one behind the other.
    void (*forward)(const void* plan, const T* in, T* out, long long count);
    void (*inverse)(const void* plan, const T* in, T* out, long long count);
};

struct FftKernels {
    FftTable<float> f32;
    FftTable<double> f64;
};

}  // namespace luthier
