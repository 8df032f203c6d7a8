// Expander: dynamics.h with a curve that turns down what is quiet.
#pragma once

#include "dynamics.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Expander : Dynamics<T, ExpanderCurve> {
    static constexpr const char* parameters[] = {"threshold_db", "ratio",    "attack_ms", "release_ms",
                                                 "hold_ms",      "range_db", "knee_db"};
};

}  // namespace luthier::inline LUTHIER_ISA
