// The sample kernels of the instruction set in use, for the decoders.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "luthier/dispatch.h"
#include "pcm_kernels.h"

LUTHIER_DISPATCH(PcmKernels<float>, pcm_kernels_float)
LUTHIER_DISPATCH(PcmKernels<double>, pcm_kernels_double)

namespace luthier::io {

template <class T>
const PcmKernels<T>& pcm_kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_pcm_kernels_float();
    else
        return select_pcm_kernels_double();
}

inline int stored_bytes(PcmType type) {
    switch (type) {
        case kU8:
        case kS8:
        case kULaw:
        case kALaw: return 1;
        case kS16:
        case kS16Big: return 2;
        case kS24:
        case kS24Big: return 3;
        case kF64:
        case kF64Big: return 8;
        default: return 4;
    }
}

// Where decoded samples go: planar with `stride` samples from channel to channel, or interleaved.
template <class T>
struct Target {
    T* data;
    std::ptrdiff_t stride;
    bool interleaved;

    Target from(std::ptrdiff_t frame, int channels) const {
        return {data + (interleaved ? frame * channels : frame), stride, interleaved};
    }
};

template <class T>
void silence(const Target<T>& to, int channels, std::int64_t frames) {
    if (to.interleaved) {
        std::fill_n(to.data, frames * channels, T(0));
        return;
    }
    for (int c = 0; c < channels; ++c) std::fill_n(to.data + c * to.stride, frames, T(0));
}

template <class T>
void decode_to(const Target<T>& to, PcmType type, const unsigned char* from, int channels,
               std::int64_t frames) {
    const auto decode = pcm_kernels<T>().decode[type];
    if (to.interleaved)
        decode(from, to.data, 0, 1, std::ptrdiff_t(frames * channels));
    else
        decode(from, to.data, to.stride, channels, std::ptrdiff_t(frames));
}

}  // namespace luthier::io
