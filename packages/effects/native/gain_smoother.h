// A reduction that changes in steps becomes one that has reached the same by ramps: the mean over `span` + 1
// frames, weighted by a triangle, as two running means in a row. Where a step up is held for span frames, its
// ramp has come to the top when the hold ends.
//
// The sums are exact, so that they do not drift and are zero again after silence: octaves are counted in
// steps of 2^-30, rounded up, and all that is added and subtracted are whole numbers below 2^53.
#pragma once

#include "lanes.h"
#include "luthier/delay_line.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class GainSmoother {
  public:
    // Allocates.
    void prepare(int span) {
        means_[0].prepare(span / 2 + 1);
        means_[1].prepare(span - span / 2 + 1);
    }

    // A group of octaves, at least 0, in place.
    void process(T* x) LUTHIER_REALTIME {
        constexpr T most = 128;  // no reduction is larger, and the sums have no room for more
        double steps[kGroup];
        for (int i = 0; i < kGroup; ++i) steps[i] = double(x[i] < most ? x[i] : most) * kSteps;
        for (int at = 0; at < kGroup; at += kWidth<double>) store(steps + at, up(load<Register>(steps + at)));
        for (RunningMean& mean : means_) mean.process(steps);
        for (int i = 0; i < kGroup; ++i) x[i] = T(steps[i] * (1 / kSteps));
    }

    void reset() LUTHIER_REALTIME {
        for (RunningMean& mean : means_) mean.reset();
    }

    template <class Visit>
    void state(Visit&& visit) {
        for (RunningMean& mean : means_) mean.state(visit);
    }

  private:
    static constexpr double kSteps = 0x1p30;

    using Register = Lanes<double>;

    // To a whole number, for 0 <= x < 2^51.
    static Register up(Register x) {
        const Register near = (x + 0x1.8p52) - 0x1.8p52;
        return near < x ? near + 1 : near;
    }

    class RunningMean {
      public:
        void prepare(int length) {
            length_ = length;
            inverse_ = 1.0 / length;
            if (length > 1) line_.prepare(1, length);
        }
        void process(double* x) LUTHIER_REALTIME {
            if (length_ == 1) return;
            line_.write(0, x);
            const double* left = line_.read(0, length_);
            for (int at = 0; at < kGroup; at += kWidth<double>) {
                const Register change = load<Register>(x + at) - load<Register>(left + at);
                const Register sum = sum_ + scan(change, [](Register a, Register b) { return a + b; });
                sum_ = sum[kWidth<double> - 1];
                store(x + at, up(sum * inverse_));
            }
            line_.advance();
        }
        void reset() LUTHIER_REALTIME {
            if (length_ > 1) line_.reset();
            sum_ = 0;
        }
        template <class Visit>
        void state(Visit&& visit) {
            line_.state(visit);
            visit(&sum_, sizeof sum_);
        }

      private:
        int length_ = 1;
        double inverse_ = 1, sum_ = 0;  // of the last length_ steps
        DelayLine<double> line_;
    };

    RunningMean means_[2];
};

}  // namespace luthier::inline LUTHIER_ISA
