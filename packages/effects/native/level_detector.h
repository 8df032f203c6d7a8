// How loud a signal is at each frame, before attack and release: what the dynamics effects hear.
//
// Peak is |x|. RMS is the root of the mean square, an exponential mean with a time constant of its own; a
// recursion of one pole, a group at a time by shifts and sums as in a prefix scan (G. Blelloch, "Prefix sums
// and their applications", 1990). Rising RMS is one that what is louder sets at once: the mean square is the
// larger of the mean and the square. Linked, the loudest channel's level stands for all.
#pragma once

#include "lanes.h"
#include "luthier/envelope.h"

namespace luthier::inline LUTHIER_ISA {

// Each frame's value is 1 - share of the one before plus share of the input.
template <class T>
struct OnePole : Pole<T> {
    using Pole<T>::share, Pole<T>::powers, Pole<T>::whole;

    Lanes<T> step(Lanes<T> x, double& state) const LUTHIER_REALTIME {
        int by = 1;
        const Lanes<T> y = scan(share * x, [&](Lanes<T> sum, Lanes<T> earlier) {
            sum += powers[by - 1] * earlier;
            by *= 2;
            return sum;
        });
        const double before = state;
        state = y[kWidth<T> - 1] + whole * before;
        return y + powers * T(before);
    }
};

// The larger of that and the input.
template <class T>
class RisingPole {
  public:
    void set(double share) { share_ = share; }
    Lanes<T> step(Lanes<T> x, double& state) const LUTHIER_REALTIME {
        double envelope = state;
        for (int i = 0; i < kWidth<T>; ++i) {
            const double falling = envelope + share_ * (x[i] - envelope);
            envelope = x[i] > falling ? double(x[i]) : falling;
            x[i] = T(envelope);
        }
        state = envelope;
        return x;
    }

  private:
    double share_ = 1;
};

template <class T>
class LevelDetector {
  public:
    // `lanes` of levels: 1 for all, or one for each channel.
    void prepare(const Spec& spec, Detector detector, double rms_ms, bool linked) {
        linked_ = linked;
        detector_ = detector;
        mean_.set(smoothing(rms_ms, spec.sample_rate));
        rising_.set(smoothing(rms_ms, spec.sample_rate));
        squares_ = AlignedBuffer<double>(spec.key_channels > 0 ? spec.key_channels : spec.channels);
    }

    // The levels of the group of `key` at `frame`, kGroup for each of `lanes`. Channel k hears the key's
    // channel k, the last one if there are fewer.
    void process(Block<const T> key, int frame, T* levels, int lanes) LUTHIER_REALTIME {
        for (int at = 0; at < kGroup; at += kWidth<T>) {
            if (linked_) {
                Lanes<T> loudest{};
                for (int c = 0; c < key.channels; ++c) loudest = maximum(loudest, hear(key, c, frame + at));
                store(levels + at, root(loudest));
                continue;
            }
            Lanes<T> level{};
            for (int c = 0; c < lanes; ++c) {
                if (c < key.channels) level = root(hear(key, c, frame + at));
                store(levels + c * kGroup + at, level);
            }
        }
    }

    void reset() LUTHIER_REALTIME { squares_.clear(); }

    template <class Visit>
    void state(Visit&& visit) {
        visit(squares_.data(), squares_.size() * sizeof(double));
    }

  private:
    Lanes<T> hear(Block<const T> key, int channel, int frame) {
        const Lanes<T> x = load<Lanes<T>>(key[channel] + frame);
        if (detector_ == Detector::peak) return magnitude(x);
        if (detector_ == Detector::rms) return mean_.step(x * x, squares_[channel]);
        return rising_.step(x * x, squares_[channel]);
    }
    Lanes<T> root(Lanes<T> x) const {
        if (detector_ == Detector::peak) return x;
        T values[kWidth<T>];
        store(values, x);
        for (T& value : values) value = sizeof(T) == 4 ? __builtin_sqrtf(value) : __builtin_sqrt(value);
        return load<Lanes<T>>(values);
    }

    bool linked_ = true;
    Detector detector_ = Detector::peak;
    OnePole<T> mean_;
    RisingPole<T> rising_;
    AlignedBuffer<double> squares_;  // mean square of each channel of the key
};

}  // namespace luthier::inline LUTHIER_ISA
