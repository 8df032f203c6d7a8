// Phases for a spectrum whose frame has been moved in time, from its own gradients.
//
// Z. Průša and N. Holighaus, "Phase vocoder done right", Proc. EUSIPCO 2017, and "Phase vocoder done right",
// arXiv:2202.07382, 2022: a bin takes its phase either from the frame before, along time, or from a louder
// neighbour, along frequency; loud bins first. Tones are continued, and clicks, which are loud at no bin of
// the frame before, keep together.
//
// Their heap hands out bins by magnitude, which is the growing of trees over a line whose nodes are the bins.
// On a line the level at which the flood from any source reaches a bin is the least magnitude on the way, and
// the highest of these is found for all bins in two sweeps:
//
//     left[k] = min(max(before[k - 1], left[k - 1]), now[k - 1])          and its mirror image
//
// At the left end stands the zero frequency, where a real signal can turn by nothing, or by half a turn:
// sound out of silence, with nothing before it to continue, takes its phases from there.
//
// Bin k is continued in time when before[k] is at least left[k] and right[k]; else its phase comes from the
// side that reached it first. That is the heap's answer in O(n).
//
// All is said of the rotation between the frame's own spectrum and the moved one, a complex number of
// magnitude 1 a bin: it is what all channels have in common.
#pragma once

#include "angle.h"
#include "luthier/buffer.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class PhaseGradient {
  public:
    using Lane = Vec<T, kGroup>;

    // For spectra of `bins`. Allocates.
    void prepare(int bins) {
        bins_ = bins;
        size_ = (bins + kGroup - 1) / kGroup * kGroup + kGroup;
        for (auto* buffer : {&step_re, &step_im, &time_re, &time_im, &now, &before_, &turns_, &re, &im,
                             &within, &left_, &right_})
            *buffer = AlignedBuffer<T>(size_);
    }

    int size() const { return size_; }

    // The rotations re + i im, from these, all zero beyond the last bin:
    //   now    the energies of this frame
    //   time   (the moved spectrum before) times the conjugate of (the spectrum from which time passed): what
    //          has no past in either has none here
    //   step   any multiple of spectrum[k + 1] / spectrum[k]; a frame's middle is its time zero
    // `stretch` is by how much the way from the middle of the frame to a click grows.
    void run(T stretch) LUTHIER_REALTIME {
        const T* const e = now.data();
        const T* const p = before_.data();
        T* const left = left_.data();
        T* const right = right_.data();
        Lane most{}, sums{}, past{};
        for (int k = 0; k < size_; k += kGroup) {
            const Lane x = load<Lane>(e + k);
            most = x > most ? x : most;
            sums += x;
            const Lane tr = load<Lane>(&time_re[k]), ti = load<Lane>(&time_im[k]);
            const Lane power = tr * tr + ti * ti;
            const Lane size = root(power);
            past += size;
            store(&before_[k], size);
            const auto some = power > T(1e-36);
            store(&re[k], some ? tr / size : Lane{} + T(1));
            store(&im[k], some ? ti / size : Lane{});
        }
        T loudest = 0, sum = 0, sum_before = 0;
        for (int k = 0; k < kGroup; ++k) {
            loudest = most[k] > loudest ? most[k] : loudest;
            sum += sums[k];
            sum_before += past[k];
        }
        // Side lobes alternate in sign: half a turn a bin is no click at the very edge of the window, unless
        // much is new, or has ended.
        const T limit = sum > 2 * sum_before || sum_before > 2 * sum ? T(0.5) : kEdge;
        for (int k = 0; k < size_; k += kGroup) {
            const Lane turns = angle_turns(load<Lane>(&step_im[k]), load<Lane>(&step_re[k]));
            const auto edge = (turns > limit) | (turns < -limit);
            const Lane grown = edge ? Lane{} : turns * (stretch - 1);
            store(&step_re[k], cos_turns(grown));
            store(&step_im[k], sin_turns(grown));
            store(&turns_[k], edge ? Lane{} : turns);
        }
        // What would come to lie beyond half the frame's length would come back at its other end. Clicks
        // alone have the same step all along; between tones there is any.
        within[0] = 1;
        for (int k = 1; k + kGroup < size_; k += kGroup) {
            const Lane here = load<Lane>(&turns_[k]);
            const Lane bend = here - load<Lane>(&turns_[k - 1]), next = load<Lane>(&turns_[k + 1]) - here;
            const Lane reach = (here < 0 ? -here : here) * stretch;
            const Lane inside = (T(0.55) - reach) * T(10);
            const auto click = (bend < T(0.1)) & (bend > T(-0.1)) & (next < T(0.1)) & (next > T(-0.1));
            const Lane kept = inside > 1 ? Lane{} + T(1) : inside < 0 ? Lane{} : inside;
            store(&within[k], click ? kept : Lane{} + T(1));
        }
        T forth = kNew * loudest, back = 0;
        for (int k = 0, m = bins_ - 1; k < bins_; ++k, --m) {
            left[k] = forth;
            right[m] = back;
            const T a = p[k] > forth ? p[k] : forth, b = p[m] > back ? p[m] : back;
            forth = a < e[k] ? a : e[k];
            back = b < e[m] ? b : e[m];
        }
        if (left[0] > p[0] && left[0] >= right[0]) {
            re[0] = 1;
            im[0] = 0;
        }
        T r = re[0], i = im[0];
        for (int k = 1; k < bins_; ++k) {
            if (left[k] > p[k] && left[k] >= right[k]) {
                const T sr = step_re[k - 1], si = step_im[k - 1];
                const T next = r * sr - i * si;
                i = r * si + i * sr;
                r = next;
                re[k] = r;
                im[k] = i;
            } else {
                r = re[k];
                i = im[k];
            }
        }
        for (int k = bins_ - 1; k >= 0; --k) {
            if (right[k] > p[k] && right[k] > left[k]) {
                const T sr = step_re[k], si = -step_im[k];
                const T next = r * sr - i * si;
                i = r * si + i * sr;
                r = next;
                re[k] = r;
                im[k] = i;
            } else {
                r = re[k];
                i = im[k];
            }
        }
    }

    AlignedBuffer<T> step_re, step_im, time_re, time_im, now;  // the input; steps are overwritten
    AlignedBuffer<T> re, im;                                   // the rotations
    AlignedBuffer<T> within;  // how much of a bin lies inside the frame after it, 0 to 1

  private:
    static constexpr T kNew = T(1e-2);  // energy before, to the loudest now, that does not count
    static constexpr T kEdge = T(0.4);  // turns a bin

    static Lane root(Lane x) {
        Lane y;
        for (int k = 0; k < kGroup; ++k)
            y[k] = sizeof(T) == 4 ? T(__builtin_sqrtf(float(x[k]))) : T(__builtin_sqrt(double(x[k])));
        return y;
    }

    int bins_ = 0, size_ = 0;
    AlignedBuffer<T> before_, turns_, left_, right_;
};

}  // namespace luthier::inline LUTHIER_ISA
