// Band-pass of second order: gain 1 at the cutoff, 6 dB an octave on both sides.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct BandpassFilter : SectionEffect<T, BandpassFilter<T>, BandParams> {
    static Section section(const BandParams& p, int, double rate) {
        return design::bandpass(p.cutoff_hz, p.q, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
