// The containers that hold PCM, by their first bytes.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "adpcm.h"
#include "aiff_format.h"
#include "au_format.h"
#include "caf_format.h"
#include "pcm_decoder.h"
#include "w64_format.h"
#include "wav_format.h"

namespace luthier::io {

// Nothing where it is no such file.
inline std::optional<PcmLayout> parse_pcm_file(Source& source) {
    unsigned char head[12];
    const std::size_t bytes = source.read_at(0, head, sizeof head);
    if (is_wav(head, bytes)) return parse_wav(source);
    if (is_aiff(head, bytes)) return parse_aiff(source);
    if (is_caf(head, bytes)) return parse_caf(source);
    if (is_au(head, bytes)) return parse_au(source);
    if (is_w64(head, bytes)) return parse_w64(source);
    return std::nullopt;
}

// Null for a codec that is not ours.
inline std::unique_ptr<Decoder> open_pcm(std::shared_ptr<Source> source, PcmLayout layout) {
    switch (layout.codec) {
        case PcmLayout::kPcm: return std::make_unique<PcmDecoder>(std::move(source), layout);
        case PcmLayout::kImaAdpcm:
        case PcmLayout::kMsAdpcm: return std::make_unique<AdpcmDecoder>(std::move(source), std::move(layout));
        case PcmLayout::kForeign: break;
    }
    return nullptr;
}

}  // namespace luthier::io
