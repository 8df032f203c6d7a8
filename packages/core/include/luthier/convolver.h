// Convolution with a long impulse response, in blocks of any sizes: partitioned, in the frequency domain.
//
//     ConvolverPlan<float> plan;                       // or double
//     plan.prepare(response, partition_live(taps));    // allocates; partition.h
//     Convolver<float> convolver;
//     convolver.prepare(plan, channels);               // allocates
//     convolver.process(x, wet, dry);                  // in place, whole groups
//
// A plan does not change, and threads may share it; a convolver belongs to one.
//
// How it works. Every level of the partition is a uniformly partitioned overlap-save convolver (Stockham,
// "High-speed convolution and correlation", 1966; Wefers, "Partitioned convolution algorithms for real-time
// auralization", 2015, ch. 5): at its block's end it transforms the last two blocks of input once, multiplies
// the spectra of its last inputs with those of its partitions, and transforms the sum back into its next
// block of output. All but the newest of these products can be had before the block is over: they are summed
// in equal shares while it comes, so that its end brings two transforms and one product. Spectra are stored
// slice beside slice, so that such a share reads memory from one end to the other.
//
// All of that happens at multiples of the shortest block, the ticks. A group may be done again with more of
// its frames: the work of a tick comes before its group's frames, looks at whole blocks only, and is not
// repeated, so that the position is all that need be saved. No frame is read by anything that is done again
// once a later group overwrites it.
#pragma once

#include <cstdint>
#include <cstring>

#include "luthier/buffer.h"
#include "luthier/fft.h"
#include "luthier/isa.h"
#include "luthier/partition.h"
#include "luthier/simd.h"
#include "luthier/smooth.h"

namespace luthier::inline LUTHIER_ISA {

// The transform for 2^log samples: made when it is first asked for, and kept, for a large one's tables take
// longer than many a signal. Not for realtime code.
template <class T>
const RealFft<T>& shared_fft(int log) {
    static constinit RealFft<T>* ffts[25] = {};
    RealFft<T>* fft = __atomic_load_n(&ffts[log], __ATOMIC_ACQUIRE);
    if (fft) return *fft;
    RealFft<T>* made = new RealFft<T>;
    made->prepare(1 << log);
    // Of two threads that come first together, one has worked for nothing.
    if (__atomic_compare_exchange_n(&ffts[log], &fft, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return *made;
    delete made;
    return *fft;
}

// Impulse responses, `rows` of them.
struct Responses {
    const double* data;
    std::ptrdiff_t stride;  // from row to row
    int rows;
    std::int64_t frames;
};

template <class T>
class ConvolverPlan {
  public:
    struct Level {
        int block, parts, log;
        const RealFft<T>* fft;
        AlignedBuffer<T> first;  // [row][packed]: of partition 0
        AlignedBuffer<T> rest;   // [row][slice][parts - 1][element]

        std::size_t packed() const { return fft->packed(); }
        std::size_t rest_size() const { return packed() * std::size_t(parts - 1); }
    };

    // The partition must be one for at least so many taps as the responses have. Allocates.
    void prepare(const Responses& responses, const Partition& partition) {
        rows_ = responses.rows;
        latency_ = partition.latency;
        count_ = partition.count;
        head_ = partition.head ? kGroup : 0;
        while (head_ < partition.head) head_ *= 2;
        taps_ = AlignedBuffer<T>(std::size_t(rows_) * std::size_t(head_));
        for (int r = 0; r < rows_; ++r) copy(responses, r, 0, head_of(r), partition.head);
        for (int l = 0; l < count_; ++l) fill(levels_[l], responses, partition.levels[l]);
    }

    int rows() const { return rows_; }
    int latency() const { return latency_; }
    int levels() const { return count_; }
    const Level& level(int l) const { return levels_[l]; }
    int head() const { return head_; }  // 0 or a power of two from kGroup to Partition::kMostHead
    const T* taps(int row) const { return taps_.data() + std::size_t(row) * std::size_t(head_); }
    int tick() const { return count_ ? levels_[0].block : kHeadTick; }
    int longest() const { return count_ ? levels_[count_ - 1].block : kHeadTick; }

  private:
    static constexpr int kHeadTick = 64;

    T* head_of(int row) { return taps_.data() + std::size_t(row) * std::size_t(head_); }

    static void copy(const Responses& h, int row, std::int64_t from, T* to, std::int64_t count) {
        const double* taps = h.data + row * h.stride;
        for (std::int64_t i = 0; i < count; ++i) to[i] = from + i < h.frames ? T(taps[from + i]) : T(0);
    }

    void fill(Level& level, const Responses& responses, const Partition::Level& from) {
        level.block = from.block;
        level.parts = from.parts;
        level.log = 1;
        while ((1 << level.log) < 2 * from.block) ++level.log;
        level.fft = &shared_fft<T>(level.log);
        const std::size_t packed = level.packed(), slice = level.fft->slice();
        level.first = AlignedBuffer<T>(packed * std::size_t(rows_));
        level.rest = AlignedBuffer<T>(level.rest_size() * std::size_t(rows_));
        AlignedBuffer<T> padded(2 * std::size_t(from.block)), scratch(level.fft->scratch()), spectrum(packed);
        for (int r = 0; r < rows_; ++r)
            for (int k = 0; k < from.parts; ++k) {
                padded.clear();
                copy(responses, r, from.offset + std::int64_t(k) * from.block, padded.data(), from.block);
                level.fft->forward_packed(padded.data(), spectrum.data(), scratch.data());
                if (k == 0) {
                    std::memcpy(level.first.data() + std::size_t(r) * packed, spectrum.data(),
                                packed * sizeof(T));
                    continue;
                }
                T* to = level.rest.data() + std::size_t(r) * level.rest_size() + std::size_t(k - 1) * slice;
                for (std::size_t s = 0; s < packed; s += slice, to += std::size_t(from.parts - 1) * slice)
                    std::memcpy(to, spectrum.data() + s, slice * sizeof(T));
            }
    }

    int rows_ = 0, latency_ = 0, head_ = 0, count_ = 0;
    AlignedBuffer<T> taps_;  // [row][head]
    Level levels_[Partition::kMostLevels]{};
};

template <class T>
class Convolver {
  public:
    using Group = Vec<T, kGroup>;

    // The plan must outlive the convolver and have 1 response for all channels, `channels` for one each, or 4
    // for 2 channels: left to left, left to right, right to left, right to right. Allocates.
    void prepare(const ConvolverPlan<T>& plan, int channels) {
        plan_ = &plan;
        channels_ = channels;
        paths_ = plan.rows() == 4 && channels == 2 ? 2 : 1;
        // A window may begin so far before the ring; the head looks back, too.
        lead_ = plan.longest();
        while (lead_ < plan.head()) lead_ *= 2;
        ring_ = 2 * lead_;
        history_ = AlignedBuffer<T>(std::size_t(channels) * row());
        std::size_t packed = 0, scratch = 0;
        for (int l = 0; l < plan.levels(); ++l) {
            const auto& level = plan.level(l);
            State& state = states_[l];
            state.spectra = AlignedBuffer<T>(level.rest_size() * std::size_t(channels));
            state.sums = AlignedBuffer<T>(level.packed() * std::size_t(channels));
            state.out = AlignedBuffer<T>(2 * std::size_t(level.block) * std::size_t(channels));
            packed = level.packed() > packed ? level.packed() : packed;
            scratch = level.fft->scratch() > scratch ? level.fft->scratch() : scratch;
        }
        newest_ = AlignedBuffer<T>(packed * std::size_t(channels));
        scratch_ = AlignedBuffer<T>(scratch);
        position_ = 0;
        done_ = -1;
    }

    // x = dry * x, delayed by the latency, + wet * its convolution; the gains are those of a group's frames.
    void process(Block<T> x, Group wet, Group dry) LUTHIER_REALTIME {
        for (int at = 0; at < x.frames;) {
            const int tick = plan_->tick(), into = int(position_ % tick);
            if (into == 0 && position_ > done_) {
                work();
                done_ = position_;
            }
            const int frames = x.frames - at < tick - into ? x.frames - at : tick - into;
            for (int c = 0; c < channels_; ++c) hear(history(c) + position_ % ring_, x[c] + at, frames);
            for (int c = 0; c < channels_; ++c) {
                int i = 0;
                for (; i + kGroups * kGroup <= frames; i += kGroups * kGroup)
                    put<kGroups>(c, i, x[c] + at + i, wet, dry);
                for (; i < frames; i += kGroup) put<1>(c, i, x[c] + at + i, wet, dry);
            }
            position_ += frames;
            at += frames;
        }
    }

    void reset() LUTHIER_REALTIME {
        history_.clear();
        for (int l = 0; l < plan_->levels(); ++l) {
            states_[l].spectra.clear();
            states_[l].sums.clear();
            states_[l].out.clear();
        }
        position_ = 0;
        done_ = -1;
        rise_ = 0;
    }

    // Before the first frame: what is convolved rises from silence within so many frames, for the answer to a
    // signal that begins all at once would be heard.
    void rise(int frames) LUTHIER_REALTIME { rise_ = frames; }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&position_, sizeof position_);
    }

  private:
    struct State {
        AlignedBuffer<T> spectra;  // [channel][slice][parts - 1][element]: of older inputs, see slot()
        AlignedBuffer<T> sums;     // [channel][packed]: of the products for the coming block
        AlignedBuffer<T> out;      // [channel][2 block]: the second half is the present output
    };

    // Groups that share the loads of the head's taps: two accumulators each should fit in registers.
    static constexpr int kGroups = kVectorBytes >= kGroup * int(sizeof(T))       ? 4
                                   : 2 * kVectorBytes >= kGroup * int(sizeof(T)) ? 2
                                                                                 : 1;

    std::size_t row() const { return std::size_t(lead_ + ring_); }
    T* history(int c) { return history_.data() + std::size_t(c) * row() + lead_; }
    // The response, and the input, of path p to channel c.
    int response(int c, int p) const { return plan_->rows() == 1 ? 0 : paths_ == 2 ? 2 * p + c : c; }
    int input(int c, int p) const { return paths_ == 2 ? p : c; }

    void hear(T* to, const T* x, int frames) {
        std::memcpy(to, x, std::size_t(frames) * sizeof(T));
        for (int i = 0; i < frames && position_ + i < rise_; ++i)
            to[i] *= T(ease(double(position_ + i) / double(rise_)));
    }

    // What is due at a tick, of frames that have all come.
    void work() {
        // The ring's end stands before its beginning once more.
        if (position_ % ring_ == 0 && position_ > 0)
            for (int c = 0; c < channels_; ++c)
                std::memcpy(history(c) - lead_, history(c) + ring_ - lead_, std::size_t(lead_) * sizeof(T));
        for (int l = 0; l < plan_->levels(); ++l) {
            const auto& level = plan_->level(l);
            if (position_ > 0 && position_ % level.block == 0) finish(level, states_[l]);
            if (level.parts > 1) share(level, states_[l]);
        }
    }

    // Where the newest of the older inputs' spectra is; the one before it is next, and so round.
    int slot(const typename ConvolverPlan<T>::Level& level) const {
        const int slots = level.parts - 1;
        const std::int64_t blocks = position_ / level.block;
        return int((slots - blocks % slots) % slots);
    }

    // A block of input is complete.
    void finish(const typename ConvolverPlan<T>::Level& level, State& state) {
        const RealFft<T>& fft = *level.fft;
        const std::size_t packed = level.packed(), block = std::size_t(level.block), slice = fft.slice();
        for (int c = 0; c < channels_; ++c) {
            // The last two blocks end at the ring's end, or somewhere in it.
            const std::int64_t end = (position_ - 1) % ring_ + 1;
            T* spectrum = newest_.data() + std::size_t(c) * packed;
            fft.forward_packed(history(c) + end - 2 * std::int64_t(block), spectrum, scratch_.data());
        }
        for (int c = 0; c < channels_; ++c) {
            T* sum = state.sums.data() + std::size_t(c) * packed;
            if (level.parts == 1) std::memset(sum, 0, packed * sizeof(T));
            for (int p = 0; p < paths_; ++p)
                fft.multiply_add(newest_.data() + std::size_t(input(c, p)) * packed,
                                 level.first.data() + std::size_t(response(c, p)) * packed, sum);
            fft.inverse_packed(sum, state.out.data() + std::size_t(c) * 2 * block, scratch_.data());
        }
        if (level.parts == 1) return;
        const std::size_t step = slice * std::size_t(level.parts - 1);
        for (int c = 0; c < channels_; ++c) {
            const T* from = newest_.data() + std::size_t(c) * packed;
            T* to =
                state.spectra.data() + std::size_t(c) * level.rest_size() + std::size_t(slot(level)) * slice;
            for (std::size_t s = 0; s < packed; s += slice, to += step)
                std::memcpy(to, from + s, slice * sizeof(T));
        }
    }

    // This tick's part of the products of partitions 1, 2 ... with the inputs that are there already.
    void share(const typename ConvolverPlan<T>::Level& level, State& state) {
        const RealFft<T>& fft = *level.fft;
        const int slots = level.parts - 1, newest = slot(level);
        const std::int64_t shares = level.block / plan_->tick();
        const std::int64_t now = position_ / plan_->tick() % shares;
        const int from = int(fft.slices() * now / shares), to = int(fft.slices() * (now + 1) / shares);
        for (int c = 0; c < channels_; ++c) {
            fft::Products<T> products[4];
            int count = 0;
            for (int p = 0; p < paths_; ++p) {
                const T* a = state.spectra.data() + std::size_t(input(c, p)) * level.rest_size();
                const T* b = level.rest.data() + std::size_t(response(c, p)) * level.rest_size();
                products[count++] = {a + std::size_t(newest) * fft.slice(), b, slots - newest};
                if (newest) products[count++] = {a, b + std::size_t(slots - newest) * fft.slice(), newest};
            }
            fft.multiply_slices(products, count, std::ptrdiff_t(slots * fft.slice()), from, to,
                                state.sums.data() + std::size_t(c) * level.packed());
        }
    }

    // G groups of channel c, `into` frames behind the present position.
    template <int G>
    void put(int c, int into, T* x, Group wet, Group dry) {
        Group sums[G]{};
        const std::int64_t place = position_ % ring_ + into;
        for (int p = 0; p < paths_; ++p) {
            const T* taps = plan_->taps(response(c, p));
            const T* from = history(input(c, p)) + place;
            switch (plan_->head() / kGroup) {
                case 0: break;
                case 1: head<G, 1>(taps, from, sums); break;
                case 2: head<G, 2>(taps, from, sums); break;
                case 4: head<G, 4>(taps, from, sums); break;
                default: head<G, 8>(taps, from, sums);
            }
        }
        for (int l = 0; l < plan_->levels(); ++l) {
            const std::int64_t block = plan_->level(l).block;
            const T* out = states_[l].out.data() + (2 * c + 1) * block + (position_ + into) % block;
            for (int g = 0; g < G; ++g) sums[g] += load<Group>(out + g * kGroup);
        }
        // Whole ticks back, so that it does not run over the ring's end.
        const T* delayed =
            plan_->latency() ? history(c) + (position_ + ring_ - plan_->latency()) % ring_ + into : x;
        for (int g = 0; g < G; ++g)
            store(x + g * kGroup, dry * load<Group>(delayed + g * kGroup) + wet * sums[g]);
    }

    // The first J groups of taps, tap by tap. Group g and the taps 16 j + s look at frames that depend on g -
    // j and s alone, so that each is loaded once. In what order a frame's products are added depends on J
    // only.
    template <int G, int J>
    [[gnu::flatten]] static void head(const T* taps, const T* from, Group* sums) {
        Group even[G]{}, odd[G]{};
        for (int s = 0; s < kGroup; s += 2) {
            fft::unroll<G + J - 1>([&](auto i) {
                constexpr int d = i - (J - 1);
                const Group a = load<Group>(from + d * kGroup - s),
                            b = load<Group>(from + d * kGroup - s - 1);
                fft::unroll<G>([&](auto g) {
                    constexpr int j = g - d;
                    if constexpr (j >= 0 && j < J) {
                        even[g] += taps[j * kGroup + s] * a;
                        odd[g] += taps[j * kGroup + s + 1] * b;
                    }
                });
            });
        }
        for (int g = 0; g < G; ++g) sums[g] += even[g] + odd[g];
    }

    const ConvolverPlan<T>* plan_ = nullptr;
    int channels_ = 0, paths_ = 1;
    std::int64_t lead_ = 0, ring_ = 1;
    AlignedBuffer<T> history_;  // [channel][lead + ring]
    State states_[Partition::kMostLevels]{};
    AlignedBuffer<T> newest_;  // [channel][packed]
    AlignedBuffer<T> scratch_;
    std::int64_t position_ = 0, done_ = -1, rise_ = 0;
};

}  // namespace luthier::inline LUTHIER_ISA
