// Decodes FLAC files. Source: RFC 9639.
//
// A frame is right when its header passes CRC-8, it decodes, it passes CRC-16, and the number in its header
// is the expected one. Nothing else is ever returned, and no other structure (the seek table, an index kept
// by the caller, sizes) is believed: they only say where to look first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decoder.h"
#include "flac_blocks.h"
#include "flac_bytes.h"
#include "source.h"

namespace luthier::io {

class FlacDecoder : public Decoder {
  public:
    // `start` is where "fLaC" stands. An Ogg stream gives its own bytes.
    FlacDecoder(std::shared_ptr<Source> source, std::int64_t start, Progress& progress,
                std::unique_ptr<flac::Bytes> bytes = nullptr)
        : source_(std::move(source)),
          bytes_(bytes ? std::move(bytes) : std::make_unique<flac::PlainBytes>(source_)) {
        read_metadata(start, progress);
        read_first_header(progress);
        const flac::StreamHeader& stream = blocks_.stream();
        info_.format = bytes_->format();
        info_.subtype = stream.bits <= 8    ? "PCM_S8"
                        : stream.bits <= 16 ? "PCM_16"
                        : stream.bits <= 24 ? "PCM_24"
                                            : "PCM_32";
        info_.sample_rate = stream.sample_rate;
        info_.channels = stream.channels;
        info_.frames = stream.total;
        info_.promised = stream.total > 0;
        next_ = {0, audio_};
        marks_ = {next_};
        straight_ = source_->size() - audio_ <= kWalked || holds_too_much();
        if (info_.promised) {
            if (stream.total * stream.channels > kBelieved + kBelievedPerByte * source_->size())
                check_end(progress);
        } else {
            check_end(progress);
        }
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }

    // What the container says is wrong behind the audio.
    void note_end(Damage damage) { note(std::move(damage)); }

    std::int64_t resume(std::int64_t frame, Progress& progress) override {
        if (!(gap_.from <= frame && (gap_.to < 0 || frame < gap_.to))) {
            blocks_.clear();
            if (next_.sample == frame || locate(frame, progress)) return frame;
        }
        return gap_.to < 0 ? info_.frames : std::min(gap_.to, info_.frames);
    }

    std::string index(Progress& progress) override {
        if (straight_) return {};
        const std::int64_t apart = std::max<std::int64_t>(info_.frames / kIndexPoints, 1);
        std::vector<Spot> points;
        Spot expected{0, audio_};
        std::int64_t noted = 0;
        // Headers with the right checksum and the expected number: whoever uses the index looks again.
        while (expected.sample < info_.frames) {
            progress.poll();
            const auto bytes = bytes_->at(expected.offset, kScan);
            std::size_t i = 0, behind = 0;
            const std::size_t size = std::min(bytes.size, kScan);
            while (i < size) {
                const void* sync = std::memchr(bytes.data + i, 0xFF, size - i);
                if (!sync) break;
                i = std::size_t(static_cast<const unsigned char*>(sync) - bytes.data);
                flac::FrameHeader header;
                if (blocks_.parse(bytes.data + i, bytes.size - i, header) == flac::Verdict::good &&
                    header.variable == variable_ && sample_of(header) == expected.sample) {
                    if (expected.sample >= noted + apart) {
                        points.push_back({expected.sample, bytes_->behind(expected.offset, std::int64_t(i))});
                        noted = expected.sample;
                    }
                    expected.sample += header.block;
                    i += std::size_t(header.bytes);
                    behind = i;
                } else {
                    ++i;
                }
            }
            // A damaged file, or a frame of more than a piece: so far is better than nothing.
            if (behind == 0) break;
            expected.offset = bytes_->behind(expected.offset, std::int64_t(behind));
            if (expected.offset < 0) break;
        }
        std::string index = kIndexMagic;
        put_number(index, source_->size());
        put_number(index, info_.frames);
        Spot before{0, audio_};
        for (const Spot& p : points) {
            put_number(index, p.sample - before.sample);
            put_number(index, p.offset - before.offset);
            before = p;
        }
        return index;
    }
    bool use_index(const std::string& index) override {
        std::size_t at = kIndexMagic.size();
        if (index.compare(0, at, kIndexMagic) != 0) return false;
        if (take_number(index, at) != source_->size() || take_number(index, at) != info_.frames) return false;
        std::vector<Spot> points;
        Spot spot{0, audio_};
        while (at < index.size()) {
            const std::int64_t samples = take_number(index, at), bytes = take_number(index, at);
            if (samples <= 0 || bytes <= 0 || samples >= info_.frames - spot.sample ||
                bytes >= source_->size() - spot.offset)
                return false;
            spot = {spot.sample + samples, spot.offset + bytes};
            points.push_back(spot);
        }
        hints_ = std::move(points);
        table_.second = 0;
        return true;
    }

    // Checks every frame, and all samples against their MD5, if STREAMINFO has one.
    std::optional<Damage> verify(Progress& progress) override {
        const std::int64_t before = position_;
        std::optional<Damage> wrong;
        Md5 sum;
        next_ = {0, audio_};
        for (std::int64_t at = 0; at < info_.frames;) {
            progress.poll();
            if (!decode(at, info_.frames - at, progress)) {
                wrong = fault_;
                break;
            }
            at = blocks_.hash(sum, info_.frames);
        }
        if (!wrong && info_.promised) look_behind();
        blocks_.clear();
        fault_.reset();
        position_ = before;
        if (wrong || damage_) return wrong ? wrong : damage_;
        if (blocks_.stream().has_md5() && sum.finish() != blocks_.stream().md5)
            return Damage{"its audio does not match its MD5", 0, -1};
        return std::nullopt;
    }
    std::string checks() const override {
        return blocks_.stream().has_md5() ? "frame CRC-16, MD5 of the samples" : "frame CRC-16";
    }

  private:
    inline static const std::string kIndexMagic = "FLAC frames 1\n";

    // Seven bits a byte, the least significant first, the top bit set where more follow.
    static void put_number(std::string& to, std::int64_t value) {
        for (auto v = std::uint64_t(value);; v >>= 7) {
            to += char((v & 0x7F) | (v > 0x7F ? 0x80 : 0));
            if (v <= 0x7F) break;
        }
    }
    // -1 where none stands.
    static std::int64_t take_number(const std::string& from, std::size_t& at) {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 56; shift += 7) {
            if (at >= from.size()) return -1;
            const auto byte = (unsigned char)from[at++];
            value |= std::uint64_t(byte & 0x7F) << shift;
            if (byte < 0x80) return std::int64_t(value);
        }
        return -1;
    }

    // A place where a frame begins, and its first sample.
    struct Spot {
        std::int64_t sample = 0, offset = 0;
    };
    // What cannot be decoded; to < 0: all the rest.
    struct Gap {
        std::int64_t from = -1, to = 0;  // frames
        std::int64_t offset = 0;         // of the bytes that are wrong
        std::int64_t resume = 0;         // of the frame that begins at `to`
        std::string reason;
    };
    static constexpr std::size_t kMostFrameBytes = 16 << 20;
    static constexpr std::size_t kScan = 1 << 16;
    static constexpr std::int64_t kSeekPointBytes = 18, kMostHints = 1 << 16, kIndexPoints = 1 << 9;
    static constexpr std::int64_t kWalked = 1 << 17, kMarked = 1 << 14;
    static constexpr std::int64_t kTags = 1 << 20;
    static constexpr std::int64_t kBelieved = 1 << 24, kBelievedPerByte = 16;

    [[noreturn]] void damaged(const std::string& what) const {
        throw DecodeError(source_->name() + ": the FLAC header is damaged: " + what);
    }

    void read_metadata(std::int64_t start, Progress& progress) {
        const auto skip = [this](std::int64_t from, std::int64_t count) {
            const std::int64_t to = bytes_->behind(from, count);
            if (to < 0) damaged("it ends after " + grouped(source_->size()) + " bytes, before its audio");
            return to;
        };
        std::int64_t at = skip(start, 4);
        bool first = true;
        for (bool last = false; !last; first = false) {
            progress.poll();
            const std::int64_t body = skip(at, 4);
            const auto head = bytes_->at(at, 4);
            last = head.data[0] & 0x80;
            const int type = head.data[0] & 0x7F;
            const std::int64_t size = head.data[1] << 16 | head.data[2] << 8 | head.data[3];
            if (first && (type != 0 || size != std::int64_t(flac::kStreamHeaderBytes)))
                damaged("it does not begin with a STREAMINFO of 34 bytes");
            if (type == 127) damaged("it holds a block of the forbidden type 127");
            at = skip(body, size);
            if (first) {
                const auto info = bytes_->at(body, flac::kStreamHeaderBytes);
                if (info.size < flac::kStreamHeaderBytes) damaged("it cannot be read");
                const auto stream = flac::parse_stream_header(info.data);
                if (stream.bits < 4)
                    damaged("it declares samples of " + std::to_string(stream.bits) + " bits");
                blocks_.set_up(stream);
            } else if (type == 3) {
                table_ = {body, size / kSeekPointBytes};
            }
        }
        audio_ = at;
    }

    // The blocking strategy, the block size, and the sample rate, if STREAMINFO leaves it out.
    void read_first_header(Progress& progress) {
        flac::StreamHeader stream = blocks_.stream();
        block_ = stream.max_block;
        flac::FrameHeader header;
        auto bytes = bytes_->at(audio_, flac::kMaxFrameHeaderBytes);
        bool found = blocks_.parse(bytes.data, bytes.size, header) == flac::Verdict::good;
        if (!found && bytes.size > 0)
            if (const auto spot = find_frame(audio_, source_->size(), progress)) {
                bytes = bytes_->at(spot->offset, flac::kMaxFrameHeaderBytes);
                found = blocks_.parse(bytes.data, bytes.size, header) == flac::Verdict::good;
            }
        if (found) {
            known_strategy_ = true;
            variable_ = header.variable;
            if (header.number == 0 || block_ == 0 || stream.min_block != stream.max_block)
                block_ = header.block;
            if (stream.sample_rate == 0) stream.sample_rate = header.sample_rate;
            // A recording of a stream begins anywhere.
            if (stream.total == 0) base_ = sample_of(header);
        }
        if (stream.sample_rate == 0) damaged("it declares a sample rate of 0 Hz");
        blocks_.set_up(stream);
    }

    // More bytes than the promised frames can have: another stream may follow.
    bool holds_too_much() const {
        const flac::StreamHeader& stream = blocks_.stream();
        if (stream.total == 0 || stream.max_bytes == 0 || stream.min_block == 0) return false;
        const std::int64_t frames = stream.total / stream.min_block + 1;
        return source_->size() - audio_ > frames * stream.max_bytes * 21 / 20 + kTags;
    }

    std::int64_t sample_of(const flac::FrameHeader& h) const {
        return std::int64_t(h.variable ? h.number : h.number * std::uint64_t(block_)) - base_;
    }

    // ---- Single frames ----

    // Parses and unpacks what stands at `offset`.
    flac::Verdict take(std::int64_t offset, flac::Blocks::Block*& block, std::size_t& used) {
        std::size_t wanted = frame_bytes_;
        for (;;) {
            const auto bytes = bytes_->at(offset, wanted);
            flac::FrameHeader header;
            flac::Verdict verdict = blocks_.parse(bytes.data, bytes.size, header);
            if (verdict == flac::Verdict::no_header && bytes.last &&
                bytes.size < flac::kMaxFrameHeaderBytes && bytes.size > 0 && bytes.data[0] == 0xFF)
                return flac::Verdict::cut;
            if (verdict != flac::Verdict::good) return verdict;
            if (known_strategy_ && header.variable != variable_) return flac::Verdict::changed;
            if (!known_strategy_ && block_ == 0) block_ = header.block;
            if (!blocks_.fits(header)) {
                block = nullptr;
                return flac::Verdict::good;
            }
            block = &blocks_.next(header);
            block->start = sample_of(header);
            verdict = blocks_.unpack(bytes.data, bytes.size, *block, used);
            if (verdict == flac::Verdict::good) frame_bytes_ = std::max(frame_bytes_, used + used / 4);
            if (verdict != flac::Verdict::cut || bytes.last) return verdict;
            if (wanted >= kMostFrameBytes) return flac::Verdict::invalid;
            wanted = std::max(2 * wanted, bytes.size + 1);
        }
    }

    // The first whole frame that begins at or behind `offset` and before `limit`. Its samples are lost.
    std::optional<Spot> find_frame(std::int64_t offset, std::int64_t limit, Progress& progress,
                                   std::int64_t least = 0) {
        blocks_.clear();
        while (offset < limit) {
            progress.poll();
            const auto bytes = bytes_->at(offset, kScan);
            const std::size_t size = std::min<std::size_t>(bytes.size, kScan);
            if (size < 6) return std::nullopt;
            // A header that lies across the end is left for the next piece.
            const bool all = bytes.last && bytes.size <= kScan;
            const std::size_t starts = all ? size : size - flac::kMaxFrameHeaderBytes;
            std::size_t i = 0;
            bool hit = false;
            for (; i < starts; ++i) {
                const void* sync = std::memchr(bytes.data + i, 0xFF, starts - i);
                i = sync ? std::size_t(static_cast<const unsigned char*>(sync) - bytes.data) : starts;
                flac::FrameHeader header;
                hit = i < starts &&
                      blocks_.parse(bytes.data + i, bytes.size - i, header) == flac::Verdict::good &&
                      (!known_strategy_ || header.variable == variable_) && sample_of(header) >= least;
                if (hit || i == starts) break;
            }
            offset = bytes_->behind(offset, std::int64_t(i));
            if (offset < 0 || offset >= limit) return std::nullopt;
            if (!hit) {
                if (all) return std::nullopt;
                continue;
            }
            flac::Blocks::Block* block;
            std::size_t used;
            if (take(offset, block, used) == flac::Verdict::good) {
                found_ = {block->start, offset};
                found_end_ = {block->end(), bytes_->behind(offset, std::int64_t(used))};
                return found_;
            }
            offset = bytes_->behind(offset, 1);
            if (offset < 0) return std::nullopt;
        }
        return std::nullopt;
    }

    // ---- Reading ----

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        fault_.reset();
        std::int64_t done = 0;
        while (done < frames) {
            if (blocks_.empty() || position_ < blocks_.start() || position_ >= blocks_.end()) {
                if (!decode(position_, frames - done, progress)) return done;
                progress.poll();
            }
            const std::int64_t n =
                blocks_.copy(position_, frames - done, to.from(std::ptrdiff_t(done), info_.channels));
            position_ += n;
            done += n;
        }
        if (position_ == info_.frames && info_.promised && frames > 0) look_behind();
        return done;
    }

    // Decodes blocks from the one with `frame` on, not many more than for `frames` frames. False: a fault.
    bool decode(std::int64_t frame, std::int64_t frames, Progress& progress) {
        blocks_.clear();
        if (next_.sample != frame && !locate(frame, progress)) {
            stop_at({gap_.reason, frame, gap_.offset});
            return false;
        }
        for (;;) {
            flac::Verdict verdict = flac::Verdict::good;
            std::int64_t found = 0;
            while (next_.sample < frame + frames) {
                flac::Blocks::Block* block = nullptr;
                std::size_t used = 0;
                verdict = take(next_.offset, block, used);
                if (verdict != flac::Verdict::good || block == nullptr) break;
                found = block->start;
                if (found != next_.sample) break;
                blocks_.keep();
                advance(*block, used);
            }
            if (!blocks_.empty()) {
                blocks_.restore();
                return true;
            }
            if (examine(verdict, found, progress)) continue;
            stop_at({gap_.reason, frame, gap_.offset});
            return false;
        }
    }
    void advance(const flac::Blocks::Block& block, std::size_t used) {
        next_ = {block.end(), bytes_->behind(next_.offset, std::int64_t(used))};
        if (straight_ && next_.sample >= marks_.back().sample + kMarked) marks_.push_back(next_);
    }

    // What is wrong at next_, where the expected frame does not begin. True: nothing is lost, and next_ is
    // the frame behind the bytes that do not belong there.
    bool examine(flac::Verdict verdict, std::int64_t found, Progress& progress) {
        const Spot here = next_;
        gap_ = {here.sample, -1, here.offset, 0, {}};
        if (bytes_->ended(here.offset)) {
            gap_.reason = "its audio is cut short";
            return false;
        }
        const auto after = find_frame(here.offset, source_->size(), progress, here.sample);
        if (after) {
            gap_.to = after->sample;
            gap_.resume = after->offset;
            next_ = *after;
        }
        using flac::Verdict;
        if (gap_.to == here.sample) {
            note({"it holds bytes that belong to no frame", here.sample, here.offset});
            return true;
        }
        if (verdict == Verdict::good)
            gap_.reason = found > here.sample ? "frames are missing in it" : "its frames are out of order";
        else if (verdict == Verdict::cut && !after)
            gap_.reason = "its last frame is cut";
        else if (verdict == Verdict::bad_sum)
            gap_.reason = "a frame is damaged, its checksum is wrong";
        else if (verdict == Verdict::changed)
            gap_.reason = "a frame is damaged, or differs in channels, bits or rate from those before";
        else if (verdict == Verdict::no_header)
            gap_.reason = "a frame is damaged or missing, none begins where the one before ends";
        else
            gap_.reason = "a frame is damaged, it holds what no encoder writes";
        return false;
    }

    // Whether frames follow the last that is promised.
    void look_behind() {
        if (looked_behind_ || next_.sample < info_.frames) return;
        looked_behind_ = true;
        bool more = next_.sample > info_.frames;
        if (!more) {
            flac::FrameHeader header;
            const auto bytes = bytes_->at(next_.offset, flac::kMaxFrameHeaderBytes);
            more = blocks_.parse(bytes.data, bytes.size, header) == flac::Verdict::good &&
                   header.variable == variable_ && sample_of(header) == next_.sample;
        }
        if (more) note({"it holds more frames than it promises", info_.frames, next_.offset});
    }

    // ---- Seeking ----

    // Lets next_ be the frame that holds `frame`. False where that is not to be had, which gap_ explains.
    bool locate(std::int64_t frame, Progress& progress) {
        blocks_.clear();
        Spot low{0, audio_};
        if (straight_) {
            const auto above = std::upper_bound(marks_.begin(), marks_.end(), frame,
                                                [](std::int64_t f, const Spot& s) { return f < s.sample; });
            low = *(above - 1);
        }
        if (next_.sample <= frame && next_.sample > low.sample) low = next_;
        next_ = straight_ ? low : approach(frame, low, progress);
        for (;;) {
            flac::Blocks::Block* block = nullptr;
            std::size_t used = 0;
            const flac::Verdict verdict = take(next_.offset, block, used);
            const bool good = verdict == flac::Verdict::good;
            if (good && block->start == next_.sample) {
                if (frame < block->end()) return true;
                advance(*block, used);
            } else if (!examine(verdict, good ? block->start : 0, progress) &&
                       (gap_.to < 0 || gap_.to > frame)) {
                return false;
            }
            progress.poll();
        }
    }

    // A frame that is not far before `frame`, by interpolation between frames that were found to be right.
    Spot approach(std::int64_t frame, Spot low, Progress& progress) {
        std::int64_t limit = source_->size(), high = info_.frames;
        std::optional<Spot> above = take_hint(frame, low, progress);
        for (int round = 0; round < 64; ++round) {
            const std::int64_t ahead = frame - low.sample;
            if (ahead <= 2 * std::int64_t(block_) || limit - low.offset <= std::int64_t(kScan) / 4) break;
            double share = double(ahead) / double(std::max<std::int64_t>(1, high - low.sample));
            // Where the bit rate varies so much that guesses serve badly, halves do.
            share = round >= 6 ? 0.5 : std::min(share, 0.98);
            std::int64_t guess = low.offset + std::int64_t(double(limit - low.offset) * share) -
                                 std::int64_t(frame_bytes_ / 2);
            if (above) {
                share = double(ahead) / double(above->sample - low.sample);
                guess = low.offset + std::int64_t(double(above->offset - low.offset) * share) -
                        std::int64_t(frame_bytes_ / 2);
                above.reset();
            }
            guess = std::clamp(guess, low.offset + 1, limit - 1);
            const auto spot = find_frame(guess, limit, progress);
            if (spot && spot->sample > low.sample && spot->sample <= frame) {
                low = *spot;
                if (frame < found_end_.sample) break;
            } else {
                limit = guess;
                if (spot && spot->sample > frame) high = spot->sample;
            }
        }
        return low;
    }

    // Begins at the last place before `frame` that the seek table or an index names, if there is a frame.
    // Returns the next of these places.
    std::optional<Spot> take_hint(std::int64_t frame, Spot& low, Progress& progress) {
        if (hints_.empty() && table_.second > 0) read_table();
        const auto next = std::upper_bound(hints_.begin(), hints_.end(), frame,
                                           [](std::int64_t f, const Spot& s) { return f < s.sample; });
        if (next != hints_.begin() && (next - 1)->sample > low.sample) {
            const Spot hint = *(next - 1);
            const auto spot = find_frame(hint.offset, hint.offset + 1, progress);
            if (!spot || spot->sample > frame || spot->sample <= low.sample || spot->offset <= low.offset)
                return std::nullopt;
            low = *spot;
        }
        if (next == hints_.end() || next->sample <= low.sample || next->offset <= low.offset)
            return std::nullopt;
        return *next;
    }
    void read_table() {
        const std::int64_t points = std::min(table_.second, kMostHints);
        std::vector<unsigned char> raw(std::size_t(points * kSeekPointBytes));
        const auto bytes = bytes_->at(table_.first, raw.size());
        table_.second = 0;
        if (!bytes_->seekable() || bytes.size < raw.size()) return;
        const auto number = [&](std::int64_t at) {
            std::uint64_t value = 0;
            for (std::int64_t i = 0; i < 8; ++i) value = value << 8 | bytes.data[at + i];
            return value;
        };
        Spot before{-1, audio_ - 1};
        for (std::int64_t i = 0; i < points; ++i) {
            const std::uint64_t sample = number(i * kSeekPointBytes),
                                offset = number(i * kSeekPointBytes + 8);
            if (sample >= std::uint64_t(info_.frames) || offset >= std::uint64_t(source_->size())) continue;
            const Spot spot{std::int64_t(sample), audio_ + std::int64_t(offset)};
            if (spot.sample <= before.sample || spot.offset <= before.offset ||
                spot.offset >= source_->size())
                continue;
            hints_.push_back(before = spot);
        }
    }

    // ---- The end ----

    // Counts the frames of a file that does not say, and finds out early that a promise is far too large.
    void check_end(Progress& progress) {
        Spot last{0, audio_};
        std::int64_t high = source_->size();
        bool any = false;
        while (!any && high > audio_) {
            const std::int64_t from = std::max(audio_, high - std::int64_t(kScan));
            std::int64_t at = from;
            while (const auto spot = find_frame(at, high, progress)) {
                last = found_end_;
                at = found_end_.offset;
                (void)spot;
                any = true;
            }
            high = from;
        }
        blocks_.clear();
        if (!info_.promised) info_.frames = std::max<std::int64_t>(0, last.sample);
        const bool cut = !bytes_->ended(last.offset);
        if (cut || (info_.promised && last.sample < info_.frames))
            note({cut ? "its last frame is cut" : "its audio is cut short", last.sample, last.offset});
    }

    std::shared_ptr<Source> source_;
    std::unique_ptr<flac::Bytes> bytes_;
    flac::Blocks blocks_;
    std::int64_t audio_ = 0;                             // where the first frame begins
    std::pair<std::int64_t, std::int64_t> table_{0, 0};  // offset and length of the seek table
    bool known_strategy_ = false, variable_ = false, looked_behind_ = false;
    int block_ = 0;                      // frames of each block but the last, where they are all alike
    std::int64_t base_ = 0;              // number of the first frame
    std::size_t frame_bytes_ = 1 << 13;  // as much as most frames take
    Spot next_;                          // the frame behind those that are decoded
    Spot found_, found_end_;             // what find_frame found last, and what follows it
    Gap gap_;
    // Seeks in a short file walk there from a frame before, like a reader from its beginning, so that frames
    // that stand there twice or out of order are nothing to be taken in by.
    bool straight_ = false;
    std::vector<Spot> hints_;  // frames may begin there; rising
    std::vector<Spot> marks_;  // on the way, in order
};

// Where "fLaC" stands, behind an ID3v2 tag or several, or -1.
inline std::int64_t find_flac(Source& source) {
    std::int64_t at = 0;
    for (int tags = 0; tags < 16; ++tags) {
        unsigned char head[10];
        const std::size_t there = source.read_at(at, head, sizeof head);
        if (there >= 4 && !std::memcmp(head, "fLaC", 4)) return at;
        if (there < 10 || std::memcmp(head, "ID3", 3) != 0 || (head[6] | head[7] | head[8] | head[9]) & 0x80)
            return -1;
        at += 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (head[5] & 0x10 ? 10 : 0);
    }
    return -1;
}

// Nothing where the file is no Ogg stream that begins with FLAC (RFC 9639, section 10.1).
inline std::unique_ptr<Decoder> open_ogg_flac(std::shared_ptr<Source> source, Progress& progress) {
    ogg::Pages pages(*source);
    static constexpr std::size_t kMapping = 9;  // 0x7F, "FLAC", a version and the number of header packets
    const auto first = pages.find(0, 1);
    if (!first || !first->first || first->segments < 1 ||
        first->bytes - ogg::kHeader - first->segments < 13 ||
        std::memcmp(first->body(), "\177FLAC\1", 6) != 0 ||
        std::memcmp(first->body() + kMapping, "fLaC", 4) != 0)
        return nullptr;
    const std::int64_t start = first->offset + ogg::kHeader + first->segments + std::int64_t(kMapping);
    const std::uint32_t serial = first->serial;
    const auto last = pages.find_last(first->end(), source->size(),
                                      [&](const ogg::Page& page) { return page.serial == serial; });
    const std::int64_t end = last ? last->end() : first->end();
    const bool ends = last && last->last;
    const bool more = ends && pages.find(end).has_value();
    auto bytes = std::make_unique<flac::OggBytes>(source, serial, end);
    auto decoder = std::make_unique<FlacDecoder>(source, start, progress, std::move(bytes));
    if (!ends) decoder->note_end({pages.reason(end), decoder->info().frames, end});
    if (more)
        decoder->note_end(
            {"it is a chain of Ogg streams, of which only the first is read", decoder->info().frames, end});
    return decoder;
}

}  // namespace luthier::io
