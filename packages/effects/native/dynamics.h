// What compressor, expander and gate share. Feed-forward: a level (level_detector.h), followed in amplitude
// with attack and release (luthier/envelope.h), has by a static curve (gain_curves.h) a gain, and that goes
// to the signal, which the look-ahead delays. The order is that of U. Zölzer (ed.), "DAFX", 2nd ed. 2011,
// section 4.2.
#pragma once

#include "gain_curves.h"
#include "level_detector.h"
#include "luthier/delay_line.h"
#include "luthier/envelope.h"
#include "luthier/fade.h"

namespace luthier::inline LUTHIER_ISA {

template <class T, template <class> class Curve>
struct Dynamics : EffectDefaults {
    using Params = typename Curve<T>::Params;
    struct Options {
        double detector, rms_ms, link, lookahead_ms;
    };
    static constexpr const char* options[] = {"detector", "rms_ms", "link", "lookahead_ms"};
    static constexpr bool kListens = true;
    static constexpr bool kFades = true;

    void prepare(const Spec& spec, const Options& chosen) {
        sample_rate_ = spec.sample_rate;
        linked_ = chosen.link != 0;
        lanes_ = linked_ ? 1 : spec.channels;
        detector_.prepare(spec, Detector(int(chosen.detector)), chosen.rms_ms, linked_);
        levels_ = AlignedBuffer<T>(std::size_t(lanes_) * kGroup);
        followed_ = AlignedBuffer<T>(levels_.size());
        gains_ = AlignedBuffer<T>(levels_.size());
        old_gains_ = AlignedBuffer<T>(levels_.size());
        memory_ = AlignedBuffer<double>(std::size_t(lanes_) * 4);
        lookahead_ = int(chosen.lookahead_ms * 0.001 * spec.sample_rate + 0.5);
        if (lookahead_ > 0) line_.prepare(spec.channels, lookahead_);
        fade_.prepare(spec.sample_rate);
    }

    void set(const Params& from, const Params& to) {
        // The ballistics need the sample rate, which a voice does not know.
        const bool starts = fade_.set(from, to);
        fade_.now().follow(to, sample_rate_);
        if (starts) std::memcpy(before(), now(), bytes());
    }

    void process(Block<T> x, Block<const T> key) LUTHIER_REALTIME {
        for (int i = 0; i < x.frames; i += kGroup) {
            detector_.process(key, i, levels_.data(), lanes_);
            T reduction = find_gains(fade_.now(), now(), gains_.data());
            if (fade_.fading()) [[unlikely]] {
                const T old = find_gains(fade_.before(), before(), old_gains_.data());
                const Group<T> weight = fade_.template weight<Group<T>>(0);
                for (int lane = 0; lane < lanes_; ++lane) {
                    const Group<T> from = load<Group<T>>(old_gains_.data() + lane * kGroup);
                    const Group<T> to = load<Group<T>>(gains_.data() + lane * kGroup);
                    store(gains_.data() + lane * kGroup, from + weight * (to - from));
                }
                reduction = old + weight[kGroup - 1] * (reduction - old);
            }
            for (int c = 0; c < x.channels; ++c) apply(x[c] + i, c);
            if (lookahead_ > 0) line_.advance();
            reduction_ = reduction;
            fade_.advance();
        }
    }

    void reset() LUTHIER_REALTIME {
        detector_.reset();
        memory_.clear();
        fade_.reset();
        if (lookahead_ > 0) line_.reset();
        reduction_ = 0;
    }

    int latency() const { return lookahead_; }
    double reduction_db() const { return reduction_ * 6.0205999132796239043; }

    template <class Visit>
    void state(Visit&& visit) {
        detector_.state(visit);
        visit(memory_.data(), memory_.size() * sizeof(double));
        fade_.state(visit);
        line_.state(visit);
    }

  private:
    struct Voice {
        Params params{};
        Curve<T> curve;
        Ballistics ballistics;
        double hold = 0;  // frames

        void set(const Params& from, const Params& to) {
            params = to;
            curve.set(from, to);
        }
        void follow(const Params& to, double sample_rate) {
            ballistics = Ballistics::of(to.attack_ms, to.release_ms, sample_rate);
            hold = Curve<T>::hold_ms(to) * 0.001 * sample_rate;
        }
    };

    // A voice's envelopes, and how many frames each of them is held still.
    double* now() { return memory_.data(); }
    double* before() { return memory_.data() + 2 * lanes_; }
    std::size_t bytes() const { return 2 * std::size_t(lanes_) * sizeof(double); }

    // From levels_ to followed_.
    void follow(const Voice& voice, double* memory) {
        int lane = 0;
        for (; lane + 8 <= lanes_; lane += 8) follow<8>(voice, memory, lane);
        for (; lane + 2 <= lanes_; lane += 2) follow<2>(voice, memory, lane);
        for (; lane < lanes_; ++lane) follow<1>(voice, memory, lane);
    }
    template <int N>
    void follow(const Voice& voice, double* memory, int lane) {
        if (Curve<T>::kHolds && voice.hold > 0)
            follow<N, true>(voice, memory, lane);
        else
            follow<N, false>(voice, memory, lane);
    }
    template <int N, bool holds>
    void follow(const Voice& voice, double* memory, int lane) {
        // GCC keeps a vector of one double in an integer register.
        using V = typename Several<N>::type;
        const Ballistics ballistics = voice.ballistics;
        const V hold = V{} + voice.hold;
        V envelope = load<V>(memory + lane), left = load<V>(memory + lanes_ + lane);
        for (int i = 0; i < kGroup; ++i) {
            double each[N];
            for (int n = 0; n < N; ++n) each[n] = levels_[std::size_t(lane + n) * kGroup + i];
            const V level = load<V>(each);
            const V next = ballistics.step(envelope, level);
            if constexpr (holds) {
                const auto rises = level >= envelope;
                left = rises ? hold : left - 1;
                envelope = (rises | (left < 0)) ? next : envelope;
            } else {
                envelope = next;
            }
            store(each, envelope);
            for (int n = 0; n < N; ++n) followed_[std::size_t(lane + n) * kGroup + i] = T(each[n]);
        }
        store(memory + lane, envelope);
        if constexpr (holds) store(memory + lanes_ + lane, left < -1 ? V{} - 1 : left);
    }
    template <int N, class Unused = void>
    struct Several {
        using type = Vec<double, N>;
    };
    template <class Unused>
    struct Several<1, Unused> {
        using type = double;
    };

    // A voice's gain at each frame, for each lane; returns the largest reduction of the last frame, in
    // octaves.
    T find_gains(const Voice& voice, double* memory, T* gains) {
        follow(voice, memory);
        T most = 0;
        for (int lane = 0; lane < lanes_; ++lane) {
            Lanes<T> reduction{};
            for (int at = 0; at < kGroup; at += kWidth<T>) {
                const int place = lane * kGroup + at;
                reduction = voice.curve.reduction(load<Lanes<T>>(followed_.data() + place), at);
                store(gains + place, voice.curve.gain(reduction, at));
            }
            const T last = reduction[kWidth<T> - 1];
            most = last > most ? last : most;
        }
        return most;
    }

    void apply(T* x, int channel) {
        if (lookahead_ > 0) line_.write(channel, x);
        const T* from = lookahead_ > 0 ? line_.read(channel, lookahead_) : x;
        const Group<T> gain = load<Group<T>>(gains_.data() + (linked_ ? 0 : channel * kGroup));
        store(x, load<Group<T>>(from) * gain);
    }

    double sample_rate_ = 44100;
    bool linked_ = true;
    int lanes_ = 1;  // levels that are followed: one for all channels, or one each
    int lookahead_ = 0;
    double reduction_ = 0;
    LevelDetector<T> detector_;
    AlignedBuffer<T> levels_, followed_, gains_, old_gains_;  // of the present group, a lane after the other
    AlignedBuffer<double> memory_;
    Fade<Voice> fade_;
    DelayLine<T> line_;
};

}  // namespace luthier::inline LUTHIER_ISA
