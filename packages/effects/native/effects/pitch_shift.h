// PitchShift: the signal stretched by the pitch ratio and read that many times as fast (stretcher.h).
//
// The stretched signal's time is the integral of the ratio over the input's frames, so a moving pitch bends
// the output exactly, and the two never drift apart. The pitch belongs to the input's frames: what comes out
// `latency` later was made with it.
//
// A spectral frame may stand at the start of each group. It is made when the last of its input has come, at
// the start of the first group that begins after it, and never again: what a rerun of that group has to put
// back is the clock alone.
#pragma once

#include "luthier/effect.h"
#include "stretcher.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct PitchShift : EffectDefaults {
    struct Params {
        double semitones;
    };
    static constexpr const char* parameters[] = {"semitones"};

    struct Options {
        double formants;  // 0 shift, 1 preserve
    };
    static constexpr const char* options[] = {"formants"};

    void prepare(const Spec& spec, const Options& chosen) {
        channels_ = spec.channels;
        size_ = Stretcher<T>::frame_size(spec.sample_rate);
        latency_ = size_ + kWait;
        preserve_ = chosen.formants == 1;
        stretcher_.prepare(spec.sample_rate, channels_, kMost * (latency_ + kWait), preserve_);
        input_ = 2 * std::int64_t(size_);
        memory_ = AlignedBuffer<T>(std::size_t(channels_) * input_);
        history_ = 2;
        while (history_ < latency_ / kGroup + 2) history_ *= 2;
        clock_ = AlignedBuffer<Clock>(history_);
        reset();
    }

    void set(const Params& from, const Params& to) {
        from_ = exp2(from.semitones / 12);
        to_ = exp2(to.semitones / 12);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        for (int i = 0; i < x.frames; i += kGroup) {
            if (now_ == 0) first_ = from_;
            const Clock clock{at_, from_, to_};
            clock_[(now_ / kGroup) & (history_ - 1)] = clock;
            if (now_ - size_ / 2 > placed_) place(now_ - size_ / 2);
            for (int c = 0; c < channels_; ++c)
                std::memcpy(memory_.data() + c * input_ + (now_ & (input_ - 1)), x[c] + i,
                            kGroup * sizeof(T));
            now_ += kGroup;
            at_ = clock.after(kGroup);
            if (now_ <= latency_) {
                for (int c = 0; c < channels_; ++c) std::memset(x[c] + i, 0, kGroup * sizeof(T));
            } else {
                double places[kGroup];
                const Clock& past = clock_[((now_ - latency_) / kGroup - 1) & (history_ - 1)];
                for (int k = 0; k < kGroup; ++k) places[k] = past.after(k);
                stretcher_.read(places, kGroup, x, i);
            }
        }
    }

    void reset() {
        stretcher_.reset();
        memory_.clear();
        now_ = last_ = 0;
        at_ = last_at_ = 0;
        placed_ = -1;
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&now_, sizeof now_);
        visit(&at_, sizeof at_);
    }

    int latency() const { return int(latency_); }

    double tail(const Params&, double) const { return double(latency_); }

    double gain(const Params&) const { return preserve_ ? 2 * SpectralEnvelope<T>::most() : 2; }

  private:
    static constexpr double kMost = Stretcher<T>::kMaxRatio;
    // Until the frames that read() looks at are whole, at the lowest pitch.
    static constexpr std::int64_t kWait = (int(Stretcher<T>::kReach * kMost) / kGroup + 2) * kGroup;

    // A group's way through the stretched signal.
    struct Clock {
        double at, from, to;

        double after(int frames) const {
            const double slope = (to - from) / (kGroup - 1);
            return at + from * frames + 0.5 * slope * (frames * (frames - 1));
        }
    };

    // Where an input frame at the start of a group, at most size_ frames ago, lies in the stretched signal.
    double place_of(std::int64_t time) const {
        if (time < 0) return double(time) * first_;
        return clock_[(time / kGroup) & (history_ - 1)].at;
    }

    // A spectral frame at the group that starts at `time`, if the next group's would be too late.
    void place(std::int64_t time) {
        placed_ = time;
        const double at = place_of(time);
        const int hop = stretcher_.hop();
        if (time > 0 && time + kGroup - last_ <= hop && place_of(time + kGroup) - last_at_ <= hop) return;
        const int half = size_ / 2;
        const double left = at - place_of(time - half), right = place_of(time + half) - at;
        const double pitch = (left + right) / size_;
        const double stretch = (place_of(time + half / 2) - place_of(time - half / 2)) / half;
        const std::int64_t mask = input_ - 1;
        stretcher_.frame({time, at, stretch, left, right, pitch},
                         [&](int c, std::int64_t start, int count, T* to) {
                             const T* ring = memory_.data() + c * input_;
                             const int index = int(start & mask);
                             const int whole = int(input_) - index < count ? int(input_) - index : count;
                             std::memcpy(to, ring + index, whole * sizeof(T));
                             std::memcpy(to + whole, ring, (count - whole) * sizeof(T));
                         });
        last_ = time;
        last_at_ = at;
    }

    bool preserve_ = false;
    int channels_ = 0, size_ = 0;
    std::int64_t latency_ = 0;
    Stretcher<T> stretcher_;
    std::int64_t input_ = 0;  // frames of input kept, a power of two
    AlignedBuffer<T> memory_;
    std::int64_t history_ = 0;  // groups whose clock is kept, a power of two
    AlignedBuffer<Clock> clock_;
    double from_ = 1, to_ = 1, first_ = 1;
    // The clock: the group's first frame, in the input and in the stretched signal.
    std::int64_t now_ = 0;
    double at_ = 0;
    // The last frame, and the last time that could have been one.
    std::int64_t last_ = 0, placed_ = -1;
    double last_at_ = 0;
};

}  // namespace luthier::inline LUTHIER_ISA
