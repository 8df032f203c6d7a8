// Ogg Vorbis and Ogg Opus: packets are found, counted and trimmed here; libsndfile only decodes them.
//
// Where a packet lies in time follows from its first byte (Vorbis I, section 4.3.8; RFC 6716, section 3.1),
// held against the granule positions of the pages (RFC 3533; Vorbis I, annex A.2; RFC 7845, section 4).
//
// A packet of Vorbis depends on itself and the one before, so that decoding goes on anywhere one packet
// ahead, with the same decoder. A decoder of Opus carries state that fades, but in no known time to the
// last bit: decoding begins at the beginning, behind a gap, or where an index says that it was tried.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decoder.h"
#include "ogg_chain.h"
#include "ogg_feed.h"
#include "ogg_index.h"
#include "sndfile_stream.h"

namespace luthier::io {

class OggDecoder : public Decoder {
  public:
    OggDecoder(std::shared_ptr<Source> source, OggChain chain)
        : source_(std::move(source)), links_(std::move(chain.links)) {
        const OggLink& one = links_.front();
        info_.format = "OGG";
        info_.subtype = one.codec == OggCodec::kVorbis ? "VORBIS" : "OPUS";
        info_.sample_rate = one.sample_rate;
        info_.channels = one.channels;
        for (const OggLink& link : links_) info_.frames = link.first + link.frames;
        for (const OggLink& link : links_)
            if (!link.cut.empty()) note({link.cut, link.first + link.frames, link.cut_at});
        if (!chain.unread.empty()) note({chain.unread, info_.frames, chain.unread_at});
        info_.promised = links_.back().cut.empty() && chain.unread.empty();
        // Headers that the library refuses are an error now.
        start(0);
        if (load() && !fresh_ && !open()) throw DecodeError(source_->name() + ": " + failure_);
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) override {
        return read_as(to, frames, progress);
    }

    std::int64_t resume(std::int64_t frame, Progress& progress) override {
        if (frame >= info_.frames) return info_.frames;
        const int number = link_of(frame);
        const OggLink& link = links_[std::size_t(number)];
        if (behind_cut(number, frame)) return frame + 1;
        const std::int64_t end = link.first + link.frames;
        const std::int64_t granule = link.granule_of(frame);
        if (granule >= link.broken) return end;
        OggRuns runs(*source_, link);
        OggRun run;
        if (!locate(runs, number, granule, run)) return end;
        while (run.valid >= run.valid_end || granule >= run.valid_end) {
            progress.poll();
            if (!runs.next(run)) return end;
        }
        const std::int64_t from = std::max(granule, run.valid) - link.base;
        return std::min(end, link.first + (from + link.step - 1) / link.step);
    }

    std::string index(Progress& progress) override {
        return pack_ogg_index(*source_, laps() ? find_pages(progress) : try_starts(progress));
    }

    bool use_index(const std::string& index) override {
        auto starts = unpack_ogg_index(*source_, index);
        if (!starts) return false;
        starts_ = std::move(*starts);
        return true;
    }

  private:
    static constexpr std::int64_t kBlock = 4096;
    static constexpr int kRepeats = 8;
    static constexpr std::int64_t kMostStarts = 1024;
    static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
    static constexpr std::int64_t kNear = 4096;  // that far ahead, decoding is cheaper than looking

    int link_of(std::int64_t frame) const {
        const auto after =
            std::upper_bound(links_.begin(), links_.end(), frame,
                             [](std::int64_t f, const OggLink& link) { return f < link.first; });
        return int(after - links_.begin()) - 1;
    }
    // Nothing tells how much is missing between two links, so that one frame stands for it.
    bool behind_cut(int number, std::int64_t frame) const {
        return number > 0 && frame == links_[std::size_t(number)].first &&
               !links_[std::size_t(number) - 1].cut.empty();
    }
    const OggLink& link() const { return links_[std::size_t(number_)]; }
    bool laps() const { return links_.front().codec == OggCodec::kVorbis; }

    // The runs from the start of a link are loaded next.
    void start(int number) {
        number_ = number;
        runs_.emplace(*source_, link());
        runs_->start();
        forget();
        until_ = kForever;
    }
    // Those behind a page are.
    bool start_behind(const OggStart& from) {
        number_ = int(from.link);
        runs_.emplace(*source_, link());
        forget();
        until_ = from.end;
        return runs_->start_behind(from.offset, from.granule);
    }
    void forget() {
        queue_.clear();
        item_ = 0;
        hole_.reset();
        last_hole_.reset();
        held_ = {};
        next_ = limit_ = valid_ = std::numeric_limits<std::int64_t>::min();
        fresh_ = true;
    }

    // Gets hold of the next run. False before a hole and at the end of the link.
    bool load() {
        if (hole_) return false;
        OggRun run;
        if (!runs_->next(run)) {
            const std::int64_t at = runs_->offset();
            hole_ = Hole{std::max(limit_, link().base), link().last, ogg::Pages(*source_).reason(at), at};
            return false;
        }
        if (run.valid > run.begin && (fresh_ || !run.warms)) {
            hole_ = Hole{run.begin, run.valid, run.reason, run.offset};
            held_ = std::move(run);
            return false;
        }
        add(std::move(run));
        return true;
    }
    void add(OggRun run) {
        if (fresh_ && !run.items.empty()) {
            next_ = run.items.front().begin;
            fresh_ = false;
        }
        valid_ = std::max(valid_, run.valid);
        limit_ = run.valid_end;
        if (run.valid_end < run.end) hole_ = Hole{run.valid_end, run.end, run.reason, run.offset};
        queue_.push_back(std::move(run));
    }

    // The packet that the library gets next. Behind the last there are some more of the same, which only a
    // library that is ahead of the reader sees.
    OggFeed::Fed pull() {
        gives_before_ = last_gives_;
        while (!queue_.empty() && item_ == queue_.front().items.size()) {
            if (queue_.size() == 1 && !load()) break;
            queue_.pop_front();
            item_ = 0;
        }
        if (!queue_.empty() && item_ < queue_.front().items.size()) {
            const OggRun& run = queue_.front();
            const OggRun::Item& item = run.items[item_++];
            const unsigned char* at = run.data.data() + item.at;
            last_.assign(at, at + item.bytes);
            last_gives_ = link().gives(last_block_, item.block);
            last_block_ = item.block;
            repeats_ = 0;
        } else {
            if (++repeats_ > kRepeats) return {};
            last_gives_ = link().gives(last_block_, last_block_);
        }
        ahead_ += last_gives_;
        return {last_.data(), last_.size(), last_gives_};
    }

    // Opens a decoder that begins with the packets in the queue. False where the library refuses.
    bool open() {
        stream_.reset();
        std::int64_t unused;
        auto headers = ogg_headers(*source_, link(), unused);
        if (int(headers.size()) < link().header_packets()) {
            failure_ = "it became shorter while it was read";
            return false;
        }
        if (!laps()) {
            // Skipping is done here, and so is the choice of a rate.
            headers[0][10] = headers[0][11] = 0;
            ogg::put_u32(headers[0].data() + 12, std::uint32_t(link().sample_rate));
        }
        ahead_ = 0;
        last_block_ = repeats_ = 0;
        last_.clear();
        auto feed = std::make_shared<OggFeed>(source_->name(), headers, [this] { return pull(); });
        auto stream = std::make_unique<SndfileStream>(feed);
        if (!stream->opened()) {
            failure_ = "is damaged or holds a codec that is not supported (" + stream->refusal() + ")";
            return false;
        }
        if (stream->info().channels != link().channels || stream->info().samplerate != link().sample_rate) {
            failure_ = "its headers contradict each other";
            return false;
        }
        feed->go_live();
        stream_ = std::move(stream);
        opened_ = number_;
        return true;
    }

    template <class T>
    std::int64_t decode(T* to, std::int64_t frames) {
        std::int64_t got = stream_->decode(to, frames);
        ahead_ -= got * link().step;
        // The library takes a packet when it needs one, or just before.
        if (got == frames && (ahead_ < 0 || ahead_ > last_gives_ + (laps() ? 0 : gives_before_))) {
            got = 0;
            failure_ = "the decoder does not give as many frames as its packets say";
            stream_.reset();
            return got;
        }
        next_ += got * link().step;
        if (got < frames) {
            const std::string said = stream_->error();
            failure_ = said.empty() ? "the decoder stopped" : "the decoder stopped: " + said;
            stream_.reset();
        }
        return got;
    }

    bool drop(std::int64_t granules, Progress& progress) {
        floats_.resize(std::size_t(kBlock * info_.channels));
        for (std::int64_t left = granules / link().step; left > 0;) {
            const std::int64_t n = std::min(left, kBlock);
            if (decode(floats_.data(), n) < n) return false;
            left -= n;
            progress.poll();
        }
        return true;
    }

    // Makes `granule` of the link the one that is decoded next. False in a hole.
    bool reach(int number, std::int64_t granule, Progress& progress) {
        if (granule >= links_[std::size_t(number)].broken) {
            failure_ = links_[std::size_t(number)].why;
            return false;
        }
        failure_.clear();
        const bool follows = stream_ && opened_ == number && number_ == number && !fresh_ &&
                             next_ <= granule && granule < until_;
        if (laps()) {
            if (!follows || granule - next_ > kNear || (hole_ && granule >= limit_))
                return jump(number, granule, progress);
        } else {
            const OggStart* near =
                follows && granule < next_ + kNear ? nullptr : start_before(number, granule);
            if (near && !(follows && near->granule <= next_)) {
                stream_.reset();
                if (!start_behind(*near)) start(number);
            } else if (!follows) {
                stream_.reset();
                start(number);
            }
        }
        while (next_ < granule || limit_ <= granule || fresh_) {
            if (!fresh_ && next_ < limit_) {
                if (!stream_ && !open()) return false;
                if (!drop(std::min(granule, limit_) - next_, progress)) return false;
            }
            if (limit_ > granule && !fresh_) break;
            progress.poll();
            if (load()) continue;
            if (laps()) return granule > limit_ && jump(number, granule, progress);
            if (!cross()) return false;
        }
        if (!stream_ && !open()) return false;
        return granule >= valid_;
    }

    // Opus: begins anew behind a hole.
    bool cross() {
        if (held_.reason.empty()) return false;
        bool restarts = held_.restarts;
        const Hole hole = *hole_;
        OggRun run = held_;
        while (!restarts || run.items.empty()) {
            if (!runs_->next(run)) return false;
            restarts = restarts || run.restarts;
        }
        stream_.reset();
        forget();
        until_ = kForever;
        last_hole_ = hole;
        add(std::move(run));
        return true;
    }

    // Vorbis: goes anywhere by one packet ahead of it.
    bool jump(int number, std::int64_t granule, Progress& progress) {
        if (number != number_ || !stream_ || opened_ != number) {
            number_ = number;
            stream_.reset();
        }
        runs_.emplace(*source_, link());
        OggRun run;
        forget();
        if (!locate(*runs_, number, granule, run)) {
            hole_ = Hole{granule, link().last, ogg::Pages(*source_).reason(runs_->offset()), runs_->offset()};
            return false;
        }
        if (granule < run.valid || granule >= run.valid_end) {
            hole_ = Hole{granule < run.valid ? run.begin : run.valid_end, run.valid, run.reason, run.offset};
            return false;
        }
        std::size_t at = 0;
        while (at < run.items.size() && run.items[at].end <= granule) ++at;
        if (at == run.items.size()) return false;
        if (at == 0) {
            const int block = link().block(run.lead.data(), run.lead.size());
            if (block == 0) return false;
            const std::int64_t begin = run.items[0].begin;
            run.items.insert(run.items.begin(), {run.data.size(), run.lead.size(), block, begin, begin});
            run.data.insert(run.data.end(), run.lead.begin(), run.lead.end());
            at = 1;
        }
        const std::int64_t from = run.items[at].begin;
        const int lead = run.items[at - 1].block;
        item_ = at - 1;
        add(std::move(run));
        // What the library has got already comes first, and then the lap of two packets that are no
        // neighbours.
        std::int64_t stale = 0;
        if (stream_)
            stale = ahead_ + link().gives(last_block_, lead);
        else if (!open())
            return false;
        next_ = from - stale;
        return drop(granule - next_, progress);
    }

    // The last start of the index from which decoding gives `granule` right.
    const OggStart* start_before(int number, std::int64_t granule) const {
        const OggStart* best = nullptr;
        for (const OggStart& start : starts_)
            if (start.link == number && start.valid <= granule && granule < start.end &&
                (!best || start.granule > best->granule))
                best = &start;
        return best;
    }

    // Finds the run that `granule` lies in.
    bool locate(OggRuns& runs, int number, std::int64_t granule, OggRun& run) {
        const OggLink& link = links_[std::size_t(number)];
        bool found = false;
        ogg::Pages pages(*source_);
        // A gap before makes what follows wrong for Opus, as far as that.
        for (std::int64_t wanted = laps() ? granule : granule - OggRuns::kOpusWarmUp;
             !found && wanted >= 0;) {
            std::int64_t from = link.data, to = link.end, known = link.base, known_end = link.last;
            for (const OggStart& start : starts_) {
                if (start.link != number) continue;
                const bool before = start.granule <= wanted;
                (before ? from : to) = start.offset;
                (before ? known : known_end) = start.granule;
                if (!before) break;
            }
            const auto page = pages.find_granule(link.serial, from, to, wanted, known, known_end);
            if (!page) break;
            found = runs.start_behind(page->offset, page->granule);
            wanted = page->granule - 1;
        }
        if (!found) runs.start();
        do {
            if (!runs.next(run)) return false;
        } while (run.end <= granule);
        return true;
    }

    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames, Progress& progress) {
        auto& scratch = buffer<T>();
        scratch.resize(std::size_t(kBlock * info_.channels));
        fault_.reset();
        std::int64_t done = 0;
        while (done < frames) {
            const int number = link_of(position_);
            const OggLink& link = links_[std::size_t(number)];
            if (behind_cut(number, position_)) {
                const OggLink& before = links_[std::size_t(number) - 1];
                stop_at({before.cut, position_, before.cut_at});
                break;
            }
            if (!reach(number, link.granule_of(position_), progress)) {
                stop_here(link);
                break;
            }
            const std::int64_t there = (std::min(limit_, until_) - next_) / link.step;
            const std::int64_t left = link.first + link.frames - position_;
            const std::int64_t n = std::min({kBlock, frames - done, std::max<std::int64_t>(1, there), left});
            const Target<T> here = to.from(std::ptrdiff_t(done), info_.channels);
            const bool direct = to.interleaved || info_.channels == 1;
            const std::int64_t got = decode(direct ? here.data : scratch.data(), n);
            if (!direct)
                decode_to(here, sizeof(T) == 4 ? kF32 : kF64,
                          reinterpret_cast<const unsigned char*>(scratch.data()), info_.channels, got);
            position_ += got;
            done += got;
            if (got < n) {
                stop_here(link);
                break;
            }
            progress.poll();
        }
        return done;
    }

    // Vorbis: pages, so that a search between two of them reads little.
    std::vector<OggStart> find_pages(Progress& progress) {
        const std::int64_t apart = std::max<std::int64_t>(1 << 14, source_->size() / kMostStarts);
        std::vector<OggStart> starts;
        ogg::Pages pages(*source_);
        std::int64_t number = 0;
        for (const OggLink& link : links_) {
            std::int64_t next = link.data;
            for (auto page = pages.find(next, link.end); page; page = pages.find(page->end(), link.end)) {
                progress.poll();
                if (page->offset < next || !ogg::positioned(*page, link)) continue;
                starts.push_back({number, page->offset, page->granule, page->granule, page->granule});
                next = page->offset + apart;
            }
            ++number;
        }
        return starts;
    }

    // Opus: begins a decoder anew every kApart, and holds each against the one that began at the beginning
    // until the next has proved itself.
    std::vector<OggStart> try_starts(Progress& progress);

    void stop_here(const OggLink& link) {
        if (!failure_.empty()) {
            OggLink& broken = links_[std::size_t(link_of(position_))];
            broken.broken = std::min(broken.broken, link.granule_of(position_));
            broken.why = failure_;
            stop_at({failure_, position_, -1});
            return;
        }
        const Hole* hole = hole_ ? &*hole_ : last_hole_ ? &*last_hole_ : nullptr;
        if (!hole) {
            stop_at({"its Ogg pages contradict each other", position_, -1});
            return;
        }
        const std::int64_t frame = link.first + (hole->begin - link.base + link.step - 1) / link.step;
        stop_at({hole->reason, std::clamp(frame, link.first, position_), hole->offset});
    }

    template <class T>
    std::vector<T>& buffer() {
        if constexpr (sizeof(T) == 4)
            return floats_;
        else
            return doubles_;
    }

    struct Hole {
        std::int64_t begin, end;  // granules
        std::string reason;
        std::int64_t offset;
    };

    std::shared_ptr<Source> source_;
    std::vector<OggLink> links_;
    std::vector<OggStart> starts_;

    // What is loaded: runs in order, of which the library has the items before item_ of the first.
    int number_ = 0;
    std::optional<OggRuns> runs_;
    std::deque<OggRun> queue_;
    std::size_t item_ = 0;
    bool fresh_ = true;                     // nothing yet
    std::int64_t limit_ = 0;                // the granule behind it
    std::int64_t until_ = kForever;         // the granule that the index vouches to
    std::int64_t valid_ = 0;                // granules before are not right
    std::optional<Hole> hole_, last_hole_;  // behind limit_; before valid_
    OggRun held_;                           // the run with the hole

    // The decoder.
    std::unique_ptr<SndfileStream> stream_;
    int opened_ = 0;
    std::int64_t next_ = 0;   // the granule that it gives next
    std::int64_t ahead_ = 0;  // granules of packets that it has got and not given yet
    std::vector<unsigned char> last_;
    int last_block_ = 0;
    std::int64_t last_gives_ = 0, gives_before_ = 0;
    int repeats_ = 0;
    std::string failure_;

    std::vector<float> floats_;
    std::vector<double> doubles_;
};

inline std::vector<OggStart> OggDecoder::try_starts(Progress& progress) {
    struct Trial {
        std::unique_ptr<OggDecoder> decoder;
        OggStart start;
        std::int64_t good = 0;  // the frame from which it has been right
    };
    const std::int64_t rate = info_.sample_rate, step = rate / 10, proof = rate / 2;
    const std::int64_t apart = std::max(rate * 5 / 2, info_.frames / kMostStarts);
    std::vector<OggStart> starts;
    std::vector<Trial> trials;  // the one that is proved, and the next
    std::vector<float> expected, got;
    const auto read = [&](OggDecoder& decoder, std::vector<float>& to, std::int64_t frames) {
        to.resize(std::size_t(frames * info_.channels));
        return decoder.read(Target<float>{to.data(), 0, true}, frames, progress);
    };
    OggDecoder straight(source_, OggChain{links_, {}, 0});
    for (std::size_t number = 0; number < links_.size(); ++number) {
        const OggLink& link = links_[number];
        const std::int64_t end = link.first + link.frames;
        const auto emit = [&](const Trial& trial, std::int64_t until) {
            if (until - trial.good < proof) return;
            OggStart start = trial.start;
            start.valid = link.granule_of(trial.good);
            start.end = link.granule_of(until);
            starts.push_back(start);
        };
        const auto drop_all = [&](std::int64_t at) {
            for (const Trial& trial : trials) emit(trial, at);
            trials.clear();
        };
        std::int64_t next = link.first + apart;
        straight.seek(link.first);
        for (std::int64_t at = link.first; at < end;) {
            const std::int64_t frames = std::min(step, end - at);
            const std::int64_t there = read(straight, expected, frames);
            for (Trial& trial : trials) {
                const std::int64_t same = read(*trial.decoder, got, there);
                if (same == there && !std::memcmp(got.data(), expected.data(),
                                                  std::size_t(there * info_.channels) * sizeof(float)))
                    continue;
                std::int64_t last = -1, first = same;
                for (std::int64_t i = 0; i < same * info_.channels; ++i)
                    if (std::memcmp(&got[std::size_t(i)], &expected[std::size_t(i)], sizeof(float)) != 0) {
                        last = i / info_.channels;
                        first = std::min(first, last);
                    }
                if (same < there) last = there - 1;
                emit(trial, at + first);
                trial.good = at + last + 1;
            }
            at += there;
            if (there < frames) {
                drop_all(at);
                at = std::max(at + 1, straight.resume(at, progress));
                straight.seek(std::min(at, info_.frames));
                next = at + apart;
                continue;
            }
            if (trials.size() > 1 && at - trials.back().good >= proof) {
                emit(trials.front(), at);
                trials.erase(trials.begin());
            } else if (trials.size() > 1 && at > next + apart) {
                trials.pop_back();
            }
            if (at < next || trials.size() > 1 || end - at < proof) continue;
            next = at + apart;
            ogg::Pages pages(*source_);
            const auto page = pages.find_granule(link.serial, link.data, link.end, link.granule_of(at),
                                                 link.base, link.last);
            if (!page) continue;
            Trial trial;
            trial.start = {std::int64_t(number), page->offset, page->granule, page->granule, kForever};
            trial.good = at;
            trial.decoder = std::make_unique<OggDecoder>(source_, OggChain{links_, {}, 0});
            if (!trial.decoder->start_behind(trial.start) || !trial.decoder->load() || trial.decoder->fresh_)
                continue;
            if (!trial.decoder->open()) continue;
            trial.decoder->position_ = at;
            trials.push_back(std::move(trial));
        }
        drop_all(end);
    }
    std::sort(starts.begin(), starts.end(), [](const OggStart& a, const OggStart& b) {
        return a.link != b.link ? a.link < b.link : a.granule < b.granule;
    });
    return starts;
}

// Nothing where it is a codec that another decoder reads.
inline std::unique_ptr<Decoder> open_ogg(std::shared_ptr<Source> source, Progress& progress) {
    OggChain chain = find_ogg_links(*source, progress);
    const OggCodec codec = chain.links.front().codec;
    if (codec == OggCodec::kVorbis || codec == OggCodec::kOpus)
        return std::make_unique<OggDecoder>(std::move(source), std::move(chain));
    if (codec == OggCodec::kFlac) return nullptr;
    throw DecodeError(source->name() +
                      ": the head of its Ogg stream is damaged, or it holds a codec that is "
                      "not supported; readable are Vorbis, Opus and FLAC");
}

}  // namespace luthier::io
