// Measurements, compiled once per instruction set.
#include "measure_kernels.h"

#include <new>

#include "loudness_meter.h"

namespace luthier::inline LUTHIER_ISA {

namespace {

using effects::LoudnessClass;
using effects::MeasureKernels;

template <class T>
constexpr LoudnessClass<T> loudness_class() {
    using Meter = LoudnessMeter<T>;
    return {
        .size = sizeof(Meter),
        .alignment = alignof(Meter),
        .construct =
            [](void* memory, double sample_rate, int channels, const double* weights) {
                (new (memory) Meter)->prepare(sample_rate, channels, weights);
            },
        .destroy = [](void* meter) { static_cast<Meter*>(meter)->~Meter(); },
        .process =
            [](void* meter, const T* x, std::ptrdiff_t stride, std::int64_t frames, double* energies) {
                return static_cast<Meter*>(meter)->process(x, stride, frames, energies);
            },
        .finish = [](void* meter) { static_cast<Meter*>(meter)->finish(); },
        .peaks =
            [](const void* meter, double* sample_peak, double* true_peak) {
                *sample_peak = static_cast<const Meter*>(meter)->sample_peak();
                *true_peak = static_cast<const Meter*>(meter)->true_peak();
            },
    };
}

}  // namespace

extern const MeasureKernels measure_kernels;
const MeasureKernels measure_kernels = {loudness_class<float>(), loudness_class<double>()};

}  // namespace luthier::inline LUTHIER_ISA
