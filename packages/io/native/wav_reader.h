// Decodes PCM and float WAV files.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "wav_format.h"

namespace luthier::io {

class WavDecoder : public Decoder {
  public:
    WavDecoder(std::shared_ptr<Source> source, WavLayout wav)
        : source_(std::move(source)), wav_(std::move(wav)) {
        info_ = wav_.info;
        if (wav_.frames_present < info_.frames) note(cut());
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }

  private:
    // Small enough for the second-level cache together with what it becomes.
    static constexpr std::int64_t kBlockBytes = 1 << 17;

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        const std::int64_t present = std::max<std::int64_t>(0, wav_.frames_present - position_);
        fault_.reset();
        if (frames > present) {
            stop_at(cut());
            frames = present;
        }
        const bool as_stored =
            wav_.type == (sizeof(T) == 4 ? kF32 : kF64) && (to.interleaved || info_.channels == 1);
        const std::int64_t block = std::max<std::int64_t>(1, kBlockBytes / wav_.frame_bytes);
        for (std::int64_t done = 0; done < frames;) {
            const std::int64_t n = std::min(block, frames - done);
            const auto bytes = std::size_t(n * wav_.frame_bytes);
            const std::int64_t offset = wav_.data_offset + position_ * wav_.frame_bytes;
            const Target<T> here = to.from(std::ptrdiff_t(done), info_.channels);
            std::int64_t whole = n;
            if (const unsigned char* data = source_->data()) {
                decode_to(here, wav_.type, data + offset, info_.channels, n);
            } else if (as_stored) {
                whole = std::int64_t(source_->read_at(offset, here.data, bytes)) / wav_.frame_bytes;
            } else {
                if (buffer_.size() < bytes) buffer_.resize(bytes);
                whole = std::int64_t(source_->read_at(offset, buffer_.data(), bytes)) / wav_.frame_bytes;
                decode_to(here, wav_.type, buffer_.data(), info_.channels, whole);
            }
            position_ += whole;
            done += whole;
            if (whole < n) {
                stop_at({"it became shorter while it was read", position_,
                         wav_.data_offset + position_ * wav_.frame_bytes});
                return done;
            }
            progress.poll();
        }
        return frames;
    }

    Damage cut() const {
        return {"its audio is cut short", wav_.frames_present,
                wav_.data_offset + wav_.frames_present * wav_.frame_bytes};
    }

    std::shared_ptr<Source> source_;
    WavLayout wav_;
    std::vector<unsigned char> buffer_;
};

}  // namespace luthier::io
