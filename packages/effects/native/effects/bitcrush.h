// Bitcrush: samples rounded to multiples of 2^-bit_depth, halves to the even one.
#pragma once

#include "curve_effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct BitcrushCurve {
    struct Params {
        double bit_depth;
    };

    static BitcrushCurve of(const Params& from, const Params& to, Part part) {
        const Group<T> scale = exp2(glide<T>(from.bit_depth, to.bit_depth, part));
        return {scale, 1 / scale};
    }
    // What lies just above half a step becomes a whole one.
    static double gain(const Params&) { return 2; }

    Group<T> operator()(Group<T> v) const {
        // Magnitudes from here on are whole numbers already; adding it to smaller ones rounds them.
        constexpr T whole = sizeof(T) == 4 ? T(0x1p23) : T(0x1p52);
        const Group<T> scaled = v * scale;
        const Group<T> magnitude = scaled < 0 ? -scaled : scaled;
        const Group<T> rounded = (magnitude + whole) - whole;
        return magnitude < whole ? (v < 0 ? -rounded : rounded) * step : v;
    }

    Group<T> scale{}, step{};
};

template <class T>
struct Bitcrush : CurveEffect<T, BitcrushCurve<T>> {
    static constexpr const char* parameters[] = {"bit_depth"};
};

}  // namespace luthier::inline LUTHIER_ISA
