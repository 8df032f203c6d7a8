// Delay: echoes, each `feedback` times the one before.
//
//     w[n] = x[n] + feedback w[n - max(1, d)],   out[n] = (1 - mix) x[n] + mix w[n - d]
//
// with d = delay_s times the sample rate, between frames by cubic interpolation.
// Ping-pong: the first line gets the mean of all channels and what the last one gives back, every other what
// the one before it gives back, so that the echoes go round.
//
// At rest, whole stretches that are shorter than the delay are done at once.
#pragma once

#include "luthier/smooth.h"
#include "taps.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Delay : EffectDefaults {
    struct Params {
        double delay_s, feedback, mix;
    };
    static constexpr const char* parameters[] = {"delay_s", "feedback", "mix"};
    struct Options {
        double ping_pong;
    };
    static constexpr const char* options[] = {"ping_pong"};

    void prepare(const Spec& spec, const Options& chosen) {
        rate_ = spec.sample_rate;
        channels_ = spec.channels;
        ping_pong_ = chosen.ping_pong != 0 && channels_ > 1;
        line_.reserve(channels_, int(kLongestSeconds * rate_) + 1 + GlidingDelay::overshoot(rate_));
        delay_.prepare(rate_);
        scratch_ = AlignedBuffer<T>(std::size_t(channels_) * kGroup);
        rise_ = int(kRiseSeconds * rate_) + 1;
        risen_ = rise_;
    }

    void set(const Params& from, const Params& to) {
        delay_.set_centre(from.delay_s * rate_, to.delay_s * rate_);
        line_.reach(int((from.delay_s > to.delay_s ? from.delay_s : to.delay_s) * rate_) + 1 +
                    GlidingDelay::overshoot(rate_));
        feedback_ = glide<T>(from.feedback, to.feedback);
        rings_ = from.feedback != 0 || to.feedback != 0;
        wet_ = glide<T>(from.mix, to.mix);
        dry_ = glide<T>(1 - from.mix, 1 - to.mix);
        aimed_ = false;
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        for (int i = 0; i < x.frames; i += kGroup) {
            delay_.step();
            if (!aimed_) aim();
            heard_ = Group<T>{} + T(1);
            if (risen_ < rise_) {
                for (int k = 0; k < kGroup; ++k) heard_[k] = T(ease(double(risen_ + k) / rise_));
                risen_ += kGroup;
            }
            if (ping_pong_)
                bounce(x.from(i, kGroup));
            else
                for (int c = 0; c < channels_; ++c) run(x[c] + i, c);
            line_.advance();
        }
    }

    // The echo of a beginning would be heard.
    void join() { risen_ = 0; }
    void reset() {
        line_.reset();
        delay_.reset();
        aimed_ = false;
        risen_ = rise_;
    }
    template <class Visit>
    void state(Visit&& visit) {
        line_.state(visit);
        delay_.state(visit);
        visit(&risen_, sizeof risen_);
        aimed_ = false;
    }

    double tail(const Params& p, double silence) const {
        if (p.mix == 0) return 0;
        const double frames = p.delay_s * rate_ + 4;
        if (p.feedback >= 1) return __builtin_inf();
        const double rounds = p.feedback > 1e-9 ? log2(silence) / log2(p.feedback) : 0;
        return frames * (2 + __builtin_ceil(rounds)) + (ping_pong_ ? channels_ * frames : 0);
    }
    double gain(const Params& p) const {
        return 1 - p.mix + 1.25 * p.mix / (p.feedback < 1 ? 1 - p.feedback : 1e-6);
    }

  private:
    static constexpr double kLongestSeconds = 30, kRiseSeconds = 0.02;

    // Where the heads of this group are, and of all that follow if it stands still.
    void aim() {
        place(delay_.now().centre, taps_, loop_);
        if (delay_.fading()) place(delay_.next().centre, next_taps_, next_loop_);
        aimed_ = delay_.still();
    }
    static void place(Group<double> delays, Taps<T>& taps, Taps<T>& loop) {
        delays = delays > 0 ? delays : Group<double>{};
        taps.set(delays, 2);
        loop.set(delays > 1 ? delays : Group<double>{} + 1.0, 2);
    }

    Group<T> read(const Taps<T>& now, const Taps<T>& next, int c) const {
        const Group<T> y = now.read(line_, c);
        return delay_.fading() ? y + delay_.template weight<T>() * (next.read(line_, c) - y) : y;
    }
    T read_loop(int c, int i, Group<T> weight) const {
        const T y = loop_.read(line_, c, i);
        return delay_.fading() ? y + weight[i] * (next_loop_.read(line_, c, i) - y) : y;
    }
    // Whether a group may be read before it is written.
    bool far() const {
        return taps_.newest() >= kGroup && (!delay_.fading() || next_taps_.newest() >= kGroup);
    }

    void run(T* samples, int c) {
        const Group<T> x = load<Group<T>>(samples);
        Group<T> y;
        if (far()) {
            y = read(taps_, next_taps_, c);
            line_.write(c, x * heard_ + feedback_ * y);
        } else {
            line_.write(c, x * heard_);
            if (rings_) {
                const Group<T> weight = delay_.template weight<T>();
                for (int i = 0; i < kGroup; ++i)
                    line_.put(c, i, x[i] * heard_[i] + feedback_[i] * read_loop(c, i, weight));
            }
            y = read(taps_, next_taps_, c);
        }
        store(samples, dry_ * x + wet_ * y);
    }

    void bounce(Block<T> x) {
        Group<T> sum{};
        for (int c = 0; c < channels_; ++c) sum += load<Group<T>>(x[c]);
        sum *= heard_ * (T(1) / T(channels_));
        if (far()) {
            for (int c = 0; c < channels_; ++c)
                store(scratch_.data() + c * kGroup, read(taps_, next_taps_, c));
            for (int c = 0; c < channels_; ++c) {
                const int before = c > 0 ? c - 1 : channels_ - 1;
                const Group<T> back = feedback_ * load<Group<T>>(scratch_.data() + before * kGroup);
                line_.write(c, c > 0 ? back : sum + back);
            }
        } else {
            const Group<T> weight = delay_.template weight<T>();
            for (int i = 0; i < kGroup; ++i) {
                T back = feedback_[i] * read_loop(channels_ - 1, i, weight);
                for (int c = 0; c < channels_; ++c) {
                    const T w = c > 0 ? back : sum[i] + back;
                    // What stands in the line is not touched before it is read: the delay is a frame at
                    // least.
                    back = feedback_[i] * read_loop(c, i, weight);
                    line_.put(c, i, w);
                }
            }
            for (int c = 0; c < channels_; ++c)
                store(scratch_.data() + c * kGroup, read(taps_, next_taps_, c));
        }
        for (int c = 0; c < channels_; ++c)
            store(x[c], dry_ * load<Group<T>>(x[c]) + wet_ * load<Group<T>>(scratch_.data() + c * kGroup));
    }

    double rate_ = 44100;
    int channels_ = 0;
    bool ping_pong_ = false, rings_ = false, aimed_ = false;
    DelayLine<T> line_;
    GlidingDelay delay_;
    Taps<T> taps_, loop_;            // the heads' places for the output, and in the loop
    Taps<T> next_taps_, next_loop_;  // and of the second head, while it fades in
    Group<T> feedback_{}, wet_{}, dry_{};
    Group<T> heard_{};          // how much of what comes in
    int rise_ = 1, risen_ = 1;  // frames that a gentle beginning takes, and that it took
    AlignedBuffer<T> scratch_;  // [channel][kGroup]
};

}  // namespace luthier::inline LUTHIER_ISA
