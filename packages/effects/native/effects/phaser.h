// Phaser: six first-order all-passes in series, whose common corner swings on a logarithmic scale, mixed
// with what came in.
//
//     all-pass (V. Zavalishin, "The Art of VA Filter Design" 2.1.2, 2018, ch. 3.7 and 10), a = (g - 1)/(g +
//     1), g = tan(pi corner / sample_rate), state s:
//         d = x - s;   y = s + a d;   s = x + a d
//     corner = 20 Hz (top / 20 Hz)^p,   p = clamp(norm(centre) - depth / 2 sin(2 pi phase), 0, 1)
//
// with top the lower of 20 kHz and 0.49 sample_rate. What comes out of the sixth is fed back a frame later,
// its sign turned.
//
// The corner moves every frame; its coefficients are made for a group at once and serve all channels that
// swing together. The six recursions then run frame by frame, the channels side by side in a vector: written
// as a x + (s - a s), a stage costs the loop one multiply-add, for s - a s is known before x.
#pragma once

#include "swing_phase.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Phaser : EffectDefaults {
    struct Params {
        double rate_hz, depth, centre_hz, feedback, mix, stereo_phase;
    };
    static constexpr const char* parameters[] = {"rate_hz",  "depth", "centre_hz",
                                                 "feedback", "mix",   "stereo_phase"};

    void prepare(const Spec& spec) {
        rate_ = spec.sample_rate;
        top_ = 0.49 * rate_ < kHighest ? 0.49 * rate_ : kHighest;
        octaves_ = top_ > kLowest ? log2(top_ / kLowest) : 0;
        bottom_ = top_ > kLowest ? kLowest : top_;
        states_ = AlignedBuffer<double>(std::size_t(spec.channels) * kMemory);
    }

    void set(const Params& from, const Params& to) {
        phase_.set(from.rate_hz / rate_, (to.rate_hz - from.rate_hz) / rate_ / (kGroup - 1));
        centre_ = glide<double>(place(from.centre_hz), place(to.centre_hz));
        swing_ = glide<double>(from.depth / 2 * octaves_, to.depth / 2 * octaves_);
        stereo_phase_ = glide<double>(from.stereo_phase, to.stereo_phase);
        spread_ = from.stereo_phase != 0 || to.stereo_phase != 0;
        feedback_ = glide<double>(from.feedback, to.feedback);
        rings_ = from.feedback != 0 || to.feedback != 0;
        wet_ = glide<T>(from.mix, to.mix);
        dry_ = glide<T>(1 - from.mix, 1 - to.mix);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        SwingPhase swinging = phase_;
        for (int i = 0; i < x.frames; i += kGroup) {
            const Group<double> phase = swinging.frames();
            if (!spread_) coefficients_[0] = coefficients(phase);
            int c = 0;
            for (; c + 4 <= x.channels; c += 4) run<4>(x, c, i, phase);
            if (c + 2 <= x.channels) {
                run<2>(x, c, i, phase);
                c += 2;
            }
            if (c < x.channels) run<1>(x, c, i, phase);
            swinging.advance();
        }
        phase_ = swinging;
    }

    void reset() {
        states_.clear();
        phase_.reset();
    }
    template <class Visit>
    void state(Visit&& visit) {
        visit(states_.data(), states_.size() * sizeof(double));
        phase_.state(visit);
    }

    // Six equal poles at the lowest corner, and what goes round the loop: the all-passes hold back low
    // frequencies longest, twelve time constants, and lose none of them.
    double tail(const Params& p, double silence) const {
        if (p.mix == 0) return 0;
        const double lowest = place(p.centre_hz) - p.depth / 2 * octaves_;
        const double corner = bottom_ * exp2(lowest > 0 ? lowest : 0);
        const double constant = 1 / (2 * tan_half_turns(corner / rate_)) + 1;
        const double feedback = p.feedback < 0 ? -p.feedback : p.feedback;
        const double once = constant * (20 - log2(silence));
        if (feedback < 1e-9) return once;
        return once + 2 * kStages * constant * __builtin_ceil(log2(silence) / log2(feedback));
    }
    // A first-order all-pass overshoots to twice its input at most.
    double gain(const Params& p) const {
        const double feedback = p.feedback < 0 ? -p.feedback : p.feedback;
        return 1 - p.mix + 2 * p.mix / (1 - feedback);
    }

  private:
    static constexpr double kLowest = 20, kHighest = 20000;
    static constexpr int kStages = 6;
    static constexpr int kMemory = kStages + 1;  // the last is the output of the frame before

    // In octaves above the lowest corner.
    double place(double hz) const {
        const double octaves = log2(hz / bottom_);
        return octaves < 0 ? 0 : octaves > octaves_ ? octaves_ : octaves;
    }

    Group<double> coefficients(Group<double> phase) const {
        // By registers: compilers take longer vectors apart where functions branch by lane.
        using V = Vec<double, kLanes<double>>;
        Group<double> result;
        for (int i = 0; i < kGroup; i += kLanes<double>) {
            V at = part<V>(centre_, i) - part<V>(swing_, i) * sin_turns(part<V>(phase, i));
            at = at > 0 ? at : V{};
            at = at < octaves_ ? at : V{} + octaves_;
            const V turns = exp2(at) * (bottom_ / rate_ / 2);
            // (tan - 1) / (tan + 1) from sine and cosine.
            const V sine = sin_turns(turns), cosine = cos_turns(turns);
            store(reinterpret_cast<double*>(&result) + i, (sine - cosine) / (sine + cosine));
        }
        return result;
    }
    template <class V>
    static V part(const Group<double>& group, int from) {
        return load<V>(reinterpret_cast<const double*>(&group) + from);
    }

    // The frames of `lanes` channels from c on.
    template <int lanes>
    void run(Block<T> x, int first, int at, Group<double> phase) LUTHIER_REALTIME {
        using Lanes = Vec<double, lanes>;
        for (int c = 0; spread_ && c < lanes; ++c)
            coefficients_[c] = coefficients(phase + double(first + c) * stereo_phase_);
        // Frame by frame, the channels side by side.
        alignas(64) double frames[kGroup][lanes];
        Group<T> in[lanes];
        for (int c = 0; c < lanes; ++c) {
            in[c] = load<Group<T>>(x[first + c] + at);
            for (int i = 0; i < kGroup; ++i) frames[i][c] = double(x[first + c][at + i]);
        }
        alignas(64) double a[kGroup][lanes];
        for (int c = 0; c < lanes; ++c)
            for (int i = 0; i < kGroup; ++i) a[i][c] = coefficients_[spread_ ? c : 0][i];
        double* memory = states_.data() + first * kMemory;
        Lanes states[kMemory];
        for (int k = 0; k < kMemory; ++k) states[k] = load<Lanes>(memory + k * lanes);
        for (int i = 0; i < kGroup; ++i) {
            Lanes v = load<Lanes>(frames[i]);
            if (rings_) v -= feedback_[i] * states[kStages];
            const Lanes turn = load<Lanes>(a[i]);
            for (int k = 0; k < kStages; ++k) {
                const Lanes s = states[k], known = s - turn * s;
                states[k] = v + turn * (v - s);
                v = known + turn * v;
            }
            states[kStages] = v;
            store(frames[i], v);
        }
        for (int k = 0; k < kMemory; ++k) store(memory + k * lanes, states[k]);
        for (int c = 0; c < lanes; ++c) {
            Group<T> y;
            for (int i = 0; i < kGroup; ++i) y[i] = T(frames[i][c]);
            store(x[first + c] + at, dry_ * in[c] + wet_ * y);
        }
    }

    double rate_ = 44100, top_ = kHighest, bottom_ = kLowest, octaves_ = 10;
    AlignedBuffer<double> states_;  // [channels side by side][stage][channel]
    SwingPhase phase_;
    Group<double> centre_{}, swing_{}, stereo_phase_{}, feedback_{};
    Group<double> coefficients_[4]{};  // of the channels in the lanes, or the first for all
    Group<T> wet_{}, dry_{};
    bool spread_ = false, rings_ = false;
};

}  // namespace luthier::inline LUTHIER_ISA
