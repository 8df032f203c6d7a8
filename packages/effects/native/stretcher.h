// Frames of a signal, laid anew in time: the phase vocoder behind PitchShift and time_stretch.
//
// Time has two axes here. `time` counts the input's frames; `at` the frames of a stretched signal in which
// every spectral frame of the input gets its place. Reading the stretched signal at steps of a pitch ratio
// gives the output:
//
//     input --frame(time, at)--> stretched signal --read(at)--> output
//
// A tone goes on without a seam when each bin turns, from one placed frame to the next, by as much as it
// turns in the input over the same number of frames. So every placed frame is analysed twice, where it stands
// and `hop` frames earlier (M. Puckette, "Phase-locked vocoder", Proc. IEEE WASPAA 1995): what turned in
// between is a quotient of spectra, and no frequency is ever estimated nor a phase unwrapped. Which bins are
// continued so, and which follow a louder neighbour, is phase_gradient.h's business. The rotations are one
// for all channels, weighted by their energies: what lies between channels stays (J. Laroche and M. Dolson,
// "Improved phase vocoder time-scale modification of audio", IEEE Trans. SAP 7(3), 1999, on coherence between
// bins).
//
// Frames need not come at even steps: the overlapping windows are summed beside the signal and divided out.
// While nothing is stretched the rotations are 1, and what comes out is the input, to rounding.
//
// Above a pitch ratio of 1 what would lie beyond half the sample rate is left out of the spectra, so that
// read() needs no filter of its own.
#pragma once

#include "luthier/buffer.h"
#include "luthier/fft.h"
#include "luthier/simd.h"
#include "luthier/window.h"
#include "phase_gradient.h"
#include "spectral_envelope.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class Stretcher {
  public:
    using Lane = Vec<T, kGroup>;

    static constexpr int kTaps = 48;          // of the interpolation in read()
    static constexpr int kReach = kTaps / 2;  // frames of the stretched signal on either side
    static constexpr double kMaxRatio = 8;    // steps of read() at most

    struct Place {
        std::int64_t time;   // the middle of the frame, in the input
        double at;           // and in the stretched signal
        double stretch;      // d at / d time round it
        double left, right;  // how far it may reach to either side in the stretched signal
        double pitch;        // at which ratio it will be read
    };

    // About 93 ms, a power of two; and so long that a group at the largest ratio is at most a hop.
    static int frame_size(double sample_rate) {
        int size = 4 * kGroup * int(kMaxRatio);
        while (size * 1.414 < 0.0929 * sample_rate) size *= 2;
        return size;
    }

    // `room` frames of the stretched signal are kept. With `preserve` the formants stay where they are when
    // the signal is read at another pitch. Allocates.
    void prepare(double sample_rate, int channels, double room, bool preserve) {
        const int size = size_ = frame_size(sample_rate);
        preserve_ = preserve;
        if (preserve) envelope_.prepare(size, sample_rate);
        half_ = size / 2;
        channels_ = channels;
        ring_ = 2 * std::int64_t(size);
        while (double(ring_) < room + size) ring_ *= 2;
        fft_.prepare(size);
        gradient_.prepare(half_ + 1);
        bins_ = gradient_.size();
        window_ = AlignedBuffer<T>(size);
        AlignedBuffer<double> hann(size);
        make_window(Window::hann, hann.data(), size, true);
        for (int i = 0; i < size; ++i) window_[i] = T(hann[i]);
        out_window_ = AlignedBuffer<T>(size);
        both_windows_ = AlignedBuffer<T>(size);
        segment_ = AlignedBuffer<T>(size + size / 4 + 2);
        frame_ = AlignedBuffer<T>(size + 2);
        spectrum_ = AlignedBuffer<T>(size + 2);
        scratch_ = AlignedBuffer<T>(fft_.scratch());
        keep_ = AlignedBuffer<T>(bins_);
        now_re_ = AlignedBuffer<T>(std::size_t(channels) * bins_);
        now_im_ = AlignedBuffer<T>(std::size_t(channels) * bins_);
        moved_re_ = AlignedBuffer<T>(std::size_t(channels) * bins_);
        moved_im_ = AlignedBuffer<T>(std::size_t(channels) * bins_);
        back_re_ = AlignedBuffer<T>(bins_);
        back_im_ = AlignedBuffer<T>(bins_);
        signal_ = AlignedBuffer<T>(std::size_t(channels) * ring_);
        weight_ = AlignedBuffer<T>(ring_);
        line_ = AlignedBuffer<T>(kSpan);
        inverse_ = AlignedBuffer<T>(kSpan);
        kernels_ = AlignedBuffer<T>(kGroup * kTaps);
        design();
        reset();
    }

    int size() const { return size_; }

    // The largest step between frames, on either axis.
    int hop() const { return size_ / 4; }

    void reset() {
        signal_.clear();
        weight_.clear();
        started_ = false;
        aligned_ = true;
        known_ = false;
        left_ = right_ = -1;
    }

    // Adds a frame. source(channel, time, count, to) copies input frames, zeros where there are none; it is
    // asked for size() / 2 after place.time, and size() / 2 + hop() before the frame before. Steps from one
    // frame to the next are positive in time and not negative in place, and at most hop().
    template <class Source>
    void frame(const Place& place, Source&& source) LUTHIER_REALTIME {
        const std::int64_t at = std::int64_t(__builtin_floor(place.at + 0.5));
        const int hop = started_ ? int(at - at_) : 0;
        shape(place.left, place.right);
        make_room(at);
        const bool filter = place.pitch > 1 || (preserve_ && place.pitch != 1);
        const bool still = !started_ || (aligned_ && hop == int(place.time - time_));
        if (still && !filter) {
            for (int c = 0; c < channels_; ++c) {
                source(c, place.time - half_, size_, segment_.data());
                add(segment_.data(), both_windows_.data(), at, signal_.data() + c * ring_);
            }
            known_ = false;
        } else {
            const bool first = !started_;
            if (!first && !known_) recall(source);
            analyse(place.time, hop, first, source);
            if (first) {
                for (int k = 0; k < bins_; ++k) gradient_.re[k] = 1;
                gradient_.im.clear();
                for (int k = 0; k < bins_; ++k) gradient_.within[k] = 1;
            } else {
                gradient_.run(T(place.stretch));
                aligned_ = false;
            }
            keep(place.pitch);
            for (int c = 0; c < channels_; ++c) synthesise(c, at);
            known_ = true;
        }
        add_weight(at);
        started_ = true;
        time_ = place.time;
        at_ = at;
    }

    // The signal at `count` <= kGroup increasing places, into out's frames from `offset` on.
    void read(const double* at, int count, Block<T> out, int offset) LUTHIER_REALTIME {
        std::int64_t first = std::int64_t(__builtin_floor(at[0]));
        bool whole = at[count - 1] - at[0] == count - 1;
        for (int i = 0; i < count; ++i) whole &= at[i] == __builtin_floor(at[i]);
        if (whole) {
            gather_weights(first, count);
            for (int c = 0; c < channels_; ++c) gather(c, first, count, out[c] + offset);
            return;
        }
        first -= kReach - 1;
        const std::int64_t last = std::int64_t(__builtin_floor(at[count - 1])) + kReach;
        const int span = int(last - first) + 1;
        gather_weights(first, span);
        int starts[kGroup];
        for (int i = 0; i < count; ++i) {
            const double floor = __builtin_floor(at[i]);
            starts[i] = int(std::int64_t(floor) - (kReach - 1) - first);
            const double phase = (at[i] - floor) * kPhases;
            const int row = int(phase);
            const Lane part = Lane{} + T(phase - row);
            const T* a = table_.data() + row * kTaps;
            for (int k = 0; k < kTaps; k += kGroup) {
                const Lane here = load<Lane>(a + k), next = load<Lane>(a + kTaps + k);
                store(&kernels_[i * kTaps + k], here + part * (next - here));
            }
        }
        for (int c = 0; c < channels_; ++c) {
            gather(c, first, span, line_.data());
            T* to = out[c] + offset;
            for (int i = 0; i < count; ++i) {
                const T* x = line_.data() + starts[i];
                const T* w = &kernels_[i * kTaps];
                Lane sum{};
                for (int k = 0; k < kTaps; k += kGroup) sum += load<Lane>(x + k) * load<Lane>(w + k);
                to[i] = total(sum);
            }
        }
    }

  private:
    static constexpr int kPhases = 256;  // of the table; linear between them: -94 dB at half the rate
    static constexpr int kSpan = 256;
    static_assert(kTaps + (kGroup - 1) * kMaxRatio + 1 < kSpan && kTaps % kGroup == 0);

    static T total(Lane x) {
        T sum = 0;
        for (int half = kGroup / 2; half > 0; half /= 2)
            for (int i = 0; i < half; ++i) x[i] += x[i + half];
        sum = x[0];
        return sum;
    }

    // A sinc that is 1 in the middle and 0 at all other frames, under Kaiser's window.
    void design() {
        table_ = AlignedBuffer<T>((kPhases + 1) * kTaps);
        constexpr double beta = 9;
        const double peak = bessel_i0(beta);
        for (int row = 0; row <= kPhases; ++row)
            for (int k = 0; k < kTaps; ++k) {
                const double x = k - (kReach - 1) - double(row) / kPhases;
                const double edge = x / kReach;
                double value = x == 0 ? 1 : 0;
                if (row % kPhases != 0 && edge * edge < 1) {
                    const double pi = 3.14159265358979323846;
                    value = sin_turns(0.5 * x) / (pi * x) *
                            bessel_i0(beta * __builtin_sqrt((1 - edge) * (1 + edge))) / peak;
                }
                table_[row * kTaps + k] = T(value);
            }
    }

    // The window after the transform: Hann's, each half as long as the frame may reach there.
    void shape(double left, double right) {
        left = left < 1 ? 1 : left > half_ ? half_ : left;
        right = right < 1 ? 1 : right > half_ ? half_ : right;
        if (left == left_ && right == right_) return;
        left_ = left;
        right_ = right;
        Lane ramp;
        for (int i = 0; i < kGroup; ++i) ramp[i] = T(i);
        for (int i = 0; i < size_; i += kGroup) {
            const Lane x = ramp + T(i - half_);
            const Lane part = x * (i < half_ ? T(0.5 / left) : T(0.5 / right));
            const Lane cosine = T(0.5) + T(0.5) * cos_turns(part);
            const Lane w = (part > T(-0.5)) & (part < T(0.5)) ? cosine : Lane{};
            store(&out_window_[i], w);
            store(&both_windows_[i], w * load<Lane>(&window_[i]));
        }
        low_ = half_ - int(__builtin_ceil(left));
        high_ = half_ + int(__builtin_ceil(right));
    }

    // Calls f(index in the ring, offset, count) for the one or two runs of `count` frames from `at` on.
    template <class F>
    void runs(std::int64_t at, std::int64_t count, F&& f) {
        const std::int64_t index = at & (ring_ - 1);
        const std::int64_t until_end = ring_ - index;
        if (count <= until_end) {
            f(index, std::int64_t(0), count);
        } else {
            f(index, std::int64_t(0), until_end);
            f(std::int64_t(0), until_end, count - until_end);
        }
    }

    void make_room(std::int64_t at) {
        const std::int64_t end = at - half_ + high_;
        if (!started_) end_ = at - half_ + low_;
        if (end <= end_) return;
        runs(end_, end - end_, [&](std::int64_t index, std::int64_t, std::int64_t count) {
            std::memset(static_cast<void*>(weight_.data() + index), 0, count * sizeof(T));
            for (int c = 0; c < channels_; ++c)
                std::memset(static_cast<void*>(signal_.data() + c * ring_ + index), 0, count * sizeof(T));
        });
        end_ = end;
    }

    // ring[at - half + i] += from[i] window[i]
    void add(const T* from, const T* window, std::int64_t at, T* ring) {
        runs(at - half_ + low_, high_ - low_,
             [&](std::int64_t index, std::int64_t offset, std::int64_t count) {
                 T* to = ring + index;
                 const T* x = from + low_ + offset;
                 const T* w = window + low_ + offset;
                 for (std::int64_t i = 0; i < count; ++i) to[i] += x[i] * w[i];
             });
    }

    void add_weight(std::int64_t at) {
        runs(at - half_ + low_, high_ - low_,
             [&](std::int64_t index, std::int64_t offset, std::int64_t count) {
                 T* to = weight_.data() + index;
                 const T* w = both_windows_.data() + low_ + offset;
                 for (std::int64_t i = 0; i < count; ++i) to[i] += w[i];
             });
    }

    // The windowed spectrum of size() frames, with the middle one as time zero.
    void transform(const T* x, T* re, T* im) {
        const T* w = window_.data();
        T* to = frame_.data();
        for (int i = 0; i < half_; ++i) {
            to[i] = x[half_ + i] * w[half_ + i];
            to[half_ + i] = x[i] * w[i];
        }
        fft_.forward(to, spectrum_.data(), scratch_.data());
        const T* y = spectrum_.data();
        for (int k = 0; k <= half_; ++k) {
            re[k] = y[2 * k];
            im[k] = y[2 * k + 1];
        }
    }

    // The spectra of the last frame, which passed as it was and without any.
    template <class Source>
    void recall(Source&& source) {
        for (int c = 0; c < channels_; ++c) {
            T* re = moved_re_.data() + c * bins_;
            T* im = moved_im_.data() + c * bins_;
            source(c, time_ - half_, size_, segment_.data());
            transform(segment_.data(), re, im);
        }
    }

    template <class Source>
    void analyse(std::int64_t time, int hop, bool first, Source&& source) {
        gradient_.now.clear();
        gradient_.step_re.clear();
        gradient_.step_im.clear();
        gradient_.time_re.clear();
        gradient_.time_im.clear();
        for (int c = 0; c < channels_; ++c) {
            T* re = now_re_.data() + c * bins_;
            T* im = now_im_.data() + c * bins_;
            source(c, time - half_ - hop, size_ + hop, segment_.data());
            transform(segment_.data() + hop, re, im);
            if (!first) transform(segment_.data(), back_re_.data(), back_im_.data());
            const T* pr = moved_re_.data() + c * bins_;
            const T* pi = moved_im_.data() + c * bins_;
            const T *br = back_re_.data(), *bi = back_im_.data();
            // Padding of a group behind the last bin stays zero; its last place has no next.
            for (int k = 0; k < bins_ - kGroup; k += kGroup) {
                const auto sum = [&](AlignedBuffer<T>& to, Lane x) { store(&to[k], load<Lane>(&to[k]) + x); };
                const Lane xr = load<Lane>(re + k), xi = load<Lane>(im + k);
                const Lane nr = load<Lane>(re + k + 1), ni = load<Lane>(im + k + 1);
                sum(gradient_.now, xr * xr + xi * xi);
                sum(gradient_.step_re, nr * xr + ni * xi);
                sum(gradient_.step_im, ni * xr - nr * xi);
                if (first) continue;
                const Lane or_ = load<Lane>(br + k), oi = load<Lane>(bi + k);
                const Lane yr = load<Lane>(pr + k), yi = load<Lane>(pi + k);
                sum(gradient_.time_re, yr * or_ + yi * oi);
                sum(gradient_.time_im, yi * or_ - yr * oi);
            }
        }
    }

    // What of each bin stays: nothing that the reading would fold over, and the formants where they were.
    void keep(double pitch) {
        const bool preserve = preserve_ && pitch != 1;
        if (preserve) envelope_.run(gradient_.now.data());
        const double edge = pitch > 1 ? half_ / pitch : 2.0 * size_;
        constexpr double slope = 8;  // bins
        for (int k = 0; k < bins_; ++k) {
            const double inside = (edge - k) / slope;
            keep_[k] = T(inside >= 1 ? 1 : inside <= 0 ? 0 : inside * inside * (3 - 2 * inside));
            if (preserve && inside > 0) keep_[k] *= envelope_.gain(k, pitch);
        }
    }

    void synthesise(int c, std::int64_t at) {
        const T* re = now_re_.data() + c * bins_;
        const T* im = now_im_.data() + c * bins_;
        T* pr = moved_re_.data() + c * bins_;
        T* pi = moved_im_.data() + c * bins_;
        T* y = spectrum_.data();
        for (int k = 0; k <= half_; ++k) {
            const T ur = gradient_.re[k], ui = gradient_.im[k];
            const T yr = re[k] * ur - im[k] * ui, yi = re[k] * ui + im[k] * ur;
            pr[k] = yr;
            pi[k] = yi;
            y[2 * k] = yr * keep_[k] * gradient_.within[k];
            y[2 * k + 1] = yi * keep_[k] * gradient_.within[k];
        }
        fft_.inverse(y, frame_.data(), scratch_.data());
        T* turned = segment_.data();
        std::memcpy(turned, frame_.data() + half_, half_ * sizeof(T));
        std::memcpy(turned + half_, frame_.data(), half_ * sizeof(T));
        add(turned, out_window_.data(), at, signal_.data() + c * ring_);
    }

    void gather_weights(std::int64_t first, int count) {
        runs(first, count, [&](std::int64_t index, std::int64_t offset, std::int64_t n) {
            const T* w = weight_.data() + index;
            T* to = inverse_.data() + offset;
            for (std::int64_t i = 0; i < n; ++i) to[i] = 1 / (w[i] > T(1e-3) ? w[i] : T(1e-3));
        });
    }

    void gather(int c, std::int64_t first, int count, T* line) {
        runs(first, count, [&](std::int64_t index, std::int64_t offset, std::int64_t n) {
            const T* x = signal_.data() + c * ring_ + index;
            const T* scale = inverse_.data() + offset;
            T* to = line + offset;
            for (std::int64_t i = 0; i < n; ++i) to[i] = x[i] * scale[i];
        });
    }

    int size_ = 0, half_ = 0, channels_ = 0, bins_ = 0;
    std::int64_t ring_ = 0;  // frames of the stretched signal that are kept, a power of two
    RealFft<T> fft_;
    PhaseGradient<T> gradient_;
    bool preserve_ = false;
    SpectralEnvelope<T> envelope_;
    AlignedBuffer<T> window_, out_window_, both_windows_;
    AlignedBuffer<T> segment_, frame_, spectrum_, scratch_, keep_;
    AlignedBuffer<T> now_re_, now_im_, moved_re_, moved_im_;  // [channel][bin]: this frame's, and the last's
    AlignedBuffer<T> back_re_, back_im_;                      // hop frames before this one
    AlignedBuffer<T> signal_, weight_;                        // [channel][ring]: sums of frames, of windows
    AlignedBuffer<T> line_, inverse_, kernels_, table_;
    double left_ = -1, right_ = -1;
    int low_ = 0, high_ = 0;          // the part of the frame where the window is not zero
    std::int64_t end_ = 0;            // what lies before it in the ring belongs to this turn
    std::int64_t time_ = 0, at_ = 0;  // of the last frame
    bool started_ = false;
    bool aligned_ = true;  // all rotations so far were 1
    bool known_ = false;   // the last frame's spectra are at hand
};

}  // namespace luthier::inline LUTHIER_ISA
