// Steps over the scale factors and the spectrum of a layer III frame, to see whether they fill the bits
// that its side information gives them. A flipped bit makes other codes of other lengths, which rarely do.
// Source: ISO/IEC 11172-3 and 13818-3, sections 2.4.1.7, 2.4.2.7 and 2.4.3.2, annex B, table 3-B.8.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "mpeg_huffman.h"
#include "mpeg_side_info.h"

namespace luthier::io {

// The first spectral lines of the long scale factor bands, halved, by version and rate.
inline const short* mpeg_long_bands(const MpegHeader& header) {
    static constexpr short kBands[6][23] = {
        {0,  2,  4,  6,  8,  10, 12,  15,  18,  22,  26, 31,
         37, 45, 55, 67, 81, 98, 119, 144, 171, 209, 288},  // 44.1 kHz
        {0,  2,  4,  6,  8,  10, 12,  15,  18,  21,  25, 30,
         36, 44, 53, 64, 78, 95, 115, 138, 165, 192, 288},  // 48 kHz
        {0,  2,  4,  6,  8,  10,  12,  15,  18,  22,  27, 33,
         41, 51, 63, 78, 97, 120, 148, 182, 224, 275, 288},  // 32 kHz
        {0,  3,  6,  9,   12,  15,  18,  22,  27,  33,  40, 48,
         58, 70, 84, 100, 119, 142, 168, 198, 232, 261, 288},  // 22.05, 16, 12 and 11.025 kHz
        {0,  3,  6,  9,  12,  15,  18,  22,  27,  33,  40, 48,
         57, 68, 81, 97, 116, 139, 166, 197, 232, 270, 288},  // 24 kHz
        {0,   6,   12,  18,  24,  30,  36,  44,  54,  66,  80, 96,
         116, 140, 168, 200, 238, 283, 284, 285, 286, 287, 288}};  // 8 kHz
    switch (header.sample_rate) {
        case 44'100: return kBands[0];
        case 48'000: return kBands[1];
        case 32'000: return kBands[2];
        case 24'000: return kBands[4];
        case 8'000: return kBands[5];
        default: return kBands[3];
    }
}

// Bits of the scale factors: part2_length. `right` is the second channel of an intensity stereo frame.
inline int mpeg_scale_bits(const MpegHeader& header, const MpegGranule& granule, int shared, bool right) {
    const bool is_short = granule.block_type == 2;
    if (!header.low_rate()) {
        static constexpr int kFirst[16] = {0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4};
        static constexpr int kSecond[16] = {0, 1, 2, 3, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 2, 3};
        const int first = kFirst[granule.scale_compress], second = kSecond[granule.scale_compress];
        if (is_short) return (granule.mixed ? 17 : 18) * first + 18 * second;
        return (shared & 8 ? 0 : 6 * first) + (shared & 4 ? 0 : 5 * first) + (shared & 2 ? 0 : 5 * second) +
               (shared & 1 ? 0 : 5 * second);
    }
    // How many bands have each of four lengths, by [kind][long, short, mixed].
    static constexpr unsigned char kCounts[6][3][4] = {
        {{6, 5, 5, 5}, {9, 9, 9, 9}, {6, 9, 9, 9}},       {{6, 5, 7, 3}, {9, 9, 12, 6}, {6, 9, 12, 6}},
        {{11, 10, 0, 0}, {18, 18, 0, 0}, {15, 18, 0, 0}}, {{7, 7, 7, 0}, {12, 12, 12, 0}, {6, 15, 12, 0}},
        {{6, 6, 6, 3}, {12, 9, 9, 6}, {6, 12, 9, 6}},     {{8, 8, 5, 0}, {15, 12, 9, 0}, {6, 18, 9, 0}}};
    int kind, lengths[4] = {}, code = granule.scale_compress;
    if (right) {
        code >>= 1;
        if (code < 180) {
            kind = 3;
            lengths[0] = code / 36, lengths[1] = code % 36 / 6, lengths[2] = code % 6;
        } else if (code < 244) {
            kind = 4, code -= 180;
            lengths[0] = code >> 4 & 3, lengths[1] = code >> 2 & 3, lengths[2] = code & 3;
        } else {
            kind = 5, code -= 244;
            lengths[0] = code / 3, lengths[1] = code % 3;
        }
    } else if (code < 400) {
        kind = 0;
        lengths[0] = (code >> 4) / 5, lengths[1] = (code >> 4) % 5;
        lengths[2] = code >> 2 & 3, lengths[3] = code & 3;
    } else if (code < 500) {
        kind = 1, code -= 400;
        lengths[0] = (code >> 2) / 5, lengths[1] = (code >> 2) % 5, lengths[2] = code & 3;
    } else {
        kind = 2, code -= 500;
        lengths[0] = code / 3, lengths[1] = code % 3;
    }
    int bits = 0;
    for (int i = 0; i < 4; ++i) bits += kCounts[kind][!is_short ? 0 : granule.mixed ? 2 : 1][i] * lengths[i];
    return bits;
}

// The 64 bits at bit `at`, of which 57 are sure to be there.
inline std::uint64_t mpeg_bits_at(const unsigned char* data, int at) {
    std::uint64_t word;
    std::memcpy(&word, data + (at >> 3), 8);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
    return word << (at & 7);
}

// Steps over `pairs` codes of a table, and returns where they end; beyond `end` it may stop early.
inline int skip_mpeg_pairs(const unsigned char* data, int at, int end, const MpegCodeTable& table,
                           int linbits, int pairs) {
    while (pairs > 0 && at <= end) {
        std::uint64_t word = mpeg_bits_at(data, at);
        // Runs take 10 bits at most, so that a word holds five.
        int i = 0;
        for (; i < 5; ++i) {
            const MpegCodeTable::Run run = table.runs[word >> (64 - MpegCodeTable::kBits)];
            if (run.count == 0 || run.count > pairs) break;
            pairs -= run.count;
            at += run.bits;
            word <<= run.bits;
        }
        if (i == 5 || pairs == 0) continue;
        // The longest code takes 47 bits.
        if (i > 0) word = mpeg_bits_at(data, at);
        const MpegCodeTable::Code code = table.next(word);
        at += code.bits + code.escapes * linbits;
        --pairs;
    }
    return at;
}

// Null, or why the main data cannot be what the encoder wrote. Behind `data` are 16 readable bytes more
// than side.bits say.
inline const char* check_mpeg_main_data(const unsigned char* data, const MpegHeader& header, bool intensity,
                                        const MpegSideInfo& side, bool exact) {
    const auto& tables = mpeg_code_tables();
    const short* bands = mpeg_long_bands(header);
    int start = 0;
    for (int g = 0; g < (header.low_rate() ? 1 : 2); ++g)
        for (int c = 0; c < header.channels; ++c) {
            const MpegGranule& granule = side.granules[g][c];
            const int end = start + granule.bits;
            int at =
                start + mpeg_scale_bits(header, granule, g == 1 ? side.shared[c] : 0, c == 1 && intensity);
            start = end;
            if (at > end) return "the scale factors of a frame take more bits than they have";
            int first = 0;
            for (int r = 0; r < 3; ++r) {
                int last = granule.big_values;
                if (granule.window_switching) {
                    if (r == 0) {
                        // 36 lines of short blocks, 8 bands of long ones. Mixed blocks, which low rates
                        // hardly have, as decoders take them.
                        const bool few = granule.block_type == 2 && (header.version == 2 || !granule.mixed);
                        const int lines = few && header.version != 1 ? bands[6] : bands[8];
                        last = std::min(last, lines);
                    }
                } else if (r < 2) {
                    const int band = granule.regions[0] + 1 + (r == 1 ? granule.regions[1] + 1 : 0);
                    last = std::min<int>(last, bands[std::min(band, 22)]);
                }
                if (last <= first) continue;
                const int table = granule.tables[r];
                if (kMpegTable[table] == -2) return "a frame names a reserved Huffman table";
                if (kMpegTable[table] >= 0)
                    at = skip_mpeg_pairs(data, at, end, tables[std::size_t(kMpegTable[table])],
                                         kMpegLinbits[table], last - first);
                first = last;
            }
            if (at > end) return "the spectrum of a frame takes more bits than it has";
            // Quadruples of small values, as long as there are bits.
            const MpegCodeTable& last = tables[granule.last_table ? 16 : 15];
            int quads = (288 - granule.big_values) / 2;
            while (quads > 0 && at < end) {
                std::uint64_t word = mpeg_bits_at(data, at);
                for (int i = 0; i < 5 && quads > 0 && at < end; ++i) {
                    const MpegCodeTable::Run run = last.runs[word >> (64 - MpegCodeTable::kBits)];
                    if (run.count <= quads && at + run.bits <= end) {
                        quads -= run.count;
                        at += run.bits;
                        word <<= run.bits;
                    } else {
                        const MpegCodeTable::Code code = last.next(word);
                        --quads;
                        at += code.bits;
                        word <<= code.bits;
                    }
                }
            }
            if (exact && at != end) return "the spectrum of a frame does not fill its bits";
        }
    return nullptr;
}

}  // namespace luthier::io
