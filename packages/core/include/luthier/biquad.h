// Second-order sections in series, a group of 16 frames at a time.
//
// Up to four sections are one system with a state of two doubles each. Over a group of 16 inputs u
//     y[i]   = sum_j h[i - j] u[j]  +  (C A^i) state          i = 0 .. 15
//     state' = A^16 state           +  sum_j (A^(15 - j) B) u[j]
// with h the first 16 values of the impulse response: three small matrices, made once per setting, and
// products without a chain of dependences but for the one product with A^16. (Block realisation: C. Barnes
// and S. Shinnaka, "Block-shift invariance and block implementation of discrete-time filters", IEEE Trans.
// Circuits Syst. 27, 1980.) What needs precision, the state and all that enters it, is double; what feeds
// through to 16 frames of output is in the type of the samples. So float samples come out within -120 dB of
// the all-double result even where float state would be 50 dB away.
//
// A group's arithmetic never depends on what else is in the call: any cut into groups gives the same bits.
#pragma once

#include <cstddef>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/simd.h"
#include "luthier/svf.h"

namespace luthier::inline LUTHIER_ISA {

namespace biquad {

// f(0), f(1) ... f(n - 1), with constants, so that arrays indexed by them live in registers.
template <int i>
struct Index {
    constexpr operator int() const { return i; }
};
template <int n, int i = 0, class F>
__attribute__((always_inline)) inline void unroll(F&& f) {
    if constexpr (i < n) {
        f(Index<i>{});
        unroll<n, i + 1>(f);
    }
}

// State below this is silence (-600 dB): it may not decay into denormals, which are slow.
inline constexpr double kSilence = 1e-30;

// P sections in series as one system.
template <class T, int P>
struct System {
    static constexpr int kStates = 2 * P;
    using State = Vec<double, kStates>;

    alignas(64) T h[2 * kGroup];             // 15 zeros, then the impulse response
    alignas(64) T c[kStates][kGroup];        // c[k][i]: what state k adds to output i
    alignas(64) double b[kGroup][kStates];   // b[j]: what input j adds to the state
    alignas(64) double a[kStates][kStates];  // a[k]: what state k adds to the next state

    void set(const Section* sections) {
        // The answer to an impulse.
        double state[P][2] = {};
        for (int i = 0; i < kGroup; ++i) {
            double u = i == 0 ? 1 : 0;
            for (int p = 0; p < P; ++p) u = sections[p].step(u, state[p]);
            h[kGroup - 1 + i] = T(u);
            for (int p = 0; p < P; ++p) {
                b[kGroup - 1 - i][2 * p] = state[p][0];
                b[kGroup - 1 - i][2 * p + 1] = state[p][1];
            }
        }
        for (int i = 0; i < kGroup - 1; ++i) h[i] = 0;
        h[2 * kGroup - 1] = 0;
        // The answers to a unit of each state, one a lane.
        State s[P][2];
        for (int p = 0; p < P; ++p) {
            s[p][0] = s[p][1] = State{};
            s[p][0][2 * p] = s[p][1][2 * p + 1] = 1;
        }
        for (int i = 0; i < kGroup; ++i) {
            State u{};
            for (int p = 0; p < P; ++p) {
                const Section& x = sections[p];
                const State s1 = s[p][0], s2 = s[p][1];
                s[p][0] = x.a11 * s1 + x.a12 * s2 + x.b1 * u;
                s[p][1] = x.a21 * s1 + x.a22 * s2 + x.b2 * u;
                u = x.c1 * s1 + x.c2 * s2 + x.d * u;
            }
            for (int k = 0; k < kStates; ++k) c[k][i] = T(u[k]);
        }
        for (int k = 0; k < kStates; ++k)
            for (int p = 0; p < P; ++p) {
                a[k][2 * p] = s[p][0][k];
                a[k][2 * p + 1] = s[p][1][k];
            }
    }

    // N channels side by side: the coefficients are read once for all.
    template <int N>
    void process(Block<T> x, double* states, std::ptrdiff_t states_stride) const {
        constexpr int W = kLanes<T> < kGroup ? kLanes<T> : kGroup;
        constexpr int parts = kGroup / W;
        using V = Vec<T, W>;
        State s[N];
        for (int n = 0; n < N; ++n) s[n] = load<State>(states + n * states_stride);
        for (int frame = 0; frame < x.frames; frame += kGroup) {
            unroll<N>([&](auto n) __attribute__((always_inline)) {
                T* const u = x[n] + frame;
                alignas(64) double wide[kGroup];
                for (int j = 0; j < kGroup; ++j) wide[j] = u[j];

                // Two partial sums each, to shorten the chains of additions.
                V y[parts][2] = {};
                unroll<parts>([&](auto q) __attribute__((always_inline)) {
                    unroll<W*(q + 1)>([&](auto j) __attribute__((always_inline)) {
                        y[q][j & 1] += load<V>(h + kGroup - 1 + q * W - j) * u[j];
                    });
                    unroll<kStates>([&](auto k) __attribute__((always_inline)) {
                        y[q][k & 1] += load<V>(c[k] + q * W) * T(s[n][int(k)]);
                    });
                });

                State next[2] = {};
                unroll<kGroup>([&](auto j) __attribute__((always_inline)) {
                    next[j & 1] += load<State>(b[j]) * wide[j];
                });
                unroll<kStates>([&](auto k) __attribute__((always_inline)) {
                    next[k & 1] += load<State>(a[k]) * s[n][int(k)];
                });
                const State sum = next[0] + next[1];
                s[n] = ((sum < kSilence) & (sum > -kSilence)) ? State{} : sum;

                unroll<parts>([&](auto q)
                                  __attribute__((always_inline)) { store(u + q * W, y[q][0] + y[q][1]); });
            });
        }
        for (int n = 0; n < N; ++n) store(states + n * states_stride, s[n]);
    }

    void process(Block<T> x, double* states, std::ptrdiff_t states_stride) const {
        int n = 0;
        for (; n + 2 <= x.channels; n += 2)
            process<2>({x[n], x.stride, 2, x.frames}, states + n * states_stride, states_stride);
        if (n < x.channels)
            process<1>({x[n], x.stride, 1, x.frames}, states + n * states_stride, states_stride);
    }
};

}  // namespace biquad

// Sections in series, on any number of channels, in place.
//
//     BiquadCascade<T> filter;
//     filter.prepare(sections, channels);                       // allocates; every section passes through
//     filter.set(0, design::peak(cutoff_hz, q, gain_db, rate));  // at a group's first frame; keeps the state
//     filter.process(block);                                    // whole groups
//
// The state, two doubles a section and channel, is one piece of memory that visit(pointer, bytes) may copy
// away and back between calls.
template <class T>
class BiquadCascade {
  public:
    void prepare(int sections, int channels) {
        sections_ = AlignedBuffer<Section>(sections);
        for (int i = 0; i < sections; ++i) sections_[i] = Section{};
        // Fours, and what is left as a one, a two or, with one section that passes through, a four.
        remainder_ = sections % 4 == 3 ? 0 : sections % 4;
        quads_ = AlignedBuffer<biquad::System<T, 4>>((sections + 1) / 4);
        stride_ = 8 * std::ptrdiff_t(quads_.size()) + 2 * remainder_;
        state_ = AlignedBuffer<double>(stride_ * channels);
        stale_ = true;
    }

    int sections() const { return int(sections_.size()); }
    const Section& section(int index) const { return sections_[index]; }

    // Costs next to nothing; the matrices are made anew by the next process().
    void set(int index, const Section& section) LUTHIER_REALTIME {
        sections_[index] = section;
        stale_ = true;
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (stale_) update();
        // Chunks that stay in the first cache while all sections pass over them.
        constexpr int chunk = 2048 / int(sizeof(T));
        for (int frame = 0; frame < x.frames; frame += chunk) {
            const int frames = x.frames - frame < chunk ? x.frames - frame : chunk;
            for (int channel = 0; channel < x.channels; channel += 2) {
                const Block<T> part{x[channel] + frame, x.stride, x.channels - channel < 2 ? 1 : 2, frames};
                double* state = state_.data() + channel * stride_;
                for (std::size_t q = 0; q < quads_.size(); ++q)
                    quads_[q].process(part, state + 8 * q, stride_);
                state += 8 * quads_.size();
                if (remainder_ == 1) single_.process(part, state, stride_);
                if (remainder_ == 2) pair_.process(part, state, stride_);
            }
        }
    }

    // The two doubles of one section's state, for Section::step() in place of process().
    double* memory(int channel, int section) { return state_.data() + channel * stride_ + 2 * section; }

    // Silence behind; the coefficients stay.
    void reset() LUTHIER_REALTIME { state_.clear(); }

    template <class Visit>
    void state(Visit&& visit) {
        visit(state_.data(), state_.size() * sizeof(double));
    }

  private:
    void update() {
        const int count = int(sections_.size());
        for (int q = 0; q < int(quads_.size()); ++q) {
            Section four[4];
            for (int i = 0; i < 4 && 4 * q + i < count; ++i) four[i] = sections_[4 * q + i];
            quads_[q].set(four);
        }
        if (remainder_ == 1) single_.set(sections_.data() + count - 1);
        if (remainder_ == 2) pair_.set(sections_.data() + count - 2);
        stale_ = false;
    }

    AlignedBuffer<Section> sections_;
    AlignedBuffer<biquad::System<T, 4>> quads_;
    biquad::System<T, 1> single_;
    biquad::System<T, 2> pair_;
    AlignedBuffer<double> state_;  // [channel][section][2]
    std::ptrdiff_t stride_ = 0;
    int remainder_ = 0;
    bool stale_ = false;
};

}  // namespace luthier::inline LUTHIER_ISA
