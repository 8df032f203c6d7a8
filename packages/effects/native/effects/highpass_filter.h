// High-pass of order 1 to 8: 6 dB an octave for each, -3.01 dB at the cutoff.
#pragma once

#include "butterworth.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct HighpassFilter : Butterworth<T, HighpassFilter<T>> {
    Section section(const CutoffParams& p, int index, double rate) const {
        return design::butterworth_highpass(this->order_, index, p.cutoff_hz, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
