// Static curves of the dynamics effects: how much quieter a level becomes, in octaves of amplitude (6.02 dB).
//
// A corner is rounded off by a parabola within half a knee on either side: D. Giannoulis, M. Massberg and
// J. Reiss, "Digital dynamic range compressor design", J. Audio Eng. Soc. 60 (2012), equations 3 and 4; the
// expander is its mirror image (U. Zölzer (ed.), "DAFX", 2nd ed. 2011, section 4.2.1).
#pragma once

#include "lanes.h"

namespace luthier::inline LUTHIER_ISA {

inline double octaves(double db) { return db * 0.16609640474436811739; }  // 1 / (20 log10(2))

// A T just below x, which is itself known to a few units in the last place of a double.
template <class T>
inline T below(double x) {
    const T y = T(x * (1 - 0x1p-50));
    return double(y) > x * (1 - 0x1p-50) ? y * (1 - (sizeof(T) == 4 ? T(0x1p-23) : T(0x1p-52))) : y;
}

// Settings that glide over a group, a value for each of its frames. (Selections and shuffles are for
// registers, see lanes.h; this is arithmetic.)
template <class T>
using Glide = T[kGroup];

template <class T>
inline void glide_to(Glide<T>& way, double from, double to) {
    store(way, glide<T>(from, to));
}
template <class T>
inline Lanes<T> at(const Glide<T>& way, int frame) {
    return load<Lanes<T>>(way + frame);
}

// 0 below -knee / 2, x above knee / 2.
template <class T>
struct Hinge {
    Glide<T> half{}, curvature{};

    void set(double from_db, double to_db) {
        glide_to<T>(half, octaves(from_db) / 2, octaves(to_db) / 2);
        for (int i = 0; i < kGroup; ++i) {
            if (half[i] < T(1e-6)) half[i] = 0;
            curvature[i] = half[i] > 0 ? 1 / (4 * half[i]) : T(0);
        }
    }
    Lanes<T> operator()(Lanes<T> x, int frame) const {
        const Lanes<T> h = at<T>(half, frame);
        const Lanes<T> inside = maximum(minimum(x + h, 2 * h), Lanes<T>{});
        return inside * inside * at<T>(curvature, frame) + maximum(x - h, Lanes<T>{});
    }
};

// Levels in octaves over a threshold. Divided before the logarithm: next to the threshold, where it matters,
// nothing is then lost to rounding.
template <class T>
struct Threshold {
    Glide<T> inverse{};

    void set(double from_db, double to_db) {
        glide_to<T>(inverse, -octaves(from_db), -octaves(to_db));
        for (int i = 0; i < kGroup; i += kWidth<T>) {
            const bool rests = from_db == to_db;
            store(inverse + i, rests ? Lanes<T>{} + T(db_to_gain(-to_db)) : exp2(at<T>(inverse, i)));
        }
    }
    Lanes<T> over(Lanes<T> level, int frame) const { return log2(level * at<T>(inverse, frame)); }
};

// Loud levels grow by 1 / ratio.
template <class T>
struct CompressorCurve {
    struct Params {
        double threshold_db, ratio, attack_ms, release_ms, knee_db, makeup_db;
    };
    static constexpr bool kHolds = false;
    static double hold_ms(const Params&) { return 0; }

    Threshold<T> threshold;
    Hinge<T> hinge;
    Glide<T> slope{}, makeup{};

    void set(const Params& from, const Params& to) {
        threshold.set(from.threshold_db, to.threshold_db);
        hinge.set(from.knee_db, to.knee_db);
        glide_to<T>(slope, 1 - 1 / from.ratio, 1 - 1 / to.ratio);
        glide_to<T>(makeup, octaves(from.makeup_db), octaves(to.makeup_db));
    }
    Lanes<T> reduction(Lanes<T> level, int frame) const {
        return at<T>(slope, frame) * hinge(threshold.over(level, frame), frame);
    }
    Lanes<T> gain(Lanes<T> reduction, int frame) const { return exp2(at<T>(makeup, frame) - reduction); }
};

// Quiet levels shrink by the ratio, by no more than a range.
template <class T>
struct ExpanderCurve {
    struct Params {
        double threshold_db, ratio, attack_ms, release_ms, hold_ms, range_db, knee_db;
    };
    static constexpr bool kHolds = true;
    static double hold_ms(const Params& p) { return p.hold_ms; }

    Threshold<T> threshold;
    Hinge<T> hinge;
    Glide<T> slope{}, range{};

    void set(const Params& from, const Params& to) {
        threshold.set(from.threshold_db, to.threshold_db);
        hinge.set(from.knee_db, to.knee_db);
        glide_to<T>(slope, from.ratio - 1, to.ratio - 1);
        glide_to<T>(range, octaves(from.range_db), octaves(to.range_db));
    }
    Lanes<T> reduction(Lanes<T> level, int frame) const {
        return minimum(at<T>(slope, frame) * hinge(-threshold.over(level, frame), frame),
                       at<T>(range, frame));
    }
    Lanes<T> gain(Lanes<T> reduction, int) const { return exp2(-reduction); }
};

}  // namespace luthier::inline LUTHIER_ISA
