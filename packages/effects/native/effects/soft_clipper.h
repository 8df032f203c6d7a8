// SoftClipper: a cubic that leaves small samples alone and reaches the threshold without a corner.
//
//     y = (3/2) t (u - u^3 / 3),  u = 2 x / (3 t) limited to +-1,  t = 10^(threshold_db / 20)
//
// The curve of C. R. Sullivan, "Extending the Karplus-Strong algorithm to synthesize electric guitar timbres
// with distortion and feedback", Computer Music Journal 14 (3), 1990; scaled so that its slope at 0 is 1.
#pragma once

#include "curve_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct SoftClipperCurve {
    struct Params {
        double threshold_db;
    };

    static SoftClipperCurve of(const Params& from, const Params& to, Part part) {
        const Group<T> end =
            glide<T>(1.5 * db_to_gain(from.threshold_db), 1.5 * db_to_gain(to.threshold_db), part);
        return {end, 1 / end};
    }
    static double gain(const Params&) { return 1; }

    Group<T> operator()(Group<T> v) const {
        Group<T> u = v * inverse;
        u = u > 1 ? Group<T>{} + T(1) : u < -1 ? Group<T>{} - T(1) : u;
        return end * (u - u * u * u * T(1.0 / 3));
    }

    Group<T> end{}, inverse{};  // where the cubic ends, t 3/2
};

template <class T>
struct SoftClipper : CurveEffect<T, SoftClipperCurve<T>> {
    static constexpr const char* parameters[] = {"threshold_db"};
};

}  // namespace luthier::inline LUTHIER_ISA
