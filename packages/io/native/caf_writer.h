// Core Audio Format files: chunks of a four-letter name, a 64-bit size and that many bytes. Apple, "Apple
// Core Audio Format Specification 1.0".
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "header_bytes.h"
#include "pcm_writer.h"

namespace luthier::io {

class CafEncoder : public PcmEncoder {
  public:
    CafEncoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec)
        : PcmEncoder(std::move(sink), spec, false) {
        begin();
    }

  private:
    int alignment() const override { return 1; }

    HeaderBytes header(std::uint64_t, std::uint64_t bytes) const override {
        const bool companded = coding_ == Coding::ulaw || coding_ == Coding::alaw;
        HeaderBytes h;
        h.text("caff").big(1, 2).big(0, 2);
        h.text("desc").big(32, 8).big(std::bit_cast<std::uint64_t>(double(sample_rate_)), 8);
        h.text(coding_ == Coding::ulaw ? "ulaw" : coding_ == Coding::alaw ? "alaw" : "lpcm");
        // 1: floats; 2: little-endian.
        h.big(companded ? 0 : (is_float() ? 1 : 0) + 2, 4).big(std::uint64_t(frame_bytes_), 4).big(1, 4);
        h.big(std::uint64_t(channels_), 4).big(std::uint64_t(sample_bytes_) * 8, 4);
        // Required beyond two channels: these stand for no loudspeakers ("discrete in order").
        if (channels_ > 2)
            h.text("chan").big(12, 8).big(147u << 16 | std::uint64_t(channels_), 4).big(0, 4).big(0, 4);
        h.text("data").big(4 + bytes, 8).big(0, 4);
        return h;
    }
};

}  // namespace luthier::io
