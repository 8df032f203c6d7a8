// Where the frames of a stream of MPEG audio are, by hopping from header to header; nothing inside a frame
// is looked at. Frames count from the first of sound: the one that holds an encoder's tag is not counted.
//
// The tag of encoders: "Xing" or "Info" with LAME's extension (gabriel.mp3-tech.org/mp3infotag.html), and
// Fraunhofer's "VBRI".
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "decoder.h"
#include "mpeg_header.h"
#include "mpeg_tags.h"

namespace luthier::io {

// What an encoder's tag says.
struct MpegTag {
    bool there = false;
    std::int64_t frames = 0;  // 0: it does not say
    std::int64_t bytes = 0;   // of the tag's frame and all after it; 0: it does not say
    bool gapless = false;     // it tells the samples that the encoder put before and after the sound
    int delay = 0, padding = 0;
    bool exact = false;  // of LAME, which fills the bits of its frames to the last
};

// Thrown where an index turns out not to be of this file.
struct MpegIndexStale {};

class MpegScan {
  public:
    // A place in the stream: before frame `index`, whose header is at `offset` unless it is lost.
    struct Cursor {
        std::int64_t index = 0, offset = 0;
    };
    struct Frame {
        std::int64_t offset = 0;
        int bytes = 0;  // 0: the frame is lost
    };
    // Where the chain of headers is broken: frame `index` was to begin at `offset`, and the chain goes on
    // at `next` with the frame `index` + `lost`.
    struct Break {
        std::int64_t index = 0, offset = 0, next = 0, lost = 0;
        bool tag = false;  // only tags lie between the frames
    };

    explicit MpegScan(Source& source) : source_(source), window_(source) {}

    // Looks for the first frame in the first bytes. False: this is no MPEG audio.
    bool find() {
        std::int64_t at = 0;
        while (const std::int64_t bytes = mpeg_tag_bytes(window_, at)) at += bytes;
        end_ = std::max(at, before_mpeg_tags(source_, source_.size()));
        head_ = at;
        const std::int64_t limit = std::min(end_, at + kSearch);
        for (at = next_sync_byte(at, limit); at < limit; at = next_sync_byte(at + 1, limit))
            if (begins_stream(at, at == head_ ? 2 : 3)) {
                read_tag(at);
                return true;
            }
        return false;
    }
    // Whether the file looks like MPEG audio at first sight, so that no other decoder should be asked.
    bool looks_like_it() {
        const unsigned char* p = window_.at(head_, 2);
        // Layer 0 is none: such a header begins a frame of AAC.
        return p && p[0] == 0xFF && (p[1] & 0xE0) == 0xE0 && (p[1] & 0x06) != 0;
    }

    const MpegShape& shape() const { return shape_; }
    const MpegTag& tag() const { return tag_; }
    Source& source() { return source_; }

    // Frames there are, lost ones between others included. Known once all is scanned.
    std::int64_t frames() const { return front_.index; }
    bool scanned() const { return ended_; }
    void scan(Progress& progress) { reach(kAll, progress); }
    const std::vector<Break>& breaks() const { return breaks_; }
    // The offset of a last frame that is cut, or of bytes behind it that are no frame.
    bool cut() const { return cut_; }
    bool junk_behind() const { return junk_behind_; }
    std::int64_t end_offset() const { return front_.offset; }
    // Whether the stream goes on behind what its tag counts. Says no where it cannot tell.
    bool goes_on() {
        if (!tag_.bytes || tag_.bytes >= end_ - tag_offset_) return false;
        const std::int64_t at = tag_offset_ + tag_.bytes;
        return at > begin_ && (chain(at) || mpeg_tag_bytes(window_, at) > 0);
    }
    bool shorter_than_tag() const { return tag_.bytes > end_ - tag_offset_; }

    // Where the frames are, for use_index(): a few bytes for every kStride frames.
    std::string index(Progress& progress) {
        scan(progress);
        std::string out(kMagic);
        put(out, source_.size());
        put(out, begin_);
        put(out, end_);
        put(out, front_.index);
        put(out, front_.offset);
        put(out, cut_ | junk_behind_ << 1);
        put(out, std::int64_t(breaks_.size()));
        Break last;
        for (const Break& each : breaks_) {
            put(out, each.index - last.index);
            put(out, each.offset - last.next);
            put(out, each.next - each.offset);
            put(out, each.lost << 1 | each.tag);
            last = each;
        }
        std::int64_t before = begin_;
        for (const std::int64_t mark : marks_) {
            put(out, mark - before);
            before = mark;
        }
        put(out, std::int64_t(checksum(out)));
        return out;
    }
    // Takes it instead of scanning. What it says is compared with the file where frames are read.
    bool use_index(const std::string& index) {
        Unpack in{index, kMagic.size()};
        if (index.compare(0, kMagic.size(), kMagic) != 0 || in.take() != source_.size() ||
            in.take() != begin_ || in.take() != end_)
            return false;
        Cursor front;
        front.index = in.take();
        front.offset = in.take();
        const std::int64_t flags = in.take(), breaks = in.take();
        // A frame takes four bytes at least, and a break more.
        if (front.offset < begin_ || front.offset > end_ || breaks < 0 || breaks > end_ / 4 || !in.good ||
            front.index < 0 || front.index / 2 > end_)
            return false;
        std::vector<Break> gaps;
        Break last;
        for (std::int64_t i = 0; i < breaks && in.good; ++i) {
            Break gap;
            gap.index = last.index + in.take();
            gap.offset = last.next + in.take();
            gap.next = gap.offset + in.take();
            const std::int64_t lost = in.take();
            gap.lost = lost >> 1;
            gap.tag = lost & 1;
            if (gap.index + gap.lost > front.index || gap.index < last.index + last.lost ||
                gap.offset < begin_ || gap.next > end_)
                return false;
            gaps.push_back(gap);
            last = gap;
        }
        std::vector<std::int64_t> marks;
        std::int64_t before = begin_;
        for (std::int64_t i = 0; i <= front.index / kStride && in.good; ++i) {
            before += in.take();
            if (before > end_) return false;
            marks.push_back(before);
        }
        const std::size_t body = in.at;
        if (!in.good || in.take() != std::int64_t(checksum(index.substr(0, body))) || !in.good ||
            in.at != index.size())
            return false;
        if (ended_) return true;  // we know better
        front_ = front;
        breaks_ = std::move(gaps);
        marks_ = std::move(marks);
        cut_ = flags & 1;
        junk_behind_ = flags & 2;
        ended_ = believed_ = true;
        return true;
    }
    void forget_index() {
        front_ = {0, begin_};
        breaks_.clear();
        marks_.clear();
        length_ = 0;
        cut_ = junk_behind_ = ended_ = believed_ = false;
    }

    // A place at or before frame `index`, at most kStride - 1 frames.
    Cursor before(std::int64_t index, Progress& progress) {
        reach(index + 1, progress);
        const std::size_t mark = std::min(std::size_t(index / kStride), marks_.size() - 1);
        return {std::int64_t(mark) * kStride, marks_[mark]};
    }
    // The frame at the cursor, which moves behind it; none at the end of the stream.
    std::optional<Frame> next(Cursor& cursor, Progress& progress) {
        reach(cursor.index + 1, progress);
        if (cursor.index >= front_.index) return std::nullopt;
        Frame frame{cursor.offset, 0};
        const Break* gap = break_at(cursor.index);
        if (gap && gap->lost == 0) {
            frame.offset = cursor.offset = gap->next;
            gap = nullptr;
        }
        if (!gap) {
            const unsigned char* head = window_.at(cursor.offset, 4);
            frame.bytes = head ? shape_.bytes(head) : 0;
            if (believed_ && frame.bytes == 0) throw MpegIndexStale();
        }
        ++cursor.index;
        if (gap)
            cursor.offset = cursor.index == gap->index + gap->lost ? gap->next : cursor.offset;
        else
            cursor.offset += frame.bytes;
        if (believed_ && cursor.index % kStride == 0 &&
            cursor.offset != marks_[std::size_t(cursor.index / kStride)])
            throw MpegIndexStale();
        return frame;
    }
    // The break that loses frame `index`, or that lies right before it.
    const Break* break_at(std::int64_t index) const {
        auto after = std::upper_bound(breaks_.begin(), breaks_.end(), index,
                                      [](std::int64_t i, const Break& b) { return i < b.index; });
        if (after == breaks_.begin()) return nullptr;
        --after;
        return index < after->index + std::max<std::int64_t>(1, after->lost) ? &*after : nullptr;
    }

  private:
    static constexpr std::int64_t kSearch = 1 << 16, kStride = 16, kAll = INT64_MAX;
    static constexpr int kFreeBytes = 3'456, kFreeTries = 64;

    static constexpr std::string_view kMagic = "luthier mpeg 1\n";

    // Seven bits a byte, the lowest first.
    static void put(std::string& out, std::int64_t value) {
        for (auto left = std::uint64_t(value);; left >>= 7) {
            out += char(left < 128 ? left : (left & 127) | 128);
            if (left < 128) break;
        }
    }
    struct Unpack {
        const std::string& from;
        std::size_t at;
        bool good = true;
        // Not negative, and small enough to be added to another.
        std::int64_t take() {
            std::uint64_t value = 0;
            for (int shift = 0; shift < 63 && at < from.size(); shift += 7) {
                const auto byte = static_cast<unsigned char>(from[at++]);
                value |= std::uint64_t(byte & 127) << shift;
                if (byte < 128) {
                    if (value >> 62) break;
                    return std::int64_t(value);
                }
            }
            good = false;
            return 0;
        }
    };
    static std::uint64_t checksum(const std::string& bytes) {  // FNV-1a
        std::uint64_t sum = 14'695'981'039'346'656'037u;
        for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211u;
        return sum >> 2;
    }

    std::int64_t next_sync_byte(std::int64_t at, std::int64_t limit) {
        while (at < limit) {
            std::int64_t there;
            const unsigned char* p = window_.some(at, there);
            there = std::min(there, limit - at);
            if (there <= 0) break;
            if (const void* found = std::memchr(p, 0xFF, std::size_t(there)))
                return at + (static_cast<const unsigned char*>(found) - p);
            at += there;
        }
        return limit;
    }

    int length_at(std::int64_t offset) {
        const unsigned char* head = offset + 4 <= end_ ? window_.at(offset, 4) : nullptr;
        return head ? shape_.bytes(head) : 0;
    }
    // Whether whole frames begin here: `count` in a row, or as many as there are up to the end.
    bool chain(std::int64_t offset, int count = 3) {
        for (int i = 0; i < count; ++i) {
            const int bytes = length_at(offset);
            if (bytes == 0) return false;
            offset += bytes;
            // Behind the end lie tags, which begin none of what stands here.
            if (offset > end_) return i > 0;
            if (offset == end_ || mpeg_tag_bytes(window_, offset) > 0) return true;
        }
        return true;
    }
    bool begins_stream(std::int64_t offset, int count) {
        const unsigned char* p = offset + 4 <= end_ ? window_.at(offset, 4) : nullptr;
        if (!p) return false;
        unsigned char head[4];
        std::memcpy(head, p, 4);
        const MpegHeader header = parse_mpeg_header(head);
        if (header.layer == 0) return false;
        if (header.bytes > 0) {
            shape_ = MpegShape(head, 0);
            return chain(offset, count);
        }
        // Free format: the distance to the next header tells.
        if (++free_tried_ > kFreeTries) return false;
        for (int bytes = header.head_bytes(); bytes <= kFreeBytes; ++bytes) {
            const unsigned char* next = window_.at(offset + bytes, 4);
            if (!next) return false;
            if (next[0] != 0xFF || next[1] != head[1] || ((next[2] ^ head[2]) & 0xFC)) continue;
            shape_ = MpegShape(head, bytes - header.padded * header.slot_bytes());
            if (chain(offset, count)) return true;
        }
        return false;
    }

    void read_tag(std::int64_t offset) {
        tag_offset_ = begin_ = offset;
        const MpegHeader& header = shape_.first();
        const int bytes = length_at(offset);
        // LAME leaves room for a CRC only where there is one.
        for (const int place : {4 + header.side_bytes(), 6 + header.side_bytes()})
            if (header.layer == 3 && !tag_.there)
                if (const unsigned char* p = window_.at(offset, bytes)) read_xing(p, place, bytes);
        if (header.layer == 3 && !tag_.there && bytes >= 36 + 18)
            if (const unsigned char* p = window_.at(offset + 36, 18); p && !std::memcmp(p, "VBRI", 4)) {
                tag_.there = true;
                tag_.bytes = big(p + 10);
                tag_.frames = big(p + 14);
            }
        if (tag_.there) begin_ += bytes;
        front_ = {0, begin_};
    }
    static std::int64_t big(const unsigned char* p) {
        return std::int64_t(p[0]) << 24 | p[1] << 16 | p[2] << 8 | p[3];
    }
    void read_xing(const unsigned char* frame, int place, int bytes) {
        if (place + 8 > bytes ||
            (std::memcmp(frame + place, "Xing", 4) && std::memcmp(frame + place, "Info", 4)))
            return;
        tag_.there = true;
        const int flags = frame[place + 7];
        place += 8;
        for (const int bit : {1, 2, 4, 8}) {
            const int field = bit == 4 ? 100 : 4;
            if (!(flags & bit)) continue;
            if (place + field > bytes) return;
            if (bit == 1) tag_.frames = big(frame + place);
            if (bit == 2) tag_.bytes = big(frame + place);
            place += field;
        }
        if (place + 24 > bytes || frame[place] == 0 || tag_.frames == 0) return;
        tag_.gapless = true;
        tag_.exact = !std::memcmp(frame + place, "LAME", 4);
        tag_.delay = frame[place + 21] << 4 | frame[place + 22] >> 4;
        tag_.padding = (frame[place + 22] & 15) << 8 | frame[place + 23];
    }

    // Scans on until `index` frames are known.
    void reach(std::int64_t index, Progress& progress) {
        while (!ended_ && front_.index < index) {
            const std::int64_t stop = std::min(index, front_.index + 65'536);
            while (!ended_ && front_.index < stop) hop();
            progress.poll();
        }
    }

    void mark() {
        while (std::int64_t(marks_.size()) * kStride <= front_.index) marks_.push_back(front_.offset);
    }
    void accept(int bytes) {
        mark();
        length_ = bytes;
        ++front_.index;
        front_.offset += bytes;
    }
    void skip_to(std::int64_t next, std::int64_t lost, bool tag) {
        mark();
        breaks_.push_back({front_.index, front_.offset, next, lost, tag});
        front_.index += lost;
        while (std::int64_t(marks_.size()) * kStride < front_.index) marks_.push_back(front_.offset);
        front_.offset = next;
    }
    void end() {
        mark();
        ended_ = true;
    }

    void hop() {
        const std::int64_t here = front_.offset;
        const int bytes = length_at(here);
        const std::int64_t behind = here + bytes;
        if (bytes > 0 && behind + 4 <= end_) {
            const unsigned char* next = window_.at(behind, 4);
            if (next && shape_.bytes(next) > 0) return accept(bytes);
        }
        if (here >= end_) return end();
        if (bytes > 0 && (behind == end_ || (behind < end_ && mpeg_tag_bytes(window_, behind) > 0) ||
                          (behind < end_ && only_zeros(behind))))
            return accept(bytes);
        if (bytes == 0) {
            std::int64_t tags = here;
            while (const std::int64_t tag = mpeg_tag_bytes(window_, tags)) tags += tag;
            if (tags > here && length_at(tags) > 0) return skip_to(tags, 0, true);
            if (tags >= end_ || only_zeros(tags)) return end();
        }
        std::int64_t found = next_chain(here + 1);
        if (found < 0) {
            if (bytes > 0 && behind <= end_) {
                // The frame is there; what follows it is looked at on the next hop.
                if (behind + 4 > end_) cut_ = true;
                accept(bytes);
                if (!cut_) junk_behind_ = true;
                return end();
            }
            cut_ = bytes > 0 || end_ - here < 4;
            junk_behind_ = !cut_;
            return end();
        }
        if (bytes > 0 && found >= behind && !same_length(found - here)) {
            accept(bytes);
            if (found > behind) skip_to(found, lost_in(found - behind), false);
            return;
        }
        skip_to(found, bytes > 0 ? std::max<std::int64_t>(1, lost_in(found - here)) : lost_in(found - here),
                false);
    }

    bool only_zeros(std::int64_t at) {
        while (at < end_) {
            std::int64_t there;
            const unsigned char* p = window_.some(at, there);
            there = std::min(there, end_ - at);
            if (there <= 0) break;
            for (std::int64_t i = 0; i < there; ++i)
                if (p[i] != 0) return false;
            at += there;
        }
        return true;
    }
    std::int64_t next_chain(std::int64_t at) {
        for (at = next_sync_byte(at, end_); at < end_; at = next_sync_byte(at + 1, end_))
            if (chain(at)) return at;
        return -1;
    }
    // As the frame before, but for padding.
    bool same_length(std::int64_t bytes) const {
        const int slot = shape_.first().slot_bytes();
        return length_ > 0 && bytes >= length_ - slot && bytes <= length_ + slot;
    }
    // How many frames of the stream would fill a gap.
    std::int64_t lost_in(std::int64_t bytes) const {
        if (same_length(bytes) || shape_.may_have(bytes)) return 1;
        const std::int64_t index = std::max<std::int64_t>(1, front_.index);
        const std::int64_t mean = std::max<std::int64_t>(
            front_.index > 0 ? (front_.offset - begin_) / index : shape_.first().bytes, 24);
        return (bytes + mean / 2) / mean;
    }

    Source& source_;
    SourceWindow window_;
    MpegShape shape_;
    MpegTag tag_;
    std::int64_t head_ = 0;  // behind the tags at the head
    std::int64_t tag_offset_ = 0;
    std::int64_t begin_ = 0;  // of the first frame of sound
    std::int64_t end_ = 0;    // of the first tag behind the last
    Cursor front_;            // behind the last frame that is known
    int length_ = 0;          // of the frame before it
    int free_tried_ = 0;
    std::vector<std::int64_t> marks_;  // where every kStride-th frame is
    std::vector<Break> breaks_;
    bool ended_ = false, cut_ = false, junk_behind_ = false;
    bool believed_ = false;  // what is known comes from an index
};

}  // namespace luthier::io
