// Angles of complex numbers for realtime code, in turns: the counterpart of sin_turns and cos_turns.
//
// The quotient of the smaller by the larger part, less the tangent of an eighth of a right angle where that
// is nearer (Muller, "Elementary Functions", 3rd ed., 2016, section 11.1.2), and a minimax polynomial of our
// own.
#pragma once

#include "luthier/math.h"

namespace luthier::inline LUTHIER_ISA {

namespace math {

// atan(q) / (2 pi q) in u = q^2, |q| <= tan(pi / 8); relative error 6.0e-10 and 1.5e-18.
template <class V>
inline V arc_over(V u) {
    if constexpr (kSingle<V>) {
        constexpr float c[] = {0.159154942996f,   -0.0530516067826f, 0.0318281508028f,
                               -0.0226637960148f, 0.0168282158117f,  -0.00960466725743f};
        return horner(u, c);
    } else {
        constexpr double c[] = {
            0.15915494309189533558,   -0.053051647697298119294, 0.031830988618287354469,
            -0.022736420431606764509, 0.017683881991430042694,  -0.014468611860459535359,
            0.012242273881288294225,  -0.010604453903284087315, 0.0093058444032409431317,
            -0.008014665066128175075, 0.0060448799351352232211, -0.0028364405662080653046};
        return horner(u, c);
    }
}

}  // namespace math

// The angle of x + i y in turns, from -1/2 to 1/2; 0 at the origin. Within 1.2e-7 (float), 2e-16 (double).
// Infinite parts give not-a-number.
template <class V>
inline V angle_turns(V y, V x) {
    using E = math::Element<V>;
    const V up = y < E(0) ? -y : y;
    const V along = x < E(0) ? -x : x;
    const V large = up > along ? up : along;
    const V small = up > along ? along : up;
    const V whole = large > E(0) ? large : V{} + E(1);
    constexpr E eighth = E(0.41421356237309504880);
    const V near = small > whole * eighth ? small - whole : small;
    const V over = small > whole * eighth ? small + whole : whole;
    const V q = near / over;
    const V arc = q * math::arc_over(q * q) + (small > whole * eighth ? V{} + E(0.125) : V{});
    const V octant = up > along ? E(0.25) - arc : arc;
    const V half = x < E(0) ? E(0.5) - octant : octant;
    return y < E(0) ? -half : half;
}

}  // namespace luthier::inline LUTHIER_ISA
