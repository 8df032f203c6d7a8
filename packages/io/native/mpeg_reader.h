// Reads MP3, and MP2 and MP1. libsndfile decodes (its mpg123 does), and everything around that is ours:
// where frames are, which of them are right, what of the sound is the encoder's delay and padding.
//
// The decoder gets whole, checked frames only, from a virtual file that goes forward for ever. A seek lets
// it decode on from frames ahead of the one that is wanted, enough for its state to hold no trace of what
// came before: the overlap of the hybrid filter bank is one granule long, the memory of the synthesis
// window 15 slots of 32 samples. One thing does last: where in its ring the synthesis window stands, which
// decides in what order a sum is formed, and so its last bit. It advances by one step of 16 with each slot,
// 12, 18 or 36 a frame, so that frames go in where their number modulo 8 is that of a straight decode.
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
#include "mpeg_feed.h"
#include "mpeg_walk.h"
#include "sndfile_stream.h"

namespace luthier::io {

class MpegDecoder : public Decoder {
  public:
    // `scan` has found the first frame.
    MpegDecoder(std::shared_ptr<Source> source, std::unique_ptr<MpegScan> scan, Progress& progress)
        : source_(std::move(source)), scan_(std::move(scan)), walk_(*scan_, progress) {
        static constexpr const char* kLayers[] = {"MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"};
        const MpegHeader& head = scan_->shape().first();
        info_.format = "MP3";
        info_.subtype = kLayers[head.layer - 1];
        info_.sample_rate = head.sample_rate;
        info_.channels = head.channels;
        block_ = head.frames;
        warm_ = head.layer == 1 || (head.layer == 3 && head.low_rate()) ? 2 : 1;
        measure(progress);
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return trusting([&] { return read_as(to, frames, progress); });
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return trusting([&] { return read_as(to, frames, progress); });
    }

    std::int64_t resume(std::int64_t frame, Progress& progress) override {
        return trusting([&] { return find_right(frame, progress); });
    }

    std::string index(Progress& progress) override {
        std::string made = scan_->index(progress);
        note_breaks();
        return made;
    }
    bool use_index(const std::string& index) override {
        pass_ = false;
        return scan_->use_index(index);
    }

  private:
    // Runs `body` again without the index where that turns out not to be of this file.
    template <class F>
    std::int64_t trusting(F&& body) {
        const std::int64_t here = position_;
        try {
            return body();
        } catch (const MpegIndexStale&) {
            scan_->forget_index();
            pass_ = false;
            position_ = here;
            return body();
        }
    }

    std::int64_t find_right(std::int64_t frame, Progress& progress) {
        const std::int64_t block = (frame + skip_) / block_;
        std::int64_t index = walk_.begin(std::max<std::int64_t>(0, block - warm_), progress);
        pass_ = false;
        std::int64_t bad = index - 1;  // the last frame that is not known to be right
        if (index == 0) bad = -1 - warm_;
        const std::int64_t check_from = std::max<std::int64_t>(0, block - warm_);
        for (MpegPiece piece; walk_.next(piece, index >= check_from, progress); ++index) {
            if (index < check_from) {
                bad = index;
                continue;
            }
            if (index == check_from) bad = check_from == 0 ? -1 - warm_ : check_from - 1;
            if (piece.wrong) bad = index;
            // The frames before `check_from` do not matter for those from `block` on.
            const bool right = index - bad > warm_ || (bad < check_from && index >= block);
            if (right && index >= block)
                return std::min(info_.frames, std::max(frame, index * block_ - skip_));
        }
        return info_.frames;
    }

    // mpg123 steps over as much of its own delay where an encoder's delay is known, and so does everyone.
    static constexpr int kDecoderDelay = 529;
    static constexpr int kAtOnce = 4;  // blocks decoded between two checks

    // How many frames there are, and what of the decoder's output they are.
    void measure(Progress& progress) {
        const MpegTag& tag = scan_->tag();
        const bool lazy = tag.gapless && !scan_->goes_on() && !scan_->shorter_than_tag();
        if (!lazy) scan_->scan(progress);
        const std::int64_t found = lazy ? tag.frames : scan_->frames();
        info_.promised = tag.frames > 0;
        skip_ = tag.gapless ? kDecoderDelay + tag.delay : 0;
        blocks_ = tag.gapless || found + 1 < tag.frames ? std::max(found, tag.frames) : found;
        std::int64_t end = blocks_ * block_;
        if (tag.gapless && blocks_ == tag.frames) end = std::min(end, end - tag.padding + kDecoderDelay);
        info_.frames = std::max<std::int64_t>(0, end - skip_);
        if (!lazy) note_breaks();
    }

    // Notes what a complete scan has found.
    void note_breaks() {
        for (const MpegScan::Break& gap : scan_->breaks())
            if (!gap.tag) {
                note({"bytes that are no frame lie between its frames", frame_of(gap.index), gap.offset});
                break;
            }
        const std::int64_t found = scan_->frames();
        if (found < blocks_ || (!info_.promised && (scan_->cut() || scan_->junk_behind())))
            note({end_reason(), frame_of(found), scan_->end_offset()});
    }
    std::string end_reason() const {
        if (scan_->cut()) return "its last frame is cut";
        if (scan_->frames() < blocks_)
            return "it ends after " + grouped(scan_->frames()) + " of the " + grouped(blocks_) +
                   " MPEG frames that its tag counts";
        return "bytes that are no frame lie behind its last";
    }
    // The first frame of the reader's that block `index` gives.
    std::int64_t frame_of(std::int64_t index) const {
        return std::clamp<std::int64_t>(index * block_ - skip_, 0, info_.frames);
    }

    void open() {
        feed_ = std::make_shared<MpegFeed>(source_->name(), scan_->shape());
        stream_.emplace(feed_);
        if (!stream_->opened() || stream_->info().channels != info_.channels) {
            const std::string why = stream_->refusal();
            stream_.reset();
            throw DecodeError(source_->name() + ": libsndfile does not decode " + info_.subtype + " (" + why +
                              "); install a newer one: pip install -U soundfile");
        }
    }

    void hand(const MpegPiece& piece, bool silent) {
        if (!piece.bytes) return feed_->add_silence();
        unsigned char* frame = feed_->add(piece.length);
        std::memcpy(frame, piece.bytes, std::size_t(piece.length));
        if (silent) silence_mpeg_frame(frame, piece.header, piece.length, piece.reach);
    }

    // Lets the decoder go on with what block `index` needs.
    void start(std::int64_t index, Progress& progress) {
        if (!stream_) open();
        feed_->forgive();
        pass_ = false;
        const std::int64_t sound = std::max<std::int64_t>(0, index - warm_);
        next_ = walk_.begin(sound, progress);
        std::int64_t silent = (next_ - feed_->frames()) & 7;
        // Ahead of the first block, there is silence.
        if (index < warm_ && silent < warm_) silent += 8;
        for (; silent > 0; --silent) feed_->add_silence();
        shift_ = (feed_->frames() - next_) * block_;
        for (MpegPiece piece; next_ < sound && walk_.next(piece, false, progress); ++next_) hand(piece, true);
        pass_ = next_ == sound;
    }

    // Checks the next block and hands it over. False: it is not right, and the pass is over.
    bool prepare(Progress& progress) {
        MpegPiece piece;
        if (!walk_.next(piece, true, progress)) {
            fault_ = Damage{end_reason(), 0, scan_->end_offset()};
            return pass_ = false;
        }
        if (piece.wrong) {
            fault_ = Damage{piece.wrong, 0, piece.offset};
            return pass_ = false;
        }
        hand(piece, piece.silent);
        ++next_;
        return true;
    }

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        fault_.reset();
        auto& scratch = buffer<T>();
        scratch.resize(std::size_t(kAtOnce * block_ * info_.channels));
        std::int64_t done = 0;
        while (done < frames) {
            const std::int64_t at = position_ + skip_;
            const bool ahead = pass_ && at + shift_ >= stream_->position() && !feed_->starved() &&
                               at / block_ - next_ < kNear;
            if (!ahead) start(at / block_, progress);
            const std::int64_t most = std::min(frames - done, kAtOnce * block_ - at % block_);
            while (pass_ && next_ * block_ < at + most && prepare(progress)) {
            }
            // What is wrong with a frame on the way there is no concern of this read.
            if (!pass_ && ahead && next_ < at / block_) {
                fault_.reset();
                continue;
            }
            const std::int64_t ready = std::min(most, next_ * block_ - at);
            if (ready <= 0) break;
            bool alive = true;
            while (alive && stream_->position() < at + shift_)
                alive = decode(scratch.data(), std::min(kAtOnce * block_, at + shift_ - stream_->position()));
            if (!alive) break;
            const Target<T> here = to.from(std::ptrdiff_t(done), info_.channels);
            const bool direct = to.interleaved || info_.channels == 1;
            if (!decode(direct ? here.data : scratch.data(), ready)) break;
            if (!direct)
                decode_to(here, sizeof(T) == 4 ? kF32 : kF64,
                          reinterpret_cast<const unsigned char*>(scratch.data()), info_.channels, ready);
            position_ += ready;
            done += ready;
            progress.poll();
            if (!pass_) break;
        }
        if (done < frames) {
            Damage damage = fault_.value_or(Damage{end_reason(), 0, scan_->end_offset()});
            damage.frame = position_;
            stop_at(std::move(damage));
        }
        return done;
    }

    // False: the decoder gave up, which no checked frame should make it do.
    template <class T>
    bool decode(T* to, std::int64_t frames) {
        if (stream_->decode(to, frames) == frames) return true;
        const std::string why = stream_->error();
        fault_ = Damage{"the decoder stopped" + (why.empty() ? "" : ": " + why), 0, -1};
        stream_.reset();
        return pass_ = false;
    }

    template <class T>
    std::vector<T>& buffer() {
        if constexpr (sizeof(T) == 4)
            return floats_;
        else
            return doubles_;
    }

    static constexpr std::int64_t kNear = 12;  // blocks, which it costs less to decode than to begin anew

    std::shared_ptr<Source> source_;
    std::unique_ptr<MpegScan> scan_;
    MpegWalk walk_;
    std::int64_t block_ = 0;   // frames of sound in an MPEG frame
    std::int64_t blocks_ = 0;  // as many as are there, or as its tag counts
    std::int64_t skip_ = 0;    // frames that the decoder gives before the first of the sound
    int warm_ = 0;             // blocks after which no trace is left of what came before

    std::shared_ptr<MpegFeed> feed_;
    std::optional<SndfileStream> stream_;
    bool pass_ = false;  // whether the walk and the feed can go on with block next_
    std::int64_t next_ = 0;
    std::int64_t shift_ = 0;  // from a place in the file's output to one in the stream's
    std::vector<float> floats_;
    std::vector<double> doubles_;
};

// Null where these bytes are no MPEG audio.
inline std::unique_ptr<Decoder> open_mpeg(std::shared_ptr<Source> source, Progress& progress) {
    // Containers in which frames of MPEG audio are not to be looked for.
    unsigned char head[8] = {};
    source->read_at(0, head, sizeof head);
    for (const char* other : {"RIFF", "RF64", "BW64", "riff", "OggS", "fLaC", "FORM", "caff", ".snd", "wvpk",
                              "\x1A\x45\xDF\xA3", "\x30\x26\xB2\x75"})
        if (!std::memcmp(head, other, 4)) return nullptr;
    for (const char* box : {"ftyp", "moov", "mdat", "wide"})
        if (!std::memcmp(head + 4, box, 4)) return nullptr;
    if (head[0] == 0xFF && (head[1] & 0xF6) == 0xF0) return nullptr;  // AAC: no MPEG layer is 0
    auto scan = std::make_unique<MpegScan>(*source);
    if (!scan->find()) {
        if (!scan->looks_like_it()) return nullptr;
        throw DecodeError(source->name() +
                          ": begins like MPEG audio (MP3), but no whole frames follow one another in its "
                          "first bytes: it is damaged, or no audio");
    }
    return std::make_unique<MpegDecoder>(std::move(source), std::move(scan), progress);
}

}  // namespace luthier::io
