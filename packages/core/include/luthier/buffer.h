// A planar block of samples: channels of contiguous frames. A view; it owns nothing.
#pragma once

#include <cstddef>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Block {
    T* data;                // channel 0
    std::ptrdiff_t stride;  // samples from one channel to the next
    int channels;
    int frames;

    T* operator[](int channel) const { return data + channel * stride; }
    Block from(int start, int count) const { return {data + start, stride, channels, count}; }
};

}  // namespace luthier::inline LUTHIER_ISA
