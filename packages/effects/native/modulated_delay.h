// What chorus, flanger and vibrato are: a delay line read at a place that swings as a sine, with feedback,
// and a mix of what comes in and what is read.
//
//     w[n] = x[n] + feedback y[n - 1]
//     y[n] = w[n - d[n]],   d[n] = max(least, centre + swing lfo[n])
//     out[n] = (1 - mix) x[n] + mix y[n]
//
// with lfo[n] = -sin(2 pi (phase[n] + channel stereo_phase)), between frames by cubic interpolation: the
// standard effects of J. Dattorro, "Effect design, part 2: delay-line modulation and chorus", J. Audio Eng.
// Soc. 45(10), 1997, there with all-pass or linear interpolation.
//
// The swing and its interpolation weights are made once for a group and serve all channels that swing
// together. The loop is one frame longer than the delay; where that is longer than a group, sixteen frames
// are read before they are written, and else they go one by one.
#pragma once

#include "swing_phase.h"
#include "taps.h"

namespace luthier::inline LUTHIER_ISA {

// What the effects make of their parameters. Delays are in frames.
struct DelaySwing {
    double turns;  // a frame
    double centre, swing;
    double feedback, mix, stereo_phase;
};

template <class T>
class ModulatedDelay {
  public:
    void prepare(int channels, double sample_rate, int longest, double least) {
        least_ = least;
        line_.prepare(channels, longest + GlidingDelay::overshoot(sample_rate));
        last_ = AlignedBuffer<T>(std::size_t(channels));
        delay_.prepare(sample_rate);
    }

    void set(const DelaySwing& from, const DelaySwing& to) {
        phase_.set(from.turns, (to.turns - from.turns) / (kGroup - 1));
        delay_.set_centre(from.centre, to.centre);
        delay_.set_swing(from.swing, to.swing);
        // A loop that shortens raises the pitch anew each time round, which feedback makes heard.
        const double least = 1 - maximum(magnitude(from.feedback), magnitude(to.feedback));
        delay_.set_fastest(maximum(kFastestLeast, GlidingDelay::kFastest * least * least));
        stereo_phase_.set(from.stereo_phase, to.stereo_phase);
        spread_ = from.stereo_phase != 0 || to.stereo_phase != 0;
        feedback_ = glide<T>(from.feedback, to.feedback);
        rings_ = from.feedback != 0 || to.feedback != 0;
        wet_ = glide<T>(from.mix, to.mix);
        dry_ = glide<T>(1 - from.mix, 1 - to.mix);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        SwingPhase swinging = phase_;
        for (int i = 0; i < x.frames; i += kGroup) {
            delay_.step();
            const Group<double> phase = swinging.frames();
            for (int c = 0; c < x.channels; ++c) {
                if (c == 0)
                    aim(phase);
                else if (spread_)
                    aim(phase + double(c) * stereo_phase_.frames());
                run(x[c] + i, c);
            }
            stereo_phase_.advance();
            line_.advance();
            swinging.advance();
        }
        phase_ = swinging;
    }

    void reset() LUTHIER_REALTIME {
        line_.reset();
        last_.clear();
        delay_.reset();
        stereo_phase_.reset();
        phase_.reset();
    }

    template <class Visit>
    void state(Visit&& visit) {
        line_.state(visit);
        delay_.state(visit);
        stereo_phase_.state(visit);
        visit(last_.data(), last_.size() * sizeof(T));
        phase_.state(visit);
    }

    // Every time round it loses what the feedback leaves.
    static double tail(const DelaySwing& s, double least, double silence) {
        const double frames = maximum(s.centre + s.swing, least) + 4;
        const double feedback = magnitude(s.feedback);
        if (s.mix == 0) return 0;
        if (feedback < 1e-9) return frames;
        return frames * (3 + __builtin_ceil(log2(silence) / log2(feedback)));
    }
    // Interpolation adds to a sample at most a quarter.
    static double gain(const DelaySwing& s) {
        const double feedback = magnitude(s.feedback);
        return 1 - s.mix + 1.25 * s.mix / (1 - feedback);
    }

  private:
    static constexpr double kFastestLeast = 0.02;  // frames a frame

    static double magnitude(double x) { return x < 0 ? -x : x; }

    void aim(Group<double> phase) {
        // By registers: compilers take longer vectors apart where functions branch by lane.
        Group<double> lfo;
        for (int i = 0; i < kGroup; i += kPart) put(lfo, i, -sin_turns(part(phase, i)));
        taps_.set(delays(delay_.now(), lfo), 1);
        if (delay_.fading()) next_.set(delays(delay_.next(), lfo), 1);
    }

    Group<double> delays(const GlidingDelay::Path& path, const Group<double>& lfo) const {
        Group<double> result;
        for (int i = 0; i < kGroup; i += kPart) {
            const Part d = part(path.centre, i) + part(path.swing, i) * part(lfo, i);
            put(result, i, d > least_ ? d : Part{} + least_);
        }
        return result;
    }

    static constexpr int kPart = kLanes<double>;
    using Part = Vec<double, kPart>;
    static Part part(const Group<double>& group, int from) {
        return load<Part>(reinterpret_cast<const double*>(&group) + from);
    }
    static void put(Group<double>& group, int from, Part values) {
        store(reinterpret_cast<double*>(&group) + from, values);
    }

    Group<T> read(int c) const {
        const Group<T> y = taps_.read(line_, c);
        if (!delay_.fading()) return y;
        return y + delay_.template weight<T>() * (next_.read(line_, c) - y);
    }

    void run(T* samples, int c) {
        const Group<T> x = load<Group<T>>(samples);
        Group<T> y;
        const int newest =
            !delay_.fading() || taps_.newest() < next_.newest() ? taps_.newest() : next_.newest();
        if (!rings_) {
            line_.write(c, x);
            y = read(c);
        } else if (newest >= kGroup) {
            y = read(c);
            Group<T> before = shift_lanes<1>(y);
            before[0] = last_[c];
            line_.write(c, x + feedback_ * before);
        } else {
            const Group<T> weight = delay_.template weight<T>();
            T last = last_[c];
            for (int i = 0; i < kGroup; ++i) {
                line_.put(c, i, x[i] + feedback_[i] * last);
                last = taps_.read(line_, c, i);
                if (delay_.fading()) last += weight[i] * (next_.read(line_, c, i) - last);
                y[i] = last;
            }
        }
        last_[c] = y[kGroup - 1];
        store(samples, dry_ * x + wet_ * y);
    }

    DelayLine<T> line_;
    GlidingDelay delay_;
    Taps<T> taps_, next_;    // while it fades over, at its second place
    AlignedBuffer<T> last_;  // y[n - 1] of each channel
    double least_ = 0;
    SwingPhase phase_;
    SmoothPath stereo_phase_;
    Group<T> feedback_{}, wet_{}, dry_{};
    bool spread_ = false, rings_ = false;
};

struct CopyParams {
    double rate_hz, depth, centre_delay_ms, feedback, mix, stereo_phase;

    static constexpr const char* names[] = {"rate_hz",  "depth", "centre_delay_ms",
                                            "feedback", "mix",   "stereo_phase"};
};

// `Effect` is the effect itself, with swing(params, frames of a millisecond), and the least and the longest
// delay that this gives.
template <class T, class Effect, class P>
struct ModulatedDelayEffect : EffectDefaults {
    using Params = P;
    static constexpr auto& parameters = P::names;

    void prepare(const Spec& spec) {
        ms_ = spec.sample_rate / 1000;
        delay_.prepare(spec.channels, spec.sample_rate, int(Effect::kLongestMs * ms_) + 1, least());
    }

    void set(const P& from, const P& to) { delay_.set(Effect::swing(from, ms_), Effect::swing(to, ms_)); }
    void process(Block<T> x) LUTHIER_REALTIME { delay_.process(x); }
    void reset() { delay_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        delay_.state(visit);
    }
    double tail(const P& p, double silence) const {
        return delay_.tail(Effect::swing(p, ms_), least(), silence);
    }
    double gain(const P& p) const { return delay_.gain(Effect::swing(p, ms_)); }

  private:
    double least() const { return Effect::kLeastMs * ms_; }

    double ms_ = 44.1;  // frames
    ModulatedDelay<T> delay_;
};

}  // namespace luthier::inline LUTHIER_ISA
