// Parameters that move without a click: the scale on which they move, and the way from one value to another.
//
// A way takes a whole number of groups, 20 ms or the least above, and gives its weight, 0 to 1, at a group's
// first and at its last frame: between them a gain glides, and what is made from a value may be made at
// either.
//
//     double u = start + (to_scale(taper, target) - start) * way.first();      // and way.last()
//     double value = from_scale(taper, u);
#pragma once

#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/math.h"

namespace luthier::inline LUTHIER_ISA {

// Levels in decibels and plain numbers move as they are; frequencies, times and ratios by constant factors.
enum class Taper { linear, log };

inline double to_scale(Taper taper, double value) { return taper == Taper::log ? log2(value) : value; }
inline double from_scale(Taper taper, double u) { return taper == Taper::log ? exp2(u) : u; }

// From 0 to 1 without corners, 3 t^2 - 2 t^3: the end of a straight way over a wide range would be heard.
inline double ease(double t) {
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

// The weight of something new, from 0 to 1.
class Way {
  public:
    static constexpr double kSeconds = 0.02;

    // There already.
    void prepare(double sample_rate) {
        const double groups = kSeconds * sample_rate / kGroup;
        groups_ = std::int32_t(groups);
        if (groups_ < groups || groups_ < 1) ++groups_;
        done_ = groups_;
    }

    void start() LUTHIER_REALTIME { done_ = 0; }
    void finish() LUTHIER_REALTIME { done_ = groups_; }
    bool moving() const LUTHIER_REALTIME { return done_ < groups_; }

    // At the first and at the last frame of the coming group.
    double first() const LUTHIER_REALTIME { return ease(double(done_) / groups_); }
    double last() const LUTHIER_REALTIME { return ease((done_ + double(kGroup - 1) / kGroup) / groups_); }

    // The group is over.
    void advance() LUTHIER_REALTIME {
        if (moving()) ++done_;
    }

  private:
    std::int32_t groups_ = 1, done_ = 1;
};

}  // namespace luthier::inline LUTHIER_ISA
