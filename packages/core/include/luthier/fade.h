// From one setting of an effect to the next by a fade between the two, for effects with kFades (effect.h).
//
// The effect keeps what belongs to a setting (coefficients, envelopes) in a `Voice`, plain data with
// set(from, to), which glides over a group, and a `params` that is `to`. Outside of fades there is one voice.
// While a fade lasts the effect runs both, and what it hears is a mean of the two: what distorts at settings
// between them is not heard, because the sound is at no such setting.
#pragma once

#include "luthier/effect.h"
#include "luthier/smooth.h"

namespace luthier::inline LUTHIER_ISA {

template <class Voice>
class Fade {
  public:
    using Params = decltype(Voice::params);

    void prepare(double sample_rate) {
        length_ = int(Way::kSeconds * sample_rate / kGroup) + 1;
        done_ = length_;
    }

    // What set() of an effect gets. Returns whether a fade starts: the effect then copies whatever else
    // belongs to a voice, from the one that was to the one that comes.
    bool set(const Params& from, const Params& to) {
        const bool glides = moves(from, to);
        const bool starts = !fresh_ && !gliding_ && !glides && moves(now_.params, to);
        if (starts) {
            before_ = now_;
            done_ = 0;
        }
        now_.set(from, to);
        gliding_ = glides;
        return starts;
    }

    Voice& now() { return now_; }
    const Voice& now() const { return now_; }
    Voice& before() { return before_; }
    bool fading() const { return done_ < length_; }
    // Nothing moves: all bounds that hold for one setting hold.
    bool at_rest() const { return !fading() && !gliding_; }

    // The share of the voice that comes, in the coming group, from a frame on: in a vector's lanes. The
    // smoothest quintic step, 10 t^3 - 15 t^4 + 6 t^5: what the voice that comes has yet to get used to
    // happens in its first frames.
    template <class V>
    V weight(int frame) const {
        V t;
        for (int i = 0; i < int(sizeof t / sizeof t[0]); ++i)
            t[i] = double(done_ * kGroup + frame + i) / (length_ * kGroup);
        return t * t * t * (10 - t * (15 - 6 * t));
    }

    // A group was processed.
    void advance() {
        fresh_ = false;
        if (fading()) ++done_;
    }

    void reset() {
        done_ = length_;
        fresh_ = true;
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(this, sizeof *this);
    }

  private:
    Voice now_{}, before_{};
    int length_ = 1, done_ = 1;  // groups
    bool fresh_ = true;          // silence behind: nothing to fade from
    bool gliding_ = false;
};

}  // namespace luthier::inline LUTHIER_ISA
