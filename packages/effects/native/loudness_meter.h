// What a loudness is made of: the energy of the K-weighted signal in steps of 10 ms, and its peaks.
//
//   Rec. ITU-R BS.1770-5, "Algorithms to measure audio programme loudness and true-peak audio level", 2023
//
// The weighting is given there by coefficients for 48 kHz. Here they are turned back into their analogue
// prototypes, which give the filters at any other rate.
#pragma once

#include <cmath>
#include <cstdint>

#include "luthier/biquad.h"
#include "luthier/buffer.h"
#include "luthier/simd.h"
#include "peak_taps.h"

namespace luthier::inline LUTHIER_ISA {

// A section of the recommendation at another rate: b0 + b1 / z + b2 / z^2 over 1 + a1 / z + a2 / z^2 at 48
// kHz.
inline Section weighting(double b0, double b1, double b2, double a1, double a2, double sample_rate) {
    // With z = (1 + w) / (1 - w), a polynomial in 1 / z is one in w, and w = g s with s in units of the
    // section's own frequency.
    const double n2 = b0 - b1 + b2, n1 = 2 * (b0 - b2), n0 = b0 + b1 + b2;
    const double d2 = 1 - a1 + a2, d1 = 2 * (1 - a2), d0 = 1 + a1 + a2;
    const double g = std::sqrt(d0 / d2), pi = 3.14159265358979323846;
    const double cutoff_hz = std::atan(g) * 48000 / pi;
    const double k = d1 / (d2 * g), m0 = n2 / d2;
    return design::state_variable(design::prewarp(cutoff_hz, sample_rate), k, m0, n1 / (d2 * g) - m0 * k,
                                  n0 / d0 - m0);
}

template <class T>
class LoudnessMeter {
  public:
    // Steps a second.
    static constexpr int kSteps = 100;

    // Allocates. `weights`: the channels' shares of the energy.
    void prepare(double sample_rate, int channels, const double* weights) {
        sample_rate_ = sample_rate;
        channels_ = channels;
        weights_ = AlignedBuffer<double>(std::size_t(channels));
        for (int c = 0; c < channels; ++c) weights_[std::size_t(c)] = weights[c];
        filter_.prepare(2, channels);
        filter_.set(0, weighting(1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241,
                                 0.73248077421585, sample_rate));
        filter_.set(1, weighting(1, -2, 1, -1.99004745483398, 0.99007225036621, sample_rate));
        signal_ = AlignedBuffer<T>(std::size_t(channels) * kSignal);
        weighted_ = AlignedBuffer<T>(std::size_t(channels) * kBlock);
    }

    // The next frames; all but the last call bring whole groups. Adds to energies[i] the weighted energy of
    // step i of the signal; a step lasts from round(i sample_rate / 100) to round((i + 1) sample_rate / 100).
    // Returns whether anything was not finite; such samples count as zero.
    bool process(const T* x, std::ptrdiff_t stride, std::int64_t frames, double* energies) {
        bool unclean = false;
        for (std::int64_t at = 0; at < frames; at += kBlock) {
            const int count = int(frames - at < kBlock ? frames - at : kBlock);
            const int padded = (count + kGroup - 1) / kGroup * kGroup;
            for (int c = 0; c < channels_; ++c) {
                T* signal = signal_.data() + c * kSignal + kLead;
                unclean |= take(x + c * stride + at, signal, count, padded);
                peaks(signal, padded);
                std::memcpy(weighted_.data() + c * kBlock, signal, std::size_t(padded) * sizeof(T));
                std::memmove(signal - kLead, signal + padded - kLead, kLead * sizeof(T));
            }
            filter_.process({weighted_.data(), kBlock, channels_, padded});
            sum(count, energies);
        }
        return unclean;
    }

    // The end: what is still between the last samples.
    void finish() {
        for (int c = 0; c < channels_; ++c) {
            T* signal = signal_.data() + c * kSignal + kLead;
            std::memset(signal, 0, kLead * sizeof(T));
            peaks(signal, kLead);
        }
    }

    double sample_peak() const { return largest(sample_peak_); }
    double true_peak() const { return largest(true_peak_); }

  private:
    using V = Vec<T, kGroup>;
    static constexpr int kBlock = 1024, kLead = 32, kSignal = kLead + kBlock;

    static bool take(const T* from, T* to, int count, int padded) {
        V bad{};
        int i = 0;
        for (; i + kGroup <= count; i += kGroup) {
            const V v = load<V>(from + i);
            bad += v - v;  // zero for finite samples, not-a-number otherwise
            store(to + i, v);
        }
        T sum = 0;
        for (int lane = 0; lane < kGroup; ++lane) sum += bad[lane];
        for (; i < count; ++i) {
            to[i] = from[i];
            sum += to[i] - to[i];
        }
        for (; i < padded; ++i) to[i] = 0;
        if (sum == 0) return false;
        for (i = 0; i < count; ++i)
            if (to[i] - to[i] != 0) to[i] = 0;
        return true;
    }

    // Of the frames from kAfter before `signal` on: those behind are not here yet.
    void peaks(const T* signal, int frames) {
        V sample = sample_peak_, between = true_peak_;
        const T* x = signal - PeakTaps<T>::kAfter;
        int i = 0;
        constexpr int N = 4;
        for (; i + N * kGroup <= frames; i += N * kGroup) {
            V most[N];
            taps_.template at<N>(x + i, most);
            for (int n = 0; n < N; ++n) between = most[n] > between ? most[n] : between;
        }
        for (; i < frames; i += kGroup) {
            V most;
            taps_.at(x + i, &most);
            between = most > between ? most : between;
        }
        for (i = 0; i < frames; i += kGroup) {
            const V v = load<V>(signal + i), magnitude = v < 0 ? -v : v;
            sample = magnitude > sample ? magnitude : sample;
        }
        sample_peak_ = sample;
        true_peak_ = between;
    }

    void sum(int count, double* energies) {
        for (int at = 0; at < count;) {
            while (frame_ >= border(step_ + 1)) ++step_;
            const std::int64_t left = border(step_ + 1) - frame_;
            const int n = int(left < count - at ? left : count - at);
            for (int c = 0; c < channels_; ++c)
                energies[step_] += weights_[std::size_t(c)] * energy(weighted_.data() + c * kBlock + at, n);
            frame_ += n;
            at += n;
        }
    }

    std::int64_t border(std::int64_t step) const {
        return std::int64_t(double(step) * sample_rate_ / kSteps + 0.5);
    }

    static double energy(const T* x, int n) {
        V sums{};
        int i = 0;
        for (; i + kGroup <= n; i += kGroup) {
            const V v = load<V>(x + i);
            sums += v * v;
        }
        double sum = 0;
        for (int lane = 0; lane < kGroup; ++lane) sum += double(sums[lane]);
        for (; i < n; ++i) sum += double(x[i]) * double(x[i]);
        return sum;
    }

    static double largest(V peaks) {
        double most = 0;
        for (int lane = 0; lane < kGroup; ++lane)
            most = double(peaks[lane]) > most ? double(peaks[lane]) : most;
        return most;
    }

    double sample_rate_ = 48000;
    int channels_ = 0;
    std::int64_t frame_ = 0, step_ = 0;
    AlignedBuffer<double> weights_;
    BiquadCascade<T> filter_;
    PeakTaps<T> taps_;
    AlignedBuffer<T> signal_, weighted_;
    V sample_peak_{}, true_peak_{};
};

}  // namespace luthier::inline LUTHIER_ISA
