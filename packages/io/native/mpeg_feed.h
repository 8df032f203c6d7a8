// The virtual file that libsndfile decodes: an endless stream of whole frames, some of the file and some
// silent. It only goes forward, whatever way the reader jumps about in the real file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "mpeg_header.h"
#include "mpeg_side_info.h"
#include "source.h"

namespace luthier::io {

// Turns a frame into silence in place. One of layer III keeps the main data that it carries for others,
// and `reach` bytes of the frames before it are kept for them too.
inline void silence_mpeg_frame(unsigned char* frame, const MpegHeader& header, int bytes, int reach) {
    if (header.layer != 3) {
        frame[1] |= 1;  // no CRC
        std::memset(frame + 4, 0, std::size_t(bytes - 4));
        return;
    }
    unsigned char* side = frame + header.head_bytes() - header.side_bytes();
    std::memset(side, 0, std::size_t(header.side_bytes()));
    if (header.low_rate()) {
        side[0] = static_cast<unsigned char>(reach);
    } else {
        side[0] = static_cast<unsigned char>(reach >> 1);
        side[1] = static_cast<unsigned char>((reach & 1) << 7);
    }
    if (header.guarded) {
        const int crc = mpeg_crc(frame, header.side_bytes());
        frame[4] = static_cast<unsigned char>(crc >> 8);
        frame[5] = static_cast<unsigned char>(crc);
    }
}

class MpegFeed : public Source {
  public:
    MpegFeed(const std::string& name, const MpegShape& shape)
        : Source(name), filler_(std::size_t(shape.bytes(shape.header())), 0) {
        size_ = kEndless;
        std::memcpy(filler_.data(), shape.header(), 4);
        silence_mpeg_frame(filler_.data(), shape.first(), int(filler_.size()), 0);
    }

    std::int64_t told_size() const override { return 0; }
    bool small_reads() const override { return true; }

    // Frames put in so far.
    std::int64_t frames() const { return frames_; }
    // Whether more was read than was put in, so that a silent frame had to follow.
    bool starved() const { return starved_; }
    void forgive() { starved_ = false; }

    // Room for a frame to be put in.
    unsigned char* add(int bytes) {
        forget();
        const std::size_t at = queue_.size();
        queue_.resize(at + std::size_t(bytes));
        ++frames_;
        return queue_.data() + at;
    }
    void add_silence() { std::memcpy(add(int(filler_.size())), filler_.data(), filler_.size()); }

    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset < start_ || offset >= size_) return 0;
        if (offset > size_ - kTail) {
            // An ID3v1 tag is looked for.
            bytes = std::size_t(std::min<std::int64_t>(std::int64_t(bytes), size_ - offset));
            std::memset(to, 0, bytes);
            return bytes;
        }
        while (offset >= start_ + std::int64_t(queue_.size())) {
            if (offset > start_ + std::int64_t(queue_.size() + filler_.size())) return 0;
            add_silence();
            starved_ = true;
        }
        const std::size_t skip = std::size_t(offset - start_);
        bytes = std::min(bytes, queue_.size() - skip);
        std::memcpy(to, queue_.data() + skip, bytes);
        read_ = std::max(read_, offset + std::int64_t(bytes));
        return bytes;
    }

  private:
    static constexpr std::int64_t kEndless = std::int64_t(1) << 50, kTail = 1024;
    // On opening, the library steps back over the first frames.
    static constexpr std::int64_t kKept = 1 << 14, kForgotten = 1 << 16;

    void forget() {
        const std::int64_t done = read_ - kKept - start_;
        if (done < kForgotten) return;
        queue_.erase(queue_.begin(), queue_.begin() + std::ptrdiff_t(done));
        start_ += done;
    }

    std::vector<unsigned char> filler_;
    std::vector<unsigned char> queue_;
    std::int64_t start_ = 0;  // offset of its first byte
    std::int64_t read_ = 0;   // the end of what was read
    std::int64_t frames_ = 0;
    bool starved_ = false;
};

}  // namespace luthier::io
