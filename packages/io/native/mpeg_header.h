// The header of a frame of MPEG audio, and what stays the same from frame to frame of one stream.
// Sources: ISO/IEC 11172-3 and 13818-3, sections 2.4.1.3 and 2.4.2.3; the quarter rates of "MPEG 2.5" as
// Fraunhofer IIS published them.
#pragma once

#include <cstdint>
#include <cstring>

namespace luthier::io {

struct MpegHeader {
    int layer = 0;    // 1 to 3; 0: these bytes are no header
    int version = 0;  // 1, 2; 3 stands for 2.5
    int sample_rate = 0;
    int channels = 0;
    int bytes = 0;         // of the whole frame; 0 for a free-format one, which does not tell
    int frames = 0;        // of sound
    bool guarded = false;  // a CRC follows the header
    bool padded = false;

    bool low_rate() const { return version != 1; }
    // Of layer III: bytes of the side information, and of everything ahead of the main data.
    int side_bytes() const { return low_rate() ? (channels == 1 ? 9 : 17) : (channels == 1 ? 17 : 32); }
    int head_bytes() const { return 4 + (guarded ? 2 : 0) + (layer == 3 ? side_bytes() : 0); }
    // What a padding slot adds.
    int slot_bytes() const { return layer == 1 ? 4 : 1; }
};

inline MpegHeader parse_mpeg_header(const unsigned char* h) {
    static constexpr int kRates[3] = {44'100, 48'000, 32'000};
    // kbit/s by [version 1 | 2 and 2.5][layer][index].
    static constexpr short kBits[2][3][15] = {
        {{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
         {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
         {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}},
        {{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}}};
    MpegHeader header;
    const int version = h[1] >> 3 & 3, layer = 4 - (h[1] >> 1 & 3), rate = h[2] >> 2 & 3, bits = h[2] >> 4;
    if (h[0] != 0xFF || (h[1] & 0xE0) != 0xE0 || version == 1 || layer == 4 || rate == 3 || bits == 15 ||
        (h[3] & 3) == 2)
        return header;
    header.layer = layer;
    header.version = version == 3 ? 1 : version == 2 ? 2 : 3;
    header.sample_rate = kRates[rate] >> (header.version - 1);
    header.channels = h[3] >> 6 == 3 ? 1 : 2;
    header.guarded = !(h[1] & 1);
    header.padded = h[2] & 2;
    header.frames = layer == 1 ? 384 : layer == 3 && header.low_rate() ? 576 : 1152;
    const int rate_bits = 1000 * kBits[header.low_rate()][layer - 1][bits];
    // Slots of 4 bytes in layer I, of 1 byte elsewhere.
    if (bits > 0)
        header.bytes =
            (header.frames / (8 * header.slot_bytes()) * rate_bits / header.sample_rate + header.padded) *
            header.slot_bytes();
    return header;
}

// Tells the frames of one stream: version, layer, rate and one or two channels never change in it, and a
// free-format one stays so.
class MpegShape {
  public:
    MpegShape() = default;
    // `free_bytes`: of a free-format frame without padding.
    MpegShape(const unsigned char* h, int free_bytes) : first_(parse_mpeg_header(h)) {
        std::memcpy(header_, h, 4);
        for (int bits = 0; bits < 15; ++bits)
            for (int padding = 0; padding < 2; ++padding) {
                const unsigned char other[4] = {
                    h[0], h[1], static_cast<unsigned char>(bits << 4 | (h[2] & 0x0C) | padding << 1), h[3]};
                MpegHeader header = parse_mpeg_header(other);
                if (bits == 0) header.bytes = free_bytes + padding * header.slot_bytes();
                const bool fits = (bits == 0) == (h[2] >> 4 == 0) && header.bytes >= header.head_bytes();
                bytes_[bits << 1 | padding] = fits ? header.bytes : 0;
            }
        bytes_[30] = bytes_[31] = 0;
    }

    const MpegHeader& first() const { return first_; }
    const unsigned char* header() const { return header_; }
    // Bytes of the frame that begins with this header; 0 where it is none of this stream.
    int bytes(const unsigned char* h) const {
        if (h[0] != 0xFF || ((h[1] ^ header_[1]) & 0xFE) || ((h[2] ^ header_[2]) & 0x0C) ||
            (h[3] >> 6 == 3) != (first_.channels == 1) || (h[3] & 3) == 2)
            return 0;
        return bytes_[(h[2] >> 4) << 1 | (h[2] >> 1 & 1)];
    }
    // Whether a frame of the stream may have this many bytes.
    bool may_have(std::int64_t bytes) const {
        for (const int each : bytes_)
            if (each == bytes && each > 0) return true;
        return false;
    }

  private:
    MpegHeader first_;
    unsigned char header_[4] = {};
    int bytes_[32] = {};
};

}  // namespace luthier::io
