// The frames of a stream one after the other, each with a verdict: whether a decoder can make sound of it.
// The verdict depends on the bytes of the stream alone, not on where the walk began.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "mpeg_allocation.h"
#include "mpeg_main_data.h"
#include "mpeg_scan.h"
#include "mpeg_side_info.h"

namespace luthier::io {

struct MpegPiece {
    const unsigned char* bytes = nullptr;  // of the frame; null: it is lost. Valid until the next one
    int length = 0;
    MpegHeader header;
    const char* wrong = nullptr;  // why it is no sound
    bool silent = false;          // it has no sound and needs none: the stream was joined in its middle
    int reach = 0;                // bytes of main data at hand from the frames before it
    std::int64_t offset = 0;
};

class MpegWalk {
  public:
    MpegWalk(MpegScan& scan, Progress& progress)
        : scan_(scan), window_(scan.source()), layer3_(scan.shape().first().layer == 3) {
        // Some encoders wrote a CRC of their own making: it is held against a frame only in a stream
        // where it fits at first.
        begin(0, progress);
        int fit = 0, guarded = 0;
        for (int i = 0; i < kGuardTries; ++i) {
            MpegPiece piece;
            if (!next(piece, false, progress)) break;
            if (!piece.bytes || !piece.header.guarded || !layer3_) continue;
            ++guarded;
            fit += crc_fits(piece);
        }
        trust_crc_ = guarded == 0 || fit > 0;
    }

    // Goes to where a walk must begin for frame `index` to find its bit reservoir, and returns the frame
    // that next() gives first.
    std::int64_t begin(std::int64_t index, Progress& progress) {
        held_ = 0;
        from_head_ = false;
        for (std::int64_t back = 16;; back *= 2) {
            MpegScan::Cursor cursor =
                scan_.before(layer3_ ? std::max<std::int64_t>(0, index - back) : index, progress);
            std::vector<std::pair<MpegScan::Cursor, int>> frames;  // and their main data
            const std::int64_t first = cursor.index;
            while (cursor.index < index) {
                const MpegScan::Cursor here = cursor;
                const auto frame = scan_.next(cursor, progress);
                if (!frame) break;
                frames.push_back({here, main_bytes(*frame, here.index)});
            }
            if (cursor.index < index) frames.clear();  // beyond the end
            cursor_ = cursor;
            int sum = 0;
            bool whole = false;
            if (layer3_)
                while (!frames.empty() && !whole) {
                    const auto [at, bytes] = frames.back();
                    frames.pop_back();
                    if (bytes < 0) {
                        whole = true;
                        break;
                    }
                    cursor_ = at;
                    sum += bytes;
                    whole = sum >= most();
                }
            if (!layer3_ || whole || first == 0) break;
        }
        from_head_ = cursor_.index == 0;
        return cursor_.index;
    }

    // The next frame; false at the end of the stream. Only with `check` is it looked into.
    bool next(MpegPiece& piece, bool check, Progress& progress) {
        piece = {};
        const std::int64_t index = cursor_.index;
        const auto frame = scan_.next(cursor_, progress);
        if (!frame) return false;
        piece.offset = frame->offset;
        const MpegScan::Break* gap = scan_.break_at(index);
        if (gap && !gap->tag) {
            held_ = 0;
            from_head_ = false;
        }
        if (frame->bytes == 0) {
            piece.wrong = "bytes that are no frame lie between its frames";
            return true;
        }
        const unsigned char* bytes = window_.at(frame->offset, frame->bytes);
        if (!bytes || scan_.shape().bytes(bytes) != frame->bytes) {
            piece.wrong = "the file has changed while it was read";
            held_ = 0;
            from_head_ = false;
            return true;
        }
        piece.header = parse_mpeg_header(bytes);
        if (piece.header.head_bytes() > frame->bytes) {
            piece.wrong = "a frame is too short for its side information";
            return true;
        }
        piece.bytes = bytes;
        piece.length = frame->bytes;
        piece.reach = std::min(held_, most());
        if (gap && !gap->tag) piece.wrong = "bytes that are no frame lie between its frames";
        if (layer3_) {
            if (check && !piece.wrong) look(piece);
            keep(piece);
        } else if (check && !piece.wrong) {
            std::memcpy(main_, piece.bytes, std::size_t(piece.length));
            piece.wrong = piece.header.layer == 1 ? check_mpeg_layer1(main_, piece.header, piece.length)
                                                  : check_mpeg_layer2(main_, piece.header, piece.length);
        }
        return true;
    }

  private:
    static constexpr int kGuardTries = 8, kMost = 511, kLongest = 4'096, kSlack = 16;

    // The longest reach of a frame into those before it.
    int most() const { return scan_.shape().first().low_rate() ? 255 : kMost; }

    // Of a frame; -1 where it is lost, and more than any reach where the reservoir begins anew with it.
    int main_bytes(const MpegScan::Frame& frame, std::int64_t index) {
        const MpegScan::Break* gap = scan_.break_at(index);
        if (frame.bytes == 0) return -1;
        const unsigned char* head = window_.at(frame.offset, 4);
        if (!head) return -1;
        const MpegHeader header = parse_mpeg_header(head);
        return (gap && !gap->tag ? 2 * kMost : 0) + std::max(0, frame.bytes - header.head_bytes());
    }

    static bool crc_fits(const MpegPiece& piece) {
        return (piece.bytes[4] << 8 | piece.bytes[5]) == mpeg_crc(piece.bytes, piece.header.side_bytes());
    }

    void look(MpegPiece& piece) {
        const int head = piece.header.head_bytes(), main = piece.length - head;
        MpegSideInfo side;
        if (piece.header.guarded && trust_crc_ && !crc_fits(piece)) {
            piece.wrong = "a frame fails its CRC";
            return;
        }
        piece.wrong = parse_mpeg_side_info(piece.bytes, piece.header, side);
        if (piece.wrong) return;
        if (side.reach > held_) {
            if (from_head_ && !scan_.tag().there)
                piece.silent = true;
            else
                piece.wrong = "a frame needs bytes of one that is missing";
            return;
        }
        if (side.bits > 8 * (side.reach + main)) {
            piece.wrong = "a frame claims more bits than there are";
            return;
        }
        // What there is of the reservoir stands ahead of it.
        std::memcpy(main_ + kMost, piece.bytes + head, std::size_t(main));
        std::memset(main_ + kMost + main, 0, kSlack);
        const bool intensity = piece.bytes[3] >> 6 == 1 && (piece.bytes[3] & 0x10);
        piece.wrong = check_mpeg_main_data(main_ + kMost - side.reach, piece.header, intensity, side,
                                           scan_.tag().exact);
    }

    // Adds the frame's main data to the reservoir.
    void keep(const MpegPiece& piece) {
        const int head = piece.header.head_bytes();
        const int bytes = std::min(kMost, piece.length - head);
        const int old = std::min(held_, kMost - bytes);
        std::memmove(main_ + kMost - bytes - old, main_ + kMost - old, std::size_t(old));
        std::memcpy(main_ + kMost - bytes, piece.bytes + piece.length - bytes, std::size_t(bytes));
        held_ = old + bytes;
    }

    MpegScan& scan_;
    SourceWindow window_;
    const bool layer3_;
    bool trust_crc_ = false;
    MpegScan::Cursor cursor_;
    bool from_head_ = false;  // the walk has seen all of the stream up to here, and no gap
    int held_ = 0;
    // The reservoir up to kMost, and the main data of a frame behind it.
    unsigned char main_[kMost + kLongest + kSlack] = {};
};

}  // namespace luthier::io
