// The FFTs as the bindings see them: one table an instruction set.
#pragma once

namespace luthier {

template <class T>
struct FftTable {
    // Null when n is not a size that the transform takes.
    void* (*create)(int n);
    void (*destroy)(void* plan);
    // `count` transforms, one behind the other.
    void (*forward)(const void* plan, const T* in, T* out, long long count);
    void (*inverse)(const void* plan, const T* in, T* out, long long count);
};

struct FftKernels {
    FftTable<float> real32, complex32;
    FftTable<double> real64, complex64;
    // `count` circular convolutions of n samples through packed spectra; `plan` is a real one.
    void (*convolve32)(const void* plan, const float* a, const float* b, float* out, long long count);
    void (*convolve64)(const void* plan, const double* a, const double* b, double* out, long long count);
};

}  // namespace luthier
