// An impulse response as an effect uses it: brought to the stream's rate, scaled, and cut into partitions;
// shared by all that use the same one.
//
// Whoever calls an effect with many short clips, or with a batch, would spend most of the time on making the
// same spectra again. So the last few are kept, found by a hash of everything that they are made from.
#pragma once

#include <cstdint>

#include "luthier/convolver.h"
#include "luthier/effect.h"
#include "luthier/resample.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class ImpulseResponse {
  public:
    // What a response is made from.
    struct Source {
        const double* data;  // rows of `frames`; null is the unit impulse
        int rows;
        std::int64_t frames;
        double from, to;  // sample rates
        bool normalize;   // to unit energy of the loudest row
        bool whole;       // for calls on a whole signal, with latency
    };

    // The response for a source: one that is there already, or a new one. To be given back with release().
    static ImpulseResponse* acquire(const Source& source) {
        const Key key = key_of(source);
        if (ImpulseResponse* found = find(key)) return found;
        ImpulseResponse* made = new ImpulseResponse(source);
        made->key_ = key;
        keep(made);
        return made;
    }
    static void release(ImpulseResponse* response) {
        if (response && __atomic_sub_fetch(&response->users_, 1, __ATOMIC_ACQ_REL) == 0) delete response;
    }

    const ConvolverPlan<T>& plan() const { return plan_; }
    // The most that it amplifies.
    double gain() const { return gain_; }
    // The last frame at which the answer to a full-scale impulse is `silence` or more, or a few behind it.
    std::int64_t last(double silence) const {
        std::int64_t block = blocks_;
        while (block > 0 && peaks_[std::size_t(block - 1)] < silence) --block;
        const std::int64_t end = block * kBlock < frames_ ? block * kBlock : frames_;
        return end > 0 ? end - 1 : 0;
    }

  private:
    static constexpr std::int64_t kBlock = 64;
    static constexpr int kKept = 8;
    static constexpr std::size_t kKeptBytes = std::size_t(64) << 20;

    struct Key {
        std::uint64_t a, b;
        bool operator==(const Key&) const = default;
    };

    explicit ImpulseResponse(const Source& source) {
        static const double impulse = 1;
        const double* data = source.data ? source.data : &impulse;
        rows_ = source.data ? source.rows : 1;
        frames_ = source.data ? source.frames : 1;
        double scale = 1;
        AlignedBuffer<double> resampled;
        if (source.data && source.from != source.to && frames_ > 0) {
            resampled = resample(source);
            data = resampled.data();
            // A response is a density over time: more frames a second, less in each.
            scale = source.from / source.to;
        }
        stride_ = frames_;
        while (frames_ > 1 && silent(data, frames_ - 1)) --frames_;
        if (source.normalize) {
            double loudest = 0;
            for (int r = 0; r < rows_; ++r) {
                double energy = 0;
                for (std::int64_t i = 0; i < frames_; ++i)
                    energy += data[r * stride_ + i] * data[r * stride_ + i];
                loudest = energy > loudest ? energy : loudest;
            }
            scale = loudest > 0 ? 1 / __builtin_sqrt(loudest) : 0;
        }
        AlignedBuffer<double> scaled(std::size_t(rows_) * std::size_t(frames_));
        for (int r = 0; r < rows_; ++r)
            for (std::int64_t i = 0; i < frames_; ++i)
                scaled[std::size_t(r * frames_ + i)] = scale * data[r * stride_ + i];
        measure(scaled.data());
        plan_.prepare({scaled.data(), std::ptrdiff_t(frames_), rows_, frames_},
                      source.whole ? partition_whole(frames_) : partition_live(frames_));
        bytes_ = 2 * sizeof(T) * std::size_t(rows_) * std::size_t(frames_);
    }

    bool silent(const double* data, std::int64_t frame) const {
        for (int r = 0; r < rows_; ++r)
            if (data[r * stride_ + frame] != 0) return false;
        return true;
    }

    // Linear phase, so that nothing is delayed; what would ring before the first frame is cut off.
    AlignedBuffer<double> resample(const Source& source) {
        // Rates that are no whole numbers, as exactly as need be.
        double scale = 1;
        while (scale < 1 << 20 && (source.from * scale != __builtin_floor(source.from * scale) ||
                                   source.to * scale != __builtin_floor(source.to * scale)))
            scale *= 2;
        ResampleSpec spec{};
        spec.from = std::int64_t(source.from * scale + 0.5);
        spec.to = std::int64_t(source.to * scale + 0.5);
        const std::int64_t divisor = resample::greatest_divisor(spec.from, spec.to);
        spec.from /= divisor;
        spec.to /= divisor;
        spec.pass = 0.95;
        spec.stop = 1;
        spec.attenuation_db = 160;
        ResamplePlan<double> plan;
        if (!plan.prepare(spec)) {
            frames_ = 0;
            return {};
        }
        ResampleStream<double, double> stream;
        stream.prepare(plan, 1);
        // And silence, for what rings behind the end.
        const double ratio = source.from > source.to ? source.from / source.to : 1;
        const std::int64_t rest = std::int64_t(256 * ratio) + 1, taken = source.frames + rest;
        frames_ = plan.length(taken);
        AlignedBuffer<double> padded{std::size_t(taken)};
        AlignedBuffer<double> result(std::size_t(rows_) * std::size_t(frames_));
        for (int r = 0; r < rows_; ++r) {
            std::memcpy(padded.data(), source.data + r * source.frames,
                        std::size_t(source.frames) * sizeof(double));
            stream.reset();
            double* to = result.data() + r * frames_;
            const std::int64_t given = stream.process(padded.data(), taken, taken, to, frames_);
            stream.flush(to + given, frames_);
        }
        return result;
    }

    // The peaks and the sum of magnitudes of what reaches one output.
    void measure(const double* data) {
        blocks_ = (frames_ + kBlock - 1) / kBlock;
        peaks_ = AlignedBuffer<double>(std::size_t(blocks_));
        const int outputs = rows_ == 4 ? 2 : rows_;
        for (int o = 0; o < outputs; ++o) {
            double sum = 0;
            for (std::int64_t i = 0; i < frames_; ++i) {
                double level = __builtin_fabs(data[o * frames_ + i]);
                // Of four responses two may meet.
                if (rows_ == 4) level += __builtin_fabs(data[(o + 2) * frames_ + i]);
                double& peak = peaks_[std::size_t(i / kBlock)];
                peak = level > peak ? level : peak;
                sum += level;
            }
            gain_ = sum > gain_ ? sum : gain_;
        }
    }

    // A hash of 128 bits over all numbers, eight at a time (the mixing steps are those of splitmix64).
    static Key key_of(const Source& source) {
        using Lanes = Vec<std::uint64_t, 8>;
        Lanes state = {1, 2, 3, 4, 5, 6, 7, 8};
        const auto mix = [](Lanes v) {
            v *= 0xbf58476d1ce4e5b9u;
            return v ^ v >> 31;
        };
        const bool data = source.data;
        const double facts[8] = {data ? double(source.rows) : 0, data ? double(source.frames) : 0,
                                 data ? source.from : 0,         data ? source.to : 0,
                                 double(source.normalize),       double(source.whole)};
        state = mix(state ^ load<Lanes>(facts));
        const std::int64_t count = data ? source.rows * source.frames : 0;
        std::int64_t i = 0;
        for (; i + 8 <= count; i += 8) state = mix(state ^ load<Lanes>(source.data + i));
        double rest[8] = {};
        for (int lane = 0; i < count; ++i, ++lane) rest[lane] = source.data[i];
        state = mix(state ^ load<Lanes>(rest));
        Key key{};
        for (int lane = 0; lane < 8; ++lane) {
            key.a = (key.a ^ state[lane]) * 0x94d049bb133111ebu;
            key.a ^= key.a >> 29;
            key.b = (key.b + state[lane]) * 0x9e3779b97f4a7c15u;
            key.b ^= key.b >> 32;
        }
        return key;
    }

    // The kept ones, the latest first; each counts as one user. Null: somebody holds the lock for long, as
    // after a fork in the wrong moment, and nothing is shared.
    struct Kept {
        ImpulseResponse* responses[kKept];
        bool locked;
    };
    static Kept* lock() {
        static constinit Kept kept{};
        for (int tries = 0; tries < 1 << 16; ++tries)
            if (!__atomic_test_and_set(&kept.locked, __ATOMIC_ACQUIRE)) return &kept;
        return nullptr;
    }
    static void unlock(Kept* kept) { __atomic_clear(&kept->locked, __ATOMIC_RELEASE); }

    static ImpulseResponse* find(Key key) {
        Kept* kept = lock();
        if (!kept) return nullptr;
        ImpulseResponse* found = nullptr;
        for (int i = 0; i < kKept && !found; ++i) {
            ImpulseResponse* response = kept->responses[i];
            if (!response || !(response->key_ == key)) continue;
            for (; i > 0; --i) kept->responses[i] = kept->responses[i - 1];
            kept->responses[0] = found = response;
            __atomic_add_fetch(&found->users_, 1, __ATOMIC_ACQ_REL);
        }
        unlock(kept);
        return found;
    }

    static void keep(ImpulseResponse* made) {
        if (made->bytes_ > kKeptBytes) return;
        Kept* kept = lock();
        if (!kept) return;
        ImpulseResponse* dropped[kKept + 1] = {};
        ImpulseResponse* next = made;
        std::size_t bytes = 0;
        __atomic_add_fetch(&made->users_, 1, __ATOMIC_ACQ_REL);
        for (int i = 0, to = 0; i <= kKept; ++i) {
            ImpulseResponse* response = next;
            if (i < kKept) {
                next = kept->responses[i];
                kept->responses[i] = nullptr;
            }
            if (!response) continue;
            bytes += response->bytes_;
            if (to < kKept && bytes <= kKeptBytes)
                kept->responses[to++] = response;
            else
                dropped[i] = response;
        }
        unlock(kept);
        for (ImpulseResponse* response : dropped) release(response);
    }

    int users_ = 1;
    Key key_{};
    int rows_ = 0;
    std::int64_t frames_ = 0, stride_ = 0, blocks_ = 0;
    std::size_t bytes_ = 0;
    double gain_ = 0;
    AlignedBuffer<double> peaks_;  // of kBlock frames each
    ConvolverPlan<T> plan_;
};

}  // namespace luthier::inline LUTHIER_ISA
