// WAV, WAVEX, RF64 and W64 files. See wav_format.h for the first three; W64 is Sony's "Wave64" (Sonic
// Foundry, 2003): the same chunks with 16-byte names and 64-bit sizes that count the chunk's own header, on
// multiples of 8. libsndfile knows no extensible header in W64, which is older.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "header_bytes.h"
#include "pcm_writer.h"
#include "wav_format.h"

namespace luthier::io {

// The body of the chunk "fmt ".
inline HeaderBytes wav_fmt(const std::string& subtype, int sample_rate, int channels, int sample_bytes,
                           bool extensible) {
    const bool is_float = subtype == "FLOAT" || subtype == "DOUBLE";
    const int tag = is_float ? kTagFloat : subtype == "ULAW" ? 7 : subtype == "ALAW" ? 6 : kTagPcm;
    const int frame_bytes = sample_bytes * channels;
    HeaderBytes fmt;
    fmt.little(std::uint64_t(extensible ? kTagExtensible : tag), 2).little(std::uint64_t(channels), 2);
    fmt.little(std::uint64_t(sample_rate), 4);
    fmt.little(std::uint64_t(sample_rate) * std::uint64_t(frame_bytes), 4);
    fmt.little(std::uint64_t(frame_bytes), 2).little(std::uint64_t(sample_bytes) * 8, 2);
    if (extensible) {
        // An array names no loudspeakers: the mask is empty but for one channel (front centre) and two.
        const int speakers = channels == 1 ? 4 : channels == 2 ? 3 : 0;
        fmt.little(22, 2).little(std::uint64_t(sample_bytes) * 8, 2).little(std::uint64_t(speakers), 4);
        static constexpr unsigned char kTail[14] = {0, 0, 0,    0, 0x10, 0,    0x80,
                                                    0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
        fmt.little(std::uint64_t(tag), 2).raw(kTail);
    } else if (tag != kTagPcm) {
        fmt.little(0, 2);
    }
    return fmt;
}

// The extensible header where Microsoft asks for it, with more than two channels. It is asked for with
// integers of more than 16 bits as well, but all readers take these without, and some, as Python's own before
// 3.12, take no extensible files.
inline bool wants_extensible(const EncoderSpec& spec) { return spec.format == "WAVEX" || spec.channels > 2; }

class WavEncoder : public PcmEncoder {
  public:
    // Where it is not known how many frames will come, the header leaves room for the 64-bit sizes of
    // RF64, which the file becomes when the audio outgrows 4 GiB.
    WavEncoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec)
        : PcmEncoder(std::move(sink), spec, false),
          rf64_(spec.format == "RF64"),
          fmt_(wav_fmt(subtype_, sample_rate_, channels_, sample_bytes_, wants_extensible(spec))) {
        room_ = rf64_ || announced_ < 0 || announced_ > std::int64_t(kLargest) / frame_bytes_;
        begin();
    }

  private:
    // Leaves room for the rest of the header below 2^32.
    static constexpr std::uint64_t kLargest = 0xFFFFFFFFu - 1024;

    HeaderBytes header(std::uint64_t frames, std::uint64_t bytes) const override {
        const bool is_rf64 = rf64_ || bytes > kLargest;
        const bool has_fact = integer_bits(subtype_) == 0;
        const std::uint64_t before_data = (room_ ? 36 : 0) + 8 + fmt_.size() + (has_fact ? 12 : 0) + 8;
        const std::uint64_t riff = 4 + before_data + bytes + padding(bytes);
        HeaderBytes h;
        h.text(is_rf64 ? "RF64" : "RIFF").little(is_rf64 ? kUnknownSize : riff, 4).text("WAVE");
        if (room_) {
            h.text(is_rf64 ? "ds64" : "JUNK").little(28, 4);
            h.little(is_rf64 ? riff : 0, 8).little(is_rf64 ? bytes : 0, 8).little(is_rf64 ? frames : 0, 8);
            h.little(0, 4);
        }
        h.text("fmt ").little(fmt_.size(), 4).append(fmt_);
        if (has_fact) h.text("fact").little(4, 4).little(is_rf64 ? kUnknownSize : frames, 4);
        h.text("data").little(is_rf64 ? kUnknownSize : bytes, 4);
        return h;
    }

    bool rf64_, room_ = false;
    HeaderBytes fmt_;
};

class W64Encoder : public PcmEncoder {
  public:
    W64Encoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec)
        : PcmEncoder(std::move(sink), spec, false),
          fmt_(wav_fmt(subtype_, sample_rate_, channels_, sample_bytes_, false)) {
        begin();
    }

  private:
    // Nothing follows the samples. libsndfile would read what fills them up as more of them.
    int alignment() const override { return 1; }

    HeaderBytes header(std::uint64_t frames, std::uint64_t bytes) const override {
        static constexpr unsigned char kRiff[16] = {'r',  'i',  'f',  'f',  0x2E, 0x91, 0xCF, 0x11,
                                                    0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0,    0};
        const bool has_fact = integer_bits(subtype_) == 0;
        const std::uint64_t fmt_padding = (8 - fmt_.size() % 8) % 8;
        const std::uint64_t before_data =
            24 + 16 + 24 + fmt_.size() + fmt_padding + (has_fact ? 24 + 8 : 0) + 24;
        HeaderBytes h;
        h.raw(kRiff).little(before_data + bytes, 8);
        name_chunk(h, "wave");
        name_chunk(h, "fmt ").little(24 + fmt_.size(), 8).append(fmt_).zeros(fmt_padding);
        if (has_fact) name_chunk(h, "fact").little(24 + 8, 8).little(frames, 8);
        name_chunk(h, "data").little(24 + bytes, 8);
        return h;
    }
    static HeaderBytes& name_chunk(HeaderBytes& h, const char* four) {
        static constexpr unsigned char kTail[12] = {0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1,
                                                    0,    0xC0, 0x4F, 0x8E, 0xDB, 0x8A};
        return h.text(four).raw(kTail);
    }

    HeaderBytes fmt_;
};

}  // namespace luthier::io
