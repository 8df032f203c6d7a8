// AIFF and AIFF-C: big-endian chunks, padded to an even count. Sources: Apple, "Audio Interchange File
// Format: AIFF", version 1.3 (1989) and "AIFF-C", draft of 1991; the compression types of QuickTime
// ("sowt", "in24", ...) are in Apple's "QuickTime File Format Specification".
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "bytes.h"
#include "pcm_layout.h"

namespace luthier::io {

inline bool is_aiff(const unsigned char* head, std::size_t bytes) {
    return bytes >= 12 && !std::memcmp(head, "FORM", 4) &&
           (!std::memcmp(head + 8, "AIFF", 4) || !std::memcmp(head + 8, "AIFC", 4));
}

// An IEEE 754 number of 80 bits: sign and exponent, then the mantissa with its leading one.
inline double big_extended(const unsigned char* p) {
    const int exponent = int(big16(p) & 0x7FFF) - 16'383 - 63;
    const double value = std::ldexp(double(big64(p + 2)), exponent);
    return p[0] & 0x80 ? -value : value;
}

// Fills in how samples are stored from the body of the chunk "COMM"; returns the frames it promises.
inline std::uint32_t parse_aiff_common(const HeaderErrors& errors, const unsigned char* common,
                                       std::size_t bytes, bool compressed, PcmLayout& layout) {
    if (bytes < (compressed ? 22u : 18u))
        errors.damaged("its common chunk has " + std::to_string(bytes) + " bytes, at least " +
                       (compressed ? "22" : "18") + " are needed");
    const std::uint32_t channels = big16(common);
    const int bits = int(big16(common + 6));
    const double rate = std::round(big_extended(common + 8));
    errors.check_channels(channels);
    errors.check_rate(rate);
    layout.info.channels = int(channels);
    layout.info.sample_rate = int(rate);

    const auto codec = [&](const char* name) { return compressed && !std::memcmp(common + 18, name, 4); };
    const bool little = codec("sowt");
    if (!compressed || codec("NONE") || codec("none") || codec("twos") || codec("raw ") || little) {
        if (bits < 1 || bits > 32) errors.damaged("it declares samples of " + std::to_string(bits) + " bits");
        // Samples lie left-justified in whole bytes.
        static constexpr PcmType kBig[] = {kS8, kS16Big, kS24Big, kS32Big};
        static constexpr PcmType kLittle[] = {kS8, kS16, kS24, kS32};
        const int container = (bits + 7) / 8;
        if (codec("raw ") && container == 1)
            layout.set_pcm(kU8);
        else
            layout.set_pcm((little ? kLittle : kBig)[container - 1]);
    } else if (codec("in24")) {
        layout.set_pcm(kS24Big);
    } else if (codec("42ni")) {
        layout.set_pcm(kS24);
    } else if (codec("in32")) {
        layout.set_pcm(kS32Big);
    } else if (codec("23ni")) {
        layout.set_pcm(kS32);
    } else if (codec("fl32") || codec("FL32")) {
        layout.set_pcm(kF32Big);
    } else if (codec("fl64") || codec("FL64")) {
        layout.set_pcm(kF64Big);
    } else if (codec("ulaw") || codec("ULAW")) {
        layout.set_pcm(kULaw);
    } else if (codec("alaw") || codec("ALAW")) {
        layout.set_pcm(kALaw);
    }
    return big32(common + 2);
}

inline PcmLayout parse_aiff(Source& source) {
    const HeaderErrors errors{source.name(), "AIFF"};
    unsigned char head[12] = {};
    if (!is_aiff(head, source.read_at(0, head, sizeof head)))
        throw UnsupportedFormat(source.name() + ": is not an AIFF file");
    const bool compressed = head[11] == 'C';
    PcmLayout layout;
    layout.info.format = "AIFF";

    // The two chunks may come in either order.
    std::uint32_t frames = 0;
    bool have_common = false, have_sound = false, to_end = false;
    std::int64_t offset = 0;
    std::uint64_t promised = 0;
    for (std::int64_t at = 12; !have_common || !have_sound;) {
        unsigned char chunk[16];
        const std::size_t got = source.read_at(at, chunk, sizeof chunk);
        if (got < 8) {
            // Of a file without a single frame the chunk may be left out.
            if (have_common && frames == 0) break;
            errors.ends(source, have_common);
        }
        const std::uint32_t size = big32(chunk + 4);
        const std::int64_t body = at + 8;
        if (!std::memcmp(chunk, "COMM", 4) && !have_common) {
            unsigned char common[22] = {};
            const std::size_t bytes =
                source.read_at(body, common, std::min<std::size_t>(size, sizeof common));
            frames = parse_aiff_common(errors, common, bytes, compressed, layout);
            have_common = true;
        } else if (!std::memcmp(chunk, "SSND", 4) && !have_sound) {
            if (got < 16) errors.ends(source, have_common);
            // The offset lets audio begin at a disk's block.
            const std::uint32_t skipped = big32(chunk + 8);
            offset = body + 8 + std::int64_t(skipped);
            to_end = (size < 8 && source.size() > body + 8) || size == 0xFFFFFFFFu;
            if (!to_end && size < 8 + std::uint64_t(skipped))
                errors.damaged("its sound data begins behind the end of its chunk");
            promised = to_end ? 0 : size - 8 - skipped;
            have_sound = true;
        }
        at = body + std::int64_t(size) + (size & 1);
    }
    // What SoX writes into a pipe, which cannot be rewound: the most whole frames below 0x7F000000.
    if (promised <= 0x7F000000u && promised + std::uint64_t(layout.frame_bytes) > 0x7F000000u &&
        std::int64_t(promised) > source.size() - offset)
        to_end = true;
    if (to_end)
        layout.set_data_to_end(source, offset);
    else
        layout.set_data(source, offset, promised);
    if (layout.codec == PcmLayout::kForeign) {
        layout.info.frames = frames;
    } else if (!to_end) {
        // The common chunk counts; zero is what a writer leaves that was interrupted.
        if (frames > 0) layout.info.frames = frames;
        layout.info.promised = frames > 0 || promised == 0;
    }
    return layout;
}

}  // namespace luthier::io
