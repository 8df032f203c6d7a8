// How a long impulse response is cut up for convolution: which transforms do which part of it.
//
// A level convolves `parts` partitions of `block` taps each, from tap `offset` on, with transforms of twice a
// block. At every multiple of `block` frames it gives the next `block` frames of output, so that with
// `latency` frames between input and output it can begin no earlier than at tap block - latency. What lies
// before the first level is done directly, tap by tap. Without latency that is the layout of Gardner
// ("Efficient convolution without input-output delay", J. Audio Eng. Soc. 43(3), 1995); the sizes that cost
// the least are found by Garcia's dynamic programming ("Optimal filter partition for efficient convolution
// with short input/output delay", 113th AES Convention, 2002).
//
// The prices are nanoseconds on a CPU with AVX-512. Only their proportions matter, and those hold elsewhere
// well enough.
#pragma once

#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

struct Partition {
    static constexpr int kMostLevels = 12;
    struct Level {
        int block;            // taps of a partition, a power of two from 2^kLeast to 2^kMost
        int parts;            // partitions
        std::int64_t offset;  // the first tap
    };
    static constexpr int kLeast = 5, kMost = 17, kMostHead = 7;  // powers of two

    int head = 0;     // taps that are done directly
    int latency = 0;  // frames
    int count = 0;    // of levels, the blocks increasing
    Level levels[kMostLevels]{};
};

namespace partition {

// Of one frame of one channel: a tap of the head; a level's transforms; what partitions beside the first
// bring with them, and each of these, which have to come from a farther memory where they are long.
inline double price_of_tap() { return 0.0105; }
inline double price_of_level(int log) {
    return log < 7 ? 1.25 : log == 7 ? 0.8 : 1.05 + 0.25 * (log > 11 ? log - 11 : 0);
}
inline double price_of_parts(int log, std::int64_t parts) {
    const double each = 0.14 + 0.05 * (log > 11 ? log - 11 : 0) + 0.15 * (log > 15 ? log - 15 : 0);
    return parts < 2 ? 0.0 : 0.2 + double(parts - 1) * each;
}
inline std::int64_t parts(std::int64_t taps, int log) { return (taps + (1 << log) - 1) >> log; }

// The least price of the taps from 2^log - latency on, where level `log` begins; and the next level.
struct Choice {
    double price[Partition::kMost + 1];
    int next[Partition::kMost + 1];  // 0: this one goes on to the end
};
inline Choice choose(std::int64_t taps, std::int64_t latency, int most) {
    Choice c{};
    for (int log = most; log >= Partition::kLeast; --log) {
        const std::int64_t left = taps - ((std::int64_t(1) << log) - latency);
        if (left <= 0) continue;
        c.price[log] = price_of_level(log) + price_of_parts(log, parts(left, log));
        for (int next = log + 1; next <= most; ++next) {
            if ((std::int64_t(1) << next) - latency >= taps) break;
            const double price =
                price_of_level(log) + price_of_parts(log, (1 << (next - log)) - 1) + c.price[next];
            if (price < c.price[log]) {
                c.price[log] = price;
                c.next[log] = next;
            }
        }
    }
    return c;
}

inline void lay(Partition& p, const Choice& c, std::int64_t taps, int log) {
    while (log) {
        const std::int64_t offset = (std::int64_t(1) << log) - p.latency;
        if (offset >= taps) return;
        const int next = c.next[log];
        const std::int64_t end = next ? (std::int64_t(1) << next) - p.latency : taps;
        p.levels[p.count++] = {1 << log, int(parts(end - offset, log)), offset};
        log = next;
    }
}

}  // namespace partition

// Without latency. Blocks stay short enough that no transform is heard as a drop-out: 2^15 samples take some
// ten microseconds.
inline Partition partition_live(std::int64_t taps) {
    constexpr int most = 14;
    const partition::Choice c = partition::choose(taps, 0, most);
    int best = 0;
    double least = 0;
    for (int log = Partition::kLeast; log <= Partition::kMostHead; ++log) {
        const double price =
            double(taps < (1 << log) ? taps : 1 << log) * partition::price_of_tap() + c.price[log];
        if (best && price >= least) continue;
        best = log;
        least = price;
    }
    Partition p;
    p.head = int(taps < (1 << best) ? taps : 1 << best);
    partition::lay(p, c, taps, best);
    return p;
}

// With the latency that makes a signal of some seconds the cheapest, the latency's own frames included. What
// is short enough needs none.
inline Partition partition_whole(std::int64_t taps) {
    if (taps <= 1 << Partition::kLeast) return partition_live(taps);
    const double length = 131072 + 0.5 * double(taps);
    Partition p;
    int best = 0;
    double least = 0;
    for (int log = 9; log <= Partition::kMost; ++log) {
        const partition::Choice c = partition::choose(taps, std::int64_t(1) << log, Partition::kMost);
        const double price = c.price[log] * (1 + double(1 << log) / length);
        if (best && price >= least) continue;
        best = log;
        least = price;
    }
    p.latency = 1 << best;
    partition::lay(p, partition::choose(taps, p.latency, Partition::kMost), taps, best);
    return p;
}

}  // namespace luthier::inline LUTHIER_ISA
