// What every format's reader and writer looks like to the bindings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "errors.h"
#include "pcm.h"
#include "source.h"

namespace luthier::io {

struct StreamInfo {
    std::string format;   // "WAV", "FLAC", ...
    std::string subtype;  // "PCM_16", "VORBIS", ...
    int sample_rate = 0;
    int channels = 0;
    std::int64_t frames = 0;  // as many as the file promises
};

// Called between blocks of work; throws to stop it (Ctrl-C).
class Progress {
  public:
    virtual ~Progress() = default;
    virtual void poll() = 0;
};

class Decoder {
  public:
    virtual ~Decoder() = default;

    const StreamInfo& info() const { return info_; }
    std::int64_t position() const { return position_; }
    // 0 <= frame <= info().frames. The work is done by the next read.
    void seek(std::int64_t frame) { position_ = frame; }
    // Throws DecodeError, before anything is allocated for them, when it is known already that `frames`
    // from here on are not all in the file.
    virtual void require(std::int64_t frames) { (void)frames; }
    // Decodes exactly `frames`, which the file promises, or throws.
    virtual void read(const Target<float>& to, std::int64_t frames, Progress& progress) = 0;
    virtual void read(const Target<double>& to, std::int64_t frames, Progress& progress) = 0;

    std::mutex mutex;  // one call at a time

  protected:
    [[noreturn]] void throw_truncated(const std::string& name, std::int64_t found,
                                      const std::string& why) const {
        throw DecodeError(
            name + ": promises " + grouped(info_.frames) + " frames but holds " + grouped(found) +
            (why.empty() ? "" : " (" + why + ")") +
            "; it is cut short or damaged. Read what is there with frames=" + std::to_string(found));
    }

    StreamInfo info_;
    std::int64_t position_ = 0;
};

class Encoder {
  public:
    virtual ~Encoder() = default;

    // How many samples integer codes will clip. Throws for one that is not finite, before anything of
    // them is encoded: write() relies on it.
    template <class T>
    std::int64_t check(const T* planar, std::ptrdiff_t stride, int channels, std::int64_t frames,
                       Progress& progress) const {
        const auto measure = type_ == kF32 ? pcm_kernels<T>().measure_float32 : pcm_kernels<T>().measure;
        const bool integers = type_ != kF32 && type_ != kF64 && type_ != kF32Clipped && type_ != kF64Clipped;
        std::int64_t above = 0;
        for (std::int64_t done = 0; done < frames; done += kChecked) {
            const std::int64_t n = std::min(kChecked, frames - done);
            const Level level = measure(planar + done, stride, channels, std::ptrdiff_t(n));
            if (!level.finite) throw_not_finite(planar + done, stride, channels, position_ + done, n);
            above += level.above;
            progress.poll();
        }
        return integers ? above : 0;
    }
    virtual void write(const float* planar, std::ptrdiff_t stride, std::int64_t frames,
                       Progress& progress) = 0;
    virtual void write(const double* planar, std::ptrdiff_t stride, std::int64_t frames,
                       Progress& progress) = 0;
    // Completes the header and puts every byte on the disk.
    virtual void finish() = 0;
    // Lets go of the file. Nothing more reaches it, and only destruction may follow.
    virtual void abandon() = 0;
    std::int64_t position() const { return position_; }

    std::mutex mutex;

  protected:
    virtual const std::string& name() const = 0;

    std::int64_t position_ = 0;
    PcmType type_ = kS16;  // what the samples are encoded to

  private:
    static constexpr std::int64_t kChecked = 1 << 20;

    // `start` is the first frame of the planar samples that are not finite everywhere.
    template <class T>
    [[noreturn]] void throw_not_finite(const T* planar, std::ptrdiff_t stride, int channels,
                                       std::int64_t start, std::int64_t frames) const {
        for (std::int64_t i = 0; i < frames; ++i)
            for (int c = 0; c < channels; ++c) {
                const T x = planar[c * stride + i];
                const T kept = type_ == kF32 ? T(float(x)) : x;
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
};

}  // namespace luthier::io
