// The sample rate changed while a file is read: any part of the result, in any order, with the bits that
// it has in the whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "outcome.h"
#include "resampler.h"

namespace luthier::io {

template <class T>
class RateStage {
  public:
    RateStage(int from, int to, ResampleQuality quality, int channels)
        : ratio_(double(from) / double(to)),
          plan_(resample_plan({from, to, quality, sizeof(T) == 8})),
          resampler_(plan_, channels),
          channels_(channels) {}

    // How many frames come out of so many.
    std::int64_t length(std::int64_t frames) const { return plan_->length(frames); }

    // `frames` from `start` on: fewer only before damage. Of the `whole` frames that there are,
    // input(at, to, n) gives n from `at` on, planar, or fewer before damage.
    template <class Input>
    Outcome read(const Target<T>& to, std::int64_t start, std::int64_t frames, std::int64_t whole, bool pad,
                 Input&& input, Progress& progress) {
        Outcome outcome;
        while (outcome.frames < frames) {
            const std::int64_t at = start + outcome.frames;
            if (at < made_ || pad != pad_ || far(at)) restart(at, pad);
            if (at < made_ + held_) {
                const std::int64_t n = std::min(frames - outcome.frames, made_ + held_ - at);
                copy(to.from(std::ptrdiff_t(outcome.frames), channels_), at - made_, n);
                outcome.frames += n;
                continue;
            }
            if (flushed_) break;
            more(start + frames, whole, input);
            progress.poll();
        }
        outcome.decoded = outcome.frames;
        if (!damage_) return outcome;
        if (outcome.frames < frames) outcome.damage = damage_;
        const std::int64_t end = start + outcome.frames, first = length(damage_->frame);
        if (pad && first < end) {
            outcome.damage = damage_;
            outcome.decoded -= std::clamp<std::int64_t>(length(lost_), 1, end - std::max(first, start));
        }
        return outcome;
    }

  private:
    static constexpr std::int64_t kMost = 16'384, kLeast = 512;  // frames taken at once

    // About where an output comes from.
    std::int64_t source_of(std::int64_t output) const { return std::int64_t(double(output) * ratio_); }

    // Whether it is cheaper to begin again near output `at` than to go on to it.
    bool far(std::int64_t at) const {
        return fed_ < 0 || (at > made_ + held_ && source_of(at) > fed_ + 4 * plan_->facts().latency + kMost);
    }

    void restart(std::int64_t at, bool pad) {
        fed_ = resampler_.start_at(at);
        made_ = resampler_.given();
        held_ = lost_ = 0;
        pad_ = pad;
        over_ = flushed_ = false;
        damage_.reset();
    }

    // Takes frames, or the end, and holds the outputs that this gives.
    template <class Input>
    void more(std::int64_t wanted, std::int64_t whole, Input&& input) {
        if (!over_) {
            const std::int64_t ahead = source_of(wanted) + plan_->facts().latency + 1 - fed_;
            const std::int64_t most = std::max(kLeast, kMost / channels_);
            const std::int64_t n = std::min(whole - fed_, std::clamp(ahead, kLeast, most));
            if (n > 0) {
                if (in_.size() < std::size_t(n * channels_)) in_.resize(std::size_t(n * channels_));
                const Outcome got = input(fed_, Target<T>{in_.data(), std::ptrdiff_t(n), false}, n);
                if (got.damage && !damage_) damage_ = got.damage;
                lost_ += got.frames - got.decoded;
                over_ = got.frames < n;
                make_room(resampler_.ready(got.frames));
                resampler_.process(in_.data(), std::ptrdiff_t(n), got.frames, out_.data(), room_);
                fed_ += got.frames;
                return;
            }
            over_ = true;
        }
        make_room(resampler_.rest());
        resampler_.flush(out_.data(), room_);
        flushed_ = true;
    }

    void make_room(std::int64_t frames) {
        made_ = resampler_.given();
        held_ = frames;
        if (frames <= room_) return;
        room_ = std::ptrdiff_t(frames);
        out_.resize(std::size_t(frames * channels_));
    }

    void copy(const Target<T>& to, std::int64_t from, std::int64_t frames) const {
        for (int c = 0; c < channels_; ++c) {
            const T* row = out_.data() + c * room_ + from;
            if (!to.interleaved)
                std::copy_n(row, frames, to.data + c * to.stride);
            else
                for (std::int64_t i = 0; i < frames; ++i) to.data[i * channels_ + c] = row[i];
        }
    }

    double ratio_;
    ResamplePlanPointer plan_;
    Resampler<T> resampler_;
    int channels_;
    std::int64_t fed_ = -1;             // the next frame to take; -1: nothing was begun
    std::int64_t made_ = 0, held_ = 0;  // the outputs in out_
    std::int64_t lost_ = 0;             // frames taken that are silence in place of damage
    bool pad_ = false, over_ = false, flushed_ = false;
    std::optional<Damage> damage_;
    std::ptrdiff_t room_ = 0;
    std::vector<T> in_, out_;
};

}  // namespace luthier::io
