// The RIFF/WAVE container: chunks of a four-letter name, a 32-bit size and that many bytes, padded to an
// even count. Sources: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0"
// (1991), Microsoft "Multiple Channel Audio Data and WAVE Files" (WAVE_FORMAT_EXTENSIBLE), EBU Tech 3306
// (RF64: sizes of 64 bits in a chunk "ds64").
//
// No size in a file is believed: chunks are skipped by arithmetic on 64-bit offsets, and what the data
// chunk promises is kept apart from what the file holds.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "decoder.h"
#include "errors.h"
#include "source.h"

namespace luthier::io {

inline std::uint32_t little16(const unsigned char* p) { return std::uint32_t(p[0] | p[1] << 8); }
inline std::uint32_t little32(const unsigned char* p) { return little16(p) | little16(p + 2) << 16; }
inline std::uint64_t little64(const unsigned char* p) {
    return little32(p) | std::uint64_t(little32(p + 4)) << 32;
}

inline constexpr std::uint32_t kUnknownSize = 0xFFFFFFFFu;
inline constexpr int kTagPcm = 1, kTagFloat = 3, kTagExtensible = 0xFFFE;

struct WavLayout {
    StreamInfo info;
    PcmType type = kS16;
    int frame_bytes = 0;
    std::int64_t data_offset = 0;
    std::int64_t frames_present = 0;
    bool data_cut = false;  // the data chunk promises more bytes than there are
    bool native = false;    // false: a codec that is not ours (u-law, ADPCM ...)
};

inline bool is_wav(const unsigned char* head, std::size_t bytes) {
    if (bytes < 12 || std::memcmp(head + 8, "WAVE", 4) != 0) return false;
    return !std::memcmp(head, "RIFF", 4) || !std::memcmp(head, "RF64", 4) || !std::memcmp(head, "BW64", 4);
}

// Fills in type, subtype and frame_bytes from the body of the chunk "fmt ".
inline void parse_wav_fmt(const std::string& name, const unsigned char* fmt, std::size_t bytes,
                          WavLayout& wav) {
    const auto bad = [&](const std::string& what) {
        throw DecodeError(name + ": the WAV header is damaged: " + what);
    };
    if (bytes < 14) bad("its format chunk has " + std::to_string(bytes) + " bytes, at least 14 are needed");
    int tag = int(little16(fmt));
    const int channels = int(little16(fmt + 2));
    const std::uint32_t rate = little32(fmt + 4);
    const int align = int(little16(fmt + 12));
    int bits = bytes >= 16 ? int(little16(fmt + 14)) : 0;
    if (tag == kTagExtensible) {
        // The last 14 bytes of the sub-format's GUID are the same for every classic format tag.
        static constexpr unsigned char kTail[14] = {0, 0, 0,    0, 0x10, 0,    0x80,
                                                    0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
        if (bytes < 40)
            bad("its extensible format chunk has " + std::to_string(bytes) + " bytes, 40 are needed");
        tag = std::memcmp(fmt + 26, kTail, 14) == 0 ? int(little16(fmt + 24)) : 0;
    }
    if (channels < 1) bad("it declares no channels");
    if (rate < 1 || rate > 0x7FFFFFFF) bad("it declares a sample rate of " + grouped(rate) + " Hz");
    wav.info.channels = channels;
    wav.info.sample_rate = int(rate);
    wav.native = tag == kTagPcm || tag == kTagFloat;
    if (!wav.native) return;

    // A sample lies left-justified in its container of whole bytes (12 bits in two bytes, 24 in three or
    // four), so that the container alone gives the scale.
    if (bits == 0 && align > 0) bits = 8 * (align / channels);
    const int least = (bits + 7) / 8;
    int container = align % channels == 0 ? align / channels : 0;
    const int most = tag == kTagFloat ? 8 : 4;
    if (container < least || container > most) container = least;
    if (tag == kTagPcm && bits >= 1 && container >= 1 && container <= 4) {
        static constexpr PcmType kTypes[] = {kU8, kS16, kS24, kS32};
        static constexpr const char* kNames[] = {"PCM_U8", "PCM_16", "PCM_24", "PCM_32"};
        wav.type = kTypes[container - 1];
        wav.info.subtype = kNames[container - 1];
    } else if (tag == kTagFloat && (bits == 32 || bits == 64) && container * 8 == bits) {
        wav.type = bits == 32 ? kF32 : kF64;
        wav.info.subtype = bits == 32 ? "FLOAT" : "DOUBLE";
    } else {
        bad("it declares samples of " + std::to_string(bits) + " bits in frames of " + std::to_string(align) +
            " bytes for " + std::to_string(channels) + " channels");
    }
    wav.frame_bytes = container * channels;
}

inline WavLayout parse_wav(Source& source) {
    const std::string& name = source.name();
    unsigned char head[12];
    if (!is_wav(head, source.read_at(0, head, sizeof head)))
        throw UnsupportedFormat(name + ": is not a WAV file");
    const bool is_rf64 = head[0] != 'R' || head[1] != 'I';
    WavLayout wav;
    wav.info.format = is_rf64 ? "RF64" : "WAV";

    std::uint64_t data_size_64 = 0;
    bool have_fmt = false, have_ds64 = false;
    std::int64_t at = 12;
    for (;;) {
        unsigned char chunk[8];
        if (source.read_at(at, chunk, 8) < 8)
            throw DecodeError(name + ": ends after " + grouped(source.size()) + " bytes, before its audio" +
                              (have_fmt ? "" : " format") + "; it is cut short or damaged");
        const std::uint32_t size = little32(chunk + 4);
        const std::int64_t body = at + 8;
        if (!std::memcmp(chunk, "fmt ", 4) && !have_fmt) {
            unsigned char fmt[40] = {};
            const std::size_t bytes = source.read_at(body, fmt, std::min<std::size_t>(size, sizeof fmt));
            parse_wav_fmt(name, fmt, bytes, wav);
            have_fmt = true;
        } else if (!std::memcmp(chunk, "ds64", 4) && is_rf64 && !have_ds64) {
            unsigned char ds64[24] = {};
            if (size < 24 || source.read_at(body, ds64, 24) < 24)
                throw DecodeError(name + ": the RF64 header is damaged: its size chunk is too short");
            data_size_64 = little64(ds64 + 8);
            have_ds64 = true;
        } else if (!std::memcmp(chunk, "data", 4)) {
            if (!have_fmt)
                throw DecodeError(name + ": the WAV header is damaged: audio comes before its format");
            wav.data_offset = body;
            const std::int64_t there = std::max<std::int64_t>(0, source.size() - body);
            std::uint64_t promised = size;
            if (size == kUnknownSize) {
                // RF64 keeps the size elsewhere. In a plain WAV file it is what programs write to a pipe,
                // which cannot be rewound: the audio goes on to the end of the file.
                promised = have_ds64 ? data_size_64 : std::uint64_t(there);
            } else if (size == 0 && there > 0) {
                // A recorder that died before it completed the header. A chunk with a printable name
                // after an empty data chunk means that the file is really empty.
                unsigned char next[8];
                bool chunk_follows = source.read_at(body, next, 8) == 8;
                for (int i = 0; chunk_follows && i < 4; ++i) chunk_follows = next[i] >= ' ' && next[i] <= '~';
                if (!chunk_follows || std::int64_t(little32(next + 4)) > there - 8)
                    promised = std::uint64_t(there);
            }
            wav.data_cut = promised > std::uint64_t(there);
            if (!wav.native) return wav;
            const auto frame_bytes = std::uint64_t(wav.frame_bytes);
            wav.info.frames = std::int64_t(std::min<std::uint64_t>(promised, INT64_MAX) / frame_bytes);
            wav.frames_present = std::min(wav.info.frames, there / wav.frame_bytes);
            return wav;
        }
        at = body + std::int64_t(size) + (size & 1);
    }
}

}  // namespace luthier::io
