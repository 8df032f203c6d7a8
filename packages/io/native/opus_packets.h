// Opus in Ogg: the header (RFC 7845, section 5.1) and how many samples a packet holds (RFC 6716, section 3).
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "ogg_pages.h"

namespace luthier::io {

namespace opus {

inline constexpr int kRate = 48'000, kLongest = 5'760;  // samples a second, and in a packet at most

// Samples of a frame at 48 kHz, by the first byte of a packet (table 2).
inline int frame_samples(unsigned char toc) {
    const int config = toc >> 3;
    if (config < 12) return config % 4 == 3 ? 2'880 : 480 << config % 4;
    if (config < 16) return 480 << (config & 1);
    return 120 << (config & 3);
}

// Walks over one packet and returns its samples, 0 where it is malformed; `bytes` becomes those behind it.
// All streams of a packet but the last are self-delimited (appendix B).
inline int walk(const unsigned char*& p, std::size_t& bytes, bool delimited) {
    const auto take = [&](std::size_t count) {
        if (count > bytes) return false;
        p += count;
        bytes -= count;
        return true;
    };
    const auto length = [&](std::size_t& value) {
        if (bytes < 1) return false;
        value = p[0];
        if (value >= 252) {
            if (bytes < 2) return false;
            value += 4 * std::size_t(p[1]);
            take(1);
        }
        return take(1);
    };
    if (bytes < 1) return 0;
    const unsigned char toc = p[0];
    take(1);
    const int samples = frame_samples(toc);
    int frames = 1;
    std::size_t sizes[48] = {}, padding = 0, total = 0;
    bool constant = true;
    switch (toc & 3) {
        case 0: break;
        case 1: frames = 2; break;
        case 2:
            frames = 2;
            constant = false;
            if (!length(sizes[0])) return 0;
            break;
        default: {
            if (bytes < 1) return 0;
            const unsigned char count = p[0];
            take(1);
            frames = count & 63;
            constant = !(count & 128);
            if (frames < 1 || frames > 48 || frames * samples > kLongest) return 0;
            if (count & 64)
                for (;;) {
                    if (bytes < 1) return 0;
                    const unsigned char pad = p[0];
                    take(1);
                    padding += pad == 255 ? 254 : pad;
                    if (pad < 255) break;
                }
            if (!constant)
                for (int i = 0; i + 1 < frames; ++i)
                    if (!length(sizes[i])) return 0;
        }
    }
    if (delimited) {
        std::size_t last;
        if (!length(last)) return 0;
        for (int i = 0; i < frames; ++i)
            if (constant || i == frames - 1) sizes[i] = last;
    } else {
        if (padding > bytes) return 0;
        std::size_t rest = bytes - padding;
        if (constant) {
            if (rest % std::size_t(frames) != 0) return 0;
            for (int i = 0; i < frames; ++i) sizes[i] = rest / std::size_t(frames);
        } else {
            for (int i = 0; i + 1 < frames; ++i) {
                if (sizes[i] > rest) return 0;
                rest -= sizes[i];
            }
            sizes[frames - 1] = rest;
        }
    }
    for (int i = 0; i < frames; ++i) {
        if (sizes[i] > 1'275) return 0;
        total += sizes[i];
    }
    return take(total) && take(padding) ? frames * samples : 0;
}

}  // namespace opus

struct OpusHead {
    int channels = 0, pre_skip = 0, streams = 1;
    std::uint32_t input_rate = 0;

    // Samples of an audio packet at 48 kHz, 0 where it is none.
    int block(const unsigned char* packet, std::size_t bytes) const {
        int samples = 0;
        for (int i = 0; i < streams; ++i) {
            const int of_stream = opus::walk(packet, bytes, i + 1 < streams);
            if (of_stream == 0 || (i > 0 && of_stream != samples)) return 0;
            samples = of_stream;
        }
        return samples;
    }
    // The rate that libsndfile decodes to: that of the original, or the next that Opus has.
    int output_rate() const {
        for (const int rate : {8'000, 12'000, 16'000, 24'000})
            if (input_rate != 0 && input_rate <= std::uint32_t(rate)) return rate;
        return opus::kRate;
    }
};

inline std::optional<OpusHead> parse_opus_head(const std::vector<unsigned char>& packet) {
    const unsigned char* p = packet.data();
    if (packet.size() < 19 || std::memcmp(p, "OpusHead", 8) != 0 || (p[8] & 0xF0) != 0) return std::nullopt;
    OpusHead head;
    head.channels = p[9];
    head.pre_skip = p[10] | p[11] << 8;
    head.input_rate = ogg::little_u32(p + 12);
    if (head.channels < 1) return std::nullopt;
    if (p[18] == 0) {
        if (head.channels > 2) return std::nullopt;
        return head;
    }
    if (packet.size() < 21u + std::size_t(head.channels)) return std::nullopt;
    head.streams = p[19];
    if (head.streams < 1 || p[20] > head.streams) return std::nullopt;
    return head;
}

}  // namespace luthier::io
