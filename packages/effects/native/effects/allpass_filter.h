// All-pass of second order: gain 1 everywhere, the phase turned by half a turn at the cutoff.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct AllpassFilter : SectionEffect<T, AllpassFilter<T>, BandParams> {
    static Section section(const BandParams& p, int, double rate) {
        return design::allpass(p.cutoff_hz, p.q, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
