// The encoding kernels of the instruction set in use.
#pragma once

#include <type_traits>

#include "encode_kernels.h"
#include "luthier/dispatch.h"

LUTHIER_DISPATCH(EncodeKernels<float>, encode_kernels_float)
LUTHIER_DISPATCH(EncodeKernels<double>, encode_kernels_double)

namespace luthier::io {

template <class T>
const EncodeKernels<T>& encode_kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_encode_kernels_float();
    else
        return select_encode_kernels_double();
}

}  // namespace luthier::io
