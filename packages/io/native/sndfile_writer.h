// Encodes FLAC, MP3, Ogg Vorbis, Opus and AIFF through libsndfile.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decoder.h"
#include "sink.h"
#include "sndfile_library.h"

namespace luthier::io {

class SndfileEncoder : public Encoder {
  public:
    SndfileEncoder(std::unique_ptr<Sink> sink, const std::string& format, const std::string& subtype,
                   int sample_rate, int channels)
        : lib_(sf::library()),
          sink_(std::move(sink)),
          format_(format),
          subtype_(subtype),
          sample_rate_(sample_rate),
          channels_(channels) {
        const int type = sf::code_of(sf::kFormats, format);
        sf::Info info{0, sample_rate, channels, type | sf::code_of(sf::kSubtypes, subtype), 0, 0};
        const std::string wanted = format + " of subtype " + subtype + " with " + std::to_string(channels) +
                                   " channels at " + std::to_string(sample_rate) + " Hz";
        if (!lib_.format_check(&info)) throw EncodeError(sink_->name() + ": cannot write " + wanted);
        file_.emplace(lib_, *sink_, info);
        if (!file_->get()) {
            file_->rethrow();
            throw EncodeError(sink_->name() + ": cannot write " + wanted + " (" + file_->refusal() + ")");
        }
        lib_.command(file_->get(), sf::kSetClipping, nullptr, 1);
        // Integers are rounded and clipped by us: the library gets the codes that it shall store.
        if (subtype == "PCM_S8")
            type_ = kS8In32;
        else if (subtype == "PCM_16")
            type_ = kS16In32;
        else if (subtype == "PCM_24")
            type_ = kS24In32;
        else if (subtype == "PCM_32")
            type_ = kS32;
        else if (subtype == "FLOAT")
            type_ = kF32;
        else if (subtype == "DOUBLE")
            type_ = kF64;
        else
            type_ = kF32Clipped;
    }

    void write(const float* planar, std::ptrdiff_t stride, std::int64_t frames, Progress& progress) override {
        write_as(planar, stride, frames, progress);
    }
    void write(const double* planar, std::ptrdiff_t stride, std::int64_t frames,
               Progress& progress) override {
        write_as(planar, stride, frames, progress);
    }

    void finish() override {
        const int failed = file_->close();
        file_->rethrow();
        if (failed) throw EncodeError(sink_->name() + ": the encoder could not complete the file");
        if (position_ == 0) finish_empty();
        sink_->finish();
    }
    void abandon() override { sink_->abandon(); }

  protected:
    const std::string& name() const override { return sink_->name(); }

  private:
    // Vorbis keeps a block on the stack: large ones overflow it.
    static constexpr std::int64_t kBlock = 16384;

    template <class T>
    void write_as(const T* planar, std::ptrdiff_t stride, std::int64_t frames, Progress& progress) {
        const auto encode = pcm_kernels<T>().encode[type_];
        buffer_.resize(std::size_t(kBlock) * std::size_t(channels_) * 8);
        for (std::int64_t done = 0; done < frames;) {
            const std::int64_t n = std::min(kBlock, frames - done);
            encode(planar + done, stride, channels_, std::ptrdiff_t(n), buffer_.data());
            const std::int64_t put = put_block(n);
            file_->rethrow();
            if (put != n)
                throw EncodeError(sink_->name() + ": the encoder took " + grouped(put) + " of " + grouped(n) +
                                  " frames (" + file_->message() + ")");
            position_ += n;
            done += n;
            progress.poll();
        }
    }

    // The library's encoders write their header with the first block, and a file without frames has none.
    void finish_empty() {
        if (format_ == "MP3" || subtype_ == "OPUS")
            throw EncodeError(sink_->name() + ": " + (format_ == "MP3" ? format_ : subtype_) +
                              " files cannot be empty; write at least one frame, or another format");
        if (format_ != "FLAC" || sink_->size() > 0) return;
        // The stream information alone (RFC 9639, section 8.2): block sizes, frame sizes (unknown), rate in
        // 20 bits, channels - 1 in 3, bits - 1 in 5, frames in 36, and the MD5 of nothing.
        const int bits = subtype_ == "PCM_S8" ? 8 : subtype_ == "PCM_16" ? 16 : 24;
        const std::uint64_t packed = std::uint64_t(sample_rate_) << 44 | std::uint64_t(channels_ - 1) << 41 |
                                     std::uint64_t(bits - 1) << 36;
        unsigned char flac[42] = {'f', 'L', 'a', 'C', 0x80, 0, 0, 34, 0x10, 0, 0x10, 0};
        for (int i = 0; i < 8; ++i) flac[18 + i] = (unsigned char)(packed >> (56 - 8 * i));
        static constexpr unsigned char kMd5[16] = {0xD4, 0x1D, 0x8C, 0xD9, 0x8F, 0x00, 0xB2, 0x04,
                                                   0xE9, 0x80, 0x09, 0x98, 0xEC, 0xF8, 0x42, 0x7E};
        std::memcpy(flac + 26, kMd5, sizeof kMd5);
        sink_->write(flac, sizeof flac);
    }

    std::int64_t put_block(std::int64_t frames) {
        const void* data = buffer_.data();
        switch (type_) {
            case kF64: return lib_.writef_double(file_->get(), static_cast<const double*>(data), frames);
            case kF32:
            case kF32Clipped: return lib_.writef_float(file_->get(), static_cast<const float*>(data), frames);
            default: return lib_.writef_int(file_->get(), static_cast<const int*>(data), frames);
        }
    }

    const sf::Library& lib_;
    std::unique_ptr<Sink> sink_;
    std::string format_, subtype_;
    int sample_rate_, channels_;
    std::optional<sf::Open> file_;
    std::vector<unsigned char> buffer_;
};

}  // namespace luthier::io
