// Runs something that looks at each sample by itself at 2, 4 or 8 times the rate, where the overtones that it
// makes have room, and comes back.
//
//     over.prepare(channels, 4);                                         // allocates
//     over.process(x, [&](Vec<T, kGroup> v, int part) { return ...; });  // whole groups, in place
//
// `part` tells which samples of each frame a vector holds: those `part` / factor of a frame behind it.
//
// Linear phase: every doubling is a half-band filter, whose every other tap is zero but the middle one, as a
// pair of branches at the lower rate (M. Bellanger, J. Daguet and G. Lepagnol, "Interpolation, extrapolation
// and reduction of computation speed in digital filters", IEEE Trans. ASSP 22, 1974), a sinc under a Kaiser
// window with 100 dB of rejection. The first passes up to 0.429 of the sample rate (18.9 kHz of 44.1) and
// rejects from 0.571 on: what falls back between lies above 18.9 kHz. The later ones may be short. All
// together are within 0.001 dB. A signal at 2^k times the rate is kept as 2^k signals at the rate, so that
// vectors are always 16 frames.
#pragma once

#include <cmath>

#include "luthier/buffer.h"
#include "luthier/simd.h"
#include "luthier/window.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class Oversampler {
  public:
    static constexpr int kMostFactor = 8;

    // Allocates. `factor` is 1, 2, 4 or 8.
    void prepare(int channels, int factor) {
        factor_ = factor;
        for (levels_ = 0; 1 << levels_ < factor; ++levels_) {
        }
        length_ = 0;
        latency_ = 0;
        for (int l = 0; l < levels_; ++l) {
            Stage& stage = stages_[l];
            constexpr int taps[] = {23, 7, 5};
            stage.design(taps[l], 1 << l);
            latency_ += (stage.up + stage.down) >> l;
            rising_[l] = line(1 << l, stage.up + stage.taps, 1 << l);
        }
        for (int l = 0; l < levels_; ++l)
            falling_[l] = line(2 << l, stages_[l].down + stages_[l].taps, 1 << l);
        memory_ = AlignedBuffer<T>(std::size_t(channels) * std::size_t(length_));
    }

    int factor() const { return factor_; }
    // Frames; as many again until the answer to an impulse is over.
    int latency() const { return latency_; }

    template <class F>
    void process(Block<T> x, F&& shape) LUTHIER_REALTIME {
        for (int c = 0; c < x.channels; ++c)
            for (int at = 0; at < x.frames; at += kChunk) {
                const int frames = x.frames - at < kChunk ? x.frames - at : kChunk;
                T* memory = memory_.data() + c * length_;
                if (frames == kChunk)
                    run<kChunk / kGroup>(memory, x[c] + at, frames, shape);
                else
                    run<1>(memory, x[c] + at, frames, shape);
            }
    }

    void reset() LUTHIER_REALTIME { memory_.clear(); }

    // What the lines keep of earlier frames.
    template <class Visit>
    void state(Visit&& visit) {
        const int channels = length_ ? int(memory_.size() / std::size_t(length_)) : 0;
        for (int c = 0; c < channels; ++c)
            each_line([&](const Line& line) {
                for (int p = 0; p < line.phases; ++p)
                    visit(memory_.data() + c * length_ + line.at + p * line.length(),
                          std::size_t(line.history) * sizeof(T));
            });
    }

  private:
    using V = Vec<T, kGroup>;
    static constexpr int kMostLevels = 3, kMostTaps = 24, kChunk = 4 * kGroup;

    // From `rate` times the sample rate to twice as much, and back.
    struct Stage {
        int rate, taps, up, down;  // the delays on the way up and down, at `rate`
        T tap[kMostTaps];          // of the samples tap + 1/2 away

        void design(int count, int times) {
            constexpr double pi = 3.14159265358979323846, beta = 0.1102 * (100 - 8.7);
            rate = times;
            taps = count;
            double wide[kMostTaps], sum = 0;
            for (int j = 0; j < taps; ++j) {
                const double t = j + 0.5, r = t / taps;
                wide[j] = std::sin(pi * t) / (pi * t) * bessel_i0(beta * std::sqrt(1 - r * r));
                sum += 2 * wide[j];
            }
            for (int j = 0; j < taps; ++j) tap[j] = T(wide[j] / sum);
            up = taps;
            down = taps - 1;
            while ((up + down) % rate) ++down;
        }
    };

    // A signal at `phases` times the rate: sample j is number j / phases of phase j % phases.
    struct Line {
        int phases, history;
        std::ptrdiff_t at;
        int length() const { return history + kChunk; }
    };

    Line line(int phases, int reach, int rate) {
        const int history = (reach / rate + kGroup) / kGroup * kGroup;
        const Line line{phases, history, length_};
        length_ += phases * line.length();
        return line;
    }

    template <class F>
    void each_line(F&& f) {
        for (int l = 0; l < levels_; ++l) f(rising_[l]);
        for (int l = 0; l < levels_; ++l) f(falling_[l]);
    }

    // Where frame 0 of the present chunk of a phase lies.
    static T* phase(T* memory, const Line& line, int p) {
        return memory + line.at + p * line.length() + line.history;
    }
    // Sample j, counted from frame 0, of a signal whose sample is each `step` of the line's phases from
    // `first` on.
    static T* sample(T* memory, const Line& line, int j, int step, int first) {
        const int count = line.phases / step, shift = count == 4 ? 2 : count == 2 ? 1 : 0;
        return phase(memory, line, (j & (count - 1)) * step + first) + (j >> shift);
    }

    template <int N, class F>
    void run(T* memory, T* x, int frames, F&& shape) LUTHIER_REALTIME {
        std::memcpy(phase(memory, rising_[0], 0), x, std::size_t(frames) * sizeof(T));
        for (int l = 0; l < levels_; ++l)
            rise<N>(memory, stages_[l], rising_[l], l + 1 < levels_ ? rising_[l + 1] : falling_[l], frames);
        const Line& top = falling_[levels_ - 1];
        for (int p = 0; p < factor_; ++p) {
            T* y = phase(memory, top, p);
            for (int i = 0; i < frames; i += kGroup) store(y + i, shape(load<V>(y + i), p));
        }
        for (int l = levels_ - 1; l >= 0; --l)
            for (int p = 0; p < stages_[l].rate; ++p)
                fall<N>(memory, stages_[l], falling_[l], p, l ? phase(memory, falling_[l - 1], p) : x,
                        frames);
        each_line([&](const Line& line) {
            for (int p = 0; p < line.phases; ++p) {
                T* kept = memory + line.at + p * line.length();
                std::memmove(kept, kept + frames, std::size_t(line.history) * sizeof(T));
            }
        });
    }

    // Twice the samples: the ones there are, and those between.
    template <int N>
    static void rise(T* memory, const Stage& stage, const Line& from, const Line& to,
                     int frames) LUTHIER_REALTIME {
        for (int p = 0; p < stage.rate; ++p) {
            const int m = p - stage.up;
            std::memcpy(phase(memory, to, 2 * p), sample(memory, from, m, 1, 0),
                        std::size_t(frames) * sizeof(T));
            T* y = phase(memory, to, 2 * p + 1);
            for (int i = 0; i < frames; i += N * kGroup) {
                V sum[N]{};
                for (int j = 0; j < stage.taps; ++j) {
                    const T* a = sample(memory, from, m - j, 1, 0) + i;
                    const T* b = sample(memory, from, m + 1 + j, 1, 0) + i;
                    for (int n = 0; n < N; ++n)
                        sum[n] += (load<V>(a + n * kGroup) + load<V>(b + n * kGroup)) * stage.tap[j];
                }
                for (int n = 0; n < N; ++n) store(y + i + n * kGroup, sum[n]);
            }
        }
    }

    // Half the samples: the mean of every other one and of what lies round it.
    template <int N>
    static void fall(T* memory, const Stage& stage, const Line& from, int p, T* y,
                     int frames) LUTHIER_REALTIME {
        const int m = p - stage.down;
        for (int i = 0; i < frames; i += N * kGroup) {
            V sum[N];
            const T* even = sample(memory, from, m, 2, 0) + i;
            for (int n = 0; n < N; ++n) sum[n] = load<V>(even + n * kGroup);
            for (int j = 0; j < stage.taps; ++j) {
                const T* a = sample(memory, from, m - 1 - j, 2, 1) + i;
                const T* b = sample(memory, from, m + j, 2, 1) + i;
                for (int n = 0; n < N; ++n)
                    sum[n] += (load<V>(a + n * kGroup) + load<V>(b + n * kGroup)) * stage.tap[j];
            }
            for (int n = 0; n < N; ++n) store(y + i + n * kGroup, sum[n] * T(0.5));
        }
    }

    int factor_ = 1, levels_ = 0, latency_ = 0;
    std::ptrdiff_t length_ = 0;  // of a channel's memory
    Stage stages_[kMostLevels];
    Line rising_[kMostLevels];   // before stage l
    Line falling_[kMostLevels];  // after it, on the way back
    AlignedBuffer<T> memory_;    // [channel][line][phase][history, chunk]
};

}  // namespace luthier::inline LUTHIER_ISA
