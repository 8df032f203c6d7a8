// Blocks of a FLAC stream: from the bytes of a frame to samples as the caller wants them.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "flac_format.h"
#include "flac_kernels.h"
#include "luthier/dispatch.h"
#include "md5.h"
#include "pcm.h"

LUTHIER_DISPATCH(FlacKernels, flac_kernels)

namespace luthier::io::flac {

enum class Verdict {
    good,
    cut,        // the bytes end before the frame does
    no_header,  // no frame begins here, or its header fails its checksum
    changed,    // its channels, bits or rate are not the stream's
    invalid,    // it holds what no encoder may write
    bad_sum,    // it fails its checksum
};

// Decodes up to `kBlocks` frames at a time: prediction is undone for many channels at once.
class Blocks {
  public:
    struct Block {
        std::int64_t start = 0;  // its first frame
        FrameHeader header;
        std::array<FlacSubframe, kFlacChannels> subframes;

        std::int64_t end() const { return start + header.block; }
    };

    void set_up(const StreamHeader& stream) { stream_ = stream; }
    const StreamHeader& stream() const { return stream_; }

    // ---- One frame: header, subframes and checksum ----

    // The header at `bytes`, if it is one of this stream.
    Verdict parse(const unsigned char* bytes, std::size_t size, FrameHeader& header) const {
        if (!parse_frame_header(bytes, size, header)) return Verdict::no_header;
        if (header.channels != stream_.channels || (header.bits != 0 && header.bits != stream_.bits) ||
            (header.sample_rate != 0 && stream_.sample_rate != 0 &&
             header.sample_rate != stream_.sample_rate))
            return Verdict::changed;
        return Verdict::good;
    }
    // Takes the frame whose header was parsed in. Good: `used` is its length.
    Verdict unpack(const unsigned char* bytes, std::size_t size, Block& block, std::size_t& used) {
        const FrameHeader& h = block.header;
        const auto head = std::size_t(h.bytes);
        for (int c = 0; c < h.channels; ++c) {
            // The side channel has a bit more.
            const bool side = (h.assignment == 8 && c == 1) || (h.assignment == 9 && c == 0) ||
                              (h.assignment == 10 && c == 1);
            FlacSubframe& s = block.subframes[std::size_t(c)];
            s.bits = stream_.bits + side;
            s.wide = nullptr;
            if (s.bits > 32) {
                wide_.resize(std::size_t(h.block));
                s.wide = wide_.data();
            }
        }
        const std::int64_t length =
            kernels_.unpack(bytes + head, size - head, h.block, h.channels, block.subframes.data());
        if (length == kFlacInvalid) return Verdict::invalid;
        used = head + std::size_t(length) + 2;
        if (length == kFlacCut || used > size) return Verdict::cut;
        return crc16(bytes, used) == 0 ? Verdict::good : Verdict::bad_sum;
    }

    // ---- A group of them ----

    std::int64_t start() const { return count_ > 0 ? blocks_[0].start : 0; }
    std::int64_t end() const { return count_ > 0 ? blocks_[std::size_t(count_ - 1)].end() : 0; }
    bool empty() const { return count_ == 0; }
    void clear() { count_ = 0; }
    bool fits(const FrameHeader& header) const {
        if (count_ == 0) return true;
        return count_ < most(header) && header.block == blocks_[0].header.block &&
               blocks_[0].subframes[0].wide == nullptr && blocks_[0].subframes[1].wide == nullptr;
    }
    // Where the next frame is unpacked to.
    Block& next(const FrameHeader& header) {
        const std::size_t channels = std::size_t(header.channels), block = std::size_t(header.block);
        if (count_ == 0) {
            // Room for the whole group at once: blocks that wait here may not move.
            const std::size_t room = std::size_t(most(header)) * channels * block;
            if (samples_.size() < room) samples_.resize(room);
        }
        Block& b = blocks_[std::size_t(count_)];
        b.header = header;
        for (std::size_t c = 0; c < channels; ++c)
            b.subframes[c].samples = samples_.data() + (std::size_t(count_) * channels + c) * block;
        return b;
    }
    void keep() { ++count_; }

    // Makes the samples of the group whole.
    void restore() {
        FlacSubframe* all[kBlocks * kFlacChannels];
        int n = 0;
        for (int i = 0; i < count_; ++i)
            for (int c = 0; c < stream_.channels; ++c)
                all[n++] = &blocks_[std::size_t(i)].subframes[std::size_t(c)];
        if (n == 0) return;
        kernels_.restore(all, n, blocks_[0].header.block);
        for (int i = 0; i < count_; ++i) narrow(blocks_[std::size_t(i)]);
    }

    // Frames from `from` on, as many as one block has of them, at most `frames`.
    template <class T>
    std::int64_t copy(std::int64_t from, std::int64_t frames, const Target<T>& to) const {
        const Block& b = at(from);
        const auto skip = std::ptrdiff_t(from - b.start);
        const auto n = std::ptrdiff_t(std::min(frames, b.end() - from));
        const T scale = std::ldexp(T(1), 1 - stream_.bits);
        const std::ptrdiff_t step = to.interleaved ? stream_.channels : 1;
        const std::ptrdiff_t stride = to.interleaved ? 1 : to.stride;
        const auto* s = b.subframes.data();
        if (stream_.channels == 2) {
            const auto run = [&] {
                if constexpr (std::is_same_v<T, float>)
                    return kernels_.pair_float;
                else
                    return kernels_.pair_double;
            }();
            run(stereo_of(b.header), s[0].samples + skip, s[0].wasted, s[1].samples + skip, s[1].wasted, n,
                scale, to.data, to.data + stride, step);
            return n;
        }
        const auto run = [&] {
            if constexpr (std::is_same_v<T, float>)
                return kernels_.single_float;
            else
                return kernels_.single_double;
        }();
        for (int c = 0; c < stream_.channels; ++c)
            run(s[c].samples + skip, s[c].wasted, n, scale, to.data + c * stride, step);
        return n;
    }

    // Adds the codes of the group up to the frame `end` as MD5 wants them: interleaved, little-endian, in
    // whole bytes. Returns the frame behind.
    std::int64_t hash(Md5& sum, std::int64_t end) {
        const int bytes = (stream_.bits + 7) / 8, channels = stream_.channels;
        for (int i = 0; i < count_; ++i) {
            const Block& b = blocks_[std::size_t(i)];
            const auto frames = int(std::min<std::int64_t>(b.header.block, end - b.start));
            codes_.resize(std::size_t(frames) * std::size_t(channels * bytes));
            unsigned char* to = codes_.data();
            for (int n = 0; n < frames; ++n) {
                std::uint32_t values[kFlacChannels] = {};
                for (int c = 0; c < channels; ++c) {
                    const FlacSubframe& s = b.subframes[std::size_t(c)];
                    values[c] = std::uint32_t(s.samples[n]) << s.wasted;
                }
                join(b.header.assignment, values);
                for (int c = 0; c < channels; ++c)
                    for (int k = 0; k < bytes; ++k) *to++ = (unsigned char)(values[c] >> (8 * k));
            }
            sum.add(codes_.data(), codes_.size());
        }
        return std::min(end, this->end());
    }

  private:
    // Left and right of what is coded together, modulo 2^32.
    static void join(int assignment, std::uint32_t* values) {
        const std::uint32_t a = values[0], b = values[1];
        if (assignment == 8) values[1] = a - b;
        if (assignment == 9) values[0] = a + b;
        if (assignment == 10) {
            const std::uint32_t twice = a << 1 | (b & 1);
            values[0] = std::uint32_t(std::int32_t(twice + b) >> 1);
            values[1] = std::uint32_t(std::int32_t(twice - b) >> 1);
        }
    }

    static constexpr int kBlocks = 16;
    static constexpr int kSamples = 1
                                    << 16;  // of a group, unless one block is larger: they stay in the cache

    static int most(const FrameHeader& header) {
        return std::clamp(kSamples / (header.block * header.channels), 1, kBlocks);
    }
    static FlacStereo stereo_of(const FrameHeader& header) {
        switch (header.assignment) {
            case 8: return FlacStereo::left_side;
            case 9: return FlacStereo::side_right;
            case 10: return FlacStereo::mid_side;
            default: return FlacStereo::independent;
        }
    }
    const Block& at(std::int64_t frame) const {
        int i = 0;
        while (frame >= blocks_[std::size_t(i)].end()) ++i;
        return blocks_[std::size_t(i)];
    }

    // Left and right of 32-bit audio whose side channel has 33.
    static void narrow(Block& b) {
        FlacSubframe &first = b.subframes[0], &second = b.subframes[1];
        if (b.header.assignment == 0 || (!first.wide && !second.wide)) return;
        for (int i = 0; i < b.header.block; ++i) {
            const auto value = [i](const FlacSubframe& s) {
                return std::int64_t(std::uint64_t(s.wide ? s.wide[i] : s.samples[i]) << s.wasted);
            };
            const auto a = std::uint64_t(value(first)), c = std::uint64_t(value(second));
            std::uint64_t left = a, right = c;
            if (b.header.assignment == 8) right = a - c;
            if (b.header.assignment == 9) left = a + c;
            if (b.header.assignment == 10) {
                const std::uint64_t twice = a << 1 | (c & 1);
                left = std::uint64_t(std::int64_t(twice + c) >> 1);
                right = std::uint64_t(std::int64_t(twice - c) >> 1);
            }
            first.samples[i] = std::int32_t(std::uint32_t(left));
            second.samples[i] = std::int32_t(std::uint32_t(right));
        }
        first.wide = second.wide = nullptr;
        first.wasted = second.wasted = 0;
        b.header.assignment = 0;
    }

    const FlacKernels& kernels_ = select_flac_kernels();
    StreamHeader stream_;
    std::array<Block, kBlocks> blocks_;
    int count_ = 0;
    std::vector<std::int32_t> samples_;
    std::vector<unsigned char> codes_;
    std::vector<std::int64_t> wide_;  // of one block: such blocks come one by one
};

}  // namespace luthier::io::flac
