// A whole signal in another time and at another pitch, through the frames of stretcher.h.
//
// The input's time t has two images, both rising: the output's clock, and the place in the stretched signal.
// An output frame n is read from the stretched signal where the clock says n. Spectral frames come as far
// apart as the stretcher allows on both axes, and just in time for what is read.
#pragma once

#include "stretch_kernels.h"
#include "stretcher.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class TimeStretch {
  public:
    explicit TimeStretch(const effects::StretchJob<T>& job) : job_(job) {
        const int size = Stretcher<T>::frame_size(job.sample_rate);
        stretcher_.prepare(job.sample_rate, job.channels, 2.0 * size, job.preserve);
        plan(0);
    }

    bool run(std::int64_t until) {
        const FlushDenormals guard;
        while (done_ < until) {
            const int count = int(until - done_ < kGroup ? until - done_ : kGroup);
            double at[kGroup];
            for (int i = 0; i < count; ++i) at[i] = place_of_output(done_ + i);
            // Nothing that is still to come may reach what is read.
            while (next_.time - half() < job_.frames && next_.at - next_.left < at[count - 1] + kMargin) {
                stretcher_.frame(next_,
                                 [&](int c, std::int64_t start, int n, T* to) { fetch(c, start, n, to); });
                plan(following());
            }
            const Block<T> out{job_.out + done_, job_.out_stride, job_.channels, count};
            stretcher_.read(at, count, out, 0);
            for (int c = 0; c < job_.channels; ++c) clean(out[c], count);
            done_ += count;
        }
        const bool unclean = unclean_;
        unclean_ = false;
        return unclean;
    }

  private:
    static constexpr double kMargin = Stretcher<T>::kReach + 1;

    int half() const { return stretcher_.size() / 2; }

    // Where the input's time lies in the stretched signal.
    double place_of(double time) const {
        std::int64_t i = std::int64_t(__builtin_floor(time / kGroup));
        i = i < 0 ? 0 : i > job_.knots - 2 ? job_.knots - 2 : i;
        const double part = time / kGroup - double(i);
        return job_.places[i] + part * (job_.places[i + 1] - job_.places[i]);
    }
    double clock_of(double time) const {
        std::int64_t i = std::int64_t(__builtin_floor(time / kGroup));
        i = i < 0 ? 0 : i > job_.knots - 2 ? job_.knots - 2 : i;
        const double part = time / kGroup - double(i);
        return job_.clock[i] + part * (job_.clock[i + 1] - job_.clock[i]);
    }

    // Asked for rising frames only.
    double place_of_output(std::int64_t frame) {
        if (job_.places == job_.clock) return double(frame);
        while (knot_ < job_.knots - 2 && job_.clock[knot_ + 1] <= double(frame)) ++knot_;
        const double part = (double(frame) - job_.clock[knot_]) / (job_.clock[knot_ + 1] - job_.clock[knot_]);
        return job_.places[knot_] + part * (job_.places[knot_ + 1] - job_.places[knot_]);
    }

    void plan(std::int64_t time) {
        const double t = double(time), h = half(), at = place_of(t);
        const double left = at - place_of(t - h), right = place_of(t + h) - at;
        const double stretch = (place_of(t + h / 2) - place_of(t - h / 2)) / h;
        const double pitch = job_.places == job_.clock
                                 ? 1
                                 : (place_of(t + h) - place_of(t - h)) / (clock_of(t + h) - clock_of(t - h));
        next_ = {time, at, stretch, left, right, pitch};
    }

    std::int64_t following() const {
        std::int64_t step = stretcher_.hop();
        for (;;) {
            const double reach = place_of(double(next_.time + step)) - next_.at;
            if (reach <= stretcher_.hop() || step == 1) return next_.time + step;
            const std::int64_t shorter = std::int64_t(double(step) * stretcher_.hop() / reach);
            step = shorter < 1 ? 1 : shorter < step ? shorter : step - 1;
        }
    }

    void fetch(int c, std::int64_t start, int count, T* to) {
        std::int64_t first = -start, last = job_.frames - start;
        first = first < 0 ? 0 : first > count ? count : first;
        last = last < first ? first : last > count ? count : last;
        std::memset(static_cast<void*>(to), 0, first * sizeof(T));
        std::memcpy(to + first, job_.in + c * job_.in_stride + start + first, (last - first) * sizeof(T));
        std::memset(static_cast<void*>(to + last), 0, (count - last) * sizeof(T));
        clean(to + first, last - first);
    }

    void clean(T* x, std::int64_t count) {
        // x - x is zero for finite x and not-a-number otherwise, and a sum keeps any not-a-number.
        Vec<T, kGroup> sums{};
        std::int64_t whole = 0;
        for (; whole + kGroup <= count; whole += kGroup) {
            const auto v = load<Vec<T, kGroup>>(x + whole);
            sums += v - v;
        }
        T sum = 0;
        for (int i = 0; i < kGroup; ++i) sum += sums[i];
        for (; whole < count; ++whole) sum += x[whole] - x[whole];
        if (sum == 0) return;
        unclean_ = true;
        for (std::int64_t i = 0; i < count; ++i)
            if (x[i] - x[i] != 0) x[i] = 0;
    }

    effects::StretchJob<T> job_;
    Stretcher<T> stretcher_;
    typename Stretcher<T>::Place next_{};
    std::int64_t done_ = 0, knot_ = 0;
    bool unclean_ = false;
};

}  // namespace luthier::inline LUTHIER_ISA
