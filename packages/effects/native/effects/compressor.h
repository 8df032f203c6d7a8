// Feed-forward compressor with a peak detector; the static curve after Giannoulis, Massberg and Reiss,
// "Digital dynamic range compressor design", J. Audio Eng. Soc. 60 (2012), equations 3 and 4.
//
// The detector (luthier/envelope.h) follows the loudest channel, so that the stereo image stays where it is,
// and the gain, in octaves of amplitude, is (1 / ratio - 1) times the excess over the threshold, rounded
// off by a parabola within half a knee on either side of it. All channels get the same gain.
#pragma once

#include "luthier/effect.h"
#include "luthier/envelope.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Compressor : EffectDefaults {
    struct Params {
        double threshold_db, ratio, attack_ms, release_ms, knee_db, makeup_db;
    };
    static constexpr const char* parameters[] = {"threshold_db", "ratio",   "attack_ms",
                                                 "release_ms",   "knee_db", "makeup_db"};

    void prepare(const Spec& spec) { sample_rate_ = spec.sample_rate; }

    void set(const Params& from, const Params& to) {
        ballistics_ = Ballistics::of(from.attack_ms, from.release_ms, sample_rate_);
        threshold_ = glide<T>(octaves(from.threshold_db), octaves(to.threshold_db));
        makeup_ = glide<T>(octaves(from.makeup_db), octaves(to.makeup_db));
        slope_ = glide<T>(1 / from.ratio - 1, 1 / to.ratio - 1);
        knee_ = glide<T>(octaves(from.knee_db), octaves(to.knee_db));
        curvature_ = knee_ > 0 ? 1 / (2 * knee_) : Group<T>{};
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        for (int i = 0; i < x.frames; i += kGroup) {
            Group<T> level{};
            for (int c = 0; c < x.channels; ++c) {
                const Group<T> v = load<Group<T>>(x[c] + i);
                const Group<T> magnitude = v < 0 ? -v : v;
                level = magnitude > level ? magnitude : level;
            }
            const Group<T> gain = gain_for(envelope(level));
            for (int c = 0; c < x.channels; ++c) store(x[c] + i, load<Group<T>>(x[c] + i) * gain);
        }
    }

    void reset() { envelope_ = 0; }

    double gain(const Params& p) const { return db_to_gain(p.makeup_db); }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&envelope_, sizeof envelope_);
    }

  private:
    static double octaves(double db) { return db * 0.16609640474436811739; }  // 1 / (20 log10(2))

    Group<T> envelope(Group<T> level) {
        const Ballistics ballistics = ballistics_;
        Group<T> out;
        double e = envelope_;
        for (int i = 0; i < kGroup; ++i) {
            e = ballistics.step(e, double(level[i]));
            out[i] = T(e);
        }
        envelope_ = e;
        return out;
    }

    Group<T> gain_for(Group<T> level) const {
        const Group<T> over = log2(level) - threshold_;
        Group<T> inside = over + knee_ / 2;
        inside = inside < 0 ? Group<T>{} : inside > knee_ ? knee_ : inside;
        const Group<T> above = over - knee_ / 2;
        const Group<T> excess = inside * inside * curvature_ + (above > 0 ? above : Group<T>{});
        return exp2(slope_ * excess + makeup_);
    }

    double sample_rate_ = 44100;
    Ballistics ballistics_;
    double envelope_ = 0;
    Group<T> threshold_{}, makeup_{}, slope_{}, knee_{}, curvature_{};
};

}  // namespace luthier::inline LUTHIER_ISA
