// Ogg pages and packets (RFC 3533): found by their capture pattern, believed only with a right checksum.
//
// Nothing here trusts a size. A page is at most 65,307 bytes, so that a window of 64 KiB of the file is all
// that is in memory beside the packets of the caller.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "source.h"

namespace luthier::io {

namespace ogg {

inline constexpr int kHeader = 27, kLargestPage = kHeader + 255 + 255 * 255;
inline constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

inline std::uint32_t little_u32(const unsigned char* p) {
    return std::uint32_t(p[0]) | std::uint32_t(p[1]) << 8 | std::uint32_t(p[2]) << 16 |
           std::uint32_t(p[3]) << 24;
}
inline std::int64_t little_s64(const unsigned char* p) {
    return std::int64_t(std::uint64_t(little_u32(p)) | std::uint64_t(little_u32(p + 4)) << 32);
}
inline void put_u32(unsigned char* p, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) p[i] = static_cast<unsigned char>(value >> 8 * i);
}
inline void put_s64(unsigned char* p, std::int64_t value) {
    put_u32(p, std::uint32_t(value));
    put_u32(p + 4, std::uint32_t(std::uint64_t(value) >> 32));
}

// The checksum of Ogg: polynomial 0x04C11DB7, most significant bit first, begun and ended with 0. Table k
// holds what a byte has become when k more have followed, so that eight bytes go at a time.
inline constexpr auto kCrcTables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i << 24;
        for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc >> 31 ? 0x04C11DB7u : 0u);
        tables[0][i] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t i = 0; i < 256; ++i)
            tables[k][i] = tables[k - 1][i] << 8 ^ tables[0][tables[k - 1][i] >> 24];
    return tables;
}();

inline std::uint32_t crc32(const unsigned char* p, std::size_t bytes, std::uint32_t crc = 0) {
    const auto& t = kCrcTables;
    for (; bytes >= 8; bytes -= 8, p += 8)
        crc = t[7][p[0] ^ crc >> 24] ^ t[6][p[1] ^ (crc >> 16 & 255)] ^ t[5][p[2] ^ (crc >> 8 & 255)] ^
              t[4][p[3] ^ (crc & 255)] ^ t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    for (; bytes > 0; --bytes) crc = crc << 8 ^ t[0][crc >> 24 ^ *p++];
    return crc;
}

// Of a page, whatever its checksum field holds.
inline std::uint32_t page_crc(const unsigned char* page, std::size_t bytes) {
    static constexpr unsigned char kNone[4] = {};
    return crc32(page + 26, bytes - 26, crc32(kNone, 4, crc32(page, 22)));
}

struct Page {
    std::int64_t offset = 0;              // in the file
    const unsigned char* data = nullptr;  // header and body; valid until the scanner is asked again
    int bytes = 0;                        // of both
    int segments = 0;
    std::int64_t granule = -1;  // -1: no packet ends on this page
    std::uint32_t serial = 0, sequence = 0;
    bool continued = false, first = false, last = false;

    const unsigned char* lacing() const { return data + kHeader; }
    const unsigned char* body() const { return data + kHeader + segments; }
    std::int64_t end() const { return offset + bytes; }
};

// Finds pages in a source, through a window on it.
class Pages {
  public:
    explicit Pages(Source& source) : source_(&source) {}

    // The first page with a right checksum that begins in [offset, before).
    std::optional<Page> find(std::int64_t offset, std::int64_t before = kEnd) {
        offset = std::max<std::int64_t>(offset, 0);
        while (offset < before) {
            View view = look(offset, kHeader + 255);
            const void* pattern = view.bytes >= 4 ? std::memchr(view.at, 'O', view.bytes - 3) : nullptr;
            if (!pattern) {
                if (view.bytes < kHeader + 255) return std::nullopt;  // the end of the file
                offset += std::int64_t(view.bytes) - 3;
                continue;
            }
            offset += static_cast<const unsigned char*>(pattern) - view.at;
            if (offset >= before) break;
            if (auto page = at(offset)) return page;
            ++offset;
        }
        return std::nullopt;
    }

    // The page that begins at `offset`, or none where there is no whole one with a right checksum.
    std::optional<Page> at(std::int64_t offset) {
        const std::size_t bytes = extent(offset);
        if (bytes == 0) return std::nullopt;
        const View view = look(offset, bytes);
        if (view.bytes < bytes) return std::nullopt;
        const unsigned char* p = view.at;
        if (page_crc(p, bytes) != little_u32(p + 22)) return std::nullopt;
        Page page;
        page.offset = offset;
        page.data = p;
        page.bytes = int(bytes);
        page.segments = p[26];
        page.granule = little_s64(p + 6);
        page.serial = little_u32(p + 14);
        page.sequence = little_u32(p + 18);
        page.continued = (p[5] & 1) != 0;
        page.first = (p[5] & 2) != 0;
        page.last = (p[5] & 4) != 0;
        return page;
    }

    // What stands at `offset` in place of a page.
    const char* reason(std::int64_t offset) {
        if (offset >= source_->size()) return "its Ogg stream ends without an end-of-stream page";
        const View view = look(offset, 4);
        if (view.bytes < 4 || std::memcmp(view.at, "OggS", 4) != 0)
            return view.bytes < 4 ? "its last Ogg page is cut" : "it holds bytes that are no Ogg page";
        const std::size_t bytes = extent(offset);
        if (bytes == 0 || std::int64_t(bytes) > source_->size() - offset) return "its last Ogg page is cut";
        return "an Ogg page has a wrong checksum";
    }

    // The last page in [begin, end) that `wanted` takes.
    template <class F>
    std::optional<Page> find_last(std::int64_t begin, std::int64_t end, F&& wanted) {
        for (std::int64_t to = end; to > begin;) {
            const std::int64_t from = std::max(begin, to - kWindow);
            std::int64_t found = -1;
            for (std::int64_t here = from;;) {
                const auto page = find(here, to);
                if (!page) break;
                if (wanted(*page)) found = page->offset;
                here = page->end();
            }
            if (found >= 0) return at(found);
            to = from;
        }
        return std::nullopt;
    }

    // The last page in [begin, end) of the stream `serial` on which a packet ends at or before `granule`,
    // as far as the granule positions of the stream rise: guesses by interpolation, and halves the range
    // where guesses serve badly. `known` is the granule position at `begin`, `known_end` that at `end`.
    std::optional<Page> find_granule(std::uint32_t serial, std::int64_t begin, std::int64_t end,
                                     std::int64_t granule, std::int64_t known, std::int64_t known_end) {
        const auto counts = [&](const Page& page) { return page.serial == serial && page.granule >= 0; };
        std::int64_t best = -1, low = begin, high = end;
        bool halve = false;
        while (high - low > kWindow) {
            const std::int64_t range = high - low;
            std::int64_t guess = low + range / 2;
            if (!halve && known_end > known && granule >= known)
                guess = low +
                        std::int64_t(double(range) *
                                     std::min(1.0, double(granule - known) / double(known_end - known))) -
                        kWindow / 2;
            guess = std::clamp(guess, low + 1, high - kWindow / 2);
            std::optional<Page> page = find(guess, high);
            while (page && !counts(*page)) page = find(page->end(), high);
            if (!page) {
                high = guess;
            } else if (page->granule <= granule) {
                best = page->offset;
                low = page->end();
                known = page->granule;
            } else {
                high = guess;
                known_end = page->granule;
            }
            halve = high - low > range / 2;
        }
        for (auto page = find(low, high); page; page = find(page->end(), high)) {
            if (!counts(*page)) continue;
            if (page->granule > granule) break;
            best = page->offset;
        }
        return best < 0 ? std::nullopt : at(best);
    }

    Source& source() { return *source_; }

  private:
    static constexpr std::int64_t kWindow = 1 << 16;
    static_assert(kWindow >= kLargestPage);

    struct View {
        const unsigned char* at;
        std::size_t bytes;
    };

    // At least `bytes` bytes from `offset` on, fewer only at the end of the file.
    View look(std::int64_t offset, std::size_t bytes) {
        const std::int64_t left = source_->size() - offset;
        if (left <= 0) return {nullptr, 0};
        if (const unsigned char* data = source_->data()) return {data + offset, std::size_t(left)};
        const std::int64_t wanted = std::min(left, std::int64_t(bytes));
        if (offset < start_ || offset + wanted > start_ + there_) {
            if (window_.empty()) window_.resize(std::size_t(kWindow));
            start_ = offset;
            there_ = std::int64_t(source_->read_at(offset, window_.data(), window_.size()));
        }
        return {window_.data() + (offset - start_), std::size_t(start_ + there_ - offset)};
    }

    // The bytes that the header at `offset` claims for its page; 0 where there is no header.
    std::size_t extent(std::int64_t offset) {
        const View head = look(offset, kHeader + 255);
        if (head.bytes < kHeader || std::memcmp(head.at, "OggS", 4) != 0 || head.at[4] != 0) return 0;
        const std::size_t segments = head.at[26];
        if (head.bytes < kHeader + segments) return 0;
        std::size_t bytes = kHeader + segments;
        for (std::size_t i = 0; i < segments; ++i) bytes += head.at[kHeader + i];
        return bytes;
    }

    Source* source_;
    std::vector<unsigned char> window_;
    std::int64_t start_ = 0, there_ = 0;
};

struct Packet {
    std::vector<unsigned char> bytes;
    std::int64_t page = 0;      // offset of the page that it begins on
    std::int64_t granule = -1;  // of the page that it ends on, for the last to end there; else -1
    bool last = false;          // ends the stream: the last to end on its end-of-stream page
    bool after_gap = false;     // something is missing between the packet before and this one
    std::int64_t gap = -1;      // where that shows in the file
    bool junk = false;          // bytes that are no page stand there; else pages are missing
    std::uint32_t missing = 0;  // by their numbers
};

// Joins the packets of one stream from its pages, in order. A packet of which a part is missing is left
// out; the one that follows has `after_gap`.
class Packets {
  public:
    // Of the stream `serial`, from the page at `offset` on, as far as pages begin before `end`. Packets
    // that are continued from before are left out, which is no gap.
    Packets(Source& source, std::uint32_t serial, std::int64_t offset, std::int64_t end = kEnd,
            std::size_t largest = 1u << 26)
        : pages_(source), serial_(serial), offset_(offset), end_(end), largest_(largest) {}

    bool next(Packet& packet) {
        for (;;) {
            if (!page_ && !turn()) return false;
            while (segment_ < page_->segments) {
                const int length = page_->lacing()[segment_++];
                const unsigned char* from = page_->body() + read_;
                read_ += length;
                if (!skip_) {
                    if (!joined_) begun_ = page_->offset;
                    joined_ = true;
                    if (part_.size() + std::size_t(length) > largest_) {
                        part_.clear();
                        joined_ = false;
                        skip_ = true;
                        lose(page_->offset, false, 0);
                    } else {
                        part_.insert(part_.end(), from, from + length);
                    }
                }
                if (length == 255) continue;
                const bool dropped = skip_;
                skip_ = joined_ = false;
                if (dropped) continue;
                packet.bytes.swap(part_);
                part_.clear();
                packet.page = begun_;
                const bool ends = segment_ > last_ending_;
                packet.granule = ends ? page_->granule : -1;
                packet.last = ends && page_->last;
                packet.after_gap = gap_;
                packet.gap = gap_ ? gap_at_ : -1;
                packet.junk = gap_ && gap_junk_;
                packet.missing = gap_ ? missing_ : 0;
                gap_ = gap_junk_ = false;
                missing_ = 0;
                return true;
            }
            offset_ = page_->end();
            page_.reset();
        }
    }

    // Where the page after the present one is looked for.
    std::int64_t offset() const { return page_ ? page_->end() : offset_; }

  private:
    bool turn() {
        std::int64_t junk = -1;
        do {
            page_ = pages_.find(offset_, end_);
            if (!page_) return false;
            if (page_->offset > offset_ && junk < 0) junk = offset_;
            offset_ = page_->end();
            // Another stream may begin with the same number. A page that was there already is passed over.
            if (page_->serial == serial_ && started_ && page_->first) end_ = std::min(end_, page_->offset);
        } while (page_->offset < end_ && (page_->serial != serial_ || repeats(*page_)));
        if (page_->offset >= end_) {
            offset_ = page_->offset;
            page_.reset();
            return false;
        }
        if (started_ && page_->sequence != sequence_ + 1) {
            lose(junk < 0 ? page_->offset : junk, junk >= 0, page_->sequence - sequence_ - 1);
            joined_ = skip_ = false;
        }
        if (page_->continued != (joined_ || skip_)) {
            // A rest without a beginning, or a beginning without a rest.
            if (started_) lose(page_->offset, false, 0);
            joined_ = false;
            skip_ = page_->continued;
        }
        if (!joined_) part_.clear();
        started_ = true;
        sequence_ = page_->sequence;
        segment_ = read_ = 0;
        last_ending_ = -1;
        for (int i = 0; i < page_->segments; ++i)
            if (page_->lacing()[i] < 255) last_ending_ = i;
        return true;
    }

    bool repeats(const Page& page) const { return started_ && std::int32_t(page.sequence - sequence_) <= 0; }

    void lose(std::int64_t at, bool junk, std::uint32_t missing) {
        if (gap_) return;
        gap_ = true;
        gap_at_ = at;
        gap_junk_ = junk;
        missing_ = missing;
    }

    Pages pages_;
    std::uint32_t serial_;
    std::int64_t offset_, end_;
    std::size_t largest_;
    std::optional<Page> page_;
    std::vector<unsigned char> part_;  // of a packet that is not whole yet
    std::int64_t begun_ = 0;
    std::uint32_t sequence_ = 0;
    int segment_ = 0, read_ = 0, last_ending_ = -1;
    // Whether a page was read; a packet is in part_; the rest of one is to be passed over; something is
    // missing since the last packet.
    bool started_ = false, joined_ = false, skip_ = false, gap_ = false;
    std::int64_t gap_at_ = -1;
    bool gap_junk_ = false;
    std::uint32_t missing_ = 0;
};

}  // namespace ogg

}  // namespace luthier::io
