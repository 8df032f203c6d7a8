// One pass of libsndfile over a source, from its first frame on. It never seeks: the seeks of the library
// return wrong samples for compressed audio, so that who wants another place hands over another source.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sndfile_library.h"

namespace luthier::io {

class SndfileStream {
  public:
    // Check opened() before anything else is asked.
    explicit SndfileStream(std::shared_ptr<Source> source)
        : lib_(sf::library()), source_(std::move(source)), open_(lib_, *source_, info_) {
        if (!opened()) open_.rethrow();
    }

    bool opened() const { return open_.get() != nullptr; }
    // Why it did not open.
    const std::string& refusal() const { return open_.refusal(); }
    // As the library sees the source; its count of frames is an estimate for some formats.
    const sf::Info& info() const { return info_; }
    sf::Handle* handle() const { return open_.get(); }
    // Frames decoded so far.
    std::int64_t position() const { return position_; }

    // Decodes up to `frames` interleaved frames and returns how many: fewer at the end of the source and
    // before what the library cannot decode. Errors of the source are thrown.
    template <class T>
    std::int64_t decode(T* to, std::int64_t frames) {
        std::int64_t got;
        if constexpr (sizeof(T) == 4)
            got = lib_.readf_float(open_.get(), to, frames);
        else
            got = lib_.readf_double(open_.get(), to, frames);
        open_.rethrow();
        got = std::max<std::int64_t>(0, got);
        position_ += got;
        return got;
    }

    // What the library says went wrong; empty where nothing did.
    std::string error() const { return lib_.error(open_.get()) ? open_.message() : std::string(); }

  private:
    const sf::Library& lib_;
    std::shared_ptr<Source> source_;
    sf::Info info_{};
    sf::Open open_;
    std::int64_t position_ = 0;
};

}  // namespace luthier::io
