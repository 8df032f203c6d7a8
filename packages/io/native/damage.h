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

struct Truncation {
    std::string reason;                // empty: none found
    std::int64_t frames_promised = 0;  // by the file itself, where it says; 0 where it does not
    // Ogg: the frame that the last page begins at, or 0. libvorbisfile miscounts inside of a last page
    // that is trimmed, so that a seek must not land there.
    std::int64_t last_page = 0;
};

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

inline Truncation ogg_damage(Source& source) {
    // Two pages of the largest size, and a bit.
    static constexpr std::int64_t kTail = 2 * 65'307 + 64;
    const std::int64_t bytes = std::min(source.size(), kTail), start = source.size() - bytes;
    std::vector<unsigned char> tail(std::size_t(bytes), 0);
    const auto there = std::int64_t(source.read_at(start, tail.data(), tail.size()));
    Truncation damage;
    bool last = true;
    for (std::int64_t at = there - 4; at >= 0; --at) {
        const unsigned char* page = tail.data() + at;
        if (std::memcmp(page, "OggS", 4) != 0) continue;
        std::int64_t length = 27;
        const bool head = at + 27 <= there && page[4] == 0 && at + 27 + page[26] <= there;
        if (head) {
            length += page[26];
            for (int i = 0; i < page[26]; ++i) length += page[27 + i];
        }
        if (last) {
            if (!head || at + length > there)
                damage.reason = "its last Ogg page is cut";
            else if (!(page[5] & 4))
                damage.reason = "its Ogg stream has no end-of-stream page";
            else if (!begins_at_head(source, page))
                damage.reason = "it is a chain of Ogg streams, of which only the first is read";
            last = false;
            continue;
        }
        const auto granule = head ? std::int64_t(little64(page + 6)) : -1;
        if (granule < 0) continue;  // no packet ends on this page
        damage.last_page = granule;
        return damage;
    }
    if (last) damage.reason = "its Ogg stream has no end-of-stream page";
    return damage;
}

inline Truncation find_damage(Source& source, const std::string& format) {
    if (format == "OGG") return ogg_damage(source);
    const auto layout = parse_pcm_file(source);
    if (layout && layout->cut()) return {"its audio is cut short", 0, 0};
    return {};
}

}  // namespace luthier::io
