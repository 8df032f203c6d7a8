// BrickwallLimiter: a limiter that sees peaks coming. What a peak needs is held for the look-ahead
// (sliding_maximum.h), falls by the release (instant_attack.h), and is smoothed over the look-ahead
// (gain_smoother.h), so that the ramp down has come to its end when the peak leaves the delay line; all of it
// in decibels. (For the scheme see P. Hämäläinen, "Smoothing of the control signal without clipped output in
// digital peak limiters", Proc. DAFx-02, 2002.)
//
// For true peaks the levels are those between the samples (peak_interpolator.h), raised by kMargin for what
// the interpolation does not see, and a peak is held kGuard frames longer on both sides: a gain that moved
// beside it would move it.
#pragma once

#include "gain_curves.h"
#include "gain_smoother.h"
#include "instant_attack.h"
#include "luthier/envelope.h"
#include "peak_interpolator.h"
#include "sliding_maximum.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct BrickwallLimiter : EffectDefaults {
    struct Params {
        double ceiling_db, release_ms;
    };
    static constexpr const char* parameters[] = {"ceiling_db", "release_ms"};
    struct Options {
        double lookahead_ms, true_peak;
    };
    static constexpr const char* options[] = {"lookahead_ms", "true_peak"};

    void prepare(const Spec& spec, const Options& chosen) {
        sample_rate_ = spec.sample_rate;
        true_peak_ = chosen.true_peak != 0;
        const int lookahead = int(chosen.lookahead_ms * 0.001 * sample_rate_ + 0.5);
        latency_ = lookahead;
        int window = lookahead + 1;
        if (true_peak_) {
            peaks_.prepare(spec.channels);
            latency_ += PeakInterpolator<T>::kReach + kGuard;
            window += 2 * kGuard + 1;
        }
        line_.prepare(spec.channels, latency_ + 2 * PeakInterpolator<T>::kReach);
        held_.prepare(1, window);
        smoother_.prepare(lookahead);
        settling_ = settled_ = latency_ + window + kGroup;
    }

    void set(const Params& from, const Params& to) {
        if (!fresh_ && (from.ceiling_db != to.ceiling_db || to.ceiling_db != ceiling_db_)) settled_ = 0;
        ceiling_db_ = to.ceiling_db;
        threshold_.set(from.ceiling_db, to.ceiling_db);
        ceiling_ = below<T>(db_to_gain(to.ceiling_db));
        release_.set(smoothing(to.release_ms, sample_rate_));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        for (int i = 0; i < x.frames; i += kGroup) {
            for (int c = 0; c < x.channels; ++c) line_.write(c, x[c] + i);
            T levels[kGroup] = {};
            for (int c = 0; c < x.channels; ++c) hear(x[c] + i, c, levels);
            held_.process(0, levels);
            for (int at = 0; at < kGroup; at += kWidth<T>) {
                const Lanes<T> over = threshold_.over(load<Lanes<T>>(levels + at), at);
                store(levels + at, release_.step(maximum(over, Lanes<T>{}), reduction_));
            }
            smoother_.process(levels);
            const T reduction = levels[kGroup - 1];
            for (int at = 0; at < kGroup; at += kWidth<T>)
                store(levels + at, exp2(-load<Lanes<T>>(levels + at)));
            // While the ceiling moves, what is delayed is held to older ones.
            const bool settled = settled_ >= settling_;
            for (int c = 0; c < x.channels; ++c) apply(x[c] + i, c, levels, settled);
            line_.advance();
            held_.advance();
            last_ = reduction;
            if (!settled) settled_ += kGroup;
            fresh_ = false;
        }
    }

    void reset() LUTHIER_REALTIME {
        line_.reset();
        held_.reset();
        smoother_.reset();
        peaks_.reset();
        reduction_ = last_ = 0;
        settled_ = settling_;
        fresh_ = true;
    }

    int latency() const { return latency_; }
    double reduction_db() const { return last_ * 6.0205999132796239043; }

    template <class Visit>
    void state(Visit&& visit) {
        line_.state(visit);
        held_.state(visit);
        smoother_.state(visit);
        peaks_.state(visit);
        visit(&reduction_, sizeof reduction_);
        visit(&settled_, sizeof settled_);
        visit(&fresh_, sizeof fresh_);
        visit(&ceiling_db_, sizeof ceiling_db_);
    }

  private:
    static constexpr int kGuard = 8;
    static constexpr T kMargin = T(1.006);  // 0.05 dB

    // Raises the levels to those of a channel.
    void hear(const T* x, int channel, T* levels) {
        if (true_peak_) return peaks_.process(channel, line_, kMargin, levels);
        for (int at = 0; at < kGroup; at += kWidth<T>)
            store(levels + at, maximum(load<Lanes<T>>(levels + at), magnitude(load<Lanes<T>>(x + at))));
    }

    void apply(T* x, int channel, const T* gains, bool settled) {
        const T* from = line_.read(channel, latency_);
        const Lanes<T> ceiling = Lanes<T>{} + ceiling_;
        for (int at = 0; at < kGroup; at += kWidth<T>) {
            Lanes<T> y = load<Lanes<T>>(from + at) * load<Lanes<T>>(gains + at);
            // No more than rounding errors.
            if (settled) y = maximum(minimum(y, ceiling), -ceiling);
            store(x + at, y);
        }
    }

    double sample_rate_ = 44100;
    bool true_peak_ = false;
    int latency_ = 0;
    int settling_ = 0, settled_ = 0;  // frames after which the ceiling holds, and since it moved
    bool fresh_ = true;               // silence behind: any ceiling holds
    double ceiling_db_ = 0, reduction_ = 0, last_ = 0;
    T ceiling_ = 1;
    Threshold<T> threshold_;
    InstantAttack<T> release_;
    DelayLine<T> line_;
    SlidingMaximum<T> held_;
    GainSmoother<T> smoother_;
    PeakInterpolator<T> peaks_;
};

}  // namespace luthier::inline LUTHIER_ISA
