// Ladder filter: four one-pole low-passes in a loop that saturates.
//
//     d = G(drive) tanh(drive x)
//     u = d - 4 r (G(drive') tanh(drive' s4[n - 1]) - c d)
//     s_k = (1 - a) (s_(k-1) + 0.3 s_(k-1)[n - 1]) / 1.3 + a s_k[n - 1],   s_0 = u,   k = 1 .. 4
//     y = 1.2 sum_k t_k s_k
//
// with a = exp(-2 pi cutoff / rate), r = 0.1 + 0.9 resonance, drive' = 0.04 drive + 0.96, G(v) = 0.6103
// v^-2.642 + 0.3903 (so that the level hardly depends on the drive), c = 1/2 (what the loop takes from the
// pass-band, given back; none in high-passes), and t the taps of the mode.
//   A. Huovilainen, "Non-linear digital implementation of the Moog ladder filter" (DAFx 2004);
//   V. Valimaki, A. Huovilainen, "Oscillator and filter algorithms for virtual analog synthesis", Computer
//   Music Journal 30:2 (2006): the zero at -0.3, the compensation, the taps.
//
// A loop with a tanh in it cannot be cut into blocks, so its latency is the price. The stages are linear: s_k
// = p_k + b^k u, where b = (1 - a) / 1.3 and p_k is known before u is. So what the next tanh is of, z =
// drive' s4, follows from the last tanh by one multiplication and one addition; all else happens beside it.
// Channels stand in the lanes of a vector.
#pragma once

#include "../quick_tanh.h"
#include "luthier/effect.h"
#include "luthier/svf.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct LadderFilter : EffectDefaults {
    struct Params {
        double cutoff_hz, resonance, drive;
    };
    static constexpr const char* parameters[] = {"cutoff_hz", "resonance", "drive"};
    struct Options {
        double mode;
    };
    static constexpr const char* options[] = {"mode"};

    void prepare(const Spec& spec, const Options& o) {
        rate_ = spec.sample_rate;
        mode_ = int(o.mode);
        states_ = AlignedBuffer<double>(kStates * std::size_t(spec.channels + kMostLanes));
    }

    void set(const Params& from, const Params& to) {
        moving_ = moves(from, to);
        const Group<double> steps = glide<double>(0, 1);
        const auto between = [&](double a, double b) { return a + (b - a) * steps; };
        const Group<double> octaves = between(log2(from.cutoff_hz), log2(to.cutoff_hz));
        numbers(moving_ ? exp2(octaves) : Group<double>{} + to.cutoff_hz,
                between(from.resonance, to.resonance), between(from.drive, to.drive));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        double* states = states_.data();
        for (int c = 0; c < x.channels;) {
            const int left = x.channels - c;
            const int lanes = left <= 2 ? 2 : left <= 4 ? 4 : 8;
            const int used = lanes < kMostLanes ? lanes : kMostLanes;
            const Block<T> part{x[c], x.stride, left < used ? left : used, x.frames};
            if constexpr (kMostLanes >= 8) {
                if (used == 8) run<8>(part, states);
            }
            if constexpr (kMostLanes >= 4) {
                if (used == 4) run<4>(part, states);
            }
            if (used == 2) run<2>(part, states);
            states += kStates * used;
            c += used;
        }
    }

    void reset() { states_.clear(); }
    template <class Visit>
    void state(Visit&& visit) {
        visit(states_.data(), states_.size() * sizeof(double));
    }

    // Of the loop without its tanh, which only ever damps.
    double tail(const Params& p, double silence) const {
        LadderFilter at = shape(p);
        double powers[kBits][kStates][kStates];
        for (int from = 0; from < kStates; ++from) {
            double s[kStates] = {};
            s[from] = 1;
            at.linear_step(s);
            for (int to = 0; to < kStates; ++to) powers[0][to][from] = s[to];
        }
        for (int i = 1; i < kBits; ++i) multiply(powers[i - 1], powers[i - 1], powers[i]);
        const double level = silence / (10 * at.loudest());
        double power[kStates][kStates] = {}, next[kStates][kStates];
        for (int k = 0; k < kStates; ++k) power[k][k] = 1;
        double frames = 1;
        for (int i = kBits - 1; i >= 0; --i) {
            multiply(power, powers[i], next);
            const double size = norm(next);
            if (size < level * level) continue;
            if (i == kBits - 1) return __builtin_inf();  // it rings by itself
            std::memcpy(power, next, sizeof power);
            frames += double(1ll << i);
        }
        return frames + 1;
    }
    // At its peak, which grows without bound as the loop comes close to ringing by itself.
    double gain(const Params& p) const {
        const double r = 0.1 + 0.9 * p.resonance;
        return shape(p).loudest() * p.drive / (r < 0.999 ? 1 - r : 0.001);
    }

  private:
    // tanh(z) is z P(z^2) / Q(z^2), 1.8e-9 from it, for |z| <= 8, where it stops: tanh(8) is 1 - 2.3e-7. (Our
    // own fit of least squares, made equiripple.) The degrees are not alike, so that the division starts
    // early.
    static constexpr double kEnd = 8;
    static constexpr double kOver[] = {
        0.99999999822305974,     0.13124347793687338,    0.0031493625132941929,  1.1642420400209791e-05,
        -2.2314564664901287e-08, 6.3654829453471873e-11, -1.1564166710230096e-13};
    static constexpr double kUnder[] = {1, 0.46457679296249216, 0.024674991615520985, 0.00026129710294585032};

    static constexpr int kStates = 5;  // s0 to s4
    static constexpr int kMostLanes = kLanes<double>;
    static constexpr int kBits = 34;

    // For each frame of a group.
    struct Numbers {
        alignas(64) double a[kGroup], zero[kGroup];                         // s_k = a s_k' + zero s_(k-1)' +
        alignas(64) double b1[kGroup], b2[kGroup], b3[kGroup], b4[kGroup];  // b s_(k-1); the powers of b
        alignas(64) double input[kGroup], loop[kGroup];   // u = input tanh(drive x) - loop tanh z
        alignas(64) double drive[kGroup], inner[kGroup];  // z = inner s4
    };

    void numbers(Group<double> cutoff_hz, Group<double> resonance, Group<double> drive) {
        constexpr double kOctaves = 9.06472028365439;  // 2 pi log2(e)
        // LPF12 HPF12 BPF12 LPF24 HPF24 BPF24
        constexpr double taps[6][kStates] = {{0, 0, 1, 0, 0}, {1, -2, 1, 0, 0},  {0, 0, -1, 1, 0},
                                             {0, 0, 0, 0, 1}, {1, -4, 6, -4, 1}, {0, 0, 1, -2, 1}};
        for (int k = 0; k < kStates; ++k) taps_[k] = 1.2 * taps[mode_][k];
        const double compensation = mode_ == 1 || mode_ == 4 ? 0 : 0.5;

        const double highest = design::kHighestCutoff * rate_;
        cutoff_hz = cutoff_hz < highest ? cutoff_hz : Group<double>{} + highest;
        const Group<double> a = exp2(cutoff_hz * (-kOctaves / rate_));
        const Group<double> b = (1 - a) * (1 / 1.3);
        const Group<double> feedback = 4 * (0.1 + 0.9 * resonance);
        const Group<double> inner = 0.04 * drive + 0.96;
        const auto law = [](Group<double> v) { return 0.6103 * exp2(-2.642 * log2(v)) + 0.3903; };
        store(numbers_.a, a);
        store(numbers_.zero, 0.3 * b);
        store(numbers_.b1, b);
        store(numbers_.b2, b * b);
        store(numbers_.b3, b * b * b);
        store(numbers_.b4, b * b * (b * b));
        store(numbers_.input, law(drive) * (1 + compensation * feedback));
        store(numbers_.loop, feedback * law(inner));
        store(numbers_.drive, drive);
        store(numbers_.inner, inner);
    }

    template <int N>
    void run(Block<T> x, double* states) const LUTHIER_REALTIME {
        for (int frame = 0; frame < x.frames; frame += kGroup) {
            if (moving_)
                group<N, true>(x, frame, states);
            else
                group<N, false>(x, frame, states);
        }
    }

    // N channels side by side through one group.
    template <int N, bool moving>
    void group(Block<T> x, int frame, double* states) const LUTHIER_REALTIME {
        using V = Vec<double, N>;
        alignas(64) double in[kGroup][N] = {}, out[kGroup][N];
        Group<T> drive, input;
        for (int i = 0; i < kGroup; ++i) drive[i] = T(numbers_.drive[i]);
        for (int i = 0; i < kGroup; ++i) input[i] = T(numbers_.input[i]);
        for (int c = 0; c < x.channels; ++c) {
            alignas(64) T v[kGroup];
            store(v, input * quick_tanh(drive * load<Group<T>>(x[c] + frame)));
            for (int i = 0; i < kGroup; ++i) in[i][c] = double(v[i]);
        }
        const double tap0 = taps_[0], tap1 = taps_[1], tap2 = taps_[2], tap3 = taps_[3], tap4 = taps_[4];
        V s0 = load<V>(states), s1 = load<V>(states + N), s2 = load<V>(states + 2 * N);
        V s3 = load<V>(states + 3 * N), s4 = load<V>(states + 4 * N);
        const V most = V{} + kEnd, least = V{} - kEnd;
        V z = numbers_.inner[0] * s4;
        for (int i = 0; i < kGroup; ++i) {
            const int k = moving ? i : 0, next = moving && i + 1 < kGroup ? i + 1 : k;
            const double a = numbers_.a[k], zero = numbers_.zero[k], b = numbers_.b1[k];
            const double b4 = numbers_.b4[k], loop = numbers_.loop[k], inner = numbers_.inner[next];
            // tanh z is z over / under. The division has the longest latency of all.
            constexpr auto& o = kOver;
            constexpr auto& d = kUnder;
            z = maximum(minimum(z, most), least);
            const V w = z * z, w2 = w * w, w4 = w2 * w2;
            const V under = (d[0] + d[1] * w) + (d[2] + d[3] * w) * w2;
            const V reciprocal = 1 / under;
            const V over =
                ((o[0] + o[1] * w) + (o[2] + o[3] * w) * w2) + ((o[4] + o[5] * w) + o[6] * w2) * w4;
            const V looped = (loop * z) * over;
            // What the stages come to without u.
            const V p1 = zero * s0 + a * s1;
            const V p2 = (zero * s1 + a * s2) + b * p1;
            const V p3 = (zero * s2 + a * s3) + b * p2;
            const V p4 = (zero * s3 + a * s4) + b * p3;
            const V v = load<V>(in[i]);
            z = ((inner * b4) * v + inner * p4) - ((inner * b4) * looped) * reciprocal;
            const V u = v - looped * reciprocal;
            s0 = u;
            s1 = p1 + b * u;
            s2 = p2 + numbers_.b2[k] * u;
            s3 = p3 + numbers_.b3[k] * u;
            s4 = p4 + b4 * u;
            store(out[i], (tap0 * s0 + tap1 * s1) + ((tap2 * s2 + tap3 * s3) + tap4 * s4));
        }
        store(states, s0);
        store(states + N, s1);
        store(states + 2 * N, s2);
        store(states + 3 * N, s3);
        store(states + 4 * N, s4);
        for (int c = 0; c < x.channels; ++c)
            for (int i = 0; i < kGroup; ++i) x[c][frame + i] = T(out[i][c]);
    }

    // The same filter at rest with these parameters, without its states.
    LadderFilter shape(const Params& p) const {
        LadderFilter at;
        at.rate_ = rate_;
        at.mode_ = mode_;
        at.set(p, p);
        return at;
    }
    void linear_step(double (&s)[kStates]) const {
        const double u = -numbers_.loop[0] * numbers_.inner[0] * s[4];
        double before = s[0], now = u;
        s[0] = u;
        for (int k = 1; k < kStates; ++k) {
            const double kept = s[k];
            s[k] = numbers_.b1[0] * now + numbers_.zero[0] * before + numbers_.a[0] * kept;
            before = kept;
            now = s[k];
        }
    }
    // What a full-scale sample puts into the states, times what the taps make of them.
    double loudest() const {
        double sum = 0;
        for (const double tap : taps_) sum += tap < 0 ? -tap : tap;
        return sum * numbers_.input[0];
    }
    static void multiply(const double (&x)[kStates][kStates], const double (&y)[kStates][kStates],
                         double (&product)[kStates][kStates]) {
        for (int i = 0; i < kStates; ++i)
            for (int j = 0; j < kStates; ++j) {
                double sum = 0;
                for (int k = 0; k < kStates; ++k) sum += x[i][k] * y[k][j];
                product[i][j] = sum;
            }
    }
    static double norm(const double (&x)[kStates][kStates]) {
        double sum = 0;
        for (const auto& row : x)
            for (const double value : row) sum += value * value;
        return sum;
    }

    double rate_ = 44100;
    int mode_ = 0;
    bool moving_ = false;
    double taps_[kStates] = {};
    Numbers numbers_;
    AlignedBuffer<double> states_;  // [channels in lanes][5][lanes]
};

}  // namespace luthier::inline LUTHIER_ISA
