// Compressor: dynamics.h with a curve that turns down what is loud.
#pragma once

#include "dynamics.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Compressor : Dynamics<T, CompressorCurve> {
    static constexpr const char* parameters[] = {"threshold_db", "ratio",   "attack_ms",
                                                 "release_ms",   "knee_db", "makeup_db"};

    double gain(const CompressorCurve<T>::Params& p) const { return db_to_gain(p.makeup_db); }
};

}  // namespace luthier::inline LUTHIER_ISA
