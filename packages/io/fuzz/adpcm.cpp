#include "fuzz.h"
#include "pcm_files.h"

namespace luthier::io::fuzz {

// Damage inside of the audio, which the target `wav` hardly ever reaches.
std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress&) {
    PcmLayout layout = parse_wav(*source);
    if (layout.codec == PcmLayout::kPcm) return nullptr;
    return open_pcm(std::move(source), std::move(layout));
}

}  // namespace luthier::io::fuzz
