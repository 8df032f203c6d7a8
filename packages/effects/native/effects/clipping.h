// Clipping: samples beyond +-10^(threshold_db / 20) are set there.
#pragma once

#include "curve_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct ClippingCurve {
    struct Params {
        double threshold_db;
    };

    static ClippingCurve of(const Params& from, const Params& to, Part part) {
        return {glide<T>(db_to_gain(from.threshold_db), db_to_gain(to.threshold_db), part)};
    }
    static double gain(const Params&) { return 1; }

    Group<T> operator()(Group<T> v) const { return v > most ? most : v < -most ? -most : v; }

    Group<T> most{};
};

template <class T>
struct Clipping : CurveEffect<T, ClippingCurve<T>> {
    static constexpr const char* parameters[] = {"threshold_db"};
};

}  // namespace luthier::inline LUTHIER_ISA
