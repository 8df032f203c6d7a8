// LUTHIER_SNDFILE names the libsndfile that decodes; without it, frames are walked through and not decoded.
#include "fuzz.h"
#include "mpeg_reader.h"

namespace luthier::io::fuzz {

namespace {

bool loaded() {
    static const bool found = [] {
        const char* path = std::getenv("LUTHIER_SNDFILE");
        if (path) sf::load(path);
        return path != nullptr;
    }();
    return found;
}

void walk(Source& source) {
    Quiet quiet;
    MpegScan scan(source);
    if (!scan.find()) return;
    MpegWalk walk(scan, quiet);
    std::vector<std::string> verdicts;
    const auto verdict = [](const MpegPiece& piece) {
        return std::to_string(piece.offset) + (piece.bytes ? " " : " lost ") +
               (piece.wrong ? piece.wrong : "");
    };
    walk.begin(0, quiet);
    for (MpegPiece piece; walk.next(piece, true, quiet);) verdicts.push_back(verdict(piece));
    check(std::int64_t(verdicts.size()) == scan.frames(), "every frame is walked through");
    const std::string index = scan.index(quiet);
    MpegScan other(source);
    check(other.find() && other.use_index(index), "an index is taken back");
    MpegWalk again(other, quiet);
    for (std::size_t from = 0; from <= verdicts.size(); from += 1 + verdicts.size() / 5) {
        for (auto at = std::size_t(again.begin(std::int64_t(from), quiet)); at < verdicts.size(); ++at) {
            MpegPiece piece;
            check(again.next(piece, at >= from, quiet), "a walk reaches every frame");
            if (at >= from) check(verdict(piece) == verdicts[at], "verdicts do not depend on the way");
        }
    }
}

}  // namespace

std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress& progress) {
    if (loaded()) return open_mpeg(std::move(source), progress);
    walk(*source);
    return nullptr;
}

}  // namespace luthier::io::fuzz
