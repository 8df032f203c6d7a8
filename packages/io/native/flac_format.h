// What a FLAC stream says about itself: the metadata blocks that decoding needs, the headers of frames and
// their checksums. Source: RFC 9639, sections 8 (metadata) and 9.1 (frame header).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace luthier::io::flac {

// ---- Checksums: CRC-8 with x^8 + x^2 + x + 1, CRC-16 with x^16 + x^15 + x^2 + 1, both from zero ----

inline constexpr std::array<std::uint8_t, 256> kCrc8 = [] {
    std::array<std::uint8_t, 256> table{};
    for (int i = 0; i < 256; ++i) {
        int crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc & 0x80 ? 0x107 : 0);
        table[std::size_t(i)] = std::uint8_t(crc);
    }
    return table;
}();

inline std::uint8_t crc8(const unsigned char* bytes, std::size_t size) {
    std::uint8_t crc = 0;
    for (std::size_t i = 0; i < size; ++i) crc = kCrc8[crc ^ bytes[i]];
    return crc;
}

// kCrc16[n][x] is the checksum of the byte x with n zero bytes behind it, so that 16 bytes are looked up
// independently of each other.
inline constexpr int kCrcStride = 16;
inline constexpr std::array<std::array<std::uint16_t, 256>, kCrcStride> kCrc16 = [] {
    std::array<std::array<std::uint16_t, 256>, kCrcStride> tables{};
    for (int i = 0; i < 256; ++i) {
        int crc = i << 8;
        for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc & 0x8000 ? 0x18005 : 0);
        tables[0][std::size_t(i)] = std::uint16_t(crc);
    }
    for (std::size_t n = 1; n < kCrcStride; ++n)
        for (std::size_t i = 0; i < 256; ++i) {
            const std::uint16_t before = tables[n - 1][i];
            tables[n][i] = std::uint16_t(before << 8 ^ tables[0][before >> 8]);
        }
    return tables;
}();

// Zero for bytes that end with their own checksum.
inline std::uint16_t crc16(const unsigned char* bytes, std::size_t size) {
    std::uint32_t crc = 0;
    for (; size >= kCrcStride; size -= kCrcStride, bytes += kCrcStride) {
        std::uint32_t next = kCrc16[15][bytes[0] ^ crc >> 8] ^ kCrc16[14][bytes[1] ^ (crc & 0xFF)];
        for (std::size_t i = 2; i < kCrcStride; ++i) next ^= kCrc16[15 - i][bytes[i]];
        crc = next;
    }
    for (; size > 0; --size, ++bytes) crc = (crc << 8 & 0xFFFF) ^ kCrc16[0][crc >> 8 ^ *bytes];
    return std::uint16_t(crc);
}

// ---- STREAMINFO ----

struct StreamHeader {
    int min_block = 0, max_block = 0;  // frames
    int max_bytes = 0;                 // of a frame; 0: not known
    int sample_rate = 0, channels = 0, bits = 0;
    std::int64_t total = 0;  // frames; 0: not known
    std::array<unsigned char, 16> md5{};

    bool has_md5() const {
        return std::any_of(md5.begin(), md5.end(), [](unsigned char x) { return x != 0; });
    }
};

inline constexpr std::size_t kStreamHeaderBytes = 34;

inline StreamHeader parse_stream_header(const unsigned char* p) {
    StreamHeader h;
    h.min_block = p[0] << 8 | p[1];
    h.max_block = p[2] << 8 | p[3];
    h.max_bytes = p[7] << 16 | p[8] << 8 | p[9];
    h.sample_rate = p[10] << 12 | p[11] << 4 | p[12] >> 4;
    h.channels = (p[12] >> 1 & 7) + 1;
    h.bits = ((p[12] & 1) << 4 | p[13] >> 4) + 1;
    h.total = std::int64_t(p[13] & 15) << 32 | std::int64_t(p[14]) << 24 | p[15] << 16 | p[16] << 8 | p[17];
    std::memcpy(h.md5.data(), p + 18, 16);
    return h;
}

// ---- Headers of frames ----

struct FrameHeader {
    bool variable = false;  // `number` counts frames, not blocks
    std::uint64_t number = 0;
    int block = 0;        // frames in it
    int sample_rate = 0;  // 0: as STREAMINFO says
    int channels = 0;
    int assignment = 0;  // 0 independent, 8 left and side, 9 side and right, 10 mid and side
    int bits = 0;        // 0: as STREAMINFO says
    int bytes = 0;       // of this header
};

inline constexpr std::size_t kMaxFrameHeaderBytes = 16;

// False for anything but a whole header with the right checksum.
inline bool parse_frame_header(const unsigned char* p, std::size_t size, FrameHeader& h) {
    if (size < 6 || p[0] != 0xFF || (p[1] & 0xFE) != 0xF8 || p[3] & 1) return false;
    const int block_code = p[2] >> 4, rate_code = p[2] & 15, bits_code = p[3] >> 1 & 7;
    h.variable = p[1] & 1;
    h.assignment = p[3] >> 4;
    if (block_code == 0 || rate_code == 15 || h.assignment > 10 || bits_code == 3) return false;
    h.channels = h.assignment < 8 ? h.assignment + 1 : 2;
    if (h.assignment < 8) h.assignment = 0;
    static constexpr int kBits[] = {0, 8, 12, 0, 16, 20, 24, 32};
    h.bits = kBits[bits_code];

    // The number is coded like a character of UTF-8, of up to 36 bits in 7 bytes.
    std::size_t at = 4;
    const unsigned first = p[at++];
    int more = 0;
    while (more < 7 && first & (0x80u >> more)) ++more;
    if (more == 1 || first == 0xFF) return false;
    h.number = more == 0 ? first : first & (0x7Fu >> more);
    const std::size_t length = 4 + std::size_t(std::max(1, more)) +
                               (block_code == 6   ? 1
                                : block_code == 7 ? 2
                                                  : 0) +
                               (rate_code == 12  ? 1
                                : rate_code > 12 ? 2
                                                 : 0) +
                               1;
    if (size < length || crc8(p, length) != 0) return false;
    for (int i = 1; i < more; ++i) {
        if ((p[at] & 0xC0) != 0x80) return false;
        h.number = h.number << 6 | (p[at++] & 0x3F);
    }

    if (block_code == 6) {
        h.block = p[at++] + 1;
    } else if (block_code == 7) {
        h.block = (p[at] << 8 | p[at + 1]) + 1;
        at += 2;
        if (h.block > 65'535) return false;
    } else {
        h.block = block_code == 1 ? 192 : block_code < 6 ? 144 << block_code : 1 << block_code;
    }
    static constexpr int kRates[] = {0,      88'200, 176'400, 192'000, 8'000,  16'000,
                                     22'050, 24'000, 32'000,  44'100,  48'000, 96'000};
    if (rate_code < 12)
        h.sample_rate = kRates[rate_code];
    else if (rate_code == 12)
        h.sample_rate = p[at] * 1'000;
    else
        h.sample_rate = (p[at] << 8 | p[at + 1]) * (rate_code == 14 ? 10 : 1);
    h.bytes = int(length);
    return true;
}

}  // namespace luthier::io::flac
