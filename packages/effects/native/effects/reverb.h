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

#include <cmath>

#include "effect.h"

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
        int longest_comb = 0, longest_pass = 0;
        lines_ = AlignedBuffer<Line>(std::size_t(channels_) * kLines);
        for (int c = 0; c < channels_; ++c)
            for (int j = 0; j < kLines; ++j) {
                const double tuned = kTuning[j] + kSpread * (c % kSpreadChannels);
                const int delay = at_least(kGroup, int(tuned * spec.sample_rate / 44100));
                lines_[c * kLines + j].delay = delay;
                int& longest = j < kCombs ? longest_comb : longest_pass;
                longest = at_least(longest, delay);
            }
        comb_mask_ = capacity(longest_comb) - 1;
        pass_mask_ = capacity(longest_pass) - 1;
        longest_comb_ = longest_comb;
        longest_passes_ = kPasses * longest_pass;
        const std::size_t comb = comb_mask_ + 1 + kGap, pass = pass_mask_ + 1 + kGap;
        memory_ = AlignedBuffer<T>(channels_ * (kCombs * comb + kPasses * pass));
        T* next = memory_.data();
        for (int i = 0; i < channels_ * kLines; ++i) {
            lines_[i].memory = next;
            next += i % kLines < kCombs ? comb : pass;
        }
        damped_ = AlignedBuffer<T>(std::size_t(channels_) * kCombs);
        wet_ = AlignedBuffer<T>(std::size_t(channels_) * kGroup);
    }

    void set(const Params& from, const Params& to) {
        const double frozen = from.freeze;
        // Between the two states of freeze the feedback and the damping pass through all that is between.
        const double room = 0.28 * from.room_size + 0.7, damping = 0.4 * from.damping;
        feedback_ = T(room + frozen * (1 - room));
        frozen_ = frozen >= 1;
        damping_ = T(damping * (1 - frozen));
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
            position_ += kGroup;
        }
    }

    void reset() {
        memory_.clear();
        damped_.clear();
        position_ = 0;
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&position_, sizeof position_);
        visit(damped_.data(), damped_.size() * sizeof(T));
    }

    // The slowest comb loses `feedback` each time round; an impulse enters 36 dB down at least.
    double tail() const {
        if (frozen_) return __builtin_inf();
        return longest_comb_ * std::ceil(std::log(kSilence) / std::log(double(feedback_))) +
               8.0 * longest_passes_;
    }

  private:
    static constexpr int kCombs = 8, kPasses = 4, kLines = kCombs + kPasses;
    static constexpr int kTuning[kLines] = {1116, 1188, 1277, 1356, 1422, 1491,
                                            1557, 1617, 556,  441,  341,  225};
    static constexpr int kSpread = 23;
    static constexpr int kSpreadChannels = 64;  // from here on the spread starts again, to bound the memory
    // Behind each line: the repetition of its first group, and an offset that keeps lines of a
    // power-of-two length out of each other's cache sets.
    static constexpr int kGap = 2 * kGroup;

    struct Line {
        T* memory;
        int delay;
    };

    static int at_least(int least, int n) { return n < least ? least : n; }
    static double own(const Params& p) { return 3 * p.wet_level * (1 + p.width) / 2; }
    static double cross(const Params& p) { return 3 * p.wet_level * (1 - p.width) / 2; }

    // A power of two that holds the delay and the group that a rerun writes again.
    static std::size_t capacity(int delay) {
        std::size_t n = kGroup;
        while (n < std::size_t(delay) + kGroup) n *= 2;
        return n;
    }

    Group<T> read(const Line& line, std::size_t mask) const {
        return load<Group<T>>(line.memory + ((position_ - line.delay) & mask));
    }
    void write(const Line& line, std::size_t mask, Group<T> x) const {
        const std::size_t at = position_ & mask;
        store(line.memory + at, x);
        if (at == 0) store(line.memory + mask + 1, x);  // so that reads may run over the end
    }

    Group<T> bank(int c, Group<T> in) {
        const Line* line = lines_.data() + c * kLines;
        T* damped = damped_.data() + c * kCombs;
        Group<T> sum{};
        for (int j = 0; j < kCombs; ++j) {
            const Group<T> y = read(line[j], comb_mask_);
            sum += y;
            Group<T> f = (1 - damping_) * y;
            f += powers_[0] * shift_lanes<1>(f);
            f += powers_[1] * shift_lanes<2>(f);
            f += powers_[3] * shift_lanes<4>(f);
            f += powers_[7] * shift_lanes<8>(f);
            f += powers_ * damped[j];
            damped[j] = f[kGroup - 1];
            write(line[j], comb_mask_, in + feedback_ * f);
        }
        for (int j = kCombs; j < kLines; ++j) {
            const Group<T> y = read(line[j], pass_mask_);
            write(line[j], pass_mask_, sum + T(0.5) * y);
            sum = y - sum;
        }
        return sum;
    }

    int channels_ = 0;
    std::size_t comb_mask_ = 0, pass_mask_ = 0;
    double longest_comb_ = 0, longest_passes_ = 0;
    AlignedBuffer<Line> lines_;
    AlignedBuffer<T> memory_, damped_, wet_;
    std::size_t position_ = 0;
    T feedback_ = 0, damping_ = 0;
    bool frozen_ = false;
    Group<T> powers_{};  // damping^1 ... damping^16
    Group<T> input_{}, dry_{}, own_{}, cross_{};
};

}  // namespace luthier::inline LUTHIER_ISA
