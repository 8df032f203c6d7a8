// The side information of a layer III frame, and whether a decoder can follow it. Source: ISO/IEC 11172-3
// and 13818-3, sections 2.4.1.7, 2.4.2.7 and, for the CRC, 2.4.3.1.
#pragma once

#include <cstdint>

#include "mpeg_header.h"

namespace luthier::io {

// Reads bits, the first of a byte the highest. Behind the end come zeros.
class MpegBits {
  public:
    MpegBits(const unsigned char* data, std::int64_t bytes) : data_(data), bits_(bytes * 8) {}
    int get(int count) {
        int value = 0;
        for (; count > 0; --count, ++at_)
            value = value << 1 | (at_ < bits_ ? data_[at_ >> 3] >> (7 - (at_ & 7)) & 1 : 0);
        return value;
    }

  private:
    const unsigned char* data_;
    std::int64_t bits_, at_ = 0;
};

struct MpegGranule {
    int bits = 0;        // of scale factors and spectrum together: part2_3_length
    int big_values = 0;  // pairs
    int scale_compress = 0;
    bool window_switching = false;
    int block_type = 0;  // 0 long, 1 start, 2 three short, 3 stop
    bool mixed = false;
    int tables[3] = {};
    int regions[2] = {};  // scale factor bands in the first and second region, less one
    bool last_table = false;
};

struct MpegSideInfo {
    int reach = 0;               // bytes of the frames before where its main data begins: main_data_begin
    int shared[2] = {};          // scfsi: scale factors that the second granule takes from the first
    MpegGranule granules[2][2];  // [granule][channel]
    int bits = 0;                // of all granules
};

// The CRC over the last two bytes of the header and `bytes` behind the CRC itself.
inline int mpeg_crc(const unsigned char* frame, int bytes) {
    unsigned crc = 0xFFFF;
    const auto take = [&](unsigned char byte) {
        crc ^= unsigned(byte) << 8;
        for (int i = 0; i < 8; ++i) crc = crc & 0x8000 ? crc << 1 ^ 0x8005 : crc << 1;
        crc &= 0xFFFF;
    };
    take(frame[2]);
    take(frame[3]);
    for (int i = 0; i < bytes; ++i) take(frame[6 + i]);
    return int(crc);
}

// Null, or why the side information is none. `frame` holds head_bytes().
inline const char* parse_mpeg_side_info(const unsigned char* frame, const MpegHeader& header,
                                        MpegSideInfo& side) {
    MpegBits bits(frame + header.head_bytes() - header.side_bytes(), header.side_bytes());
    const bool low = header.low_rate();
    side.reach = bits.get(low ? 8 : 9);
    bits.get(low ? header.channels : header.channels == 1 ? 5 : 3);
    if (!low)
        for (int c = 0; c < header.channels; ++c) side.shared[c] = bits.get(4);
    side.bits = 0;
    for (int g = 0; g < (low ? 1 : 2); ++g)
        for (int c = 0; c < header.channels; ++c) {
            MpegGranule& granule = side.granules[g][c];
            granule = {};
            side.bits += granule.bits = bits.get(12);
            granule.big_values = bits.get(9);
            bits.get(8);  // global_gain
            granule.scale_compress = bits.get(low ? 9 : 4);
            granule.window_switching = bits.get(1);
            if (granule.window_switching) {
                granule.block_type = bits.get(2);
                granule.mixed = bits.get(1);
                for (int r = 0; r < 2; ++r) granule.tables[r] = bits.get(5);
                bits.get(9);  // subblock_gain
            } else {
                for (int r = 0; r < 3; ++r) granule.tables[r] = bits.get(5);
                granule.regions[0] = bits.get(4);
                granule.regions[1] = bits.get(3);
            }
            bits.get(low ? 1 : 2);  // preflag, scalefac_scale
            granule.last_table = bits.get(1);
            if (granule.big_values > 288) return "a frame claims more than 576 spectral lines";
            if (granule.window_switching && granule.block_type == 0)
                return "a frame names a reserved type of block";
        }
    return nullptr;
}

}  // namespace luthier::io
