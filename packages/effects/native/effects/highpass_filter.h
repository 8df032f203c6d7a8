// High-pass of first order: 6 dB an octave, -3.01 dB at the cutoff.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct HighpassFilter : SectionEffect<T, HighpassFilter<T>, CutoffParams> {
    static Section section(const CutoffParams& p, double rate) {
        return design::highpass1(p.cutoff_hz, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
