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
    }

    void require(std::int64_t frames) override {
        if (frames > 0 && frames > wav_.frames_present - position_)
            throw_truncated(source_->name(), wav_.frames_present, "");
    }
    void read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        read_as(to, frames, progress);
    }
    void read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        read_as(to, frames, progress);
    }

  private:
    // Small enough for the second-level cache together with what it becomes.
    static constexpr std::int64_t kBlockBytes = 1 << 17;

    template <class T>
    void read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        require(frames);
        const bool as_stored =
            wav_.type == (sizeof(T) == 4 ? kF32 : kF64) && (to.interleaved || info_.channels == 1);
        const std::int64_t block = std::max<std::int64_t>(1, kBlockBytes / wav_.frame_bytes);
        for (std::int64_t done = 0; done < frames;) {
            const std::int64_t n = std::min(block, frames - done);
            const auto bytes = std::size_t(n * wav_.frame_bytes);
            const std::int64_t offset = wav_.data_offset + position_ * wav_.frame_bytes;
            const Target<T> here = to.from(std::ptrdiff_t(done), info_.channels);
            if (const unsigned char* data = source_->data()) {
                decode_to(here, wav_.type, data + offset, info_.channels, n);
            } else if (as_stored) {
                fill(offset, here.data, bytes);
            } else {
                if (buffer_.size() < bytes) buffer_.resize(bytes);
                fill(offset, buffer_.data(), bytes);
                decode_to(here, wav_.type, buffer_.data(), info_.channels, n);
            }
            position_ += n;
            done += n;
            progress.poll();
        }
    }

    void fill(std::int64_t offset, void* to, std::size_t bytes) {
        const std::size_t got = source_->read_at(offset, to, bytes);
        if (got < bytes)
            throw_truncated(source_->name(), position_ + std::int64_t(got) / wav_.frame_bytes,
                            "the file became shorter while it was read");
    }

    std::shared_ptr<Source> source_;
    WavLayout wav_;
    std::vector<unsigned char> buffer_;
};

}  // namespace luthier::io
