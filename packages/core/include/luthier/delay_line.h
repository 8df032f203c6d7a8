// A delay line for blocks of frames.
//
// Written a group at a time; every read of a group, at any delay, is contiguous memory. In a group either
// read first, at delays of at least kGroup frames (a feedback loop), or write first and then read at any
// delay from 0. Shorter loops go frame by frame with get() and put().
//
// Groups may be done again: state() is only the position, and the line keeps kGroup frames more than the
// longest delay, so that writing the present group, once or twice, destroys nothing that it may read. The
// contents need no saving.
//
// A line may grow while it runs: prepare() reserves addresses for the longest delay that may ever be asked
// for, and memory is taken only for what reach() asked for. That bounds both the memory and the cache that a
// long range costs, and allocates nothing where it must not.
//
// Fractional delays: T. Laakso, V. Välimäki, M. Karjalainen and U. Laine, "Splitting the unit delay", IEEE
// Signal Processing Magazine 13(1), 1996.
#pragma once

#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/isa.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class DelayLine {
  public:
    using Group = Vec<T, kGroup>;

    // Delays up to max_delay frames. Allocates.
    void prepare(int channels, int max_delay) {
        reserve(channels, max_delay);
        reach(max_delay);
    }

    // No delay yet, but room for reach(max_delay). Allocates.
    void reserve(int channels, int max_delay) {
        channels_ = channels;
        size_ = 0;
        position_ = 0;
        stride_ = size_for(max_delay) + kMirror;
        memory_ = ReservedBuffer<T>(std::size_t(channels) * stride_);
    }

    // From here on delays up to max_delay; frames that were written stay. At a group's first frame.
    void reach(int max_delay) LUTHIER_REALTIME {
        const std::uint32_t size = size_for(max_delay);
        if (size <= size_) return;
        for (int c = 0; c < channels_; ++c) {
            T* line = memory_.data() + c * stride_;
            // What lies behind the present group is the oldest, and moves to the new end. Further on nothing
            // was written yet.
            const std::uint32_t older = size_ - position_;
            const std::uint32_t grown = size - size_, written = older + (size_ ? kMirror : size);
            std::memmove(line + size - older, line + position_, older * sizeof(T));
            std::memset(line + position_, 0, (grown < written ? grown : written) * sizeof(T));
            std::memcpy(line + size, line, kMirror * sizeof(T));
        }
        size_ = size;
    }

    // The present group's frames of one channel.
    void write(int channel, const T* frames) LUTHIER_REALTIME { write(channel, load<Group>(frames)); }
    void write(int channel, Group frames) LUTHIER_REALTIME {
        T* line = memory_.data() + channel * stride_;
        store(line + position_, frames);
        // The first frames stand once more behind the last, for reads that run over the end.
        if (position_ < kMirror) store(line + size_ + position_, frames);
    }

    // The kGroup frames that lie `delay` before the present ones, 0 <= delay <= max_delay: contiguous.
    const T* read(int channel, int delay) const LUTHIER_REALTIME {
        return memory_.data() + channel * stride_ + ((position_ - std::uint32_t(delay)) & (size_ - 1));
    }

    // The same for a delay between frames, by linear interpolation: 0 <= delay <= max_delay.
    Group read_linear(int channel, double delay) const LUTHIER_REALTIME {
        const int whole = int(delay);
        const T part = T(delay - whole);
        const T* older = read(channel, whole + 1);
        return lerp(load<Group>(older + 1), load<Group>(older), part);
    }

    // By cubic interpolation (third-order Lagrange): 1 <= delay <= max_delay.
    Group read_cubic(int channel, double delay) const LUTHIER_REALTIME {
        const int whole = int(delay);
        T weights[4];
        lagrange(T(delay - whole), weights);
        const T* oldest = read(channel, whole + 2);
        return weights[0] * load<Group>(oldest) + weights[1] * load<Group>(oldest + 1) +
               weights[2] * load<Group>(oldest + 2) + weights[3] * load<Group>(oldest + 3);
    }

    // A delay of its own for every frame of the group: the ranges are the same.
    Group read_linear(int channel, const double (&delays)[kGroup]) const LUTHIER_REALTIME {
        Group result;
        for (int i = 0; i < kGroup; ++i) {
            const int whole = int(delays[i]);
            const T* older = read(channel, whole + 1 - i);
            result[i] = lerp(older[1], older[0], T(delays[i] - whole));
        }
        return result;
    }
    Group read_cubic(int channel, const double (&delays)[kGroup]) const LUTHIER_REALTIME {
        Group result;
        for (int i = 0; i < kGroup; ++i) {
            const int whole = int(delays[i]);
            T weights[4];
            lagrange(T(delays[i] - whole), weights);
            const T* oldest = read(channel, whole + 2 - i);
            result[i] = weights[0] * oldest[0] + weights[1] * oldest[1] + weights[2] * oldest[2] +
                        weights[3] * oldest[3];
        }
        return result;
    }

    // Frame i of the present group, for loops shorter than a group.
    T get(int channel, int i, int delay) const LUTHIER_REALTIME { return *read(channel, delay - i); }
    void put(int channel, int i, T frame) LUTHIER_REALTIME {
        T* line = memory_.data() + channel * stride_;
        line[position_ + i] = frame;
        if (position_ < kMirror) line[size_ + position_ + i] = frame;
    }

    // To the next group, after all channels are written.
    void advance() LUTHIER_REALTIME { position_ = (position_ + kGroup) & (size_ - 1); }

    void reset() LUTHIER_REALTIME {
        for (int c = 0; c < channels_; ++c)
            std::memset(memory_.data() + c * stride_, 0, (size_ + kMirror) * sizeof(T));
        position_ = 0;
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&position_, sizeof position_);
    }

  private:
    static constexpr std::uint32_t kMirror = 2 * kGroup;
    static constexpr std::uint32_t kMargin = 2;  // the older frames that interpolation looks at

    static std::uint32_t size_for(int max_delay) {
        std::uint32_t size = 2 * kGroup;
        while (size < std::uint32_t(max_delay) + kGroup + kMargin) size *= 2;
        return size;
    }

    template <class V>
    static V lerp(V newer, V older, T part) {
        return newer + part * (older - newer);
    }

    // Weights of the frames at delays whole + 2, + 1, + 0, - 1 for a delay of whole + part.
    static void lagrange(T part, T (&weights)[4]) {
        const T up = part + 1, down = part - 1, lower = part - 2;
        weights[0] = up * part * down * T(1.0 / 6);
        weights[1] = up * part * lower * T(-0.5);
        weights[2] = up * down * lower * T(0.5);
        weights[3] = part * down * lower * T(-1.0 / 6);
    }

    ReservedBuffer<T> memory_;  // [channel][size + mirror, or more]
    int channels_ = 0;
    std::uint32_t size_ = 0;      // a power of two
    std::uint32_t position_ = 0;  // of the present group; a multiple of kGroup
    std::size_t stride_ = 0;
};

}  // namespace luthier::inline LUTHIER_ISA
