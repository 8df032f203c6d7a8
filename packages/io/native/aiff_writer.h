// AIFF and AIFF-C files: big-endian chunks of a four-letter name, a 32-bit size and that many bytes. Apple,
// "Audio Interchange File Format: AIFF" 1.3 (1989), and "AIFF-C" draft (1991).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "header_bytes.h"
#include "pcm_writer.h"

namespace luthier::io {

class AiffEncoder : public PcmEncoder {
  public:
    // Floats and what else AIFF does not know make an AIFF-C of it.
    AiffEncoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec)
        : PcmEncoder(std::move(sink), spec, true) {
        type_ = spec.subtype == "FLOAT"    ? "fl32"
                : spec.subtype == "DOUBLE" ? "fl64"
                : spec.subtype == "ULAW"   ? "ulaw"
                : spec.subtype == "ALAW"   ? "alaw"
                : spec.subtype == "PCM_U8" ? "raw "
                                           : "NONE";
        aifc_ = spec.format == "AIFC" || std::strcmp(type_, "NONE") != 0;
        begin();
    }

  private:
    static constexpr std::uint64_t kLargest = 0xFFFFFFFFu - 1024;

    void admit(std::int64_t frames) override { limit(frames, kLargest, "AIFF"); }

    HeaderBytes header(std::uint64_t frames, std::uint64_t bytes) const override {
        // The name of the codec, a string that its length precedes, of an even count of bytes in all.
        static constexpr char kName[] = "not compressed";
        const bool named = !std::strcmp(type_, "NONE");
        const std::uint64_t name_bytes = !aifc_ ? 0 : named ? sizeof kName + 1 : 2;
        const std::uint64_t common = 18 + (aifc_ ? 4 + name_bytes : 0);
        const std::uint64_t sound = 8 + bytes;
        HeaderBytes h;
        h.text("FORM").big(4 + (aifc_ ? 12 : 0) + 8 + common + 8 + sound + padding(bytes), 4);
        h.text(aifc_ ? "AIFC" : "AIFF");
        if (aifc_) h.text("FVER").big(4, 4).big(0xA2805140u, 4);
        h.text("COMM").big(common, 4).big(std::uint64_t(channels_), 2).big(frames, 4);
        const bool companded = coding_ == Coding::ulaw || coding_ == Coding::alaw;
        h.big(companded ? 16 : std::uint64_t(sample_bytes_) * 8, 2);
        // The rate as an 80-bit float: an exponent, and 64 bits of which the first is the leading one.
        const auto rate = std::uint64_t(sample_rate_);
        const int shift = std::countl_zero(rate);
        h.big(std::uint64_t(16383 + 63 - shift), 2).big(rate << shift, 8);
        if (aifc_) {
            h.text(type_);
            if (named)
                h.big(sizeof kName - 1, 1).text(kName).zeros(1);
            else
                h.zeros(2);
        }
        h.text("SSND").big(sound, 4).big(0, 4).big(0, 4);
        return h;
    }

    const char* type_;
    bool aifc_;
};

}  // namespace luthier::io
