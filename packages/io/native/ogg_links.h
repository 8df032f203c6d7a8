// The links of an Ogg file: a file is one or, in recordings of radio, a chain of several multiplexed
// streams one after the other (RFC 3533, section 4). Of each link the first audio stream is taken.
//
// Positions within a link are granule positions: frames for Vorbis, samples at 48 kHz for Opus.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "ogg_pages.h"
#include "opus_packets.h"
#include "vorbis_headers.h"

namespace luthier::io {

enum class OggCodec { kNone, kVorbis, kOpus, kFlac };

inline OggCodec ogg_codec(const unsigned char* packet, std::size_t bytes) {
    const auto begins = [&](const char* with, std::size_t n) {
        return bytes >= n && !std::memcmp(packet, with, n);
    };
    if (begins("\1vorbis", 7)) return OggCodec::kVorbis;
    if (begins("OpusHead", 8)) return OggCodec::kOpus;
    if (begins("\177FLAC", 5)) return OggCodec::kFlac;
    return OggCodec::kNone;
}

struct OggLink {
    OggCodec codec = OggCodec::kNone;
    std::uint32_t serial = 0;
    std::int64_t begin = 0, data = 0, end = 0;  // bytes: its first page, the first of audio, behind its last
    VorbisHeaders vorbis;
    OpusHead opus;
    int sample_rate = 0, channels = 0;
    int step = 1;           // granules in a frame
    std::int64_t base = 0;  // the granule position of its first frame
    std::int64_t last = 0;  // that of its last page
    std::int64_t frames = 0;
    std::int64_t first = 0;   // the frame of the file that it begins with
    std::string cut;          // how its end is missing; empty: it is there
    std::int64_t cut_at = 0;  // the byte where that shows
    std::int64_t broken = std::numeric_limits<std::int64_t>::max();  // the granule that its codec failed at
    std::string why;                                                 // it failed

    // A number for each packet from which the granules that it gives follow; 0: it is no audio packet.
    int block(const unsigned char* packet, std::size_t bytes) const {
        return codec == OggCodec::kVorbis ? vorbis.block(packet, bytes) : opus.block(packet, bytes);
    }
    // The granules that a packet gives after the one before it, 0 where there was none.
    int gives(int before, int block) const {
        if (codec == OggCodec::kOpus) return block;
        return before ? before / 4 + block / 4 : 0;
    }
    int header_packets() const { return codec == OggCodec::kVorbis ? 3 : 2; }
    std::int64_t granule_of(std::int64_t frame) const { return base + (frame - first) * step; }
};

// The header packets of a stream; fewer than wanted where they are damaged.
inline std::vector<std::vector<unsigned char>> ogg_headers(Source& source, const OggLink& link,
                                                           std::int64_t& data) {
    ogg::Packets packets(source, link.serial, link.begin);
    std::vector<std::vector<unsigned char>> headers;
    ogg::Packet packet;
    while (int(headers.size()) < link.header_packets() && packets.next(packet) && !packet.after_gap)
        headers.push_back(std::move(packet.bytes));
    data = packets.offset();
    return headers;
}

// The link whose first page is at `begin`, without its length. Its codec is kNone where no audio stream
// begins there, or its headers are damaged.
inline OggLink parse_ogg_link(Source& source, std::int64_t begin, std::vector<std::uint32_t>& serials) {
    ogg::Pages pages(source);
    OggLink link;
    link.begin = begin;
    serials.clear();
    OggCodec codec = OggCodec::kNone;
    for (auto page = pages.at(begin); page && page->first; page = pages.find(page->end())) {
        serials.push_back(page->serial);
        const OggCodec here = ogg_codec(
            page->body(), std::size_t(page->end() - page->offset) - std::size_t(page->body() - page->data));
        if (codec != OggCodec::kNone || here == OggCodec::kNone) continue;
        codec = here;
        link.serial = page->serial;
    }
    if (codec == OggCodec::kFlac) {
        link.codec = codec;
        return link;
    }
    if (codec == OggCodec::kNone) return link;
    link.codec = codec;
    const auto headers = ogg_headers(source, link, link.data);
    link.codec = OggCodec::kNone;
    if (int(headers.size()) < (codec == OggCodec::kVorbis ? 3 : 2)) return link;
    if (codec == OggCodec::kVorbis) {
        const auto vorbis = parse_vorbis_headers(headers[0], headers[2]);
        if (!vorbis) return link;
        link.vorbis = *vorbis;
        link.channels = vorbis->channels;
        link.sample_rate = vorbis->sample_rate;
    } else {
        const auto opus = parse_opus_head(headers[0]);
        if (!opus) return link;
        link.opus = *opus;
        link.channels = opus->channels;
        link.sample_rate = opus->output_rate();
        link.step = opus::kRate / link.sample_rate;
    }
    link.codec = codec;
    return link;
}

}  // namespace luthier::io
