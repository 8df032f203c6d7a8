// The RIFF/WAVE container: chunks of a four-letter name, a 32-bit size and that many bytes, padded to an
// even count. Sources: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0"
// (1991), Microsoft "Multiple Channel Audio Data and WAVE Files" (WAVE_FORMAT_EXTENSIBLE), EBU Tech 3306
// (RF64: sizes of 64 bits in a chunk "ds64"). RIFX is RIFF with the bytes of every number swapped.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "adpcm.h"
#include "bytes.h"
#include "pcm_layout.h"

namespace luthier::io {

inline constexpr std::uint32_t kUnknownSize = 0xFFFFFFFFu;
inline constexpr int kTagPcm = 1, kTagMsAdpcm = 2, kTagFloat = 3, kTagALaw = 6, kTagULaw = 7,
                     kTagImaAdpcm = 0x11, kTagExtensible = 0xFFFE;

// Bytes of a format chunk that are looked at: the largest is MS ADPCM's with a full table.
inline constexpr std::size_t kMostFmtBytes = 22 + 4 * 256;

inline bool is_wav(const unsigned char* head, std::size_t bytes) {
    if (bytes < 12 || std::memcmp(head + 8, "WAVE", 4) != 0) return false;
    for (const char* name : {"RIFF", "RIFX", "RF64", "BW64"})
        if (!std::memcmp(head, name, 4)) return true;
    return false;
}

inline void parse_adpcm_fmt(const HeaderErrors& errors, const unsigned char* fmt, std::size_t bytes,
                            int align, PcmLayout& layout) {
    const int channels = layout.info.channels;
    const bool ima = layout.codec == PcmLayout::kImaAdpcm;
    layout.info.subtype = ima ? "IMA_ADPCM" : "MS_ADPCM";
    layout.block_bytes = align;
    const std::int64_t most = adpcm_frames(layout.codec, channels, align);
    if (most < 1)
        errors.damaged("it declares ADPCM blocks of " + std::to_string(align) + " bytes for " +
                       std::to_string(channels) + " channels");
    const std::int64_t declared = bytes >= 20 ? little16(fmt + 18) : 0;
    layout.block_frames = int(declared >= 1 && declared <= most ? declared : most);
    if (ima) return;
    const std::size_t pairs = bytes >= 22 ? little16(fmt + 20) : 0;
    for (std::size_t i = 0; i < 2 * pairs && 24 + 2 * i <= bytes && i < 512; ++i)
        layout.coefficients.push_back(std::int16_t(little16(fmt + 22 + 2 * i)));
    static constexpr std::int16_t kStandard[] = {256, 0,   512, -256, 0,    0,   192,
                                                 64,  240, 0,   460,  -208, 392, -232};
    if (layout.coefficients.size() < 14) layout.coefficients.assign(kStandard, kStandard + 14);
}

// Fills in how samples are stored from the body of the chunk "fmt ".
inline void parse_wav_fmt(const HeaderErrors& errors, const unsigned char* fmt, std::size_t bytes,
                          PcmLayout& layout, bool big = false) {
    const auto number16 = [&](int at) { return big ? big16(fmt + at) : little16(fmt + at); };
    if (bytes < 14)
        errors.damaged("its format chunk has " + std::to_string(bytes) + " bytes, at least 14 are needed");
    int tag = int(number16(0));
    const int channels = int(number16(2));
    const std::uint32_t rate = big ? big32(fmt + 4) : little32(fmt + 4);
    const int align = int(number16(12));
    int bits = bytes >= 16 ? int(number16(14)) : 0;
    if (tag == kTagExtensible) {
        // The last 14 bytes of the sub-format's GUID are the same for every classic format tag.
        static constexpr unsigned char kTail[14] = {0, 0, 0,    0, 0x10, 0,    0x80,
                                                    0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
        if (bytes < 40)
            errors.damaged("its extensible format chunk has " + std::to_string(bytes) +
                           " bytes, 40 are needed");
        tag = std::memcmp(fmt + 26, kTail, 14) == 0 ? int(number16(24)) : 0;
    }
    errors.check_channels(std::uint32_t(channels));
    errors.check_rate(rate);
    layout.info.channels = channels;
    layout.info.sample_rate = int(rate);

    if (tag == kTagULaw || tag == kTagALaw) {
        layout.set_pcm(tag == kTagULaw ? kULaw : kALaw);
    } else if (tag == kTagImaAdpcm || tag == kTagMsAdpcm) {
        if (bits != 4 || big) return;  // IMA's of 3 bits, and what nobody writes
        layout.codec = tag == kTagImaAdpcm ? PcmLayout::kImaAdpcm : PcmLayout::kMsAdpcm;
        parse_adpcm_fmt(errors, fmt, bytes, align, layout);
    } else if (tag == kTagPcm || tag == kTagFloat) {
        // A sample lies left-justified in its container of whole bytes (12 bits in two bytes, 24 in three
        // or four), so that the container alone gives the scale.
        if (bits == 0 && align > 0) bits = 8 * (align / channels);
        const int least = (bits + 7) / 8;
        int container = align % channels == 0 ? align / channels : 0;
        const int most = tag == kTagFloat ? 8 : 4;
        if (container < least || container > most) container = least;
        static constexpr PcmType kLittle[] = {kU8, kS16, kS24, kS32},
                                 kBig[] = {kU8, kS16Big, kS24Big, kS32Big};
        if (tag == kTagPcm && bits >= 1 && container >= 1 && container <= 4)
            layout.set_pcm((big ? kBig : kLittle)[container - 1]);
        else if (tag == kTagFloat && (bits == 32 || bits == 64) && container * 8 == bits)
            layout.set_pcm(bits == 32 ? (big ? kF32Big : kF32) : (big ? kF64Big : kF64));
        else
            errors.damaged("it declares samples of " + std::to_string(bits) + " bits in frames of " +
                           std::to_string(align) + " bytes for " + std::to_string(channels) + " channels");
    }
}

// Whether `promised` bytes are what SoX writes into a pipe, which cannot be rewound: the most whole frames
// below 0x7FFFF000.
inline bool is_wav_of_pipe(std::uint64_t promised, const PcmLayout& layout) {
    const int unit = layout.codec == PcmLayout::kPcm ? layout.frame_bytes : 1;
    return promised <= 0x7FFFF000u && promised + std::uint64_t(unit) > 0x7FFFF000u;
}

inline PcmLayout parse_wav(Source& source) {
    const HeaderErrors errors{source.name(), "WAV"};
    unsigned char head[12];
    if (!is_wav(head, source.read_at(0, head, sizeof head)))
        throw UnsupportedFormat(source.name() + ": is not a WAV file");
    const bool is_rf64 = head[0] != 'R' || head[1] != 'I', big = head[3] == 'X';
    const auto number32 = [&](const unsigned char* p) { return big ? big32(p) : little32(p); };
    PcmLayout layout;
    layout.info.format = is_rf64 ? "RF64" : "WAV";

    std::uint64_t data_size_64 = 0, declared = 0;
    bool have_fmt = false, have_ds64 = false;
    std::int64_t at = 12;
    for (;;) {
        unsigned char chunk[8];
        if (source.read_at(at, chunk, 8) < 8) errors.ends(source, have_fmt);
        const std::uint32_t size = number32(chunk + 4);
        const std::int64_t body = at + 8;
        if (!std::memcmp(chunk, "fmt ", 4) && !have_fmt) {
            unsigned char fmt[kMostFmtBytes] = {};
            parse_wav_fmt(errors, fmt, source.read_at(body, fmt, std::min<std::size_t>(size, sizeof fmt)),
                          layout, big);
            have_fmt = true;
        } else if (!std::memcmp(chunk, "ds64", 4) && is_rf64 && !have_ds64) {
            unsigned char ds64[24] = {};
            if (size < 24 || source.read_at(body, ds64, 24) < 24)
                throw DecodeError(source.name() +
                                  ": the RF64 header is damaged: its size chunk is too short");
            data_size_64 = little64(ds64 + 8);
            declared = little64(ds64 + 16);
            have_ds64 = true;
        } else if (!std::memcmp(chunk, "fact", 4)) {
            unsigned char fact[4];
            if (size >= 4 && source.read_at(body, fact, 4) == 4 && number32(fact) != kUnknownSize)
                declared = number32(fact);
        } else if (!std::memcmp(chunk, "data", 4)) {
            if (!have_fmt) errors.damaged("audio comes before its format");
            const std::int64_t there = std::max<std::int64_t>(0, source.size() - body);
            std::uint64_t promised = size;
            bool to_end = false;
            if (size == kUnknownSize) {
                // RF64 keeps the size elsewhere. In a plain WAV file it is what programs write to a pipe,
                // which cannot be rewound: the audio goes on to the end of the file.
                promised = data_size_64;
                to_end = !have_ds64;
            } else if (size == 0 && there > 0) {
                // A recorder that died before it completed the header. A chunk with a printable name
                // after an empty data chunk means that the file is really empty.
                unsigned char next[8];
                bool chunk_follows = source.read_at(body, next, 8) == 8;
                for (int i = 0; chunk_follows && i < 4; ++i) chunk_follows = next[i] >= ' ' && next[i] <= '~';
                to_end = !chunk_follows || std::int64_t(number32(next + 4)) > there - 8;
            } else if (size > there) {
                to_end = is_wav_of_pipe(size, layout);
            }
            if (to_end)
                layout.set_data_to_end(source, body);
            else
                layout.set_data(source, body, promised);
            if (layout.block_bytes) set_adpcm_frames(layout, declared);
            return layout;
        }
        at = body + std::int64_t(size) + (size & 1);
    }
}

}  // namespace luthier::io
