// What the filters share that are sections of second order in series. A filter designs its sections from its
// parameters; at rest they run in blocks, and while it moves every frame has sections of its own. (One
// section a group, every 16 frames, is heard as a buzz, and a cross-fade between the sections at a group's
// ends still leaves a corner at each end; a design costs some 50 ns.) An engine may run such filters
// together: cascade.h.
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

struct BandParams {
    double cutoff_hz, q;

    static constexpr const char* names[] = {"cutoff_hz", "q"};
    double gain() const { return 1; }
    static BandParams between(const BandParams& a, const BandParams& b, double t) {
        return {glide_log(a.cutoff_hz, b.cutoff_hz, t), glide_log(a.q, b.q, t)};
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

// `Filter` is the effect itself, with section(params, index, sample_rate); `most` is how many it ever has.
template <class T, class Filter, class P, int most = 1>
struct SectionEffect : EffectDefaults {
    using Params = P;
    static constexpr auto& parameters = P::names;
    static constexpr int kMostSections = most;

    void prepare(const Spec& spec) { prepare(spec, most); }

    void set(const Params& from, const Params& to) {
        moving_ = moves(from, to);
        if (moving_) {
            for (int i = 0; i < kGroup; ++i) {
                const P p = P::between(from, to, double(i) / (kGroup - 1));
                for (int s = 0; s < sections_.sections(); ++s) path_[i][s] = design(p, s);
            }
        } else {
            for (int s = 0; s < sections_.sections(); ++s) sections_.set(s, design(to, s));
        }
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (!moving_) {
            sections_.process(x);
            return;
        }
        for (int i = 0; i < kGroup; ++i)
            for (int c = 0; c < x.channels; ++c) {
                double y = x[c][i];
                for (int s = 0; s < sections_.sections(); ++s) {
                    double* memory = sections_.memory(c, s);
                    double state[2] = {memory[0], memory[1]};
                    y = path_[i][s].step(y, state);
                    memory[0] = state[0];
                    memory[1] = state[1];
                }
                x[c][i] = T(y);
            }
    }

    void reset() { sections_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        sections_.state(visit);
    }
    // What one section leaves, the others amplify; none of several has a gain above 3.
    double tail(const P& p, double silence) const {
        const int count = sections_.sections();
        double level = silence, frames = 0;
        if (count > 1) level *= 0.1 / count;
        for (int s = 0; s < count; ++s) frames += design::decay_frames(design(p, s), gain_to_db(level));
        return frames;
    }
    double gain(const P& p) const { return p.gain(); }

    // For an engine that runs several filters as one.
    BiquadCascade<T>& sections() { return sections_; }
    const BiquadCascade<T>& sections() const { return sections_; }

  protected:
    void prepare(const Spec& spec, int count) {
        rate_ = spec.sample_rate;
        sections_.prepare(count, spec.channels);
    }

  private:
    Section design(const P& p, int index) const {
        return static_cast<const Filter*>(this)->section(p, index, rate_);
    }

    double rate_ = 44100;
    BiquadCascade<T> sections_;
    bool moving_ = false;
    Section path_[kGroup][most];
};

}  // namespace luthier::inline LUTHIER_ISA
