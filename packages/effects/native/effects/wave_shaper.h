// WaveShaper: any curve, by straight lines through points; what lies beyond them gets the value of the last.
//
// Evenly spaced points are found by a product, others by bisection.
#pragma once

#include "luthier/effect.h"
#include "oversampler.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct WaveShaper : EffectDefaults {
    struct Options {
        double oversample;
    };
    static constexpr const char* options[] = {"oversample"};

    // The points: a row of y for x evenly from -1 to 1, or a row of increasing x and one of y.
    void prepare(const Spec& spec, const Options& chosen) {
        over_.prepare(spec.channels, int(chosen.oversample));
        points_ = int(spec.frames);
        if (!spec.data) return;
        const double* y = spec.data + (spec.rows > 1 ? spec.frames : 0);
        const double first = spec.rows > 1 ? spec.data[0] : -1;
        const double step = ((spec.rows > 1 ? spec.data[points_ - 1] : 1) - first) / (points_ - 1);
        x_ = AlignedBuffer<T>(std::size_t(points_));
        y_ = AlignedBuffer<T>(std::size_t(points_));
        slope_ = AlignedBuffer<T>(std::size_t(points_));
        even_ = true;
        for (int i = 0; i < points_; ++i) {
            const double even = first + i * step, x = spec.rows > 1 ? spec.data[i] : even;
            even_ = even_ && x - even < 1e-9 * step && even - x < 1e-9 * step;
            x_[i] = T(x);
            y_[i] = T(y[i]);
            if (i == 0) continue;
            // Points may be one in the samples' type; the later is then what is left of them.
            const double run = double(x_[i]) - double(x_[i - 1]), rise = y[i] - y[i - 1];
            slope_[i - 1] = run > 0 ? T(rise / run) : T(0);
            const double steep = double(slope_[i - 1] < 0 ? -slope_[i - 1] : slope_[i - 1]);
            steepest_ = steep > steepest_ ? steep : steepest_;
        }
        first_ = T(first);
        per_step_ = T(1 / step);
        rest_ = at(0);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (over_.factor() > 1)
            over_.process(x, [this](Group<T> v, int) LUTHIER_REALTIME { return bend(v); });
        else if (points_ > 0)
            for (int c = 0; c < x.channels; ++c)
                for (int i = 0; i < x.frames; i += kGroup) store(x[c] + i, bend(load<Group<T>>(x[c] + i)));
    }

    void reset() { over_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        over_.state(visit);
    }
    int latency() const { return over_.latency(); }
    // A curve that does not pass through 0 turns silence into something else.
    double tail(const Params&, double silence) const {
        const double rest = rest_ < 0 ? -double(rest_) : double(rest_);
        return rest > silence ? __builtin_inf() : over_.latency();
    }
    double gain(const Params&) const { return steepest_ * (over_.factor() > 1 ? 4 : 1); }

  private:
    Group<T> bend(Group<T> v) const {
        if (points_ == 0) return v;
        if (!even_) {
            Group<T> y;
            for (int i = 0; i < kGroup; ++i) y[i] = at(v[i]);
            return y;
        }
        using Whole = Vec<std::int32_t, kGroup>;
        Group<T> place = (v - first_) * per_step_;
        const Group<T> last = Group<T>{} + T(points_ - 1);
        place = place > T(0) ? place < last ? place : last : Group<T>{};
        const Whole index = __builtin_convertvector(place, Whole);
        const Group<T> part = place - __builtin_convertvector(index, Group<T>);
        Group<T> low, high;
        for (int i = 0; i < kGroup; ++i) {
            const int k = index[i];
            low[i] = y_[k];
            high[i] = y_[k + (k + 1 < points_)];
        }
        return low + part * (high - low);
    }

    // By bisection: the last point at or before v lies from `low` on, among `count`.
    T at(T v) const {
        int low = 0;
        for (int count = points_; count > 1;) {
            const int half = count / 2;
            low = x_[low + half] <= v ? low + half : low;
            count -= half;
        }
        const T run = v - x_[low];
        return run > 0 && low + 1 < points_ ? y_[low] + run * slope_[low] : y_[low];
    }

    Oversampler<T> over_;
    int points_ = 0;
    bool even_ = false;
    T first_ = 0, per_step_ = 0, rest_ = 0;
    double steepest_ = 1;
    AlignedBuffer<T> x_, y_, slope_;
};

}  // namespace luthier::inline LUTHIER_ISA
