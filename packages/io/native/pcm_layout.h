// What the header of a WAV, AIFF, CAF, AU or W64 file says: how samples are stored, and where.
//
// No size in a file is believed: chunks are skipped by arithmetic on 64-bit offsets, and what the audio's
// chunk promises is kept apart from what the file holds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "decoder.h"
#include "source.h"

namespace luthier::io {

struct PcmLayout {
    enum Codec {
        kPcm,       // every frame has the same bytes: integers, floats and G.711
        kImaAdpcm,  // blocks of frames, see adpcm.h
        kMsAdpcm,
        kForeign,  // a codec that is not ours
    };

    StreamInfo info;
    Codec codec = kForeign;
    PcmType type = kS16;
    int frame_bytes = 0;                     // kPcm
    int block_bytes = 0, block_frames = 0;   // ADPCM
    std::vector<std::int16_t> coefficients;  // kMsAdpcm: pairs
    std::int64_t data_offset = 0;            // of the first byte of audio
    std::int64_t data_promised = 0;          // bytes of audio, as the header says
    std::int64_t data_present = 0;           // and as they are in the file
    bool cut() const { return data_present < data_promised; }

    // Every frame is `channels` samples of this type. The names are libsndfile's.
    void set_pcm(PcmType stored) {
        static constexpr const char* kNames[kStoredTypes] = {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT",
                                                             "DOUBLE", "PCM_S8", "PCM_16", "PCM_24", "PCM_32",
                                                             "FLOAT",  "DOUBLE", "ULAW",   "ALAW"};
        codec = kPcm;
        type = stored;
        info.subtype = kNames[stored];
        frame_bytes = stored_bytes(stored) * info.channels;
    }

    // Where the audio is: `promised` bytes of it, or all up to the end of the file.
    void set_data(const Source& source, std::int64_t offset, std::uint64_t promised) {
        data_offset = offset;
        data_promised = std::int64_t(std::min<std::uint64_t>(promised, INT64_MAX));
        data_present = std::min(data_promised, std::max<std::int64_t>(0, source.size() - offset));
        if (codec == kPcm) info.frames = data_promised / frame_bytes;
    }
    void set_data_to_end(const Source& source, std::int64_t offset) {
        set_data(source, offset, std::uint64_t(std::max<std::int64_t>(0, source.size() - offset)));
        info.promised = false;
    }
};

// The errors of a header, which name the file and what is wrong: "the AIFF header is damaged: ...".
struct HeaderErrors {
    const std::string& name;
    const char* format;

    [[noreturn]] void damaged(const std::string& what) const {
        throw DecodeError(name + ": the " + format + " header is damaged: " + what);
    }
    [[noreturn]] void ends(const Source& source, bool have_format) const {
        throw DecodeError(name + ": ends after " + grouped(source.size()) + " bytes, before its audio" +
                          (have_format ? "" : " format") + "; it is cut short or damaged");
    }
    void check_channels(std::uint32_t channels) const {
        if (channels < 1) damaged("it declares no channels");
        if (channels > kMostChannels) damaged("it declares " + grouped(channels) + " channels");
    }
    void check_rate(double rate) const {
        if (rate >= 1 && rate <= 0x7FFFFFFF) return;
        const bool whole = rate >= 0 && rate < 1e15 && rate == double(std::int64_t(rate));
        damaged("it declares a sample rate of " +
                (whole ? grouped(std::int64_t(rate)) : std::to_string(rate)) + " Hz");
    }

    static constexpr std::uint32_t kMostChannels = 0xFFFF;  // what a WAV file can say
};

}  // namespace luthier::io
