// AU files, of Sun and NeXT: six big-endian numbers and the samples. Sun Microsystems, "audio_filehdr(3)";
// NeXT, "Sound/soundstruct.h".
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "header_bytes.h"
#include "pcm_writer.h"

namespace luthier::io {

class AuEncoder : public PcmEncoder {
  public:
    AuEncoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec) : PcmEncoder(std::move(sink), spec, true) {
        begin();
    }

  private:
    int alignment() const override { return 1; }

    HeaderBytes header(std::uint64_t, std::uint64_t bytes) const override {
        const int encoding = coding_ == Coding::ulaw      ? 1
                             : coding_ == Coding::alaw    ? 27
                             : coding_ == Coding::f32_big ? 6
                             : coding_ == Coding::f64_big ? 7
                                                          : 1 + sample_bytes_;
        // A size of all ones means to the end of the file. The header ends with an annotation of at least
        // four bytes.
        const std::uint64_t size = bytes < 0xFFFFFFFFu ? bytes : 0xFFFFFFFFu;
        HeaderBytes h;
        h.text(".snd").big(28, 4).big(size, 4).big(std::uint64_t(encoding), 4);
        h.big(std::uint64_t(sample_rate_), 4).big(std::uint64_t(channels_), 4).zeros(4);
        return h;
    }
};

}  // namespace luthier::io
