// Low shelf of second order: gain_db far below the cutoff, none far above.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct LowShelfFilter : SectionEffect<T, LowShelfFilter<T>, BellParams> {
    static Section section(const BellParams& p, int, double rate) {
        return design::low_shelf(p.cutoff_hz, p.q, p.gain_db, rate);
    }
};

}  // namespace luthier::inline LUTHIER_ISA
