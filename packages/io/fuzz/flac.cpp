#include "flac_reader.h"
#include "fuzz.h"

namespace luthier::io::fuzz {

std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress& progress) {
    const std::int64_t start = find_flac(*source);
    return start < 0 ? nullptr : std::make_unique<FlacDecoder>(source, start, progress);
}

}  // namespace luthier::io::fuzz
