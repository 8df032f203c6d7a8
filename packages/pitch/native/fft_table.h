// The tables of one transform, as a plan's kernels make and destroy them.
#pragma once

#include "luthier/fft.h"

namespace luthier::inline LUTHIER_ISA {

// Null where there is no memory.
template <class T>
void* make_fft(int size) {
    auto* fft = new RealFft<T>;
    if (fft->prepare(size)) return fft;
    delete fft;
    return nullptr;
}

template <class T>
void destroy_fft(void* tables) {
    delete static_cast<RealFft<T>*>(tables);
}

}  // namespace luthier::inline LUTHIER_ISA
