// Envelope followers: one-pole smoothing with a time constant for rising and one for falling levels.
//
//     envelope += (level > envelope ? attack : release) * (level - envelope)
//
// A time constant is the time to 63 % (1 - 1/e) of a step: coefficient = 1 - exp(-1 / (time sample_rate)).
// (U. Zölzer (ed.), "DAFX", 2nd ed. 2011, section 4.2; D. Giannoulis, M. Massberg and J. Reiss, "Digital
// dynamic range compressor design", J. Audio Eng. Soc. 60(6), 2012.) The state is double.
#pragma once

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/math.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

// The share of a step that a one-pole smoother covers in one frame; all of it for a time of 0.
inline double smoothing(double time_ms, double sample_rate) {
    const double frames = time_ms * 0.001 * sample_rate;
    return frames > 0 ? 1 - exp2(-1.4426950408889634074 / frames) : 1;
}

// The recursion, on scalars or with a channel a lane.
struct Ballistics {
    double attack = 1, release = 1;  // shares of a step, from smoothing()

    bool operator==(const Ballistics&) const = default;

    static Ballistics of(double attack_ms, double release_ms, double sample_rate) {
        return {smoothing(attack_ms, sample_rate), smoothing(release_ms, sample_rate)};
    }

    // The larger of the two candidates is the right one when attack is the faster, the smaller otherwise:
    // a chain of one product and one comparison a frame.
    template <class V>
    V step(V envelope, V level) const {
        const V rising = (1 - attack) * envelope + attack * level;
        const V falling = (1 - release) * envelope + release * level;
        if (attack >= release) return rising > falling ? rising : falling;
        return rising < falling ? rising : falling;
    }
};

// Smooths |x|, or x^2 and gives the root; rising_rms, which EnvelopeFollower has not, lets x^2 rise at once.
enum class Detector { peak, rms, rising_rms };

template <class T>
class EnvelopeFollower {
  public:
    void prepare(int channels) { state_ = AlignedBuffer<double>(channels); }

    void set(Ballistics ballistics, Detector detector) LUTHIER_REALTIME {
        ballistics_ = ballistics;
        detector_ = detector;
    }

    // Each channel's level at every frame; `to` may be `from`. Whole groups.
    void process(Block<T> from, Block<T> to) LUTHIER_REALTIME {
        int channel = 0;
        for (; channel + 8 <= from.channels; channel += 8) run<8>(from, to, channel);
        for (; channel + 2 <= from.channels; channel += 2) run<2>(from, to, channel);
        for (; channel < from.channels; ++channel) run<1>(from, to, channel);
    }

    void reset() LUTHIER_REALTIME { state_.clear(); }

    template <class Visit>
    void state(Visit&& visit) {
        visit(state_.data(), state_.size() * sizeof(double));
    }

  private:
    template <int N>
    void run(Block<T> from, Block<T> to, int channel) {
        if (detector_ == Detector::rms)
            run<N, true>(from, to, channel);
        else
            run<N, false>(from, to, channel);
    }

    template <int N, bool rms>
    void run(Block<T> from, Block<T> to, int channel) {
        using V = Vec<double, N>;
        const Ballistics ballistics = ballistics_;
        V envelope = load<V>(state_.data() + channel);
        for (int frame = 0; frame < from.frames; frame += kGroup) {
            for (int i = frame; i < frame + kGroup; ++i) {
                V level;
                for (int n = 0; n < N; ++n) level[n] = from[channel + n][i];
                level = rms ? level * level : (level < 0 ? -level : level);
                envelope = ballistics.step(envelope, level);
                for (int n = 0; n < N; ++n)
                    to[channel + n][i] = T(rms ? __builtin_sqrt(envelope[n]) : envelope[n]);
            }
            // Silence does not decay into denormals, which are slow.
            envelope = envelope < kSilence ? V{} : envelope;
        }
        store(state_.data() + channel, envelope);
    }

    static constexpr double kSilence = 1e-60;

    AlignedBuffer<double> state_;
    Ballistics ballistics_;
    Detector detector_ = Detector::peak;
};

}  // namespace luthier::inline LUTHIER_ISA
