// MD5 (RFC 1321), which FLAC keeps of the samples before encoding. A checksum here, and not a protection.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace luthier::io {

class Md5 {
  public:
    void add(const unsigned char* bytes, std::size_t size) {
        length_ += size;
        if (filled_ > 0) {
            const std::size_t taken = std::min(size, block_.size() - filled_);
            std::memcpy(block_.data() + filled_, bytes, taken);
            filled_ += taken;
            bytes += taken;
            size -= taken;
            if (filled_ < block_.size()) return;
            mix(block_.data());
            filled_ = 0;
        }
        for (; size >= block_.size(); size -= block_.size(), bytes += block_.size()) mix(bytes);
        std::memcpy(block_.data(), bytes, size);
        filled_ = size;
    }

    std::array<unsigned char, 16> finish() {
        const std::uint64_t bits = 8 * length_;
        static constexpr unsigned char kPadding[64] = {0x80};
        add(kPadding, (filled_ < 56 ? 56 : 120) - filled_);
        std::array<unsigned char, 8> tail;
        for (std::size_t i = 0; i < 8; ++i) tail[i] = (unsigned char)(bits >> (8 * i));
        add(tail.data(), tail.size());
        std::array<unsigned char, 16> sum;
        for (std::size_t i = 0; i < 16; ++i) sum[i] = (unsigned char)(state_[i / 4] >> (8 * (i % 4)));
        return sum;
    }

  private:
    template <int Round>
    static void step(std::uint32_t& a, std::uint32_t b, std::uint32_t c, std::uint32_t d, std::uint32_t word,
                     std::uint32_t constant, int turn) {
        std::uint32_t f;
        if constexpr (Round == 0)
            f = d ^ (b & (c ^ d));
        else if constexpr (Round == 1)
            f = (b & d) + (c & ~d);
        else if constexpr (Round == 2)
            f = b ^ c ^ d;
        else
            f = c ^ (b | ~d);
        a = b + std::rotl(a + word + constant + f, turn);
    }
    template <int Round>
    static void round(std::uint32_t (&s)[4], const std::uint32_t (&words)[16]) {
        static constexpr int kTurns[4][4] = {
            {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
        static constexpr int kStride[4] = {1, 5, 3, 7}, kFirst[4] = {0, 1, 5, 0};
        for (int i = 0; i < 16; i += 4) {
            const auto word = [&](int j) { return words[(kFirst[Round] + kStride[Round] * (i + j)) & 15]; };
            const std::uint32_t* constants = kConstants + 16 * Round + i;
            step<Round>(s[0], s[1], s[2], s[3], word(0), constants[0], kTurns[Round][0]);
            step<Round>(s[3], s[0], s[1], s[2], word(1), constants[1], kTurns[Round][1]);
            step<Round>(s[2], s[3], s[0], s[1], word(2), constants[2], kTurns[Round][2]);
            step<Round>(s[1], s[2], s[3], s[0], word(3), constants[3], kTurns[Round][3]);
        }
    }
    void mix(const unsigned char* bytes) {
        std::uint32_t words[16];
        for (int i = 0; i < 16; ++i)
            words[i] = std::uint32_t(bytes[4 * i]) | std::uint32_t(bytes[4 * i + 1]) << 8 |
                       std::uint32_t(bytes[4 * i + 2]) << 16 | std::uint32_t(bytes[4 * i + 3]) << 24;
        std::uint32_t s[4] = {state_[0], state_[1], state_[2], state_[3]};
        round<0>(s, words);
        round<1>(s, words);
        round<2>(s, words);
        round<3>(s, words);
        for (int i = 0; i < 4; ++i) state_[i] += s[i];
    }

    // floor(2^32 * |sin(i + 1)|)
    static constexpr std::uint32_t kConstants[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
        0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
        0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

    std::uint32_t state_[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    std::uint64_t length_ = 0;
    std::array<unsigned char, 64> block_{};
    std::size_t filled_ = 0;
};

}  // namespace luthier::io
