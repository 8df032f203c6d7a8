#include "fuzz.h"
#include "wav_reader.h"

namespace luthier::io::fuzz {

std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress&) {
    WavLayout wav = parse_wav(*source);
    if (!wav.native) return nullptr;
    return std::make_unique<WavDecoder>(std::move(source), std::move(wav));
}

}  // namespace luthier::io::fuzz
