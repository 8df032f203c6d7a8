// A seek index of an Ogg file, and its bytes.
//
// For Vorbis it names pages, which a search by granule position begins at. For Opus it names pages behind
// which a new decoder was tried: on some range it gave the very samples of decoding from the beginning.
// Nothing else is known to: what a decoder of Opus remembers fades within a second from most music and
// speech, but hides behind silence, and never fades to the last bit from a steady tone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ogg_pages.h"

namespace luthier::io {

struct OggStart {
    std::int64_t link = 0;
    std::int64_t offset = 0, granule = 0;  // of the page; decoding begins behind it
    std::int64_t valid = 0, end = 0;       // the granules on which that gives the right samples
};

namespace ogg {

inline constexpr char kIndexMagic[] = "Ogg index 1\n";
inline constexpr std::size_t kIndexHead = 12 + 12, kIndexEnds = 4096;

// What the bytes of a file are recognised by.
inline std::string identity(Source& source) {
    std::vector<unsigned char> ends(kIndexEnds);
    std::string bytes(12, '\0');
    auto* to = reinterpret_cast<unsigned char*>(bytes.data());
    put_s64(to, source.size());
    std::uint32_t crc = crc32(ends.data(), source.read_at(0, ends.data(), ends.size()));
    const std::int64_t tail = std::max<std::int64_t>(0, source.size() - std::int64_t(kIndexEnds));
    crc = crc32(ends.data(), source.read_at(tail, ends.data(), ends.size()), crc);
    put_u32(to + 8, crc);
    return bytes;
}

inline void put_number(std::string& out, std::int64_t signed_value) {
    std::uint64_t value = std::uint64_t(signed_value) << 1 ^ std::uint64_t(signed_value >> 63);
    for (; value >= 128; value >>= 7) out += char(value | 128);
    out += char(value);
}
inline std::optional<std::int64_t> take_number(const unsigned char*& p, const unsigned char* end) {
    std::uint64_t value = 0;
    for (int shift = 0; p < end && shift < 63; shift += 7) {
        const std::uint64_t byte = *p++;
        value |= (byte & 127) << shift;
        if (byte < 128) return std::int64_t(value >> 1) ^ -std::int64_t(value & 1);
    }
    return std::nullopt;
}

}  // namespace ogg

inline std::string pack_ogg_index(Source& source, const std::vector<OggStart>& starts) {
    std::string out = ogg::kIndexMagic + ogg::identity(source);
    OggStart before;
    for (const OggStart& start : starts) {
        ogg::put_number(out, start.link - before.link);
        ogg::put_number(out, start.offset - before.offset);
        ogg::put_number(out, start.granule - before.granule);
        ogg::put_number(out, start.valid - start.granule);
        ogg::put_number(out, start.end - start.valid);
        before = start;
    }
    unsigned char check[4];
    ogg::put_u32(check, ogg::crc32(reinterpret_cast<const unsigned char*>(out.data()), out.size()));
    return out.append(reinterpret_cast<const char*>(check), 4);
}

// Nothing where the index is damaged or of another file.
inline std::optional<std::vector<OggStart>> unpack_ogg_index(Source& source, const std::string& index) {
    static constexpr std::int64_t kMost = std::int64_t(1) << 56;
    const auto* p = reinterpret_cast<const unsigned char*>(index.data());
    if (index.size() < ogg::kIndexHead + 4) return std::nullopt;
    const unsigned char* end = p + index.size() - 4;
    if (ogg::crc32(p, index.size() - 4) != ogg::little_u32(end)) return std::nullopt;
    if (index.compare(0, ogg::kIndexHead, ogg::kIndexMagic + ogg::identity(source)) != 0) return std::nullopt;
    p += ogg::kIndexHead;
    std::vector<OggStart> starts;
    OggStart start;
    while (p < end) {
        std::int64_t step[5];
        for (std::int64_t& each : step) {
            const auto number = ogg::take_number(p, end);
            if (!number || *number > kMost || *number < -kMost) return std::nullopt;
            each = *number;
        }
        start.link += step[0];
        start.offset += step[1];
        start.granule += step[2];
        start.valid = start.granule + step[3];
        start.end = start.valid + step[4];
        if (start.link < 0 || start.offset < 0 || start.granule < 0 || start.granule > kMost || step[3] < 0 ||
            step[4] < 0 || start.offset > source.size() || start.link > source.size())
            return std::nullopt;
        starts.push_back(start);
    }
    return starts;
}

}  // namespace luthier::io
