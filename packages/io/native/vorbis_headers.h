// The headers of Vorbis (Xiph.Org, "Vorbis I specification", 2020), as far as they say how many frames a
// packet gives: the two block sizes, and which of them each mode uses. The modes stand at the end of the
// setup header, so that all before them is walked over.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "ogg_pages.h"

namespace luthier::io {

struct VorbisHeaders {
    int channels = 0, sample_rate = 0;
    int blocks[2] = {};
    int mode_bits = 0;
    std::vector<bool> long_mode;

    // The block size of an audio packet, 0 where it is none.
    int block(const unsigned char* packet, std::size_t bytes) const {
        if (bytes == 0 || (packet[0] & 1)) return 0;
        const std::size_t mode = packet[0] >> 1 & ((1u << mode_bits) - 1);
        if (mode >= long_mode.size()) return 0;
        // Two more bits tell the windows of a long block.
        if (long_mode[mode] && bytes * 8 < std::size_t(mode_bits) + 3) return 0;
        return blocks[long_mode[mode]];
    }
};

namespace vorbis {

// Bits from the least significant on (section 2). Behind the end they are zeros and `ended` is set.
class Bits {
  public:
    Bits(const unsigned char* data, std::size_t bytes) : data_(data), left_(std::uint64_t(bytes) * 8) {}

    std::uint32_t read(int bits) {
        if (std::uint64_t(bits) > left_) {
            left_ = 0;
            ended_ = true;
            return 0;
        }
        left_ -= std::uint64_t(bits);
        std::uint64_t value = 0;
        int there = 0;
        while (there < bits) {
            value |= std::uint64_t(*data_ >> used_) << there;
            const int taken = std::min(8 - used_, bits - there);
            there += taken;
            used_ += taken;
            if (used_ == 8) {
                used_ = 0;
                ++data_;
            }
        }
        return std::uint32_t(value & ((std::uint64_t(1) << bits) - 1));
    }
    void skip(std::uint64_t bits) {
        if (bits > left_) {
            left_ = 0;
            ended_ = true;
            return;
        }
        left_ -= bits;
        bits += std::uint64_t(used_);
        data_ += bits / 8;
        used_ = int(bits % 8);
    }
    bool ended() const { return ended_; }

  private:
    const unsigned char* data_;
    std::uint64_t left_;
    int used_ = 0;
    bool ended_ = false;
};

inline int ilog(std::uint32_t value) { return std::bit_width(value); }

// Section 9.2.3: the largest r with r ^ dimensions <= entries.
inline std::uint64_t lookup1_values(std::uint32_t entries, std::uint32_t dimensions) {
    const auto fits = [&](std::uint64_t r) {
        std::uint64_t product = 1;
        for (std::uint32_t i = 0; i < dimensions && r > 1; ++i)
            if ((product *= r) > entries) return false;
        return true;
    };
    std::uint64_t low = 1, high = std::uint64_t(entries) + 1;
    while (high - low > 1) {
        const std::uint64_t middle = (low + high) / 2;
        (fits(middle) ? low : high) = middle;
    }
    return low;
}

inline bool skip_codebook(Bits& bits) {
    if (bits.read(24) != 0x564342) return false;
    const std::uint32_t dimensions = bits.read(16), entries = bits.read(24);
    if (dimensions == 0 || entries == 0) return false;
    if (bits.read(1)) {
        bits.skip(5);
        for (std::uint32_t entry = 0; entry < entries && !bits.ended();) {
            const std::uint32_t count = bits.read(ilog(entries - entry));
            if (count > entries - entry) return false;
            // A run of no entries makes codes longer, of which there are 32.
            entry += count;
        }
    } else if (bits.read(1)) {
        for (std::uint32_t entry = 0; entry < entries && !bits.ended(); ++entry)
            if (bits.read(1)) bits.skip(5);
    } else {
        bits.skip(5 * std::uint64_t(entries));
    }
    const std::uint32_t lookup = bits.read(4);
    if (lookup > 2) return false;
    if (lookup > 0) {
        bits.skip(64);
        const std::uint64_t value_bits = bits.read(4) + 1;
        bits.skip(1);
        bits.skip(value_bits *
                  (lookup == 1 ? lookup1_values(entries, dimensions) : std::uint64_t(entries) * dimensions));
    }
    return !bits.ended();
}

inline bool skip_floor(Bits& bits) {
    const std::uint32_t type = bits.read(16);
    if (type == 0) {
        bits.skip(8 + 16 + 16 + 6 + 8);
        const std::uint32_t books = bits.read(4) + 1;
        bits.skip(8 * books);
        return !bits.ended();
    }
    if (type != 1) return false;
    const std::uint32_t partitions = bits.read(5);
    std::uint32_t classes[31] = {}, count = 0, dimensions[16] = {};
    for (std::uint32_t i = 0; i < partitions; ++i) {
        classes[i] = bits.read(4);
        count = std::max(count, classes[i] + 1);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        dimensions[i] = bits.read(3) + 1;
        const std::uint32_t subclasses = bits.read(2);
        if (subclasses) bits.skip(8);
        bits.skip(8ull << subclasses);
    }
    bits.skip(2);
    const std::uint32_t range_bits = bits.read(4);
    for (std::uint32_t i = 0; i < partitions; ++i)
        bits.skip(std::uint64_t(range_bits) * dimensions[classes[i]]);
    return !bits.ended();
}

inline bool skip_residue(Bits& bits) {
    if (bits.read(16) > 2) return false;
    bits.skip(24 + 24 + 24);
    const std::uint32_t classes = bits.read(6) + 1;
    bits.skip(8);
    int books = 0;
    for (std::uint32_t i = 0; i < classes; ++i) {
        std::uint32_t cascade = bits.read(3);
        if (bits.read(1)) cascade |= bits.read(5) << 3;
        books += std::popcount(cascade);
    }
    bits.skip(8 * std::uint64_t(books));
    return !bits.ended();
}

inline bool skip_mapping(Bits& bits, int channels) {
    if (bits.read(16) != 0) return false;
    const std::uint32_t submaps = bits.read(1) ? bits.read(4) + 1 : 1;
    if (bits.read(1)) {
        const std::uint32_t steps = bits.read(8) + 1;
        bits.skip(std::uint64_t(steps) * 2 * std::uint64_t(ilog(std::uint32_t(channels - 1))));
    }
    bits.skip(2);
    if (submaps > 1) bits.skip(4 * std::uint64_t(channels));
    bits.skip(24 * std::uint64_t(submaps));
    return !bits.ended();
}

}  // namespace vorbis

// From the packets of the identification and the setup header; nothing where they cannot be.
inline std::optional<VorbisHeaders> parse_vorbis_headers(const std::vector<unsigned char>& identification,
                                                         const std::vector<unsigned char>& setup) {
    VorbisHeaders headers;
    const unsigned char* id = identification.data();
    if (identification.size() < 30 || std::memcmp(id, "\1vorbis\0\0\0\0", 11) != 0) return std::nullopt;
    headers.channels = id[11];
    const std::uint32_t rate = ogg::little_u32(id + 12);
    headers.blocks[0] = 1 << (id[28] & 15);
    headers.blocks[1] = 1 << (id[28] >> 4);
    if (headers.channels < 1 || rate < 1 || rate > 0x7FFFFFFF || headers.blocks[0] < 64 ||
        headers.blocks[0] > headers.blocks[1] || headers.blocks[1] > 8192)
        return std::nullopt;
    headers.sample_rate = int(rate);

    if (setup.size() < 7 || std::memcmp(setup.data(), "\5vorbis", 7) != 0) return std::nullopt;
    vorbis::Bits bits(setup.data() + 7, setup.size() - 7);
    const auto each = [&](int count_bits, auto&& skip) {
        const std::uint32_t count = bits.read(count_bits) + 1;
        for (std::uint32_t i = 0; i < count; ++i)
            if (!skip()) return false;
        return true;
    };
    const auto skip_time = [&] { return bits.read(16) == 0; };
    if (!each(8, [&] { return vorbis::skip_codebook(bits); }) || !each(6, skip_time) ||
        !each(6, [&] { return vorbis::skip_floor(bits); }) ||
        !each(6, [&] { return vorbis::skip_residue(bits); }) ||
        !each(6, [&] { return vorbis::skip_mapping(bits, headers.channels); }))
        return std::nullopt;
    const bool modes = each(6, [&] {
        headers.long_mode.push_back(bits.read(1) != 0);
        bits.skip(16 + 16 + 8);
        return !bits.ended();
    });
    if (!modes) return std::nullopt;
    headers.mode_bits = vorbis::ilog(std::uint32_t(headers.long_mode.size()) - 1);
    return headers;
}

}  // namespace luthier::io
