// The frames of an MPEG audio stream (MP3, MP2), from their headers alone. Sources: ISO/IEC 11172-3 and
// 13818-3, section 2.4.1.3 and 2.4.2.3; the half rates of "MPEG 2.5" as Fraunhofer IIS published them;
// id3.org for the tags before and after.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "source.h"

namespace luthier::io {

// Bytes of the frame with this header; 0 where it is no header, or a free-format one that does not tell.
inline int mpeg_frame_bytes(const unsigned char* h) {
    static constexpr int kRates[4] = {44'100, 48'000, 32'000, 0};
    // kbit/s by [MPEG-1 | 2 and 2.5][layer I, II, III][index].
    static constexpr int kBits[2][3][16] = {
        {{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0},
         {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
         {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}},
        {{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0}}};
    const int version = h[1] >> 3 & 3;      // 3: MPEG-1, 2: MPEG-2, 0: MPEG 2.5
    const int layer = 4 - (h[1] >> 1 & 3);  // 1 to 3
    const int rate = kRates[h[2] >> 2 & 3] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    if (h[0] != 0xFF || (h[1] & 0xE0) != 0xE0 || version == 1 || layer == 4 || rate == 0) return 0;
    const int bits = 1000 * kBits[version != 3][layer - 1][h[2] >> 4];
    const int padding = h[2] >> 1 & 1;
    if (bits == 0) return 0;
    if (layer == 1) return (12 * bits / rate + padding) * 4;
    return (layer == 3 && version != 3 ? 72 : 144) * bits / rate + padding;
}

struct MpegScan {
    bool counted = false;  // the first frame is a tag that holds the count
    int frame_samples = 0;
    std::int64_t first = 0;        // offset of the first frame of sound
    std::int64_t end = 0;          // offset behind the last whole frame
    std::int64_t frames = 0;       // whole frames; not walked through where `counted`
    bool last_cut = false;         // the last frame goes on beyond the end of the file
    bool junk_between = false;     // bytes that are no frame between two frames
    unsigned char header[4] = {};  // of the first frame of sound
};

// Where the tag of an encoder is in a layer III frame: behind the side information.
inline int mpeg_tag_offset(const unsigned char* header) {
    const bool first = (header[1] >> 3 & 3) == 3, mono = header[3] >> 6 == 3;
    return 4 + (first ? (mono ? 17 : 32) : (mono ? 9 : 17));
}

// Hops from header to header through the whole stream. Tags before the first and behind the last frame
// are no damage.
inline MpegScan scan_mpeg(Source& source) {
    static constexpr std::size_t kWindow = 1 << 16;
    std::vector<unsigned char> window(kWindow);
    std::int64_t start = 0, bytes = 0;
    const auto at = [&](std::int64_t offset, std::int64_t count) -> const unsigned char* {
        if (offset < start || offset + count > start + bytes) {
            start = offset;
            bytes = std::int64_t(source.read_at(offset, window.data(), kWindow));
            if (bytes < count) return nullptr;
        }
        return window.data() + (offset - start);
    };
    // The next place from `from` on where two headers follow each other, or one that ends the file.
    const auto sync = [&](std::int64_t from, std::int64_t limit) -> std::int64_t {
        for (; from < limit; ++from) {
            const unsigned char* head = at(from, 4);
            if (!head) return -1;
            const int length = mpeg_frame_bytes(head);
            if (length == 0) continue;
            const unsigned char kept[2] = {head[1], head[2]};
            if (from + length == source.size()) return from;
            // Version, layer and rate stay; the rest may change from frame to frame.
            const unsigned char* next = at(from + length, 4);
            if (next && mpeg_frame_bytes(next) > 0 && (next[1] & 0xFE) == (kept[0] & 0xFE) &&
                (next[2] & 0x0C) == (kept[1] & 0x0C))
                return from;
        }
        return -1;
    };

    MpegScan scan;
    std::int64_t here = 0;
    // ID3v2 at the head: 7 bits a byte of size, behind 10 bytes.
    while (const unsigned char* tag = at(here, 10)) {
        if (std::memcmp(tag, "ID3", 3) != 0) break;
        here +=
            10 +
            (std::int64_t(tag[6] & 127) << 21 | (tag[7] & 127) << 14 | (tag[8] & 127) << 7 | (tag[9] & 127)) +
            (tag[5] & 16 ? 10 : 0);
    }
    here = sync(here, here + kWindow);
    if (here < 0) return scan;
    const unsigned char* head = at(here, 4);
    const int layer = 4 - (head[1] >> 1 & 3);
    scan.frame_samples = layer == 1 ? 384 : layer == 3 && (head[1] >> 3 & 3) != 3 ? 576 : 1152;
    if (layer == 3) {
        const int tag = mpeg_tag_offset(head), length = mpeg_frame_bytes(head);
        const unsigned char* frame = at(here, std::max(tag + 12, 40));
        const bool xing =
            frame && (!std::memcmp(frame + tag, "Xing", 4) || !std::memcmp(frame + tag, "Info", 4));
        if ((xing && (frame[tag + 7] & 1)) || (frame && !std::memcmp(frame + 36, "VBRI", 4))) {
            scan.counted = true;
            return scan;
        }
        if (xing) here += length;
    }
    scan.first = here;
    if (const unsigned char* sound = at(here, 4)) std::memcpy(scan.header, sound, 4);
    for (;;) {
        const unsigned char* next = at(here, 4);
        const int length = next ? mpeg_frame_bytes(next) : 0;
        if (length > 0 && here + length <= source.size()) {
            here += length;
            ++scan.frames;
            scan.end = here;
        } else if (length > 0) {
            scan.last_cut = true;
            return scan;
        } else {
            // Fewer bytes than a header, but the first of one.
            const unsigned char* rest = next ? nullptr : at(here, 1);
            scan.last_cut = rest && *rest == 0xFF;
            here = next ? sync(here, source.size()) : -1;
            if (here < 0) return scan;
            scan.junk_between = true;
        }
    }
}

// The stream up to the end of its last whole frame, in a file that claims to be longer. libsndfile takes
// the length of a stream without a count from the size of the file and the bit rate of its first frame, and
// reads no further than that: the claim makes the estimate larger than the truth, which is `scan.frames`.
class LongMpegSource : public Source {
  public:
    LongMpegSource(std::shared_ptr<Source> base, const MpegScan& scan)
        : Source(base->name()), base_(std::move(base)), end_(scan.end) {
        size_ = std::max(end_, scan.first + (scan.frames + 16) * (mpeg_frame_bytes(scan.header) + 1)) + kTag;
    }

    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset >= 0 && offset < end_)
            return base_->read_at(offset, to,
                                  std::size_t(std::min<std::int64_t>(std::int64_t(bytes), end_ - offset)));
        // An ID3v1 tag is looked for in the last bytes of the file.
        if (offset < size_ - kTag || offset >= size_) return 0;
        bytes = std::size_t(std::min<std::int64_t>(std::int64_t(bytes), size_ - offset));
        std::memset(to, 0, bytes);
        return bytes;
    }

  private:
    static constexpr std::int64_t kTag = 128;
    std::shared_ptr<Source> base_;
    std::int64_t end_;
};

}  // namespace luthier::io
