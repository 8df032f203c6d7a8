// Decodes what nothing else here does and libsndfile can: ALAC, GSM and others.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decoder.h"
#include "pcm_files.h"
#include "sndfile_stream.h"

namespace luthier::io {

class SndfileDecoder : public Decoder {
  public:
    SndfileDecoder(std::shared_ptr<Source> source, Progress& progress)
        : lib_(sf::library()), source_(std::move(source)) {
        open();
        file_info_ = file_->info();
        const int type = file_info_.format & sf::kTypeMask;
        const int subtype = file_info_.format & sf::kSubtypeMask;
        info_.format = sf::name_of(sf::kFormats, type);
        info_.subtype = sf::name_of(sf::kSubtypes, subtype);
        info_.sample_rate = file_info_.samplerate;
        info_.channels = file_info_.channels;
        if (info_.channels < 1 || info_.sample_rate < 1)
            throw DecodeError(source_->name() + ": the header is damaged: it declares " +
                              std::to_string(info_.channels) + " channels at " +
                              std::to_string(info_.sample_rate) + " Hz");
        exact_ = seeks_exactly(subtype);
        info_.frames = file_info_.frames;
        // A file that was written to a pipe may leave the length out.
        if (info_.frames < 0 || info_.frames >= kUnknownFrames) info_.frames = count_frames(progress);
        // The library takes what is there for all there was.
        const auto layout = parse_pcm_file(*source_);
        if (layout && layout->cut()) cut_ = "its audio is cut short";
        info_.promised = cut_.empty();
        if (!cut_.empty()) note({cut_, info_.frames, -1});
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }

  private:
    static constexpr std::int64_t kBlock = 4096;
    static constexpr std::int64_t kUnknownFrames = std::int64_t(1) << 48;

    // Whether the library's seek is right: of PCM, floats, u-law and A-law. For anything else all that
    // comes before a frame is decoded, from a file opened anew.
    static bool seeks_exactly(int subtype) {
        return (subtype >= 0x01 && subtype <= 0x07) || subtype == 0x10 || subtype == 0x11;
    }

    void open() {
        file_.emplace(source_);
        file_position_ = 0;
        if (!file_->opened()) throw_unreadable();
    }
    [[noreturn]] void throw_unreadable() const;

    std::int64_t count_frames(Progress& progress) {
        std::vector<float> scratch(std::size_t(kBlock * info_.channels));
        std::int64_t count = 0;
        for (;;) {
            const std::int64_t got = file_->decode(scratch.data(), kBlock);
            if (got == 0) break;
            count += got;
            progress.poll();
        }
        open();
        return count;
    }

    template <class T>
    std::int64_t decode(T* to, std::int64_t frames) {
        const std::int64_t got = file_->decode(to, frames);
        file_position_ += got;
        return got;
    }

    template <class T>
    bool skip_to(std::int64_t frame, T* scratch, Progress& progress) {
        while (file_position_ < frame) {
            if (decode(scratch, std::min(kBlock, frame - file_position_)) == 0) return false;
            progress.poll();
        }
        return true;
    }

    template <class T>
    bool move(T* scratch, Progress& progress) {
        const std::int64_t to = position_;
        if (to == file_position_) return true;
        if (exact_ && lib_.seek(file_->handle(), to, 0) == to)
            file_position_ = to;
        else if (exact_ || to < file_position_)
            open();
        return skip_to(to, scratch, progress);
    }

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        auto& scratch = buffer<T>();
        scratch.resize(std::size_t(kBlock * info_.channels));
        fault_.reset();
        std::int64_t done = 0;
        if (frames > 0 && move(scratch.data(), progress)) {
            while (done < frames) {
                const std::int64_t n = std::min(kBlock, frames - done);
                const Target<T> here = to.from(std::ptrdiff_t(done), info_.channels);
                const bool direct = to.interleaved || info_.channels == 1;
                const std::int64_t got = decode(direct ? here.data : scratch.data(), n);
                if (got == 0) break;
                if (!direct)
                    decode_to(here, sizeof(T) == 4 ? kF32 : kF64,
                              reinterpret_cast<const unsigned char*>(scratch.data()), info_.channels, got);
                position_ += got;
                done += got;
                progress.poll();
            }
        }
        if (done < frames) stop_at({reason(), file_position_, -1});
        return done;
    }

    std::string reason() const {
        if (!cut_.empty()) return cut_;
        const std::string said = file_->error();
        return said.empty() ? "its audio is cut short" : "the decoder stopped: " + said;
    }

    template <class T>
    std::vector<T>& buffer() {
        if constexpr (sizeof(T) == 4)
            return floats_;
        else
            return doubles_;
    }

    const sf::Library& lib_;
    std::shared_ptr<Source> source_;
    sf::Info file_info_{};
    std::optional<SndfileStream> file_;
    std::int64_t file_position_ = 0;  // of the handle; position_ is the reader's
    bool exact_ = false;              // see seeks_exactly()
    std::string cut_;                 // why the end is missing, where the container tells
    std::vector<float> floats_;
    std::vector<double> doubles_;
};

[[noreturn]] inline void throw_unknown(const std::string& name) {
    throw UnsupportedFormat(name +
                            ": is not audio of a known format, or its first bytes are damaged. "
                            "Readable are WAV, FLAC, MP3, Ogg Vorbis, Opus, AIFF, AU, CAF, W64 and others" +
                            (name == "<bytes>" ? "; bytes are a file's contents, and never its path" : ""));
}

inline void SndfileDecoder::throw_unreadable() const {
    const std::string& name = source_->name();
    unsigned char head[4] = {};
    const bool known =
        source_->read_at(0, head, 4) == 4 &&
        (!std::memcmp(head, "fLaC", 4) || !std::memcmp(head, "OggS", 4) || !std::memcmp(head, "FORM", 4) ||
         !std::memcmp(head, "RIFF", 4) || !std::memcmp(head, "caff", 4) || !std::memcmp(head, ".snd", 4));
    if (known)
        throw DecodeError(name + ": is damaged or holds a codec that is not supported (" + file_->refusal() +
                          ")");
    throw_unknown(name);
}

}  // namespace luthier::io
