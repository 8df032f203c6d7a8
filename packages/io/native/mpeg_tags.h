// Tags around a stream of MPEG audio, which are no sound and no damage: ID3v2 (id3.org), ID3v1 and its
// extension, APEv1 and APEv2 (wiki.hydrogenaud.io, "APEv2 specification"), Lyrics3 (id3.org/Lyrics3v2).
// They stand in any number and order before and behind it, and where files were joined, between frames.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "source_window.h"

namespace luthier::io {

inline bool is_id3v2(const unsigned char* p) {
    return !std::memcmp(p, "ID3", 3) && p[3] != 0xFF && p[4] != 0xFF && !((p[6] | p[7] | p[8] | p[9]) & 0x80);
}
inline std::int64_t id3v2_bytes(const unsigned char* p) {
    return std::int64_t(p[6]) << 21 | p[7] << 14 | p[8] << 7 | p[9];
}

inline std::int64_t ape_bytes(const unsigned char* p) {
    return std::int64_t(p[15]) << 24 | p[14] << 16 | p[13] << 8 | p[12];
}

// Bytes of the tag that begins at `offset`; 0 where none does.
inline std::int64_t mpeg_tag_bytes(SourceWindow& window, std::int64_t offset) {
    if (const unsigned char* p = window.at(offset, 10)) {
        if (is_id3v2(p)) return 10 + id3v2_bytes(p) + (p[5] & 0x10 ? 10 : 0);
        if (!std::memcmp(p, "3DI", 3)) return 10;
    }
    if (const unsigned char* p = window.at(offset, 32))
        if (!std::memcmp(p, "APETAGEX", 8))
            return 32 + (p[23] & 0x20 ? ape_bytes(p) : 0);  // a header, or a footer alone
    if (const unsigned char* p = window.at(offset, 128)) {
        if (!std::memcmp(p, "TAG+", 4) && window.at(offset, 227)) return 227;
        if (!std::memcmp(p, "TAG", 3)) return 128;
    }
    static constexpr std::int64_t kLyrics = 1 << 15;
    if (const unsigned char* p = window.at(offset, 11); p && !std::memcmp(p, "LYRICSBEGIN", 11)) {
        std::int64_t there;
        p = window.some(offset, there);
        if (there < kLyrics && (p = window.at(offset, 20))) p = window.some(offset, there);
        for (std::int64_t i = 11; p && i + 9 <= std::min(there, kLyrics); ++i)
            if (!std::memcmp(p + i, "LYRICSEND", 9) || !std::memcmp(p + i, "LYRICS200", 9)) return i + 9;
    }
    return 0;
}

// Where the sound ends: the offset of the first of the tags that end at `end`.
inline std::int64_t before_mpeg_tags(Source& source, std::int64_t end) {
    SourceWindow window(source);
    for (;;) {
        std::int64_t bytes = 0;
        if (const auto* p = end >= 128 ? window.at(end - 128, 128) : nullptr;
            p && !std::memcmp(p, "TAG", 3) && p[3] != '+')
            bytes = 128;
        if (const auto* p = end >= 227 ? window.at(end - 227, 227) : nullptr;
            !bytes && p && !std::memcmp(p, "TAG+", 4))
            bytes = 227;
        if (const auto* p = end >= 32 ? window.at(end - 32, 32) : nullptr;
            !bytes && p && !std::memcmp(p, "APETAGEX", 8) && !(p[23] & 0x20))
            bytes = std::max<std::int64_t>(32, ape_bytes(p)) + (p[23] & 0x80 ? 32 : 0);
        if (const auto* p = end >= 10 ? window.at(end - 10, 10) : nullptr;
            !bytes && p && !std::memcmp(p, "3DI", 3) && !((p[6] | p[7] | p[8] | p[9]) & 0x80))
            bytes = 20 + id3v2_bytes(p);
        if (const auto* p = end >= 15 ? window.at(end - 15, 15) : nullptr; !bytes && p) {
            if (!std::memcmp(p + 6, "LYRICS200", 9)) {
                for (int i = 0; i < 6; ++i) bytes = bytes * 10 + std::clamp(p[i] - '0', 0, 9);
                bytes += 15;
                const auto* begin = bytes <= end ? window.at(end - bytes, 11) : nullptr;
                if (!begin || std::memcmp(begin, "LYRICSBEGIN", 11) != 0) bytes = 0;
            } else if (!std::memcmp(p + 6, "LYRICSEND", 9)) {
                const std::int64_t reach = std::min<std::int64_t>(end, 5'100 + 20);
                const auto* text = window.at(end - reach, reach);
                for (std::int64_t i = 0; text && i + 11 <= reach && !bytes; ++i)
                    if (!std::memcmp(text + i, "LYRICSBEGIN", 11)) bytes = reach - i;
            }
        }
        if (bytes == 0 || bytes > end) return end;
        end -= bytes;
    }
}

}  // namespace luthier::io
