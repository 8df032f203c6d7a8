// What the containers of plain samples have in common: a header, the samples of all channels in turn, and
// a header that is completed when their number is known.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "encoder.h"
#include "header_bytes.h"
#include "sink.h"

namespace luthier::io {

// How files of little-endian or big-endian numbers store a subtype.
inline Coding coding_of(const std::string& subtype, bool big, const std::string& name) {
    if (subtype == "PCM_U8") return Coding::u8;
    if (subtype == "PCM_S8") return Coding::s8;
    if (subtype == "PCM_16") return big ? Coding::s16_big : Coding::s16;
    if (subtype == "PCM_24") return big ? Coding::s24_big : Coding::s24;
    if (subtype == "PCM_32") return big ? Coding::s32_big : Coding::s32;
    if (subtype == "FLOAT") return big ? Coding::f32_big : Coding::f32;
    if (subtype == "DOUBLE") return big ? Coding::f64_big : Coding::f64;
    if (subtype == "ULAW") return Coding::ulaw;
    if (subtype == "ALAW") return Coding::alaw;
    throw EncodeError(name + ": there is no subtype " + subtype);
}

inline int bytes_of(Coding coding) {
    switch (coding) {
        case Coding::u8:
        case Coding::s8:
        case Coding::ulaw:
        case Coding::alaw: return 1;
        case Coding::s16:
        case Coding::s16_big: return 2;
        case Coding::s24:
        case Coding::s24_big: return 3;
        case Coding::f64:
        case Coding::f64_big: return 8;
        default: return 4;
    }
}

class PcmEncoder : public Encoder {
  protected:
    PcmEncoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec, bool big)
        : Encoder(std::move(sink), spec),
          subtype_(spec.subtype),
          sample_rate_(spec.sample_rate),
          coding_(coding_of(spec.subtype, big, name())),
          sample_bytes_(bytes_of(coding_)),
          frame_bytes_(sample_bytes_ * channels_) {
        block_ = std::int64_t(Sink::kBuffer) / frame_bytes_;
        if (block_ < 1)
            throw EncodeError(name() + ": " + grouped(channels_) + " channels are too many for one file");
    }

    // The bytes before the samples: as many for any number of frames.
    virtual HeaderBytes header(std::uint64_t frames, std::uint64_t bytes) const = 0;
    // What the samples are filled up to.
    virtual int alignment() const { return 2; }

    // Called by the constructor of each container.
    void begin() {
        if (announced_ >= 0) admit(announced_);
        const HeaderBytes empty = header(0, 0);
        header_bytes_ = std::int64_t(empty.size());
        sink_->write(empty.data(), empty.size());
    }
    std::uint64_t padding(std::uint64_t bytes) const {
        const auto unit = std::uint64_t(alignment());
        return (unit - bytes % unit) % unit;
    }
    bool is_float() const { return subtype_ == "FLOAT" || subtype_ == "DOUBLE"; }
    // Throws when more than `most` bytes of samples come.
    void limit(std::int64_t frames, std::uint64_t most, const char* format) const {
        if (std::uint64_t(frames) > most / std::uint64_t(frame_bytes_))
            throw EncodeError(name() + ": " + format + " holds at most 4 GiB, which " + grouped(frames) +
                              " frames of " + std::to_string(frame_bytes_) +
                              " bytes are beyond; write CAF, W64 or RF64");
    }

    std::string subtype_;
    int sample_rate_;
    Coding coding_;
    int sample_bytes_, frame_bytes_;

  private:
    bool rewinds() const override { return true; }
    void rewind(std::int64_t frame) override { sink_->seek(header_bytes_ + frame * frame_bytes_); }
    void encode(const float* planar, std::ptrdiff_t stride, std::int64_t frames) override {
        encode_as(planar, stride, frames);
    }
    void encode(const double* planar, std::ptrdiff_t stride, std::int64_t frames) override {
        encode_as(planar, stride, frames);
    }
    template <class T>
    void encode_as(const T* planar, std::ptrdiff_t stride, std::int64_t frames) {
        const auto bytes = std::size_t(frames * frame_bytes_);
        encode_kernels<T>().encode[int(coding_)](planar, stride, channels_, std::ptrdiff_t(frames),
                                                 sink_->space(bytes));
        sink_->took(bytes);
    }
    void complete() override {
        const auto bytes = std::uint64_t(position_) * std::uint64_t(frame_bytes_);
        static constexpr unsigned char kZeros[8] = {};
        sink_->write(kZeros, std::size_t(padding(bytes)));
        sink_->cut();
        const HeaderBytes full = header(std::uint64_t(position_), bytes);
        sink_->seek(0);
        sink_->write(full.data(), full.size());
    }

    std::int64_t header_bytes_ = 0;
};

}  // namespace luthier::io
