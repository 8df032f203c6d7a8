// The peaks between the samples of a band-limited signal.
//
// As ITU-R BS.1770-5, annex 2: the signal at four times the rate, by a polyphase FIR, here of our own design
// (2 kReach taps a phase of a sinc, nearly without a window, which is the best fit in the mean for sound up
// to half the rate; the middle phase is symmetric and the outer two mirror each other, so that sums and
// differences of mirrored samples serve all three). Between the points of a sine near half the rate its peak
// may still rise 0.7 dB above the higher one (annex 2, attachment 1). We add to each point's magnitude an
// eighth of its neighbours' difference: a parabola's peak when it lies on a point or half-way between two,
// never less. What it says of a sine below 0.42 of the rate is -0.2 to 0.4 dB off; a stronger window would do
// better there, and worse with noise up to half the rate, whose peaks are made of samples far away.
#pragma once

#include "lanes.h"
#include "luthier/delay_line.h"
#include "luthier/window.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class PeakInterpolator {
  public:
    // Frames on either side of an interval that its points are made of; the delay line holds twice as many.
    static constexpr int kReach = 32;

    void prepare(int channels) {
        last_ = AlignedBuffer<T>(channels);
        double outer[2] = {}, middle = 0;
        for (int k = 0; k < kReach; ++k) {
            const double near = tap(k + 0.25), far = tap(k + 0.75), half = tap(k + 0.5);
            outer[0] += near + far;
            middle += 2 * half;
            even_[k] = T((near + far) / 2);
            odd_[k] = T((near - far) / 2);
            half_[k] = T(half);
        }
        for (int k = 0; k < kReach; ++k) {
            even_[k] = T(even_[k] / outer[0]);
            odd_[k] = T(odd_[k] / outer[0]);
            half_[k] = T(half_[k] / middle);
        }
    }

    // For each frame n of the group that was written last, the peak from frame n - kReach up to the next,
    // times `margin`, or what `peaks` holds if that is larger.
    void process(int channel, const DelayLine<T>& line, T margin, T* peaks) LUTHIER_REALTIME {
        constexpr int registers = kGroup / kWidth<T>;
        Lanes<T> even[registers]{}, odd[registers]{}, half[registers]{};
        for (int k = 0; k < kReach; ++k) {
            const T *before = line.read(channel, kReach + k), *after = line.read(channel, kReach - 1 - k);
            for (int r = 0; r < registers; ++r) {
                const Lanes<T> a = load<Lanes<T>>(before + r * kWidth<T>);
                const Lanes<T> b = load<Lanes<T>>(after + r * kWidth<T>);
                const Lanes<T> sum = a + b;
                even[r] += even_[k] * sum;
                odd[r] += odd_[k] * (a - b);
                half[r] += half_[k] * sum;
            }
        }
        const T *here = line.read(channel, kReach), *next = line.read(channel, kReach - 1);
        for (int r = 0; r < registers; ++r) {
            const Lanes<T> x = load<Lanes<T>>(here + r * kWidth<T>), first = even[r] + odd[r],
                           third = even[r] - odd[r];
            Lanes<T> before = shift_lanes<1>(third);
            before[0] = last_[channel];
            last_[channel] = third[kWidth<T> - 1];
            const Lanes<T> left = maximum(peak(before, x, first), peak(x, first, half[r]));
            const Lanes<T> right = maximum(peak(first, half[r], third),
                                           peak(half[r], third, load<Lanes<T>>(next + r * kWidth<T>)));
            T* to = peaks + r * kWidth<T>;
            store(to, maximum(load<Lanes<T>>(to), margin * maximum(left, right)));
        }
    }

    void reset() LUTHIER_REALTIME { last_.clear(); }

    template <class Visit>
    void state(Visit&& visit) {
        visit(last_.data(), last_.size() * sizeof(T));
    }

  private:
    static double tap(double t) {
        constexpr double beta = 1.5, pi = 3.14159265358979323846;
        const double place = t / kReach;
        return std::sin(pi * t) / (pi * t) * bessel_i0(beta * std::sqrt((1 - place) * (1 + place)));
    }
    static Lanes<T> peak(Lanes<T> before, Lanes<T> x, Lanes<T> after) {
        return magnitude(x) + T(0.125) * magnitude(after - before);
    }

    T even_[kReach], odd_[kReach], half_[kReach];
    AlignedBuffer<T> last_;  // the point before the group's first frame, of each channel
};

}  // namespace luthier::inline LUTHIER_ISA
