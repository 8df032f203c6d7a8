// Bell of second order: gain_db at the cutoff, none far from it.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct PeakFilter : SectionEffect<T, PeakFilter<T>, BellParams> {
    static Section section(const BellParams& p, int, double rate) {
        return design::peak(p.cutoff_hz, p.q, p.gain_db, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
