// Distortion: y = tanh(x 10^(drive_db / 20)).
#pragma once

#include "curve_effect.h"
#include "quick_tanh.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct DistortionCurve {
    struct Params {
        double drive_db;
    };

    static DistortionCurve of(const Params& from, const Params& to, Part part) {
        return {glide<T>(db_to_gain(from.drive_db), db_to_gain(to.drive_db), part)};
    }
    static double gain(const Params& p) { return db_to_gain(p.drive_db); }

    Group<T> operator()(Group<T> v) const { return quick_tanh(v * drive); }

    Group<T> drive{};
};

template <class T>
struct Distortion : CurveEffect<T, DistortionCurve<T>> {
    static constexpr const char* parameters[] = {"drive_db"};
};

}  // namespace luthier::inline LUTHIER_ISA
