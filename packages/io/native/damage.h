// Signs of truncation that libsndfile passes over in silence: it takes what is there for all there was.
//
// Each container is asked for what it says about its own length, with a few reads of its head or tail:
// Ogg pages (RFC 3533), and the chunks of WAV, AIFF, ... files that hold a codec which is not ours.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "pcm_files.h"
#include "source.h"

namespace luthier::io {

// Whether the stream of the page `last` is one of those that begin at the head of the file. libsndfile
// reads the first link of a chain and stops.
inline bool begins_at_head(Source& source, const unsigned char* last) {
    std::int64_t at = 0;
    unsigned char page[27 + 255];
    for (;;) {
        const std::size_t there = source.read_at(at, page, sizeof page);
        if (there < 27 || std::memcmp(page, "OggS", 4) != 0 || !(page[5] & 2) || there < 27u + page[26])
            return false;
        if (!std::memcmp(page + 14, last + 14, 4)) return true;
        at += 27 + page[26];
        for (int i = 0; i < page[26]; ++i) at += page[27 + i];
    }
}

inline std::string ogg_damage(Source& source) {
    // A page of the largest size, and a bit.
    static constexpr std::int64_t kTail = 65'307 + 64;
    const std::int64_t bytes = std::min(source.size(), kTail), start = source.size() - bytes;
    std::vector<unsigned char> tail(std::size_t(bytes), 0);
    const auto there = std::int64_t(source.read_at(start, tail.data(), tail.size()));
    for (std::int64_t at = there - 4; at >= 0; --at) {
        const unsigned char* page = tail.data() + at;
        if (std::memcmp(page, "OggS", 4) != 0) continue;
        if (at + 27 > there || page[4] != 0 || at + 27 + page[26] > there) return "its last Ogg page is cut";
        std::int64_t length = 27 + page[26];
        for (int i = 0; i < page[26]; ++i) length += page[27 + i];
        if (at + length > there) return "its last Ogg page is cut";
        if (!(page[5] & 4)) break;
        if (!begins_at_head(source, page))
            return "it is a chain of Ogg streams, of which only the first is read";
        return {};
    }
    return "its Ogg stream has no end-of-stream page";
}

// Why the file is cut short; empty where it is not, as far as it says.
inline std::string find_damage(Source& source, const std::string& format) {
    if (format == "OGG") return ogg_damage(source);
    const auto layout = parse_pcm_file(source);
    return layout && layout->cut() ? "its audio is cut short" : "";
}

}  // namespace luthier::io
