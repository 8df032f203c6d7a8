// Encodes FLAC, MP3, Ogg Vorbis and Opus, and GSM 06.10 in WAV, through libsndfile.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "encoder.h"
#include "sink.h"
#include "sndfile_library.h"

namespace luthier::io {

class SndfileEncoder : public Encoder {
  public:
    SndfileEncoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec)
        : Encoder(std::move(sink), spec), lib_(sf::library()), spec_(spec) {
        const int type = sf::code_of(sf::kFormats, spec.format);
        sf::Info info{0, spec.sample_rate, spec.channels, type | sf::code_of(sf::kSubtypes, spec.subtype), 0,
                      0};
        const std::string wanted = spec.format + " of subtype " + spec.subtype + " with " +
                                   std::to_string(spec.channels) + " channels at " +
                                   std::to_string(spec.sample_rate) + " Hz";
        if (!lib_.format_check(&info)) throw EncodeError(name() + ": cannot write " + wanted);
        file_.emplace(lib_, *sink_, info);
        if (!file_->get()) {
            file_->rethrow();
            throw EncodeError(name() + ": cannot write " + wanted + " (" + file_->refusal() + ")");
        }
        lib_.command(file_->get(), sf::kSetClipping, nullptr, 1);
        settle();
        // Integers are rounded and clipped by us: the library gets the codes that it shall store.
        const int bits = integer_bits(spec.subtype);
        coding_ = bits == 8    ? Coding::s8_in_32
                  : bits == 16 ? Coding::s16_in_32
                  : bits == 24 ? Coding::s24_in_32
                               : Coding::f32_clipped;
        // Vorbis keeps a block on the stack: large ones overflow it.
        block_ = 16384;
        buffer_.resize(std::size_t(block_) * std::size_t(channels_) * 4);
    }

  private:
    // What the user asked of the codec. The answer to the mode says nothing: version 1.2.2 refuses the
    // mode that it takes.
    void settle() {
        std::optional<int> mode = spec_.bitrate_mode;
        if (mode) lib_.command(file_->get(), sf::kSetBitrateMode, &*mode, sizeof(int));
        std::optional<double> level = spec_.compression;
        if (level &&
            lib_.command(file_->get(), sf::kSetCompressionLevel, &*level, sizeof(double)) != sf::kTrue)
            throw EncodeError(name() + ": the installed libsndfile (" + lib_.version_string() +
                              ") cannot set how " + spec_.format +
                              " is compressed; install a newer one: pip install -U soundfile");
    }

    void encode(const float* planar, std::ptrdiff_t stride, std::int64_t frames) override {
        encode_as(planar, stride, frames);
    }
    void encode(const double* planar, std::ptrdiff_t stride, std::int64_t frames) override {
        encode_as(planar, stride, frames);
    }
    template <class T>
    void encode_as(const T* planar, std::ptrdiff_t stride, std::int64_t frames) {
        encode_kernels<T>().encode[int(coding_)](planar, stride, channels_, std::ptrdiff_t(frames),
                                                 buffer_.data());
        const void* data = buffer_.data();
        const std::int64_t put =
            coding_ == Coding::f32_clipped
                ? lib_.writef_float(file_->get(), static_cast<const float*>(data), frames)
                : lib_.writef_int(file_->get(), static_cast<const int*>(data), frames);
        file_->rethrow();
        if (put != frames)
            throw EncodeError(name() + ": the encoder took " + grouped(put) + " of " + grouped(frames) +
                              " frames (" + file_->message() + ")");
    }

    void complete() override {
        const int failed = file_->close();
        file_->rethrow();
        if (failed) throw EncodeError(name() + ": the encoder could not complete the file");
        if (position_ == 0) complete_empty();
    }

    // The library's encoders write their header with the first block, and a file without frames has none.
    void complete_empty() {
        if (spec_.format == "MP3" || spec_.subtype == "OPUS")
            throw EncodeError(name() + ": " + (spec_.format == "MP3" ? spec_.format : spec_.subtype) +
                              " files cannot be empty; write at least one frame, or another format");
        if (spec_.format != "FLAC" || sink_->size() > 0) return;
        // The stream information alone (RFC 9639, section 8.2): block sizes, frame sizes (unknown), rate in
        // 20 bits, channels - 1 in 3, bits - 1 in 5, frames in 36, and the MD5 of nothing.
        const int bits = spec_.subtype == "PCM_S8" ? 8 : spec_.subtype == "PCM_16" ? 16 : 24;
        const std::uint64_t packed = std::uint64_t(spec_.sample_rate) << 44 |
                                     std::uint64_t(channels_ - 1) << 41 | std::uint64_t(bits - 1) << 36;
        unsigned char flac[42] = {'f', 'L', 'a', 'C', 0x80, 0, 0, 34, 0x10, 0, 0x10, 0};
        for (int i = 0; i < 8; ++i) flac[18 + i] = (unsigned char)(packed >> (56 - 8 * i));
        static constexpr unsigned char kMd5[16] = {0xD4, 0x1D, 0x8C, 0xD9, 0x8F, 0x00, 0xB2, 0x04,
                                                   0xE9, 0x80, 0x09, 0x98, 0xEC, 0xF8, 0x42, 0x7E};
        std::memcpy(flac + 26, kMd5, sizeof kMd5);
        sink_->write(flac, sizeof flac);
    }

    const sf::Library& lib_;
    EncoderSpec spec_;
    Coding coding_;
    std::optional<sf::Open> file_;
    std::vector<unsigned char> buffer_;
};

}  // namespace luthier::io
