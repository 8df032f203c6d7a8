// Notch of second order: nothing passes at the cutoff, all far from it.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct NotchFilter : SectionEffect<T, NotchFilter<T>, BandParams> {
    static Section section(const BandParams& p, int, double rate) {
        return design::notch(p.cutoff_hz, p.q, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
