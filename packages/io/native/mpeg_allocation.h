// Whether the bits that a frame of layer I or II hands out are there, and the codes of its samples are ones.
// Source: ISO/IEC 11172-3, sections 2.4.1.5, 2.4.1.6, 2.4.3.2 and 2.4.3.3, annex B, tables 3-B.2a to d;
// ISO/IEC 13818-3, annex B, table B.1.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mpeg_header.h"
#include "mpeg_main_data.h"
#include "mpeg_side_info.h"

namespace luthier::io {

// The first subband whose two channels share their samples.
inline int mpeg_joint_bound(const unsigned char* frame, int subbands) {
    return frame[3] >> 6 == 1 ? std::min(subbands, 4 + 4 * (frame[3] >> 4 & 3)) : subbands;
}

// Null, or why the frame cannot be what an encoder wrote.
inline const char* check_mpeg_layer1(const unsigned char* frame, const MpegHeader& header, int length) {
    const int head = header.head_bytes(), bound = mpeg_joint_bound(frame, 32);
    MpegBits bits(frame + head, length - head);
    int sum = 0;
    for (int band = 0; band < 32; ++band)
        for (int c = 0; c < (band < bound ? header.channels : 1); ++c) {
            const int code = bits.get(4);
            if (code == 15) return "a frame names a reserved size of samples";
            sum += 4;
            if (code > 0) sum += 12 * (code + 1) + 6 * (band < bound ? 1 : header.channels);
        }
    return sum > 8 * (length - head) ? "a frame claims more bits than there are" : nullptr;
}

// A run of subbands with the same choice of quantisers.
struct MpegBands {
    int end;         // behind the last subband
    int code_bits;   // of the number of the quantiser chosen
    const char* of;  // by that number less 1, a letter: see mpeg_letter_bits()
};
struct MpegAllocation {
    MpegBands runs[4];
    int subbands() const {
        int last = 0;
        for (const MpegBands& run : runs) last = std::max(last, run.end);
        return last;
    }
};

// The bits of three samples. a, b and d are quantisers of 3, 5 and 9 levels, which share one code of 5, 7 and
// 10 bits among them; c, and e to q, have samples of 3, and of 4 to 16 bits.
inline int mpeg_letter_bits(char letter) {
    return letter == 'a'   ? 5
           : letter == 'b' ? 7
           : letter == 'c' ? 9
           : letter == 'd' ? 10
                           : 3 * (letter - 'e' + 4);
}

inline const MpegAllocation& mpeg_allocation(const unsigned char* frame, const MpegHeader& header) {
    static constexpr const char *kLow = "acefghijklmnopq", *kMiddle = "abcdefghijklmnq", *kHigh = "abcdefq",
                                *kPoor = "abdefghijklmnop", *kPoorHigh = "abdefgh";
    static constexpr MpegAllocation kTables[5] = {
        {{{3, 4, kLow}, {11, 4, kMiddle}, {23, 3, kHigh}, {27, 2, "abq"}}},
        {{{3, 4, kLow}, {11, 4, kMiddle}, {23, 3, kHigh}, {30, 2, "abq"}}},
        {{{2, 4, kPoor}, {8, 3, kPoorHigh}, {}, {}}},
        {{{2, 4, kPoor}, {12, 3, kPoorHigh}, {}, {}}},
        {{{4, 4, "abcdefghijklmno"}, {11, 3, kPoorHigh}, {30, 2, "abd"}, {}}}};
    if (header.low_rate()) return kTables[4];
    static constexpr short kBits[15] = {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384};
    const int each = kBits[frame[2] >> 4] / header.channels;
    if (each <= 48) return kTables[header.sample_rate == 32'000 ? 3 : 2];
    return kTables[each >= 96 && header.sample_rate != 48'000 ? 1 : 0];
}

// The same for layer II. Behind the frame are 16 readable bytes. One of free format is taken as it is: what
// tables it goes by is not agreed on.
inline const char* check_mpeg_layer2(const unsigned char* frame, const MpegHeader& header, int length) {
    if (frame[2] >> 4 == 0) return nullptr;
    const MpegAllocation& table = mpeg_allocation(frame, header);
    const int head = header.head_bytes(), subbands = table.subbands(), channels = header.channels;
    const int bound = mpeg_joint_bound(frame, subbands);
    MpegBits bits(frame + head, length - head);
    char letters[32][2] = {};  // 0: no samples
    int at = 0, band = 0, triple = 0;
    for (const MpegBands& run : table.runs)
        for (; band < run.end; ++band)
            for (int c = 0; c < (band < bound ? channels : 1); ++c) {
                const int code = bits.get(run.code_bits);
                at += run.code_bits;
                if (code == 0) continue;
                letters[band][c] = run.of[code - 1];
                triple += mpeg_letter_bits(run.of[code - 1]);
            }
    // How often a scale factor is sent in a frame, by a code of two bits.
    static constexpr int kSent[4] = {3, 2, 1, 2};
    for (band = 0; band < subbands; ++band)
        for (int c = 0; c < channels; ++c)
            if (letters[band][band < bound ? c : 0]) at += 2 + 6 * kSent[bits.get(2)];
    if (at + 12 * triple > 8 * (length - head)) return "a frame claims more bits than there are";
    for (int part = 0; part < 12; ++part)
        for (band = 0; band < subbands; ++band)
            for (int c = 0; c < (band < bound ? channels : 1); ++c) {
                const char letter = letters[band][c];
                if (!letter) continue;
                const int size = mpeg_letter_bits(letter);
                if (letter == 'a' || letter == 'b' || letter == 'd') {
                    const auto code = mpeg_bits_at(frame + head, at) >> (64 - size);
                    if (code >= (letter == 'a' ? 27u : letter == 'b' ? 125u : 729u))
                        return "a frame has a code that stands for no samples";
                }
                at += size;
            }
    return nullptr;
}

}  // namespace luthier::io
