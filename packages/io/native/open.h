// Which decoder a file gets, from its first bytes.
#pragma once

#include <cstring>
#include <memory>
#include <utility>

#include "decoder.h"
#include "flac_reader.h"
#include "mpeg_reader.h"
#include "ogg_decoder.h"
#include "pcm_files.h"
#include "sndfile_formats.h"
#include "sndfile_reader.h"

namespace luthier::io {

inline std::unique_ptr<Decoder> open_decoder(std::shared_ptr<Source> source, Progress& progress) {
    HeadCache head(*source);
    if (auto layout = parse_pcm_file(head))
        if (auto decoder = open_pcm(source, std::move(*layout))) return decoder;
    if (const std::int64_t flac = find_flac(head); flac >= 0)
        return std::make_unique<FlacDecoder>(std::move(source), flac, progress);
    unsigned char ogg[4];
    const bool is_ogg = head.read_at(0, ogg, 4) == 4 && !std::memcmp(ogg, "OggS", 4);
    if (is_ogg)
        if (auto decoder = open_ogg_flac(source, progress)) return decoder;
    sf::library();  // throws where it is not loaded
    if (is_ogg)
        if (auto decoder = open_ogg(source, progress)) return decoder;
    if (auto decoder = open_mpeg(source, progress)) return decoder;
    if (!sndfile_knows(head)) throw_unknown(source->name());
    return std::make_unique<SndfileDecoder>(std::move(source), progress);
}

}  // namespace luthier::io
