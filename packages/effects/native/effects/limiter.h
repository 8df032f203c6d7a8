// Limiter without latency. The largest level of the last hold_ms is turned down to the threshold at once, and
// the gain comes back with the release: gain computer first, then ballistics on decibels, as D. Giannoulis,
// M. Massberg and J. Reiss recommend ("Digital dynamic range compressor design", J. Audio Eng. Soc. 60,
// 2012), with an attack of 0, a ratio of infinity and their soft knee. The hold keeps the gain still between
// the peaks of a tone, which then is not distorted.
#pragma once

#include "gain_curves.h"
#include "instant_attack.h"
#include "level_detector.h"
#include "luthier/fade.h"
#include "sliding_maximum.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Limiter : EffectDefaults {
    struct Params {
        double threshold_db, release_ms, knee_db;
    };
    static constexpr const char* parameters[] = {"threshold_db", "release_ms", "knee_db"};
    struct Options {
        double hold_ms, link;
    };
    static constexpr const char* options[] = {"hold_ms", "link"};
    static constexpr bool kFades = true;

    void prepare(const Spec& spec, const Options& chosen) {
        sample_rate_ = spec.sample_rate;
        linked_ = chosen.link != 0;
        lanes_ = linked_ ? 1 : spec.channels;
        detector_.prepare(spec, Detector::peak, 1, linked_);
        held_.prepare(lanes_, 1 + int(chosen.hold_ms * 0.001 * sample_rate_ + 0.5));
        levels_ = AlignedBuffer<T>(std::size_t(lanes_) * kGroup);
        gains_ = AlignedBuffer<T>(levels_.size());
        reductions_ = AlignedBuffer<double>(2 * std::size_t(lanes_));
        fade_.prepare(sample_rate_);
    }

    void set(const Params& from, const Params& to) {
        const bool starts = fade_.set(from, to);
        fade_.now().release.set(smoothing(to.release_ms, sample_rate_));
        if (starts) std::memcpy(reductions_.data() + lanes_, reductions_.data(), lanes_ * sizeof(double));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Block<const T> key{x.data, x.stride, x.channels, x.frames};
        for (int i = 0; i < x.frames; i += kGroup) {
            detector_.process(key, i, levels_.data(), lanes_);
            const bool rests = fade_.at_rest();
            double most = 0;
            for (int lane = 0; lane < lanes_; ++lane) {
                T* const levels = levels_.data() + lane * kGroup;
                held_.process(lane, levels);
                const double last = find_gains(lane, levels, gains_.data() + lane * kGroup);
                most = last > most ? last : most;
            }
            held_.advance();
            reduction_ = most;
            for (int c = 0; c < x.channels; ++c)
                apply(x[c] + i, gains_.data() + (linked_ ? 0 : c * kGroup), rests);
            fade_.advance();
        }
    }

    void reset() LUTHIER_REALTIME {
        held_.reset();
        reductions_.clear();
        fade_.reset();
        reduction_ = 0;
    }

    double reduction_db() const { return reduction_ * 6.0205999132796239043; }

    template <class Visit>
    void state(Visit&& visit) {
        held_.state(visit);
        visit(reductions_.data(), reductions_.size() * sizeof(double));
        fade_.state(visit);
    }

  private:
    struct Voice {
        Params params{};
        Threshold<T> threshold;
        Hinge<T> hinge;
        InstantAttack<T> release;
        T ceiling = 1;  // the threshold, rounded down

        void set(const Params& from, const Params& to) {
            params = to;
            threshold.set(from.threshold_db, to.threshold_db);
            hinge.set(from.knee_db, to.knee_db);
            ceiling = below<T>(db_to_gain(to.threshold_db));
        }
        Lanes<T> reduction(Lanes<T> level, int frame, double& state) const {
            return release.step(hinge(threshold.over(level, frame), frame), state);
        }
    };

    // Returns the reduction of the last frame, in octaves.
    double find_gains(int lane, const T* levels, T* gains) {
        Lanes<T> reduction{};
        for (int at = 0; at < kGroup; at += kWidth<T>) {
            const Lanes<T> level = load<Lanes<T>>(levels + at);
            reduction = fade_.now().reduction(level, at, reductions_[lane]);
            Lanes<T> gain = exp2(-reduction);
            if (fade_.fading()) [[unlikely]] {
                const Lanes<T> weight = fade_.template weight<Lanes<T>>(at);
                const Lanes<T> old = fade_.before().reduction(level, at, reductions_[lanes_ + lane]);
                const Lanes<T> from = exp2(-old);
                gain = from + weight * (gain - from);
                reduction = old + weight * (reduction - old);
            }
            store(gains + at, gain);
        }
        return reduction[kWidth<T> - 1];
    }

    void apply(T* x, const T* gains, bool rests) {
        const Lanes<T> ceiling = Lanes<T>{} + fade_.now().ceiling;
        for (int at = 0; at < kGroup; at += kWidth<T>) {
            Lanes<T> y = load<Lanes<T>>(x + at) * load<Lanes<T>>(gains + at);
            // No more than rounding errors.
            if (rests) y = maximum(minimum(y, ceiling), -ceiling);
            store(x + at, y);
        }
    }

    double sample_rate_ = 44100, reduction_ = 0;
    bool linked_ = true;
    int lanes_ = 1;
    LevelDetector<T> detector_;
    SlidingMaximum<T> held_;
    AlignedBuffer<T> levels_, gains_;
    AlignedBuffer<double> reductions_;  // in octaves, of each lane, and of the voice that was
    Fade<Voice> fade_;
};

}  // namespace luthier::inline LUTHIER_ISA
