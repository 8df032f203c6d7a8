#include "fuzz.h"
#include "pcm_files.h"

namespace luthier::io::fuzz {

std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress&) {
    return open_pcm(source, parse_au(*source));
}

}  // namespace luthier::io::fuzz
