// How a parameter's value moves: constants, curves and oscillators in time, the level of another signal,
// arrays that come with the samples, and the way from one of these to the next.
//
// All motion happens on the parameter's taper scale, which is log2 for frequencies, times and ratios and
// the plain value for everything else, and on the grid: a group asks for the values at its first and at its
// last frame. Frames are those of the signal that a stream got: what is before an effect may delay it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "luthier/buffer.h"
#include "luthier/envelope.h"
#include "luthier/math.h"
#include "luthier/smooth.h"

namespace luthier::effects {

// A value over the frames of a stream.
struct Source {
    enum class Kind { constant, lines, steps, follower, sine, triangle, square, sawtooth };

    Kind kind = Kind::constant;
    double value = 0;                     // constant, as it was assigned
    std::vector<double> frames;           // lines, steps: when, increasing
    std::vector<double> values;           // lines, steps: what, on the taper scale
    double low = 0, high = 0;             // oscillators, followers: the ends of the swing, on the taper scale
    double turns = 0, phase = 0;          // oscillators: per frame, and at frame 0
    double ramp = 1;                      // frames that steps and edges take
    int input = 0;                        // followers: the signal that they follow,
    Ballistics ballistics;                // how fast,
    double floor_db = 0, ceiling_db = 0;  // and the levels that stand for low and high

    bool operator==(const Source&) const = default;

    bool moves_after(std::int64_t frame) const {
        if (kind == Kind::constant) return false;
        if (kind == Kind::lines) return double(frame) < frames.back();
        if (kind == Kind::steps) return double(frame) < frames.back() + ramp;
        return true;
    }

    // A follower's place for a level, on the taper scale.
    double at_level(double level) const LUTHIER_REALTIME {
        const double part = (gain_to_db(level) - floor_db) / (ceiling_db - floor_db);
        return mix(low, high, part < 0 ? 0 : part);
    }

    // On the taper scale.
    double at(std::int64_t frame, Taper taper) const LUTHIER_REALTIME {
        const double t = double(frame);
        switch (kind) {
            case Kind::constant: return to_scale(taper, value);
            case Kind::lines:
            case Kind::steps: return breakpoints(t);
            case Kind::follower: return low;
            default: return mix(low, high, oscillate(t));
        }
    }

  private:
    // Exactly b in the end: a + (b - a) need not be.
    static double mix(double a, double b, double weight) LUTHIER_REALTIME {
        return weight >= 1 ? b : a + (b - a) * weight;
    }

    double breakpoints(double t) const LUTHIER_REALTIME {
        if (t <= frames.front()) return values.front();
        const std::size_t next = std::upper_bound(frames.begin(), frames.end(), t) - frames.begin();
        const std::size_t last = next - 1;
        const bool end = next == frames.size();
        if (kind == Kind::lines) {
            if (end) return values.back();
            const double part = (t - frames[last]) / (frames[next] - frames[last]);
            return mix(values[last], values[next], part);
        }
        if (last == 0) return values[0];
        // A step that is followed at once by another has less time.
        const double length = end ? ramp : std::min(ramp, frames[next] - frames[last]);
        return mix(values[last - 1], values[last], ease((t - frames[last]) / length));
    }

    // 0 to 1.
    double oscillate(double t) const LUTHIER_REALTIME {
        const double turn = t * turns + phase;
        if (kind == Kind::sine) return 0.5 + 0.5 * sin_turns(turn);
        const double part = turn - __builtin_floor(turn);
        const double edge = std::min(ramp * turns, 0.25);
        switch (kind) {
            case Kind::triangle: return part < 0.5 ? 2 * part : 2 - 2 * part;
            case Kind::square: return part < 0.5 ? ease(part / edge) : 1 - ease((part - 0.5) / edge);
            default: return part < 1 - edge ? part / (1 - edge) : 1 - ease((part - 1 + edge) / edge);
        }
    }
};

class Motion {
  public:
    // Values above `most` count as that: a way that went on beyond it would end in a corner.
    Motion(const Source* source, Taper taper, double rate, double most)
        : source_(source), taper_(taper), most_(to_scale(taper, most)) {
        way_.prepare(rate);
    }

    // From the group at `frame` on, heads for `source` from wherever it is, or is there at once. Keeps the
    // pointer.
    void assign(const Source* source, std::int64_t frame, bool at_once) LUTHIER_REALTIME {
        if (source == source_) return;
        const bool same = !follows_ && *source == *source_;
        // A fresh stream starts at its values.
        if (!same && frame > 0 && !at_once) leave(frame);
        follows_ = false;
        source_ = source;
    }

    // What an array has for the group at `frame`, which is reached at the group's last frame, or not a
    // number: then it stays where the last one left it, until it is assigned.
    void follow(double target, std::int64_t frame) LUTHIER_REALTIME {
        driven_ = target == target;
        if (!driven_) return;
        if (!follows_) {
            if (frame > 0) leave(frame);
            held_ = target;
            follows_ = true;
        }
        target_ = target;
    }

    bool moving(std::int64_t frame) const LUTHIER_REALTIME {
        return way_.moving() || driven_ || (!follows_ && source_->moves_after(frame));
    }

    // At the first and the last frame of the group at `frame`.
    std::pair<double, double> next(std::int64_t frame) LUTHIER_REALTIME {
        double first = here(frame, before_);
        if (driven_) held_ = target_;
        double last = here(frame + kGroup - 1, level_);
        if (way_.moving()) {
            first = start_ + (first - start_) * way_.first();
            last = start_ + (last - start_) * way_.last();
            way_.advance();
        } else if (follows_ && !driven_) {
            return {held_, held_};
        } else if (!follows_ && source_->kind == Source::Kind::constant) {
            return {source_->value, source_->value};
        }
        return {from_scale(taper_, first), from_scale(taper_, last)};
    }

    // The value at rest.
    double value(std::int64_t frame) const LUTHIER_REALTIME {
        if (follows_) return held_;
        if (source_->kind == Source::Kind::constant) return source_->value;
        return from_scale(taper_, here(frame, before_));
    }

    // The number of the signal that is followed, or -1.
    int input() const LUTHIER_REALTIME {
        return !follows_ && source_->kind == Source::Kind::follower ? source_->input : -1;
    }

    // The group of that signal that came with the last next(). What it says is heard one group later,
    // because a group may begin before its last frames have come.
    template <class T>
    void hear(Block<const T> x) LUTHIER_REALTIME {
        before_ = level_;
        for (int i = 0; i < x.frames; ++i) {
            double loudest = 0;
            for (int c = 0; c < x.channels; ++c) {
                const double magnitude = x[c][i] < 0 ? -double(x[c][i]) : double(x[c][i]);
                loudest = magnitude > loudest ? magnitude : loudest;
            }
            level_ = source_->ballistics.step(level_, loudest);
        }
    }

    const Source* source() const { return source_; }
    // Where a source comes to rest, or one end of its swing.
    double headed(const Source& source, bool high) const {
        if (source.kind == Source::Kind::constant) return source.value;
        if (!source.values.empty()) return from_scale(taper_, source.values.back());
        return from_scale(taper_, high ? source.high : source.low);
    }
    bool follows() const { return follows_; }
    double held() const { return held_; }

    // Back to the source, with no way there.
    void jump(const Source* source) LUTHIER_REALTIME {
        source_ = source;
        follows_ = false;
        driven_ = false;
        before_ = level_ = 0;
        way_.finish();
    }

  private:
    double here(std::int64_t frame, double level) const LUTHIER_REALTIME {
        const double u = follows_                                  ? to_scale(taper_, held_)
                         : source_->kind == Source::Kind::follower ? source_->at_level(level)
                                                                   : source_->at(frame, taper_);
        return u < most_ ? u : most_;
    }

    // The way to something new starts where the parameter is at `frame`.
    void leave(std::int64_t frame) LUTHIER_REALTIME {
        const double u = here(frame, before_);
        start_ = way_.moving() ? start_ + (u - start_) * way_.first() : u;
        way_.start();
    }

    const Source* source_;
    Taper taper_;
    double most_;                    // on the taper scale
    Way way_;                        // from where it was to what it follows now
    double start_ = 0;               // where it was, on the taper scale
    double target_ = 0;              // what the array has for this group,
    bool driven_ = false;            // if it has anything
    double held_ = 0;                // the last that was reached
    bool follows_ = false;           // an array, or what the last one left
    double before_ = 0, level_ = 0;  // of the followed signal, at the ends of the last two groups
};

}  // namespace luthier::effects
