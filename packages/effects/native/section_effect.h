// What the filters of one section share. A filter designs its section from its parameters; at rest it runs in
// blocks, and while it moves every frame has a section of its own. (One section a group, every 16 frames, is
// heard as a buzz, and a cross-fade between the sections at a group's ends still leaves a corner at each end;
// a design costs some 50 ns.)
#pragma once

#include "luthier/biquad.h"
#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

// Between a and b on a logarithmic scale.
inline double glide_log(double a, double b, double t) { return a == b ? a : a * exp2(t * log2(b / a)); }

struct CutoffParams {
    double cutoff_hz;

    static constexpr const char* names[] = {"cutoff_hz"};
    double gain() const { return 1; }
    static CutoffParams between(const CutoffParams& a, const CutoffParams& b, double t) {
        return {glide_log(a.cutoff_hz, b.cutoff_hz, t)};
    }
};

struct BellParams {
    double cutoff_hz, gain_db, q;

    static constexpr const char* names[] = {"cutoff_hz", "gain_db", "q"};
    // A shelf of high q overshoots.
    double gain() const { return (gain_db > 0 ? db_to_gain(gain_db) : 1) * (q > 1 ? q : 1); }
    static BellParams between(const BellParams& a, const BellParams& b, double t) {
        return {glide_log(a.cutoff_hz, b.cutoff_hz, t), a.gain_db + (b.gain_db - a.gain_db) * t,
                glide_log(a.q, b.q, t)};
    }
};

// `Filter` is the effect itself, with a static section(params, sample_rate).
template <class T, class Filter, class P>
struct SectionEffect : EffectDefaults {
    using Params = P;
    static constexpr auto& parameters = P::names;

    void prepare(const Spec& spec) {
        rate_ = spec.sample_rate;
        filter_.prepare(1, spec.channels);
    }

    void set(const Params& from, const Params& to) {
        moving_ = moves(from, to);
        for (int i = 0; moving_ && i < kGroup; ++i)
            path_[i] = Filter::section(P::between(from, to, double(i) / (kGroup - 1)), rate_);
        if (!moving_) filter_.set(0, Filter::section(to, rate_));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (!moving_) {
            filter_.process(x);
            return;
        }
        for (int i = 0; i < kGroup; ++i) {
            const Section section = path_[i];
            for (int c = 0; c < x.channels; ++c) {
                double* memory = filter_.memory(c, 0);
                double state[2] = {memory[0], memory[1]};
                x[c][i] = T(section.step(x[c][i], state));
                memory[0] = state[0];
                memory[1] = state[1];
            }
        }
    }

    void reset() { filter_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        filter_.state(visit);
    }
    double tail(const P& p, double silence) const {
        return design::decay_frames(Filter::section(p, rate_), gain_to_db(silence));
    }
    double gain(const P& p) const { return p.gain(); }

  private:
    double rate_ = 44100;
    BiquadCascade<T> filter_;
    bool moving_ = false;
    Section path_[kGroup];
};

}  // namespace luthier::inline LUTHIER_ISA
