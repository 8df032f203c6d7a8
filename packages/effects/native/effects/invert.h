// Invert: y = -x.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Invert : EffectDefaults {
    struct Params {};

    void set(const Params&, const Params&) {}

    void process(Block<T> x) LUTHIER_REALTIME {
        for (int c = 0; c < x.channels; ++c)
            for (int i = 0; i < x.frames; i += kGroup) store(x[c] + i, -load<Group<T>>(x[c] + i));
    }
};

}  // namespace luthier::inline LUTHIER_ISA
