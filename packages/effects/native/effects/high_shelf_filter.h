// High shelf of second order: gain_db far above the cutoff, none far below.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct HighShelfFilter : SectionEffect<T, HighShelfFilter<T>, BellParams> {
    static Section section(const BellParams& p, int, double rate) {
        return design::high_shelf(p.cutoff_hz, p.q, p.gain_db, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
