// Decodes files whose frames have all the same bytes, whatever the container.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "pcm_layout.h"

namespace luthier::io {

class PcmDecoder : public Decoder {
  public:
    PcmDecoder(std::shared_ptr<Source> source, const PcmLayout& layout)
        : source_(std::move(source)),
          type_(layout.type),
          frame_bytes_(layout.frame_bytes),
          data_offset_(layout.data_offset),
          present_(std::min(layout.info.frames, layout.data_present / layout.frame_bytes)) {
        info_ = layout.info;
        if (present_ < info_.frames) note(cut());
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read_stored(void* to, int bits, std::int64_t frames, Progress& progress) override {
        if (type_ != (bits == 16 ? kS16 : kS32)) return -1;
        return by_blocks(frames, progress, [&](std::int64_t done, std::int64_t n, std::int64_t offset) {
            auto* here = static_cast<unsigned char*>(to) + done * frame_bytes_;
            return std::int64_t(source_->read_at(offset, here, std::size_t(n * frame_bytes_))) / frame_bytes_;
        });
    }

  private:
    // Small enough for the second-level cache together with what it becomes.
    static constexpr std::int64_t kBlockBytes = 1 << 17;

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        const bool as_stored =
            type_ == (sizeof(T) == 4 ? kF32 : kF64) && (to.interleaved || info_.channels == 1);
        return by_blocks(frames, progress, [&](std::int64_t done, std::int64_t n, std::int64_t offset) {
            const auto bytes = std::size_t(n * frame_bytes_);
            const Target<T> here = to.from(std::ptrdiff_t(done), info_.channels);
            if (const unsigned char* data = source_->data()) {
                decode_to(here, type_, data + offset, info_.channels, n);
                return n;
            }
            if (as_stored) return std::int64_t(source_->read_at(offset, here.data, bytes)) / frame_bytes_;
            if (buffer_.size() < bytes) buffer_.resize(bytes);
            const auto whole = std::int64_t(source_->read_at(offset, buffer_.data(), bytes)) / frame_bytes_;
            decode_to(here, type_, buffer_.data(), info_.channels, whole);
            return whole;
        });
    }

    // read_block(frames done, frames of the block, its place in the source) returns how many it read.
    template <class F>
    std::int64_t by_blocks(std::int64_t frames, Progress& progress, F&& read_block) {
        const std::int64_t present = std::max<std::int64_t>(0, present_ - position_);
        fault_.reset();
        if (frames > present) {
            stop_at(cut());
            frames = present;
        }
        const std::int64_t block = std::max<std::int64_t>(1, kBlockBytes / frame_bytes_);
        for (std::int64_t done = 0; done < frames;) {
            const std::int64_t n = std::min(block, frames - done);
            const std::int64_t whole = read_block(done, n, data_offset_ + position_ * frame_bytes_);
            position_ += whole;
            done += whole;
            if (whole < n) {
                stop_at({"it became shorter while it was read", position_,
                         data_offset_ + position_ * frame_bytes_});
                return done;
            }
            progress.poll();
        }
        return frames;
    }

    Damage cut() const {
        return {"its audio is cut short", present_, data_offset_ + present_ * frame_bytes_};
    }

    std::shared_ptr<Source> source_;
    PcmType type_;
    std::int64_t frame_bytes_, data_offset_;
    std::int64_t present_;  // frames
    std::vector<unsigned char> buffer_;
};

}  // namespace luthier::io
