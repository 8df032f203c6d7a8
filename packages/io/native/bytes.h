// Numbers as files hold them.
#pragma once

#include <bit>
#include <cstdint>

namespace luthier::io {

inline std::uint32_t little16(const unsigned char* p) { return std::uint32_t(p[0] | p[1] << 8); }
inline std::uint32_t little32(const unsigned char* p) { return little16(p) | little16(p + 2) << 16; }
inline std::uint64_t little64(const unsigned char* p) {
    return little32(p) | std::uint64_t(little32(p + 4)) << 32;
}

inline std::uint32_t big16(const unsigned char* p) { return std::uint32_t(p[0] << 8 | p[1]); }
inline std::uint32_t big32(const unsigned char* p) { return big16(p) << 16 | big16(p + 2); }
inline std::uint64_t big64(const unsigned char* p) { return std::uint64_t(big32(p)) << 32 | big32(p + 4); }
inline double big_double(const unsigned char* p) { return std::bit_cast<double>(big64(p)); }

}  // namespace luthier::io
