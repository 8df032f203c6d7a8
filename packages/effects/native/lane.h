// A parameter's values a frame, as they come with a stream's samples, kept until the sound that they came
// with has gone through what is before the effect.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "node.h"

namespace luthier::effects {

class Lane {
  public:
    // `delay` is the latency before the effect.
    explicit Lane(int delay) : delay_(delay), memory_(std::bit_ceil(std::size_t(delay) + kMaxBlock), kNone) {
        reset();
    }

    // The values of the stream's frames from `frame` on, or null where none came; at most kMaxBlock.
    void push(std::int64_t frame, const double* values, int frames) LUTHIER_REALTIME {
        if (values)
            end_ = frame + frames;
        else if (frame >= end_ + std::int64_t(memory_.size()))
            return;  // there is none left
        for (int i = 0; i < frames; ++i) memory_[index(frame + i)] = values ? values[i] : kNone;
    }

    // The value that came with what the effect gets at `frame`, or not a number. What it gets before the
    // first frame has come through has the first frame's.
    double at(std::int64_t frame) const LUTHIER_REALTIME {
        const std::int64_t came = std::max<std::int64_t>(frame - delay_, 0);
        return frame >= since_ && came < since_ ? kNone : memory_[index(came)];
    }
    bool has(std::int64_t frame) const LUTHIER_REALTIME { return at(frame) == at(frame); }

    // From the effect's group at `frame` on, what came before it is void.
    void forget(std::int64_t frame) { since_ = frame; }

    void reset() LUTHIER_REALTIME {
        std::fill(memory_.begin(), memory_.end(), kNone);
        end_ = -std::int64_t(memory_.size());
        since_ = 0;
    }

  private:
    static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

    std::size_t index(std::int64_t frame) const LUTHIER_REALTIME {
        return std::size_t(frame) & (memory_.size() - 1);
    }

    int delay_;
    std::vector<double> memory_;
    std::int64_t end_;    // of the values that came
    std::int64_t since_;  // where it was last made to forget
};

}  // namespace luthier::effects
