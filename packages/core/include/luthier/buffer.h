// A planar block of samples: channels of contiguous frames. A view; it owns nothing.
#pragma once

#include <cstddef>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// The grid. Streaming code is called only with whole groups of this many frames, aligned to the
// stream's frame 0: the caller of process() may cut its signal anywhere, and what pads, saves and
// re-runs a partial group is in one place (effects/native/stream.h). A sample's arithmetic therefore
// never depends on where a block ended, and kernels need no code for remainders.
inline constexpr int kGroup = 16;

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
