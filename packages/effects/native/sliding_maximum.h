// The largest of the last so many values, at every frame, a group at a time.
//
// M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels",
// Pattern Recognition Letters 13 (1992); J. Gil and M. Werman, "Computing 2-D min, median, and max filters",
// IEEE Trans. PAMI 15 (1993): a window is the end of one block, whole blocks, and the beginning of another.
// The blocks are the groups; the whole ones between are covered by two overlapping runs of 2^k groups, whose
// maxima come by doubling. 5 + log2(window / 16) comparisons a group and another two vector scans, for any
// window.
//
// Values are at least 0. Groups may be done again: state() is a position.
#pragma once

#include "lanes.h"
#include "luthier/delay_line.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class SlidingMaximum {
  public:
    // `window` values, the present one included: at least 1. Allocates.
    void prepare(int lanes, int window) {
        span_ = window - 1;
        groups_ = span_ / kGroup;
        offset_ = span_ % kGroup;
        ends_.prepare(lanes, span_ + kGroup);
        for (int i = 0; i < kGroup; ++i) early_[i] = i < offset_ ? 1 : 0;
        levels_ = 0;
        while ((2 << levels_) <= groups_) ++levels_;
        size_ = 4;
        while (size_ < groups_ + 4) size_ *= 2;
        runs_ = AlignedBuffer<T>(std::size_t(lanes) * (levels_ + 1) * size_);
    }

    // In place, a group of one lane; all lanes, then advance().
    void process(int lane, T* x) LUTHIER_REALTIME {
        if (groups_ == 0) return within_a_group(lane, x);
        T ends[kGroup];
        T largest = 0;
        for (int at = kGroup - kWidth<T>; at >= 0; at -= kWidth<T>) {
            const Lanes<T> v = load<Lanes<T>>(x + at);
            const Lanes<T> end = maximum(flip(running(flip(v))), Lanes<T>{} + largest);
            store(ends + at, end);
            largest = end[0];
        }
        ends_.write(lane, ends);
        // Of the whole groups between: from the last one back to the one after that in which the window
        // begins. A frame at a place before `offset_` begins its window a group earlier.
        const T shorter = run(lane, groups_ - 1), earlier = value(lane, 0, groups_);
        add(lane, largest);
        const T* begins = ends_.read(lane, span_);
        T so_far = shorter;
        for (int at = 0; at < kGroup; at += kWidth<T>) {
            const Lanes<T> start = maximum(running(load<Lanes<T>>(x + at)), Lanes<T>{} + so_far);
            const Lanes<T> before = load<Lanes<T>>(early_ + at) * earlier;
            store(x + at, maximum(maximum(start, before), load<Lanes<T>>(begins + at)));
            so_far = start[kWidth<T> - 1];
        }
    }

    void advance() LUTHIER_REALTIME {
        ends_.advance();
        position_ = (position_ + 1) & (size_ - 1);
    }

    void reset() LUTHIER_REALTIME {
        ends_.reset();
        runs_.clear();
        position_ = 0;
    }

    template <class Visit>
    void state(Visit&& visit) {
        ends_.state(visit);
        visit(&position_, sizeof position_);
    }

  private:
    struct Reversed {
        static constexpr int at(int lane) { return kWidth<T> - 1 - lane; }
    };
    static Lanes<T> flip(Lanes<T> x) { return shuffle<Reversed>(x, x); }

    // The largest up to each lane.
    static Lanes<T> running(Lanes<T> x) {
        return scan(x, [](Lanes<T> a, Lanes<T> b) { return maximum(a, b); });
    }

    // The largest of the 2^level groups that end `ago` groups before the present one.
    T& value(int lane, int level, int ago) {
        return runs_[(std::size_t(lane) * (levels_ + 1) + level) * size_ + ((position_ - ago) & (size_ - 1))];
    }
    // The largest of the `count` groups before the present one.
    T run(int lane, int count) {
        if (count == 0) return 0;
        int level = 0;
        while ((2 << level) <= count) ++level;
        return maximum(value(lane, level, 1), value(lane, level, count + 1 - (1 << level)));
    }
    void add(int lane, T whole) {
        value(lane, 0, 0) = whole;
        for (int k = 0; k < levels_; ++k)
            value(lane, k + 1, 0) = maximum(value(lane, k, 0), value(lane, k, 1 << k));
    }

    void within_a_group(int lane, T* x) {
        ends_.write(lane, x);
        for (int d = 1; d <= span_; ++d) {
            const T* earlier = ends_.read(lane, d);
            for (int at = 0; at < kGroup; at += kWidth<T>)
                store(x + at, maximum(load<Lanes<T>>(x + at), load<Lanes<T>>(earlier + at)));
        }
    }

    int span_ = 0, groups_ = 0, offset_ = 0;  // from a frame back to where its window begins
    T early_[kGroup] = {};                    // 1 at a group's places before offset_
    int levels_ = 0, size_ = 4;
    int position_ = 0;       // of the present group in each run
    DelayLine<T> ends_;      // the largest from each frame to the end of its group; the values, if short
    AlignedBuffer<T> runs_;  // [lane][level][group]
};

}  // namespace luthier::inline LUTHIER_ISA
