// A signal of which a stretch is at hand.
#pragma once

#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// Samples are counted from the signal's first; those from `base` on are there, and `length` is how many the
// signal has, as far as is known. A kernel reads no further back than its method's `before` (method.h).
template <class T>
struct Signal {
    const T* data;
    std::int64_t base, length;

    const T* at(std::int64_t sample) const { return data + (sample - base); }
};

// What is known of one frame.
struct FrameResult {
    double f0, confidence;
};

}  // namespace luthier::inline LUTHIER_ISA
