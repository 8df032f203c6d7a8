// Sony Wave64: the chunks of a WAV file with GUIDs for names, sizes of 64 bits that count the chunk's own
// 24 bytes of header, and padding to 8 bytes. Source: Sony Pictures Digital, "Wave64 File Format".
#pragma once

#include <cstdint>
#include <cstring>

#include "wav_format.h"

namespace luthier::io {

// A name is the four letters of RIFF and this; that of the file itself is another.
inline constexpr unsigned char kW64File[16] = {'r',  'i',  'f',  'f',  0x2E, 0x91, 0xCF, 0x11,
                                               0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0,    0};
inline constexpr unsigned char kW64Chunk[12] = {0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1,
                                                0,    0xC0, 0x4F, 0x8E, 0xDB, 0x8A};

inline bool is_w64(const unsigned char* head, std::size_t bytes) {
    return bytes >= 12 && !std::memcmp(head, kW64File, 12);
}

inline PcmLayout parse_w64(Source& source) {
    const HeaderErrors errors{source.name(), "W64"};
    unsigned char head[40] = {};
    if (source.read_at(0, head, sizeof head) < sizeof head) errors.ends(source, false);
    if (std::memcmp(head, kW64File, 16) != 0 || std::memcmp(head + 24, "wave", 4) != 0 ||
        std::memcmp(head + 28, kW64Chunk, 12) != 0)
        throw UnsupportedFormat(source.name() + ": is not a W64 file");
    PcmLayout layout;
    layout.info.format = "W64";

    std::uint64_t declared = 0;
    bool have_fmt = false;
    std::int64_t at = 40;
    for (;;) {
        unsigned char chunk[24];
        if (source.read_at(at, chunk, 24) < 24) errors.ends(source, have_fmt);
        const std::uint64_t size = little64(chunk + 16);
        const std::int64_t body = at + 24, there = std::max<std::int64_t>(0, source.size() - body);
        const bool known = !std::memcmp(chunk + 4, kW64Chunk, 12);
        // A program that writes to a pipe cannot come back to say how long the audio was.
        const bool unknown = size == 0 || size == 24 || size >= std::uint64_t(INT64_MAX);
        if (known && !std::memcmp(chunk, "data", 4)) {
            if (!have_fmt) errors.damaged("audio comes before its format");
            if (unknown && !(size == 24 && there == 0))
                layout.set_data_to_end(source, body);
            else if (size < 24)
                errors.damaged("its data chunk has a size of " + grouped((long long)(size)) + " bytes");
            else
                layout.set_data(source, body, size - 24);
            if (layout.block_bytes) set_adpcm_frames(layout, declared);
            return layout;
        }
        // What lies beyond the end is not there, whatever the size.
        if (size < 24 || size - 24 > std::uint64_t(there)) errors.ends(source, have_fmt);
        if (known && !std::memcmp(chunk, "fmt ", 4) && !have_fmt) {
            unsigned char fmt[kMostFmtBytes] = {};
            parse_wav_fmt(
                errors, fmt,
                source.read_at(body, fmt, std::size_t(std::min<std::uint64_t>(size - 24, sizeof fmt))),
                layout);
            have_fmt = true;
        } else if (known && !std::memcmp(chunk, "fact", 4)) {
            unsigned char fact[8] = {};
            if (size >= 32 && source.read_at(body, fact, 8) == 8) declared = little64(fact);
        }
        at = body + std::int64_t((size - 24 + 7) & ~std::uint64_t(7));
    }
}

}  // namespace luthier::io
