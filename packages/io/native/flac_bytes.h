// The bytes of a FLAC stream, from a file of its own or from the packets of an Ogg stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ogg_pages.h"
#include "source.h"

namespace luthier::io::flac {

// Places are offsets in the file. In an Ogg stream those of neighbours may lie apart, so that the way from
// one to the other is asked for.
class Bytes {
  public:
    struct View {
        const unsigned char* data;
        std::size_t size;
        bool last;  // the stream ends with them
    };

    virtual ~Bytes() = default;
    virtual const char* format() const = 0;
    // Those from `offset` on: at least `wanted`, or all there are.
    virtual View at(std::int64_t offset, std::size_t wanted) = 0;
    // The place `count` bytes behind `offset`; -1 where the stream has not so many.
    virtual std::int64_t behind(std::int64_t offset, std::int64_t count) = 0;
    // Whether no audio follows.
    virtual bool ended(std::int64_t offset) = 0;
    // Whether a seek table speaks of these offsets.
    virtual bool seekable() const = 0;
};

class PlainBytes : public Bytes {
  public:
    explicit PlainBytes(std::shared_ptr<Source> source) : source_(std::move(source)) {}

    const char* format() const override { return "FLAC"; }
    bool seekable() const override { return true; }

    View at(std::int64_t offset, std::size_t wanted) override {
        const std::int64_t left = std::max<std::int64_t>(0, source_->size() - offset);
        if (const unsigned char* data = source_->data())
            return {data + (source_->size() - left), std::size_t(left), true};
        const auto enough = std::int64_t(std::min<std::uint64_t>(std::uint64_t(left), wanted));
        if (offset < start_ || offset + enough > start_ + held_) {
            // Larger pieces when they follow each other.
            const bool follows = offset > start_ && offset <= start_ + held_;
            piece_ = follows ? std::min(2 * piece_, kMost) : kLeast;
            const std::int64_t bytes = std::min(left, std::max(enough, piece_));
            if (size_ < bytes) {
                buffer_ = std::make_unique_for_overwrite<unsigned char[]>(std::size_t(bytes));
                size_ = bytes;
            }
            start_ = offset;
            held_ = 0;  // should the read throw
            held_ = std::int64_t(source_->read_at(offset, buffer_.get(), std::size_t(bytes)));
        }
        const std::int64_t there = std::max<std::int64_t>(0, start_ + held_ - offset);
        return {buffer_.get() + (offset - start_), std::size_t(there), there < enough || there == left};
    }

    std::int64_t behind(std::int64_t offset, std::int64_t count) override {
        return count <= source_->size() - offset ? offset + count : -1;
    }

    // Tags are no audio: ID3v1 and APEv2, which other programs append.
    bool ended(std::int64_t offset) override {
        if (end_ < 0) end_ = find_end();
        return offset >= end_;
    }

  private:
    static constexpr std::int64_t kLeast = 1 << 15, kMost = 1 << 18;

    std::int64_t find_end() {
        std::int64_t end = source_->size();
        unsigned char tag[32];
        if (end >= 128 && source_->read_at(end - 128, tag, 3) == 3 && !std::memcmp(tag, "TAG", 3)) end -= 128;
        if (end < 32 || source_->read_at(end - 32, tag, 32) < 32 || std::memcmp(tag, "APETAGEX", 8) != 0)
            return end;
        // Its size counts the items and this footer, and a header only where bit 31 of the flags is set.
        const std::int64_t size = std::int64_t(ogg::little_u32(tag + 12)) + (tag[23] & 0x80 ? 32 : 0);
        return size <= end ? end - size : end;
    }

    std::shared_ptr<Source> source_;
    std::unique_ptr<unsigned char[]> buffer_;
    std::int64_t size_ = 0, start_ = 0, held_ = 0, piece_ = kLeast, end_ = -1;
};

// The bodies of the pages of one logical stream, one behind the other (RFC 9639, section 10.1): every packet
// of it is a metadata block or a frame, whole. Pages with a wrong checksum are left out.
class OggBytes : public Bytes {
  public:
    OggBytes(std::shared_ptr<Source> source, std::uint32_t serial, std::int64_t end)
        : source_(std::move(source)), pages_(*source_), serial_(serial), end_(end) {}

    const char* format() const override { return "OGG"; }
    bool seekable() const override { return false; }
    bool ended(std::int64_t offset) override { return at(offset, 1).size == 0; }

    View at(std::int64_t offset, std::size_t wanted) override {
        std::size_t i;
        if (!find(offset, i)) {
            load(offset);
            if (!find(offset, i)) return {nullptr, 0, true};
        }
        while (data_.size() - i < wanted && more()) {
        }
        // What lies far behind is not asked for again soon.
        if (i > kKept && pieces_.size() > 1) {
            std::size_t gone = 0;
            while (gone + 1 < pieces_.size() && pieces_[gone + 1].at <= i) ++gone;
            const std::size_t bytes = pieces_[gone].at;
            data_.erase(data_.begin(), data_.begin() + std::ptrdiff_t(bytes));
            pieces_.erase(pieces_.begin(), pieces_.begin() + std::ptrdiff_t(gone));
            for (Piece& piece : pieces_) piece.at -= bytes;
            i -= bytes;
            from_ = pieces_.front().offset;
        }
        return {data_.data() + i, data_.size() - i, done_};
    }

    std::int64_t behind(std::int64_t offset, std::int64_t count) override {
        std::size_t i;
        while (count >= std::int64_t(kStep)) {
            const View view = at(offset, kStep);
            if (view.size < kStep || !find(offset, i)) return -1;
            offset = place(i + kStep);
            count -= std::int64_t(kStep);
        }
        const View view = at(offset, std::size_t(count));
        if (std::int64_t(view.size) < count || (count > 0 && !find(offset, i))) return -1;
        return count > 0 ? place(i + std::size_t(count)) : offset;
    }

  private:
    static constexpr std::size_t kKept = 1 << 18, kStep = 1 << 16;

    struct Piece {
        std::size_t at;       // in data_
        std::int64_t offset;  // in the file
        std::size_t size;
    };

    // The index of what stands at `offset`, or of the first behind it.
    bool find(std::int64_t offset, std::size_t& i) const {
        if (pieces_.empty() || offset < from_) return false;
        const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                            [](std::int64_t o, const Piece& p) { return o < p.offset; });
        if (after == pieces_.begin()) {
            i = pieces_.front().at;
            return true;
        }
        const Piece& p = *(after - 1);
        const auto in = std::size_t(offset - p.offset);
        if (in < p.size) {
            i = p.at + in;
            return true;
        }
        if (after == pieces_.end() && !(done_ || offset <= next_)) return false;
        i = p.at + p.size;
        return true;
    }
    std::int64_t place(std::size_t i) const {
        const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), i,
                                            [](std::size_t x, const Piece& p) { return x < p.at; });
        const Piece& p = *(after - 1);
        return p.offset + std::int64_t(i - p.at);
    }

    void load(std::int64_t offset) {
        data_.clear();
        pieces_.clear();
        done_ = false;
        from_ = offset;
        // `offset` may lie in the middle of a page.
        next_ = std::max<std::int64_t>(0, offset - ogg::kLargestPage);
        do {
            data_.clear();
            pieces_.clear();
        } while (more() && pieces_.back().offset + std::int64_t(pieces_.back().size) <= offset);
        if (!pieces_.empty()) from_ = std::min(from_, pieces_.front().offset);
    }
    // Adds a page.
    bool more() {
        while (!done_) {
            const auto page = pages_.find(next_, end_);
            if (!page) {
                done_ = true;
                return false;
            }
            next_ = page->end();
            const auto size = std::size_t(page->bytes - ogg::kHeader - page->segments);
            if (page->serial != serial_ || size == 0) continue;
            pieces_.push_back({data_.size(), page->offset + ogg::kHeader + page->segments, size});
            data_.insert(data_.end(), page->body(), page->body() + size);
            return true;
        }
        return false;
    }

    std::shared_ptr<Source> source_;
    ogg::Pages pages_;
    std::uint32_t serial_;
    std::int64_t end_;                 // of the pages of this stream
    std::vector<unsigned char> data_;  // of successive pages
    std::vector<Piece> pieces_;
    std::int64_t from_ = 0, next_ = 0;  // offsets that are covered
    bool done_ = false;
};

}  // namespace luthier::io::flac
