// Parameters that move: from the present value to a new one in 20 ms, on the grid.
//
// A ramp takes a whole number of groups and gives the value at each group's first frame and at the next
// group's, so that a gain can glide over the group and a filter can take its coefficients at the start.
// Levels in dB move linearly (so the gain moves by a constant factor), frequencies logarithmically.
#pragma once

#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/math.h"

namespace luthier::inline LUTHIER_ISA {

class Ramp {
  public:
    enum class Scale { linear, logarithmic };  // logarithmic: for positive values only

    // Where a group begins and where it ends, which is where the next begins.
    struct Span {
        double from, to;
        bool moves() const { return from != to; }
    };

    // At rest at `value`.
    void prepare(double sample_rate, double value, Scale scale = Scale::linear, double time_ms = 20) {
        // The least whole number of groups that takes time_ms.
        const double groups = time_ms * 0.001 * sample_rate / kGroup;
        groups_ = std::int32_t(groups);
        if (groups_ < groups) ++groups_;
        if (groups_ < 1) groups_ = 1;
        scale_ = scale;
        jump(value);
    }

    void jump(double value) LUTHIER_REALTIME {
        state_ = {.value = value, .target = value, .start = 0, .end = 0, .left = 0};
    }

    // Leaves the present value for `target`, from the next group on. The target that is already set changes
    // nothing.
    void set(double target) LUTHIER_REALTIME {
        if (target == state_.target) return;
        state_.start = scale_ == Scale::logarithmic ? log2(state_.value) : state_.value;
        state_.end = scale_ == Scale::logarithmic ? log2(target) : target;
        state_.target = target;
        state_.left = groups_;
    }

    bool moving() const { return state_.left > 0; }
    double value() const { return state_.value; }
    double target() const { return state_.target; }
    int groups() const { return groups_; }

    // The span of the next group.
    Span next() LUTHIER_REALTIME {
        const double from = state_.value;
        if (state_.left > 0) {
            --state_.left;
            // Computed from both ends, not by adding steps: no error gathers, and the end is exact.
            const double part = double(state_.left) / groups_;
            const double between = state_.end + (state_.start - state_.end) * part;
            state_.value = state_.left == 0               ? state_.target
                           : scale_ == Scale::logarithmic ? exp2(between)
                                                          : between;
        }
        return {from, state_.value};
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&state_, sizeof state_);
    }

  private:
    struct State {
        double value, target;
        double start, end;  // of the ramp; logarithms if it is logarithmic
        std::int64_t left;  // groups
    };

    State state_{};
    std::int32_t groups_ = 1;
    Scale scale_ = Scale::linear;
};

}  // namespace luthier::inline LUTHIER_ISA
