// Freeverb: Jezar at Dreampoint's public-domain Schroeder reverberator (2000): eight damped feedback
// combs in parallel into four all-passes in series, per channel, tuned at 44.1 kHz and scaled by rate.
//
//   comb:      y[n] = b[n - D];  f[n] = (1 - d) y[n] + d f[n-1];  b[n] = x[n] + r f[n]
//   all-pass:  y[n] = b[n - D] - x[n];  b[n] = x[n] + b[n - D] / 2
//
// with r = 0.28 room_size + 0.7 and d = 0.4 damping; the input is 0.015 times the sum of all channels,
// and the lines of channel k are 23 k frames longer. The wet banks are mixed by width: the own bank times
// (1 + width) / 2, the mean of the others times (1 - width) / 2; wet_level counts threefold, dry_level
// twofold. Frozen, the combs neither decay nor listen.
//
// Every line is longer than a group, so a group's sixteen reads are known before its writes; only the
// one-pole damping filter runs along them, as a prefix sum in four steps.
#pragma once

#include "luthier/delay_line.h"
#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Reverb : EffectDefaults {
    struct Params {
        double room_size, damping, wet_level, dry_level, width, freeze;
    };
    static constexpr const char* parameters[] = {"room_size", "damping", "wet_level",
                                                 "dry_level", "width",   "freeze"};

    void prepare(const Spec& spec) {
        channels_ = spec.channels;
        const int last = channels_ < kSpreadChannels ? channels_ - 1 : kSpreadChannels - 1;
        combs_.prepare(channels_ * kCombs, delay(kCombs - 1, last, spec.sample_rate));
        passes_.prepare(channels_ * kPasses, delay(kCombs, last, spec.sample_rate));
        longest_ = delay(kCombs - 1, last, spec.sample_rate);
        delays_ = AlignedBuffer<int>(std::size_t(channels_) * kLines);
        for (int c = 0; c < channels_; ++c)
            for (int j = 0; j < kLines; ++j) delays_[c * kLines + j] = delay(j, c, spec.sample_rate);
        damped_ = AlignedBuffer<T>(std::size_t(channels_) * kCombs);
        wet_ = AlignedBuffer<T>(std::size_t(channels_) * kGroup);
    }

    void set(const Params& from, const Params& to) {
        feedback_ = T(feedback_of(from));
        damping_ = T(0.4 * from.damping * (1 - from.freeze));
        T power = damping_;
        for (int i = 0; i < kGroup; ++i, power *= damping_) powers_[i] = power;
        input_ = glide<T>(0.015 * (1 - from.freeze), 0.015 * (1 - to.freeze));
        dry_ = glide<T>(2 * from.dry_level, 2 * to.dry_level);
        own_ = glide<T>(own(from), own(to));
        // The mean of the other banks, from their sum.
        const double others = 1.0 / at_least(1, channels_ - 1);
        cross_ = glide<T>(others * cross(from), others * cross(to));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        for (int i = 0; i < x.frames; i += kGroup) {
            Group<T> sum{};
            for (int c = 0; c < x.channels; ++c) sum += load<Group<T>>(x[c] + i);
            sum *= input_;
            Group<T> all{};
            for (int c = 0; c < x.channels; ++c) {
                const Group<T> wet = bank(c, sum);
                store(wet_.data() + c * kGroup, wet);
                all += wet;
            }
            for (int c = 0; c < x.channels; ++c) {
                const Group<T> wet = load<Group<T>>(wet_.data() + c * kGroup);
                store(x[c] + i, dry_ * load<Group<T>>(x[c] + i) + own_ * wet + cross_ * (all - wet));
            }
            combs_.advance();
            passes_.advance();
        }
    }

    void reset() {
        combs_.reset();
        passes_.reset();
        damped_.clear();
    }

    template <class Visit>
    void state(Visit&& visit) {
        combs_.state(visit);
        passes_.state(visit);
        visit(damped_.data(), damped_.size() * sizeof(T));
    }

    // The slowest comb loses `feedback` each time round. An impulse in all channels enters with 0.36 times
    // their number at most, and the all-passes, which halve what they hold, ring for twenty times round.
    double tail(const Params& p, double silence) const {
        const double feedback = feedback_of(p);
        if (double(T(feedback)) >= 1) return __builtin_inf();
        return longest_ * (20 + __builtin_ceil(log2(silence / at_least(1, channels_)) / log2(feedback)));
    }

    // Steady sound in all channels, through combs that add up.
    double gain(const Params& p) const {
        const double feedback = feedback_of(p);
        const double rings = feedback < 1 ? 1 / (1 - feedback) : 1e6;
        return 2 * p.dry_level + 0.36 * p.wet_level * channels_ * rings;
    }

  private:
    static constexpr int kCombs = 8, kPasses = 4, kLines = kCombs + kPasses;
    static constexpr int kTuning[kLines] = {1116, 1188, 1277, 1356, 1422, 1491,
                                            1557, 1617, 556,  441,  341,  225};
    static constexpr int kSpread = 23;
    static constexpr int kSpreadChannels = 64;  // from here on the spread starts again, to bound the memory

    // A group's reads are known before its writes, so no line may be shorter than a group.
    static int delay(int line, int channel, double sample_rate) {
        const double tuned = kTuning[line] + kSpread * (channel % kSpreadChannels);
        return at_least(kGroup, int(tuned * sample_rate / 44100));
    }
    static int at_least(int least, int n) { return n < least ? least : n; }
    // Between the two states of freeze it passes through all that is between.
    static double feedback_of(const Params& p) {
        const double room = 0.28 * p.room_size + 0.7;
        return room + p.freeze * (1 - room);
    }
    static double own(const Params& p) { return 3 * p.wet_level * (1 + p.width) / 2; }
    static double cross(const Params& p) { return 3 * p.wet_level * (1 - p.width) / 2; }

    Group<T> bank(int c, Group<T> in) {
        const int* delays = delays_.data() + c * kLines;
        Group<T> sum{};
        for (int j = 0; j < kCombs; ++j) {
            const int row = c * kCombs + j;
            const Group<T> y = load<Group<T>>(combs_.read(row, delays[j]));
            sum += y;
            Group<T> f = (1 - damping_) * y;
            f += powers_[0] * shift_lanes<1>(f);
            f += powers_[1] * shift_lanes<2>(f);
            f += powers_[3] * shift_lanes<4>(f);
            f += powers_[7] * shift_lanes<8>(f);
            f += powers_ * damped_[row];
            damped_[row] = f[kGroup - 1];
            combs_.write(row, in + feedback_ * f);
        }
        for (int j = 0; j < kPasses; ++j) {
            const int row = c * kPasses + j;
            const Group<T> y = load<Group<T>>(passes_.read(row, delays[kCombs + j]));
            passes_.write(row, sum + T(0.5) * y);
            sum = y - sum;
        }
        return sum;
    }

    int channels_ = 0;
    double longest_ = 0;           // frames of the longest comb
    DelayLine<T> combs_, passes_;  // a row for each of a channel's lines
    AlignedBuffer<int> delays_;    // [channel][line]
    AlignedBuffer<T> damped_, wet_;
    T feedback_ = 0, damping_ = 0;
    Group<T> powers_{};  // damping^1 ... damping^16
    Group<T> input_{}, dry_{}, own_{}, cross_{};
};

}  // namespace luthier::inline LUTHIER_ISA
