// Apple's Core Audio Format: chunks with sizes of 64 bits, the description first. Source: Apple, "Apple
// Core Audio Format Specification 1.0".
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "bytes.h"
#include "pcm_layout.h"

namespace luthier::io {

inline bool is_caf(const unsigned char* head, std::size_t bytes) {
    return bytes >= 8 && !std::memcmp(head, "caff", 4) && big16(head + 4) == 1;
}

// Fills in how samples are stored from the body of the chunk "desc".
inline void parse_caf_description(const HeaderErrors& errors, const unsigned char* desc, PcmLayout& layout) {
    const double rate = std::round(big_double(desc));
    const std::uint32_t flags = big32(desc + 12), packet_bytes = big32(desc + 16),
                        packet_frames = big32(desc + 20), channels = big32(desc + 24),
                        bits = big32(desc + 28);
    errors.check_channels(channels);
    errors.check_rate(rate);
    layout.info.channels = int(channels);
    layout.info.sample_rate = int(rate);
    const auto codec = [&](const char* name) { return !std::memcmp(desc + 8, name, 4); };
    if (codec("ulaw") || codec("alaw")) {
        layout.set_pcm(codec("ulaw") ? kULaw : kALaw);
    } else if (codec("lpcm")) {
        const bool is_float = flags & 1, little = flags & 2;
        static constexpr PcmType kBig[] = {kS8, kS16Big, kS24Big, kS32Big};
        static constexpr PcmType kLittle[] = {kS8, kS16, kS24, kS32};
        // Samples lie left-justified in whole bytes.
        const std::uint32_t container = packet_bytes % channels == 0 ? packet_bytes / channels : 0;
        if (is_float && container * 8 == bits && (bits == 32 || bits == 64))
            layout.set_pcm(bits == 32 ? (little ? kF32 : kF32Big) : (little ? kF64 : kF64Big));
        else if (!is_float && bits >= 1 && container >= 1 && container <= 4 && bits <= 8 * container)
            layout.set_pcm((little ? kLittle : kBig)[container - 1]);
        else
            errors.damaged("it declares samples of " + grouped(bits) + " bits in packets of " +
                           grouped(packet_bytes) + " bytes for " + grouped(channels) + " channels");
    } else {
        return;
    }
    if (packet_frames != 1 || packet_bytes != std::uint32_t(layout.frame_bytes))
        errors.damaged("it declares packets of " + grouped(packet_bytes) + " bytes and " +
                       grouped(packet_frames) + " frames");
}

inline PcmLayout parse_caf(Source& source) {
    const HeaderErrors errors{source.name(), "CAF"};
    unsigned char head[8] = {};
    if (!is_caf(head, source.read_at(0, head, sizeof head)))
        throw UnsupportedFormat(source.name() + ": is not a CAF file");
    PcmLayout layout;
    layout.info.format = "CAF";
    bool have_description = false;
    std::int64_t at = 8;
    for (;;) {
        unsigned char chunk[16];
        const std::size_t got = source.read_at(at, chunk, sizeof chunk);
        if (got < 12) errors.ends(source, have_description);
        const auto size = std::int64_t(big64(chunk + 4));
        const std::int64_t body = at + 12;
        if (!std::memcmp(chunk, "desc", 4) && !have_description) {
            unsigned char desc[32];
            if (size < 32 || source.read_at(body, desc, 32) < 32)
                errors.damaged("its description has fewer than 32 bytes");
            parse_caf_description(errors, desc, layout);
            have_description = true;
        } else if (!std::memcmp(chunk, "data", 4)) {
            if (!have_description) errors.damaged("audio comes before its format");
            // The audio is behind a count of edits, which says nothing about it. A size of -1 leaves open
            // how long it is.
            if (size == -1)
                layout.set_data_to_end(source, body + 4);
            else if (size < 4)
                errors.damaged("its data chunk has a size of " + grouped(size) + " bytes");
            else
                layout.set_data(source, body + 4, std::uint64_t(size) - 4);
            return layout;
        }
        if (size < 0) errors.damaged("a chunk has a size of " + grouped(size) + " bytes");
        if (size > source.size() - body) errors.ends(source, have_description);
        at = body + size;
    }
}

}  // namespace luthier::io
