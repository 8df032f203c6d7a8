// Which encoder a format gets.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "aiff_writer.h"
#include "au_writer.h"
#include "caf_writer.h"
#include "encoder.h"
#include "sndfile_writer.h"
#include "wav_writer.h"

namespace luthier::io {

inline std::unique_ptr<Encoder> open_encoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec) {
    const std::string& f = spec.format;
    if (spec.subtype == "GSM610") return std::make_unique<SndfileEncoder>(std::move(sink), spec);
    if (f == "WAV" || f == "WAVEX" || f == "RF64") return std::make_unique<WavEncoder>(std::move(sink), spec);
    if (f == "W64") return std::make_unique<W64Encoder>(std::move(sink), spec);
    if (f == "AIFF" || f == "AIFC") return std::make_unique<AiffEncoder>(std::move(sink), spec);
    if (f == "CAF") return std::make_unique<CafEncoder>(std::move(sink), spec);
    if (f == "AU") return std::make_unique<AuEncoder>(std::move(sink), spec);
    return std::make_unique<SndfileEncoder>(std::move(sink), spec);
}

}  // namespace luthier::io
