// The Huffman codes of layer III, as far as it takes to step over what they encode. Source: ISO/IEC
// 11172-3, annex B, table 3-B.7.
//
// What is kept of a code is its length and what follows it: a bit of sign for each value that is not 0, and
// "linbits" for each 15 of the tables that have them. The codes of a table, in rising order, fill the whole
// of the code space, so that their lengths in that order say what they are.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace luthier::io {

// By code in rising order: its length ("a" is 1) and which bits follow, see kMpegFollowing.
inline constexpr std::string_view kMpegCodes[17] = {
    // 1
    "c2c1b1a0",
    // 2
    "f2f1e2e2e1c2c1c1a0",
    // 3
    "f2f1e2e2e1c1b2b1b0",
    // 5
    "h2h2g2f2g2g1g1g2f2f2f1f1c2c1c1a0",
    // 6
    "g2g1f2f2f1e2e2e2e1d2d2d1c1b2c1c0",
    // 7
    "j2j2j2j2i2i2i2i2h2h2i1i2h1i2i2h2h2g2g2g1h1h2h2h1g2g2g1g2f2e2f1f1d2c1c1a0",
    // 8
    "k2k2j2i2j2j2i2i2i1h2h2i2i2i1i2h2h2h2g2h1h1h2h2h2h2h1h1f2f1f1d2d2b2c1c1b0",
    // 9
    "i2i2h2h2i2i1h2h2h2h2g2g2g2h1h1g2g2g2g1f2f2f2f2e2e2f1f1e2e1d2d2d1c2c1c1c0",
    // 10
    "k2k2k2k2k2k2j2j2j2j2j2j2j2k2k2j2i2i2j2j1i1i2j2j2i1j2j2h2h2i2i2j2j2i2i2j2j2h2h2h1i1i1i2i2i2i1h2h2"
    "h1h2h2h1g2g2g1g2f2f2f1f1d2c1c1a0",
    // 11
    "j2j2j2j2j2j2j2k2k2j2j2i2i2i2j2j2j2j2h2h2i2i1g2h2h1h2h2h1i2i2i2i1h2g2h2h1g2g2h2h2h1i2i2h2h2h2h2h1"
    "h1g2g2f2f2g1g1f2e2d2e1e1c2c1c1b0",
    // 12
    "j2j2i2i2i2i2i2i2i2h2h2i2i2h2h2h2h2h2h2i1i1h2h2h2h2h2i1i1g2g2g2h2h1h2h2h2h2g2g2g2g2h1h1g2g2g2f2f2"
    "f2f2g1g1f1e2e2e2d2d2e1e1d0c2c1c1",
    // 13
    "s2s2r2q2p2p2p2p2p2p2p2p2p2p2q2q2o2o2p2p2o2o2o2o2o2o2o2o2o2o2p2p2o2p2p2n2n2o2o2o2o2n2n2n2n2n2n2n2"
    "n2n2n2n2o2o2n2m2n2n2m2m2n2n2m1n2n2m2n2n2m2n2n2m2m2n2n2l2l2l1m2m2m2m2m2m2l2m2m1l2l2m1m2m2m2m2m2m2"
    "m2m2m2m2m2l2l2m2m2l2l2l2l2m2m2m2m2l2m2m2l2k2l1l1l2l2l2l2l2l2k2k2k2k2l2l2k2k2l2l1k1l2l2l2l2k2k2l2"
    "l2k2l2l2k2l2l2k2l2l2j2j2j2k1k1k2k2k2k2k2k2j2j2j2j2k1k2j1k2k2j2k2k2k2k2j2j2k2k2j2j2k2k2k2k2k2k2i2"
    "i2j1j1j2j2j2k2k2i2i2i2j2j2i2i2j2j1j1j2j2j2j2j2j2j2h2i1i1i2i2i1i1j2j2i2i2i1h2h2i2i2i1i2i2i2h2g2h1"
    "h1h2h2g2g2g1g1g2f2f2f1f1d2d1c1a0",
    // 15
    "m2m2m2m2l2m2m2m2m2m2m2l2m2m2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2l2m2m1k2k2l2l2l2l2k2k2k2"
    "k2k2k2l2l2k2k2k2k2k2k2k2k2l2l1k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2l1l1k2k2k2k2k2k2"
    "j2k2k2k2k2k2k2j2j2k2k1j2j2j2j2k2k1j2j2j2j2j2j2j2k2k1j2j2j2j2j2k1k1i2j2j2j2j2j2j2j2j2j2j2j2j2i2j2"
    "j2j2j2i2j2j2i2j1j2j2j2j2j2j2j2i2i2i2i2i2i2i2j1j1i2i2i2i2i2i2j2j1i2i2i2i2i2i2h2i2i1i2i2i2i2i2i2i2"
    "i2h2h2h2h2i2i1i1i2i2i2i2i2h2h2h2h2h2h2i1i1h2h2h2h2h2h2h2i1i1h2g2h2h2g2g2g2g2h1h1g2g2g2g2g2f2g2g1"
    "f2f2g1g1f2f2f1e2e2e2e1e1c2d1d1c0",
    // 16
    "k4k4k4k4k4k4k4k4j4k4k4k4k4j4j4j4j4j4h5j4j4i4i4i4i3j4p2q2q2o2o2p2p2n2o2o2n2n2o2o2n2n2o2o2o2o2n2o2"
    "o2n2m2h4i4i3h4h4m2n2n2n2n2n2n2n2n2n2n2m2m2n2n2n2n2m2n2n2m2m2m2n2n2n2n2m2m2n2n2m2n2n1l2m1m1m2m2m2"
    "m2m2m2m2m2m2m2m2m2l1m2m2m2m2m2m2l2m2m2l2l1m2m2k2l2l2l2l2l2l2l2m2m2k2l2l2l2l2k2l2l2l2l1l2l2l2l2k2"
    "l2l2k2k2k2k2l1l1l2l2l2l2l2l2k2l2l2k2l2l2k2l2l2k2l2l2k2j2j2k1k1k2k2k2k2j2j2k2k1j2j2k1k2k2k2k2k2k2"
    "k2j2k2k2j2j2j1k1k2j2j2k2k2j2j2k2k2j1i2i2j1j2j2j2j2j2i2i2i2j1j1i2j2j2i2i2h2i2i1i2i2i1i2i2i2h2h2i1"
    "i1h2h2g2g2h1h1g2f2f2f1f1d2d1c1a0",
    // 24
    "h4h4h4h4h4h4h4h4g4h4h4g4g4h4h4g4g4g4g4g4g4g4g4g4g4g4g4h4h3i3k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2k2"
    "k2k2k2k2k2k2k2k2k2k2d5k2k2k2k2l1l1k1j2k2k2j2j2j2j2k2k2j2j2j2j2k2k2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2"
    "j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2j2k1k1j2j2j2j2j2j2j2j2j2j2j2j2j2k1k1j2k1k1j2i2j2j2"
    "j2j2k1k1j1i2i2j2j2i2j2j2j2j2i2i2j2j2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2i2"
    "i2i2i2i2i2i2j1j1i2i2i2j1j1h2i2i2h2h2h2h2h2h2h2h2h2h2h2h2h2i1i1h2h2h2h2h2h2i1i1g2h2h2g2g2g2g2g2h1"
    "h1g2g2f2f2g1g1f2e2e2f1f1d2d1d1d0",
    // A
    "f6f7f6f6f6f2e2e2e2e2e2d1d1d1d1a0",
    // B
    "d7d6d6d2d6d2d2d1d6d2d2d1d2d1d1d0",
};

struct MpegFollowing {
    int signs, escapes;
};
inline constexpr MpegFollowing kMpegFollowing[8] = {{0, 0}, {1, 0}, {2, 0}, {1, 1},
                                                    {2, 1}, {2, 2}, {3, 0}, {4, 0}};

// Which of kMpegCodes the tables of the standard use, and with how many linbits; -1: no bits, -2: reserved.
inline constexpr std::int8_t kMpegTable[32] = {-1, 0,  1,  2,  -2, 3,  4,  5,  6,  7,  8,
                                               9,  10, 11, -2, 12, 13, 13, 13, 13, 13, 13,
                                               13, 13, 14, 14, 14, 14, 14, 14, 14, 14};
inline constexpr std::int8_t kMpegLinbits[32] = {0, 0, 0, 0, 0, 0, 0,  0,  0, 0, 0, 0, 0, 0, 0,  0,
                                                 1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13};

// One table ready for use: what the next bits hold.
struct MpegCodeTable {
    static constexpr int kBits = 10;

    struct Run {
        std::uint8_t count = 0;  // of whole codes in the next kBits; 0: none
        std::uint8_t bits = 0;   // of all of them
    };
    struct Code {
        std::uint8_t bits = 0;     // with signs; 0: a longer one than kBits
        std::uint8_t escapes = 0;  // each is followed by linbits
    };
    struct Long {
        std::uint32_t end = 0;  // the code behind it, at the top of 32 bits
        Code code;
    };

    Run runs[1 << kBits];
    Code codes[1 << kBits];
    Long longs[192];
    int long_count = 0;

    // The next code, at the top of `word`.
    Code next(std::uint64_t word) const {
        const Code code = codes[word >> (64 - kBits)];
        if (code.bits > 0) return code;
        const auto top = std::uint32_t(word >> 32);
        int low = 0, high = long_count - 1;
        while (low < high) {
            const int middle = (low + high) / 2;
            if (top < longs[middle].end)
                high = middle;
            else
                low = middle + 1;
        }
        return longs[low].code;
    }

    void fill(std::string_view table) {
        std::uint32_t at = 0;  // the code at the top of 32 bits
        for (std::size_t i = 0; i + 1 < table.size(); i += 2) {
            const int length = table[i] - 'a' + 1;
            const MpegFollowing following = kMpegFollowing[table[i + 1] - '0'];
            const Code code{std::uint8_t(length + following.signs), std::uint8_t(following.escapes)};
            const std::uint32_t end = at + (std::uint32_t(1) << (32 - length));
            if (length <= kBits)
                for (std::uint32_t k = 0; k < 1u << (kBits - length); ++k)
                    codes[(at >> (32 - kBits)) + k] = code;
            else
                longs[long_count++] = {end == 0 ? 0xFFFFFFFFu : end, code};
            at = end;
        }
        for (std::uint32_t bits = 0; bits < 1u << kBits; ++bits)
            for (;;) {
                Run& run = runs[bits];
                const Code code = codes[bits << run.bits & ((1u << kBits) - 1)];
                if (code.bits == 0 || code.escapes > 0 || run.bits + code.bits > kBits) break;
                run = {std::uint8_t(run.count + 1), std::uint8_t(run.bits + code.bits)};
            }
    }
};

inline const std::array<MpegCodeTable, 17>& mpeg_code_tables() {
    static const auto* tables = [] {
        auto* made = new std::array<MpegCodeTable, 17>;
        for (std::size_t i = 0; i < made->size(); ++i) (*made)[i].fill(kMpegCodes[i]);
        return made;
    }();
    return *tables;
}

}  // namespace luthier::io
