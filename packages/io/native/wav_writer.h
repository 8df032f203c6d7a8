// Encodes PCM and float WAV files. See wav_format.h for the container.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decoder.h"
#include "sink.h"
#include "wav_format.h"

namespace luthier::io {

inline bool wav_subtype(const std::string& subtype, PcmType& type) {
    static constexpr std::pair<const char*, PcmType> kSubtypes[] = {{"PCM_U8", kU8},  {"PCM_16", kS16},
                                                                    {"PCM_24", kS24}, {"PCM_32", kS32},
                                                                    {"FLOAT", kF32},  {"DOUBLE", kF64}};
    for (const auto& [known, its_type] : kSubtypes)
        if (subtype == known) {
            type = its_type;
            return true;
        }
    return false;
}

class WavEncoder : public Encoder {
  public:
    // `frames` is how many will come, or -1 where that is not known yet: the header then leaves room for
    // the 64-bit sizes of RF64, which it becomes when the audio outgrows 4 GiB.
    WavEncoder(std::unique_ptr<Sink> sink, const std::string& subtype, int sample_rate, int channels,
               std::int64_t frames)
        : sink_(std::move(sink)), sample_rate_(sample_rate), channels_(channels) {
        if (!wav_subtype(subtype, type_))
            throw EncodeError(sink_->name() + ": a WAV file cannot hold subtype " + subtype);
        frame_bytes_ = stored_bytes(type_) * channels_;
        if (channels_ > 0xFFFF || frame_bytes_ > 0xFFFF)
            throw EncodeError(sink_->name() + ": a WAV file of subtype " + subtype + " holds at most " +
                              grouped(0xFFFF / stored_bytes(type_)) + " channels, got " + grouped(channels_));
        const bool small = frames >= 0 && frames <= std::int64_t(kLargest) / frame_bytes_;
        write_header(!small, 0);
    }

    void write(const float* planar, std::ptrdiff_t stride, std::int64_t frames, Progress& progress) override {
        write_as(planar, stride, frames, progress);
    }
    void write(const double* planar, std::ptrdiff_t stride, std::int64_t frames,
               Progress& progress) override {
        write_as(planar, stride, frames, progress);
    }

    void finish() override {
        const std::uint64_t bytes = std::uint64_t(position_) * std::uint64_t(frame_bytes_);
        if (bytes & 1) sink_->write("", 1);
        sink_->seek(0);
        write_header(room_, bytes);
        sink_->finish();
    }
    void abandon() override { sink_->abandon(); }

  protected:
    const std::string& name() const override { return sink_->name(); }

  private:
    // Leaves room for the rest of the header below 2^32.
    static constexpr std::uint64_t kLargest = 0xFFFFFFFFu - 1024;
    static constexpr std::int64_t kBlockBytes = 1 << 17;

    void write_header(bool room, std::uint64_t bytes) {
        room_ = room;
        const bool is_float = type_ == kF32 || type_ == kF64;
        const bool is_rf64 = bytes > kLargest;
        if (is_rf64 && !room) throw EncodeError(sink_->name() + ": more frames were written than announced");
        std::vector<unsigned char> h;
        const auto text = [&](const char* four) { h.insert(h.end(), four, four + 4); };
        const auto number = [&](std::uint64_t value, int count) {
            for (int i = 0; i < count; ++i) h.push_back((unsigned char)(value >> (8 * i)));
        };
        const std::uint64_t before_data = (room ? 36 : 0) + (is_float ? 26 + 12 : 24) + 8;
        const std::uint64_t riff = 4 + before_data + bytes + (bytes & 1);
        text(is_rf64 ? "RF64" : "RIFF");
        number(is_rf64 ? kUnknownSize : riff, 4);
        text("WAVE");
        if (room) {
            text(is_rf64 ? "ds64" : "JUNK");
            number(28, 4);
            number(is_rf64 ? riff : 0, 8);
            number(is_rf64 ? bytes : 0, 8);
            number(is_rf64 ? std::uint64_t(position_) : 0, 8);
            number(0, 4);
        }
        text("fmt ");
        number(is_float ? 18 : 16, 4);
        number(is_float ? kTagFloat : kTagPcm, 2);
        number(std::uint64_t(channels_), 2);
        number(std::uint64_t(sample_rate_), 4);
        number(std::uint64_t(sample_rate_) * std::uint64_t(frame_bytes_), 4);
        number(std::uint64_t(frame_bytes_), 2);
        number(std::uint64_t(stored_bytes(type_)) * 8, 2);
        if (is_float) {
            number(0, 2);
            text("fact");
            number(4, 4);
            number(is_rf64 ? kUnknownSize : std::uint64_t(position_), 4);
        }
        text("data");
        number(is_rf64 ? kUnknownSize : bytes, 4);
        sink_->write(h.data(), h.size());
    }

    template <class T>
    void write_as(const T* planar, std::ptrdiff_t stride, std::int64_t frames, Progress& progress) {
        const auto encode = pcm_kernels<T>().encode[type_];
        const std::int64_t block = std::max<std::int64_t>(1, kBlockBytes / frame_bytes_);
        for (std::int64_t done = 0; done < frames;) {
            const std::int64_t n = std::min(block, frames - done);
            const auto bytes = std::size_t(n * frame_bytes_);
            if (buffer_.size() < bytes) buffer_.resize(bytes);
            encode(planar + done, stride, channels_, std::ptrdiff_t(n), buffer_.data());
            sink_->write(buffer_.data(), bytes);
            position_ += n;
            done += n;
            progress.poll();
        }
    }

    std::unique_ptr<Sink> sink_;
    int sample_rate_, channels_;
    int frame_bytes_ = 0;
    bool room_ = false;
    std::vector<unsigned char> buffer_;
};

}  // namespace luthier::io
