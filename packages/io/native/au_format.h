// AU, Sun's and NeXT's format: six numbers, a comment, the audio. Source: the manual page audio(4) of
// SunOS 4.1. On DEC machines the bytes of every number were swapped, and the last letter of the name was
// a zero.
#pragma once

#include <cstdint>
#include <cstring>

#include "bytes.h"
#include "pcm_layout.h"

namespace luthier::io {

inline bool is_au(const unsigned char* head, std::size_t bytes) {
    return bytes >= 4 &&
           (!std::memcmp(head, ".snd", 4) || !std::memcmp(head, "dns.", 4) || !std::memcmp(head, "\0ds.", 4));
}

inline PcmLayout parse_au(Source& source) {
    const HeaderErrors errors{source.name(), "AU"};
    unsigned char head[24] = {};
    const std::size_t got = source.read_at(0, head, sizeof head);
    if (!is_au(head, got)) throw UnsupportedFormat(source.name() + ": is not an AU file");
    if (got < sizeof head) errors.ends(source, false);
    const bool little = head[0] != '.';
    const auto field = [&](int i) { return little ? little32(head + 4 * i) : big32(head + 4 * i); };
    const std::uint32_t offset = field(1), size = field(2), encoding = field(3), rate = field(4),
                        channels = field(5);
    if (offset < 24) errors.damaged("it declares that audio begins at byte " + grouped(offset));
    errors.check_rate(rate);
    errors.check_channels(channels);
    PcmLayout layout;
    layout.info.format = "AU";
    layout.info.sample_rate = int(rate);
    layout.info.channels = int(channels);
    switch (encoding) {
        case 1: layout.set_pcm(kULaw); break;
        case 2: layout.set_pcm(kS8); break;
        case 3: layout.set_pcm(little ? kS16 : kS16Big); break;
        case 4: layout.set_pcm(little ? kS24 : kS24Big); break;
        case 5: layout.set_pcm(little ? kS32 : kS32Big); break;
        case 6: layout.set_pcm(little ? kF32 : kF32Big); break;
        case 7: layout.set_pcm(little ? kF64 : kF64Big); break;
        case 27: layout.set_pcm(kALaw); break;
        default: break;
    }
    if (std::int64_t(offset) > source.size()) errors.ends(source, true);
    if (size == 0xFFFFFFFFu)
        layout.set_data_to_end(source, offset);
    else
        layout.set_data(source, offset, size);
    return layout;
}

}  // namespace luthier::io
