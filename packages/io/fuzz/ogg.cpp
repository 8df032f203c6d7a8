// Ogg pages, chains, and the timing of Vorbis and Opus. LUTHIER_SNDFILE names the libsndfile that decodes the
// packets; without it the parsers are walked through alone.
#include <cstdlib>

#include "fuzz.h"
#include "ogg_decoder.h"

namespace luthier::io::fuzz {

namespace {

class OwnSource : public MemorySource {
  public:
    explicit OwnSource(std::vector<unsigned char> bytes)
        : MemorySource("input", bytes.data(), std::int64_t(bytes.size())), bytes_(std::move(bytes)) {}

  private:
    std::vector<unsigned char> bytes_;
};

// No mutation would pass the checksums: an input with an odd last byte gets right ones.
std::shared_ptr<Source> with_checksums(const Source& source) {
    std::vector<unsigned char> bytes(source.data(), source.data() + source.size());
    for (std::size_t at = 0; at + ogg::kHeader <= bytes.size();) {
        std::size_t page = ogg::kHeader + bytes[at + 26];
        if (std::memcmp(bytes.data() + at, "OggS", 4) != 0 || at + page > bytes.size()) {
            ++at;
            continue;
        }
        for (std::size_t i = 0; i < bytes[at + 26]; ++i) page += bytes[at + ogg::kHeader + i];
        if (at + page > bytes.size()) break;
        ogg::put_u32(bytes.data() + at + 22, ogg::page_crc(bytes.data() + at, page));
        at += page;
    }
    return std::make_shared<OwnSource>(std::move(bytes));
}

void walk(Source& source, Progress& progress) {
    const OggChain chain = find_ogg_links(source, progress);
    for (const OggLink& link : chain.links) {
        if (link.codec != OggCodec::kVorbis && link.codec != OggCodec::kOpus) continue;
        check(link.frames >= 0 && link.first >= 0, "frames are counted");
        OggRuns runs(source, link);
        runs.start();
        OggRun run;
        while (runs.next(run)) {
            check(run.begin <= run.end && run.valid >= run.begin && run.valid <= run.end &&
                      run.valid_end <= run.end,
                  "a run lies between its ends");
            check((run.valid == run.begin && run.valid_end == run.end) == run.reason.empty(),
                  "what is lost has a reason");
        }
    }
}

}  // namespace

std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress& progress) {
    static const char* library = std::getenv("LUTHIER_SNDFILE");
    if (source->size() < 4 || std::memcmp(source->data(), "OggS", 4) != 0) return nullptr;
    if (source->data()[source->size() - 1] & 1) source = with_checksums(*source);
    walk(*source, progress);
    if (!library) return nullptr;
    sf::load(library);
    return open_ogg(std::move(source), progress);
}

}  // namespace luthier::io::fuzz
