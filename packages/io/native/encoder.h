// What every format's writer looks like to the bindings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "encode.h"
#include "errors.h"
#include "progress.h"
#include "sink.h"

namespace luthier::io {

struct EncoderSpec {
    std::string format, subtype;
    int sample_rate = 0;
    int channels = 0;
    std::int64_t frames = -1;             // how many will come; -1: not known yet
    std::optional<std::uint64_t> dither;  // its seed
    std::optional<double> compression;    // libsndfile's, from 0 to 1
    std::optional<int> bitrate_mode;      // libsndfile's: 0 constant, 2 variable
};

// Significant bits of an integer subtype, 0 for others.
inline int integer_bits(const std::string& subtype) {
    if (subtype == "PCM_S8" || subtype == "PCM_U8") return 8;
    if (subtype == "PCM_16") return 16;
    if (subtype == "PCM_24") return 24;
    return subtype == "PCM_32" ? 32 : 0;
}

class Encoder {
  public:
    virtual ~Encoder() = default;

    // Appends, and returns how many samples integer codes clipped. Throws for one that is not finite, and
    // for more frames than were announced: nothing of these is in the file then, and the encoder can go
    // on. After any other error it is broken().
    template <class T>
    std::int64_t write(const T* planar, std::ptrdiff_t stride, std::int64_t frames, Progress& progress) {
        if (announced_ >= 0 && frames > announced_ - position_)
            throw EncodeError(name() + ": frames=" + std::to_string(announced_) + " were announced, and " +
                              grouped(position_ + frames) + " come; none of these samples were written");
        admit(position_ + frames);
        const std::int64_t start = position_;
        std::int64_t above = 0;
        if (!rewinds()) above = check(planar, stride, frames, start, progress);
        broken_ = true;
        for (std::int64_t done = 0; done < frames;) {
            const std::int64_t n = std::min(block_, frames - done);
            if (rewinds()) {
                const Level level = measured<T>()(planar + done, stride, channels_, std::ptrdiff_t(n));
                if (!level.finite) {
                    rewind(start);
                    position_ = start;
                    broken_ = false;
                    throw_not_finite(planar + done, stride, start + done, n);
                }
                above += level.above;
            }
            if (dither_)
                encode(dithered(planar + done, stride, n), std::ptrdiff_t(n), n);
            else
                encode(planar + done, stride, n);
            position_ += n;
            done += n;
            progress.poll();
        }
        broken_ = false;
        return counts_ ? above : 0;
    }

    // Completes the file; `durable`: and puts every byte on the disk.
    void finish(bool durable) {
        if (announced_ >= 0 && position_ != announced_)
            throw EncodeError(name() + ": frames=" + std::to_string(announced_) + " were announced, and " +
                              grouped(position_) + " came; the file was not written");
        complete();
        sink_->finish(durable);
    }
    // Lets go of the file. Nothing more reaches it, and only destruction may follow.
    void abandon() { sink_->abandon(); }

    std::int64_t position() const { return position_; }
    bool broken() const { return broken_; }

    std::mutex mutex;

  protected:
    Encoder(std::unique_ptr<Sink> sink, const EncoderSpec& spec)
        : sink_(std::move(sink)), channels_(spec.channels), announced_(spec.frames), dither_(spec.dither) {
        const int bits = integer_bits(spec.subtype);
        counts_ = bits > 0 || spec.subtype == "ULAW" || spec.subtype == "ALAW";
        as_float32_ = spec.subtype == "FLOAT";
        step_ = bits > 0 ? 1.0 / double(std::int64_t(1) << (bits - 1)) : 0;
    }

    // Whether rewind() can take back what was encoded.
    virtual bool rewinds() const { return false; }
    virtual void rewind(std::int64_t frame) { (void)frame; }
    // Throws when the format cannot hold so many frames.
    virtual void admit(std::int64_t frames) { (void)frames; }
    // At most block_ frames, looked at already.
    virtual void encode(const float* planar, std::ptrdiff_t stride, std::int64_t frames) = 0;
    virtual void encode(const double* planar, std::ptrdiff_t stride, std::int64_t frames) = 0;
    virtual void complete() = 0;

    const std::string& name() const { return sink_->name(); }

    std::unique_ptr<Sink> sink_;
    int channels_;
    std::int64_t announced_;
    std::int64_t block_ = 1;
    std::int64_t position_ = 0;

  private:
    static constexpr std::int64_t kChecked = 1 << 20;

    template <class T>
    auto measured() const {
        return as_float32_ ? encode_kernels<T>().measure_float32 : encode_kernels<T>().measure;
    }

    template <class T>
    std::int64_t check(const T* planar, std::ptrdiff_t stride, std::int64_t frames, std::int64_t start,
                       Progress& progress) const {
        std::int64_t above = 0;
        for (std::int64_t done = 0; done < frames; done += kChecked) {
            const std::int64_t n = std::min(kChecked, frames - done);
            const Level level = measured<T>()(planar + done, stride, channels_, std::ptrdiff_t(n));
            if (!level.finite) throw_not_finite(planar + done, stride, start + done, n);
            above += level.above;
            progress.poll();
        }
        return above;
    }

    template <class T>
    const double* dithered(const T* planar, std::ptrdiff_t stride, std::int64_t frames) {
        scratch_.resize(std::size_t(frames) * std::size_t(channels_));
        for (int c = 0; c < channels_; ++c)
            encode_kernels<T>().dither(planar + c * stride, std::ptrdiff_t(frames), step_, *dither_,
                                       std::uint64_t(c), std::uint64_t(position_),
                                       scratch_.data() + c * frames);
        return scratch_.data();
    }

    // `start` is the number of the first of the planar frames, some of which are not finite.
    template <class T>
    [[noreturn]] void throw_not_finite(const T* planar, std::ptrdiff_t stride, std::int64_t start,
                                       std::int64_t frames) const {
        for (std::int64_t i = 0; i < frames; ++i)
            for (int c = 0; c < channels_; ++c) {
                const T x = planar[c * stride + i];
                const T kept = as_float32_ ? T(float(x)) : x;
                if (kept - kept == T(0)) continue;
                const char* what = x != x          ? "not a number"
                                   : x - x == T(0) ? "too large for 32-bit floats"
                                                   : "infinite";
                throw EncodeError(name() + ": the sample at channel " + std::to_string(c) + ", frame " +
                                  grouped(start + i) + " is " + what +
                                  "; none of these samples were written. Clean them first, for example "
                                  "with numpy.nan_to_num");
            }
        throw EncodeError(name() + ": a sample is not finite; none of these samples were written");
    }

    bool counts_ = false;      // what is clipped
    bool as_float32_ = false;  // how the samples are stored
    bool broken_ = false;
    std::optional<std::uint64_t> dither_;
    double step_ = 0;  // between two codes
    std::vector<double> scratch_;
};

}  // namespace luthier::io
