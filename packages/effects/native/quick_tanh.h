// tanh for float samples, in a third of the time of math.h's: within 4e-7 of it, relative.
//
// An odd quotient of polynomials of degree 9 over 8, by a weighted least squares fit made equiripple on
// |x| <= 8 (6.4e-9 before rounding), where it stops: tanh(8) is 1 - 2.3e-7. It never leaves +-1. Doubles take
// math.h's.
#pragma once

#include "luthier/math.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

template <class V>
inline V quick_tanh(V x) {
    if constexpr (!math::kSingle<V>) {
        return tanh(x);
    } else {
        constexpr float over[] = {0.9999999935732216f, 0.13444496911334763f, 0.0035715967371914396f,
                                  2.18946399185307e-05f, 1.5230385127525408e-08f};
        constexpr float under[] = {1.0f, 0.46777824231544446f, 0.026164438087127248f, 0.00034112898779211807f,
                                   8.522433749781097e-07f};
        const V most = V{} + 8.0f, least = V{} - 8.0f;
        x = x > most ? most : x < least ? least : x;
        const V u = x * x;
        return x * math::horner(u, over) / math::horner(u, under);
    }
}

}  // namespace luthier::inline LUTHIER_ISA
