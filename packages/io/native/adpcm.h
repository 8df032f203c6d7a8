// The two ADPCM codecs of WAV files, four bits a sample in blocks that are decoded on their own.
//
// IMA ADPCM (format tag 0x11): IMA Digital Audio Technical Working Group, "Recommended Practices for
// Enhancing Digital Audio Compatibility in Multimedia Systems", 1992. MS ADPCM (tag 2) and how both lie in
// blocks: Microsoft, "New Multimedia Data Types and Data Techniques", 1994.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "bytes.h"
#include "pcm_layout.h"

namespace luthier::io {

inline int adpcm_header_bytes(PcmLayout::Codec codec, int channels) {
    return (codec == PcmLayout::kImaAdpcm ? 4 : 7) * channels;
}

// Frames that can be decoded of the first `bytes` of a block.
inline std::int64_t adpcm_frames(PcmLayout::Codec codec, int channels, std::int64_t bytes) {
    const std::int64_t body = bytes - adpcm_header_bytes(codec, channels);
    if (body < 0) return 0;
    if (codec == PcmLayout::kMsAdpcm) return 2 + body * 2 / channels;
    // Each channel in turn has four bytes, eight samples. The last one's say how many frames are whole.
    const std::int64_t group = 4 * channels;
    return 1 + body / group * 8 + std::max<std::int64_t>(0, body % group - (group - 4)) * 2;
}

// Sets how many frames there are; `declared` of them by the chunk "fact", which may only say where in the
// last block they end: writers that were interrupted leave 0 there, others count samples.
inline void set_adpcm_frames(PcmLayout& layout, std::uint64_t declared) {
    const auto count = [&](std::int64_t bytes) -> std::int64_t {
        const std::int64_t last =
            adpcm_frames(layout.codec, layout.info.channels, bytes % layout.block_bytes);
        const std::int64_t blocks = bytes / layout.block_bytes;
        if (blocks > INT64_MAX / layout.block_frames - 1) return INT64_MAX;
        return blocks * layout.block_frames + std::min<std::int64_t>(last, layout.block_frames);
    };
    const std::int64_t most = count(layout.data_promised);
    layout.info.frames = most;
    if (declared <= std::uint64_t(most) && most - std::int64_t(declared) < layout.block_frames)
        layout.info.frames = std::int64_t(declared);
}

class AdpcmDecoder : public Decoder {
  public:
    AdpcmDecoder(std::shared_ptr<Source> source, PcmLayout layout)
        : source_(std::move(source)), layout_(std::move(layout)) {
        info_ = layout_.info;
        const std::int64_t whole = layout_.data_present / layout_.block_bytes;
        const std::int64_t rest =
            adpcm_frames(layout_.codec, info_.channels, layout_.data_present % layout_.block_bytes);
        // The quotient of what is in the file cannot overflow.
        present_ = std::min(
            info_.frames, whole * layout_.block_frames + std::min<std::int64_t>(rest, layout_.block_frames));
        codes_.resize(std::size_t(layout_.block_frames) * std::size_t(info_.channels));
        if (present_ < info_.frames) note(cut());
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }

    std::int64_t resume(std::int64_t frame, Progress&) override {
        if (frame >= present_) return info_.frames;
        return std::min(info_.frames, (frame / layout_.block_frames + 1) * layout_.block_frames);
    }

  private:
    static constexpr std::int64_t kReadBytes = 1 << 16;

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        fault_.reset();
        const std::int64_t there = std::min(frames, std::max<std::int64_t>(0, present_ - position_));
        std::int64_t done = 0;
        while (done < there) {
            const std::int64_t block = position_ / layout_.block_frames;
            if (block != decoded_ && !decode_block(block, there - done)) return done;
            const std::int64_t first = position_ - block * layout_.block_frames;
            const std::int64_t n = std::min(there - done, layout_.block_frames - first);
            decode_to(to.from(std::ptrdiff_t(done), info_.channels), kS16,
                      reinterpret_cast<const unsigned char*>(codes_.data() + first * info_.channels),
                      info_.channels, n);
            position_ += n;
            done += n;
            progress.poll();
        }
        if (done < frames) stop_at(cut());
        return done;
    }

    // Decodes a block into codes_; `frames` are wanted from here on. False where it cannot be.
    bool decode_block(std::int64_t block, std::int64_t frames) {
        const std::int64_t size = layout_.block_bytes;
        const std::int64_t at = block * size;
        const std::int64_t bytes = std::min(size, layout_.data_present - at);
        if (const unsigned char* data = source_->data()) {
            decoded_ = -1;
            if (!decode(data + layout_.data_offset + at, bytes)) return stop_in(block, kBadHeader);
        } else {
            if (at < raw_start_ || at + bytes > raw_start_ + std::int64_t(raw_.size())) {
                const std::int64_t blocks = std::clamp<std::int64_t>(
                    frames / layout_.block_frames + 2, 1, std::max<std::int64_t>(1, kReadBytes / size));
                raw_.resize(std::size_t(std::min(blocks * size, layout_.data_present - at)));
                raw_start_ = at;
                raw_.resize(source_->read_at(layout_.data_offset + at, raw_.data(), raw_.size()));
                if (std::int64_t(raw_.size()) < bytes) {
                    raw_.clear();
                    return stop_in(block, "it became shorter while it was read");
                }
            }
            decoded_ = -1;
            if (!decode(raw_.data() + (at - raw_start_), bytes)) return stop_in(block, kBadHeader);
        }
        decoded_ = block;
        return true;
    }

    static constexpr const char* kBadHeader = "the header of an ADPCM block is damaged";

    bool stop_in(std::int64_t block, const char* reason) {
        stop_at({reason, block * layout_.block_frames, layout_.data_offset + block * layout_.block_bytes});
        return false;
    }

    bool decode(const unsigned char* from, std::int64_t bytes) {
        const std::int64_t frames =
            std::min<std::int64_t>(layout_.block_frames, adpcm_frames(layout_.codec, info_.channels, bytes));
        return layout_.codec == PcmLayout::kImaAdpcm ? decode_ima(from, frames) : decode_ms(from, frames);
    }

    static std::int16_t clip(std::int64_t x) {
        return std::int16_t(std::clamp<std::int64_t>(x, -32768, 32767));
    }

    bool decode_ima(const unsigned char* from, std::int64_t frames) {
        static constexpr std::int16_t kSteps[89] = {
            7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,   21,    23,
            25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,   73,    80,
            88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,  253,   279,
            307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,  876,   963,
            1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749, 3024,  3327,
            3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493, 10442, 11487,
            12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767};
        static constexpr signed char kMoves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};
        const int channels = info_.channels;
        for (int c = 0; c < channels; ++c) {
            const unsigned char* head = from + 4 * c;
            int value = std::int16_t(little16(head)), index = head[2];
            if (index > 88) return false;
            std::int16_t* out = codes_.data() + c;
            *out = std::int16_t(value);
            const unsigned char* word = from + 4 * (channels + c);
            for (std::int64_t i = 1; i < frames; ++i) {
                const int place = int(i - 1) & 7;
                const int code = word[place >> 1] >> ((place & 1) * 4) & 15;
                const int step = kSteps[index];
                int change = step >> 3;
                if (code & 4) change += step;
                if (code & 2) change += step >> 1;
                if (code & 1) change += step >> 2;
                value = clip(code & 8 ? value - change : value + change);
                index = std::clamp(index + kMoves[code & 7], 0, 88);
                out += channels;
                *out = std::int16_t(value);
                if (place == 7) word += 4 * channels;
            }
        }
        return true;
    }

    bool decode_ms(const unsigned char* from, std::int64_t frames) {
        static constexpr std::int16_t kAdaptation[16] = {230, 230, 230, 230, 307, 409, 512, 614,
                                                         768, 614, 512, 409, 307, 230, 230, 230};
        const int channels = info_.channels;
        for (int c = 0; c < channels; ++c) {
            const std::size_t predictor = from[c];
            if (2 * predictor + 1 >= layout_.coefficients.size()) return false;
            const std::int64_t a = layout_.coefficients[2 * predictor],
                               b = layout_.coefficients[2 * predictor + 1];
            const unsigned char* head = from + channels + 2 * c;
            std::int64_t delta = std::int16_t(little16(head));
            std::int64_t last = std::int16_t(little16(head + 2 * channels));
            std::int64_t before = std::int16_t(little16(head + 4 * channels));
            std::int16_t* out = codes_.data() + c;
            if (frames > 0) out[0] = std::int16_t(before);
            if (frames > 1) out[channels] = std::int16_t(last);
            const unsigned char* body = from + 7 * channels;
            for (std::int64_t i = 2; i < frames; ++i) {
                const std::int64_t nibble = (i - 2) * channels + c;
                const int code = body[nibble >> 1] >> (nibble & 1 ? 0 : 4) & 15;
                const std::int64_t predicted = (last * a + before * b) >> 8;
                before = last;
                last = clip(predicted + (code < 8 ? code : code - 16) * delta);
                delta = std::clamp<std::int64_t>(kAdaptation[code] * delta >> 8, 16, INT32_MAX);
                out[i * channels] = std::int16_t(last);
            }
        }
        return true;
    }

    Damage cut() const {
        return {"its audio is cut short", present_, layout_.data_offset + layout_.data_present};
    }

    std::shared_ptr<Source> source_;
    PcmLayout layout_;
    std::int64_t present_ = 0;   // frames
    std::int64_t decoded_ = -1;  // the block in codes_
    std::vector<std::int16_t> codes_;
    std::int64_t raw_start_ = 0;  // where in the audio raw_ is from
    std::vector<unsigned char> raw_;
};

}  // namespace luthier::io
