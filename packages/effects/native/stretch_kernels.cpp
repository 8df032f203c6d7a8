// time_stretch, compiled once per instruction set.
#include "stretch_kernels.h"

#include <new>

#include "time_stretch.h"

namespace luthier::inline LUTHIER_ISA {

namespace {

using effects::StretchClass;
using effects::StretchJob;
using effects::StretchKernels;

template <class T>
constexpr StretchClass<T> stretch_class() {
    return {
        .size = sizeof(TimeStretch<T>),
        .alignment = alignof(TimeStretch<T>),
        .construct = [](void* memory, const StretchJob<T>& job) { new (memory) TimeStretch<T>(job); },
        .destroy = [](void* stretch) { static_cast<TimeStretch<T>*>(stretch)->~TimeStretch(); },
        .run = [](void* stretch,
                  std::int64_t until) { return static_cast<TimeStretch<T>*>(stretch)->run(until); },
    };
}

}  // namespace

extern const StretchKernels stretch_kernels;
const StretchKernels stretch_kernels = {stretch_class<float>(), stretch_class<double>()};

}  // namespace luthier::inline LUTHIER_ISA
