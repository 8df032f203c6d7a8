// Bitcrush: samples rounded to multiples of 2^-bit_depth, halves to the even one.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Bitcrush : EffectDefaults {
    struct Params {
        double bit_depth;
    };
    static constexpr const char* parameters[] = {"bit_depth"};

    void set(const Params& from, const Params& to) {
        scale_ = exp2(glide<T>(from.bit_depth, to.bit_depth));
        step_ = 1 / scale_;
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        // Magnitudes from here on are whole numbers already; adding it to smaller ones rounds them.
        constexpr T whole = sizeof(T) == 4 ? T(0x1p23) : T(0x1p52);
        const Group<T> scale = scale_, step = step_;
        for (int c = 0; c < x.channels; ++c)
            for (int i = 0; i < x.frames; i += kGroup) {
                const Group<T> v = load<Group<T>>(x[c] + i);
                const Group<T> scaled = v * scale;
                const Group<T> magnitude = scaled < 0 ? -scaled : scaled;
                const Group<T> rounded = (magnitude + whole) - whole;
                const Group<T> y = (v < 0 ? -rounded : rounded) * step;
                store(x[c] + i, magnitude < whole ? y : v);
            }
    }

    // What lies just above half a step becomes a whole one.
    double gain(const Params&) const { return 2; }

  private:
    Group<T> scale_{}, step_{};
};

}  // namespace luthier::inline LUTHIER_ISA
