// Which decoder a file gets, from its first bytes.
#pragma once

#include <memory>
#include <utility>

#include "decoder.h"
#include "sndfile_reader.h"
#include "wav_reader.h"

namespace luthier::io {

inline std::unique_ptr<Decoder> open_decoder(std::shared_ptr<Source> source, Progress& progress) {
    unsigned char head[12];
    if (is_wav(head, source->read_at(0, head, sizeof head))) {
        WavLayout wav = parse_wav(*source);
        if (wav.native) return std::make_unique<WavDecoder>(std::move(source), std::move(wav));
    }
    return std::make_unique<SndfileDecoder>(std::move(source), progress);
}

}  // namespace luthier::io
