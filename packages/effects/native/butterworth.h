// What the low-pass and the high-pass share: a Butterworth filter of order 1 to 8, -3.01 dB at the cutoff
// whatever the order (S. Butterworth, "On the theory of filter amplifiers", 1930), through the bilinear
// transform.
#pragma once

#include "section_effect.h"

namespace luthier::inline LUTHIER_ISA {

inline constexpr int kHighestOrder = 8;

template <class T, class Filter>
struct Butterworth : SectionEffect<T, Filter, CutoffParams, design::butterworth_sections(kHighestOrder)> {
    using Base = SectionEffect<T, Filter, CutoffParams, design::butterworth_sections(kHighestOrder)>;

    struct Options {
        double order;
    };
    static constexpr const char* options[] = {"order"};

    void prepare(const Spec& spec, const Options& o) {
        order_ = int(o.order);
        Base::prepare(spec, design::butterworth_sections(order_));
    }

  protected:
    int order_ = 1;
};

}  // namespace luthier::inline LUTHIER_ISA
