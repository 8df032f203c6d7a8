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
#include <cstring>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/simd.h"
#include "luthier/svf.h"

namespace luthier::inline LUTHIER_ISA {

namespace biquad {

// f(0), f(1) ... f(n - 1) with constants, so that arrays indexed by them live in registers.
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
    // Frames and states in pieces of a register.
    static constexpr int W = kLanes<T> < kGroup ? kLanes<T> : kGroup;
    static constexpr int L = kLanes<double> < kStates ? kLanes<double> : kStates;
    using Frames = Vec<T, W>;
    using Piece = Vec<double, L>;

    alignas(64) T h[kGroup][kGroup];         // h[j][i]: what input j adds to output i
    alignas(64) T c[kStates][kGroup];        // c[k][i]: what state k adds to output i
    alignas(64) double b[kGroup][kStates];   // b[j]: what input j adds to the state
    alignas(64) double a[kStates][kStates];  // a[k]: what state k adds to the next state

    void set(const Section* sections) {
        // The answer to an impulse.
        double state[P][2] = {};
        T response[2 * kGroup] = {};  // 15 zeros, then the answer
        for (int i = 0; i < kGroup; ++i) {
            double u = i == 0 ? 1 : 0;
            for (int p = 0; p < P; ++p) u = sections[p].step(u, state[p]);
            response[kGroup - 1 + i] = T(u);
            for (int p = 0; p < P; ++p) {
                b[kGroup - 1 - i][2 * p] = state[p][0];
                b[kGroup - 1 - i][2 * p + 1] = state[p][1];
            }
        }
        for (int j = 0; j < kGroup; ++j) std::memcpy(h[j], response + kGroup - 1 - j, sizeof h[j]);
        // The answers to a unit of each state, one a lane; it passes through its own section and later ones.
        for (int first = 0; first < kStates; first += L) {
            Piece s[P][2] = {};
            for (int l = 0; l < L; ++l) s[(first + l) / 2][(first + l) % 2][l] = 1;
            for (int i = 0; i < kGroup; ++i) {
                Piece u{};
                for (int p = first / 2; p < P; ++p) {
                    const Section& x = sections[p];
                    const Piece s1 = s[p][0], s2 = s[p][1];
                    s[p][0] = x.a11 * s1 + x.a12 * s2 + x.b1 * u;
                    s[p][1] = x.a21 * s1 + x.a22 * s2 + x.b2 * u;
                    u = x.c1 * s1 + x.c2 * s2 + x.d * u;
                }
                for (int l = 0; l < L; ++l) c[first + l][i] = T(u[l]);
            }
            for (int l = 0; l < L; ++l)
                for (int p = 0; p < P; ++p) {
                    a[first + l][2 * p] = s[p][0][l];
                    a[first + l][2 * p + 1] = s[p][1][l];
                }
        }
    }

    // N channels in turn within a group, so that the chains from state to state overlap.
    template <int N>
    void process(Block<T> x, double* states, std::ptrdiff_t states_stride) const {
        for (int frame = 0; frame < x.frames; frame += kGroup)
            for (int n = 0; n < N; ++n) group(x[n] + frame, states + n * states_stride);
    }

    // Two partial sums each, to shorten the chains of additions.
    void group(T* x, double* state) const {
        alignas(64) double wide[kGroup];
        for (int j = 0; j < kGroup; ++j) wide[j] = x[j];

        constexpr int parts = kGroup / W;
        Frames y_even[parts] = {}, y_odd[parts] = {};
        unroll<parts>([&](auto r) __attribute__((always_inline)) {
            for (int j = r * W; j < (r + 1) * W; j += 2)
                unroll<parts - r>([&](auto m) __attribute__((always_inline)) {
                    y_even[m + r] += load<Frames>(h[j] + (m + r) * W) * x[j];
                    y_odd[m + r] += load<Frames>(h[j + 1] + (m + r) * W) * x[j + 1];
                });
        });
        for (int k = 0; k < kStates; k += 2)
            unroll<parts>([&](auto q) __attribute__((always_inline)) {
                y_even[q] += load<Frames>(c[k] + q * W) * T(state[k]);
                y_odd[q] += load<Frames>(c[k + 1] + q * W) * T(state[k + 1]);
            });

        constexpr int pieces = kStates / L;
        Piece s_even[pieces] = {}, s_odd[pieces] = {};
        for (int j = 0; j < kGroup; j += 2)
            unroll<pieces>([&](auto p) __attribute__((always_inline)) {
                s_even[p] += load<Piece>(b[j] + p * L) * wide[j];
                s_odd[p] += load<Piece>(b[j + 1] + p * L) * wide[j + 1];
            });
        for (int k = 0; k < kStates; k += 2)
            unroll<pieces>([&](auto p) __attribute__((always_inline)) {
                s_even[p] += load<Piece>(a[k] + p * L) * state[k];
                s_odd[p] += load<Piece>(a[k + 1] + p * L) * state[k + 1];
            });
        unroll<pieces>([&](auto p) __attribute__((always_inline)) {
            const Piece sum = s_even[p] + s_odd[p];
            store(state + p * L, ((sum < kSilence) & (sum > -kSilence)) ? Piece{} : sum);
        });
        unroll<parts>([&](auto q) __attribute__((always_inline)) { store(x + q * W, y_even[q] + y_odd[q]); });
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
        quads_ = AlignedBuffer<biquad::System<T, 4>>((sections + 1) / 4);
        stride_ = 2 * std::ptrdiff_t((sections + 3) / 4 * 4);
        state_ = AlignedBuffer<double>(stride_ * channels);
        stale_ = AlignedBuffer<bool>((sections + 3) / 4);
        count_ = 0;
        resize(sections);
    }

    // Runs the first `sections` only, of those that were prepared; new ones pass through.
    void resize(int sections) LUTHIER_REALTIME {
        for (int i = count_; i < sections; ++i) sections_[i] = Section{};
        count_ = sections;
        // Fours, and what is left as a one, a two or, with one section that passes through, a four.
        remainder_ = sections % 4 == 3 ? 0 : sections % 4;
        for (std::size_t i = 0; i < stale_.size(); ++i) stale_[i] = true;
        any_stale_ = true;
    }

    int sections() const { return count_; }
    const Section& section(int index) const { return sections_[index]; }

    // Costs next to nothing; the matrices are made anew by the next process().
    void set(int index, const Section& section) LUTHIER_REALTIME {
        sections_[index] = section;
        stale_[index / 4] = any_stale_ = true;
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (any_stale_) update();
        // Chunks that stay in the first cache while all sections pass over them.
        constexpr int chunk = 2048 / int(sizeof(T));
        for (int frame = 0; frame < x.frames; frame += chunk) {
            const int frames = x.frames - frame < chunk ? x.frames - frame : chunk;
            for (int channel = 0; channel < x.channels; channel += 2) {
                const Block<T> part{x[channel] + frame, x.stride, x.channels - channel < 2 ? 1 : 2, frames};
                double* state = state_.data() + channel * stride_;
                const int quads = (count_ + 1) / 4;
                for (int q = 0; q < quads; ++q) quads_[q].process(part, state + 8 * q, stride_);
                state += 8 * quads;
                if (remainder_ == 1) single_.process(part, state, stride_);
                if (remainder_ == 2) pair_.process(part, state, stride_);
            }
        }
    }

    // The two doubles of one section's state, for Section::step() in place of process().
    double* memory(int channel, int section) LUTHIER_REALTIME {
        return state_.data() + channel * stride_ + 2 * section;
    }

    // Silence behind; the coefficients stay.
    void reset() LUTHIER_REALTIME { state_.clear(); }

    template <class Visit>
    void state(Visit&& visit) {
        visit(state_.data(), state_.size() * sizeof(double));
    }

  private:
    void update() {
        const int quads = (count_ + 1) / 4;
        for (int i = 0; 4 * i < count_; ++i) {
            if (!stale_[i]) continue;
            stale_[i] = false;
            if (i < quads) {
                Section four[4];
                for (int k = 0; k < 4 && 4 * i + k < count_; ++k) four[k] = sections_[4 * i + k];
                quads_[i].set(four);
            } else if (remainder_ == 1) {
                single_.set(sections_.data() + 4 * i);
            } else {
                pair_.set(sections_.data() + 4 * i);
            }
        }
        any_stale_ = false;
    }

    AlignedBuffer<Section> sections_;
    AlignedBuffer<biquad::System<T, 4>> quads_;
    biquad::System<T, 1> single_;
    biquad::System<T, 2> pair_;
    AlignedBuffer<double> state_;  // [channel][section][2]
    std::ptrdiff_t stride_ = 0;
    int count_ = 0, remainder_ = 0;
    AlignedBuffer<bool> stale_;  // by fours: coefficients newer than the matrices
    bool any_stale_ = false;
};

}  // namespace luthier::inline LUTHIER_ISA
