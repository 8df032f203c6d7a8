// A file as its reader wants it: some of its channels or their mean, at another rate, in the type that was
// asked for.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "channels.h"
#include "decoder.h"
#include "encode.h"
#include "outcome.h"
#include "rate_stage.h"

namespace luthier::io {

enum class Dtype { kFloat32, kFloat64, kInt16, kInt32 };

inline std::size_t item_bytes(Dtype dtype) {
    switch (dtype) {
        case Dtype::kInt16: return 2;
        case Dtype::kFloat64: return 8;
        default: return 4;
    }
}

// Calls f with a value of the type.
template <class F>
auto with_type(Dtype dtype, F&& f) {
    switch (dtype) {
        case Dtype::kFloat64: return f(double());
        case Dtype::kInt16: return f(std::int16_t());
        case Dtype::kInt32: return f(std::int32_t());
        default: return f(float());
    }
}

struct Wish {
    ChannelWish channels;
    int sample_rate = 0;  // 0: the file's
    ResampleQuality quality = ResampleQuality::high;
};

class Stream {
  public:
    Stream(std::unique_ptr<Decoder> decoder, const Wish& wish, std::string name)
        : decoder_(std::move(decoder)),
          name_(std::move(name)),
          map_(resolve(wish.channels, decoder_->info().channels, name_)),
          wide_(is_wide(decoder_->info().subtype)),
          rate_(wish.sample_rate > 0 ? wish.sample_rate : info().sample_rate),
          quality_(wish.quality),
          frames_(info().frames) {
        if (rate_ != info().sample_rate) frames_ = stage<float>().length(info().frames);
    }

    // What the file says of itself.
    Decoder& decoder() { return *decoder_; }
    const StreamInfo& info() const { return decoder_->info(); }
    const std::string& name() const { return name_; }

    int channels() const { return map_.channels; }
    int sample_rate() const { return rate_; }
    std::int64_t frames() const { return frames_; }
    std::int64_t position() const { return position_; }
    void seek(std::int64_t frame) { position_ = frame; }
    // How many of the frames from the position on, and no more than `frames`, are not behind damage that
    // is known already.
    std::int64_t sound(std::int64_t frames) {
        const auto& damage = decoder_->damage();
        if (!damage) return frames;
        const std::int64_t first = reached_by(damage->frame);
        return first < position_ ? frames : std::min(frames, first - position_);
    }
    // Which of the frames that are read a frame of the file is.
    std::int64_t reached_by(std::int64_t frame) {
        return rate_ == info().sample_rate ? frame : stage<float>().length(frame);
    }

    // Up to `frames`, 0 <= frames <= frames() - position(): fewer only before damage, and all of them with
    // `pad`, which puts silence in the place of what is lost.
    template <class T>
    Outcome read(const Target<T>& to, std::int64_t frames, bool pad, Progress& progress) {
        if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
            return read_floats(to, frames, pad, progress);
        } else {
            const bool as_they_are = map_.all && rate_ == info().sample_rate;
            if (as_they_are && !pad && (to.interleaved || channels() == 1)) {
                decoder_->seek(position_);
                const std::int64_t got = decoder_->read_stored(to.data, 8 * int(sizeof(T)), frames, progress);
                if (got >= 0) {
                    position_ += got;
                    return {got, got, got < frames ? decoder_->fault() : std::optional<Damage>()};
                }
            }
            // float32 holds the codes of what is stored in 24 bits or fewer, and float64 all.
            if (sizeof(T) == 4 || wide_) return read_codes<double>(to, frames, pad, progress);
            return read_codes<float>(to, frames, pad, progress);
        }
    }

    std::mutex mutex;  // one call at a time

  private:
    // Frames of a block, so that it stays in the second cache with what it becomes.
    std::int64_t block() const {
        return std::max<std::int64_t>(16, 32'768 / std::max(info().channels, map_.channels));
    }

    static bool is_wide(const std::string& subtype) {
        return subtype == "DOUBLE" || subtype == "PCM_32" || subtype.ends_with("32");
    }

    // At the rate that is wanted, from position_ on, which moves behind what is read.
    template <class T>
    Outcome read_floats(const Target<T>& to, std::int64_t frames, bool pad, Progress& progress) {
        Outcome outcome;
        if (rate_ == info().sample_rate) {
            decoder_->seek(position_);
            outcome = read_mapped(to, frames, pad, progress);
        } else {
            const auto input = [&](std::int64_t at, const Target<T>& planar, std::int64_t n) {
                decoder_->seek(at);
                return read_mapped(planar, n, pad, progress);
            };
            outcome = stage<T>().read(to, position_, frames, info().frames, pad, input, progress);
        }
        position_ += outcome.frames;
        return outcome;
    }

    template <class T>
    RateStage<T>& stage() {
        auto& made = stage_of<T>();
        if (!made) made.emplace(info().sample_rate, rate_, quality_, map_.channels);
        return *made;
    }
    template <class T>
    std::optional<RateStage<T>>& stage_of() {
        if constexpr (sizeof(T) == 4)
            return float_stage_;
        else
            return double_stage_;
    }

    template <class T>
    Outcome read_decoder(const Target<T>& to, std::int64_t frames, bool pad, Progress& progress) {
        if (!pad) {
            const std::int64_t got = decoder_->read(to, frames, progress);
            return {got, got, got < frames ? decoder_->fault() : std::nullopt};
        }
        // Silence stands for what cannot be decoded.
        Outcome outcome{frames, 0, std::nullopt};
        const int channels = info().channels;
        for (std::int64_t done = 0;;) {
            const std::int64_t got =
                decoder_->read(to.from(std::ptrdiff_t(done), channels), frames - done, progress);
            done += got;
            outcome.decoded += got;
            if (done == frames) return outcome;
            if (!outcome.damage) outcome.damage = decoder_->fault();
            const std::int64_t here = decoder_->position();
            const std::int64_t next = std::max(here + 1, decoder_->resume(here, progress));
            const std::int64_t silent = std::min(next - here, frames - done);
            silence(to.from(std::ptrdiff_t(done), channels), channels, silent);
            decoder_->seek(here + silent);
            done += silent;
            if (done == frames) return outcome;
        }
    }

    template <class T>
    Outcome read_mapped(const Target<T>& to, std::int64_t frames, bool pad, Progress& progress) {
        if (map_.all) return read_decoder(to, frames, pad, progress);
        const int there = info().channels;
        const std::int64_t most = std::min(block(), frames);
        std::vector<T>& scratch = decoded<T>();
        if (scratch.size() < std::size_t(most * there)) scratch.resize(std::size_t(most * there));
        return by_blocks(frames, most, [&](std::int64_t done, std::int64_t n) {
            const Target<T> planar{scratch.data(), std::ptrdiff_t(most), false};
            const Outcome got = read_decoder(planar, n, pad, progress);
            map_channels(map_, scratch.data(), std::ptrdiff_t(most), there,
                         to.from(std::ptrdiff_t(done), map_.channels), got.frames);
            return got;
        });
    }

    template <class W, class T>
    Outcome read_codes(const Target<T>& to, std::int64_t frames, bool pad, Progress& progress) {
        const std::int64_t most = std::min(block(), frames);
        std::vector<W>& scratch = mapped<W>();
        const auto size = std::size_t(most * map_.channels);
        if (scratch.size() < size) scratch.resize(size);
        const auto encode = encode_kernels<W>().encode[int(sizeof(T) == 2 ? Coding::s16 : Coding::s32)];
        return by_blocks(frames, most, [&](std::int64_t done, std::int64_t n) {
            const Target<W> floats{scratch.data(), std::ptrdiff_t(most), to.interleaved};
            const Outcome got = read_floats(floats, n, pad, progress);
            const Target<T> here = to.from(std::ptrdiff_t(done), map_.channels);
            if (to.interleaved) {
                encode(scratch.data(), 0, 1, std::ptrdiff_t(got.frames * map_.channels), bytes(here.data));
                return got;
            }
            for (int c = 0; c < map_.channels; ++c)
                encode(scratch.data() + c * most, 0, 1, std::ptrdiff_t(got.frames),
                       bytes(here.data + c * here.stride));
            return got;
        });
    }

    template <class F>
    static Outcome by_blocks(std::int64_t frames, std::int64_t most, F&& read_block) {
        Outcome all;
        while (all.frames < frames) {
            const std::int64_t n = std::min(most, frames - all.frames);
            const Outcome got = read_block(all.frames, n);
            all.frames += got.frames;
            all.decoded += got.decoded;
            if (got.damage && !all.damage) all.damage = got.damage;
            if (got.frames < n) break;
        }
        return all;
    }

    template <class T>
    static unsigned char* bytes(T* samples) {
        return reinterpret_cast<unsigned char*>(samples);
    }

    template <class T>
    std::vector<T>& decoded() {
        if constexpr (sizeof(T) == 4)
            return decoded_floats_;
        else
            return decoded_doubles_;
    }
    template <class T>
    std::vector<T>& mapped() {
        if constexpr (sizeof(T) == 4)
            return mapped_floats_;
        else
            return mapped_doubles_;
    }

    std::unique_ptr<Decoder> decoder_;
    std::string name_;
    ChannelMap map_;
    bool wide_;
    int rate_;
    ResampleQuality quality_;
    std::int64_t frames_;
    std::int64_t position_ = 0;
    std::optional<RateStage<float>> float_stage_;
    std::optional<RateStage<double>> double_stage_;
    std::vector<float> decoded_floats_, mapped_floats_;
    std::vector<double> decoded_doubles_, mapped_doubles_;
};

}  // namespace luthier::io
