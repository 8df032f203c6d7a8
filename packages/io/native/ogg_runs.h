// The audio packets of a link, in runs from one granule position to the next, each run held against both:
// what is lost shows before any of it is decoded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ogg_links.h"

namespace luthier::io {

// The packets from behind one page with a granule position to the end of the next.
struct OggRun {
    struct Item {
        std::size_t at, bytes;  // in `data`
        int block;
        std::int64_t begin, end;  // the granules that it gives
    };
    std::vector<unsigned char> data;
    std::vector<Item> items;
    std::vector<unsigned char> lead;  // the packet before the first, where it is known and nothing between
    std::int64_t page = 0;            // the offset of the page that the first packet begins on
    // The granules that it spans, and those of them that can be decoded.
    std::int64_t begin = 0, end = 0, valid = 0, valid_end = 0;
    bool restarts = false;     // a decoder begins anew with the first packet
    bool warms = false;        // all that is not valid is so because a decoder has begun anew before
    std::string reason;        // why not all is valid, and
    std::int64_t offset = -1;  // the byte where that shows
};

class OggRuns {
  public:
    // Behind a gap, what this many samples of Opus lead to is believed. The 80 ms of RFC 7845, section 4.6,
    // left errors of up to 0.3 of full scale; 480 ms left none of music and 0.002 of speech.
    static constexpr std::int64_t kOpusWarmUp = 23'040;

    OggRuns(Source& source, const OggLink& link) : source_(&source), link_(&link) {}

    // The first run of the link follows.
    void start() { begin(link_->begin, link_->header_packets()); }

    // The run behind the page at `offset` follows, on which a packet ends at `granule`. False where there
    // is none, and where that packet does not begin on the page.
    bool start_behind(std::int64_t offset, std::int64_t granule) {
        begin(offset, 0);
        ogg::Packet packet;
        while (packets_->next(packet) && packet.page == offset) {
            if (packet.granule < 0) continue;
            before_ = link_->block(packet.bytes.data(), packet.bytes.size());
            if (packet.granule != granule || before_ == 0) return false;
            lead_.swap(packet.bytes);
            granule_ = granule;
            known_ = true;
            return true;
        }
        return false;
    }

    // False at the end of the link.
    bool next(OggRun& run) {
        run.data.clear();
        run.items.clear();
        run.lead.swap(lead_);
        lead_.clear();
        run.page = run.offset = -1;
        run.reason.clear();
        run.restarts = std::exchange(restart_, false);
        std::size_t first = 0;  // of the items behind the last gap
        bool gap = false;
        const auto lose = [&](std::int64_t offset, const char* reason) {
            if (!gap) run.offset = offset, run.reason = reason;
            gap = true;
            first = run.items.size();
            before_ = 0;
        };
        std::int64_t sum = 0;
        ogg::Packet packet;
        while (run.data.size() <= kLargest && packets_->next(packet)) {
            if (packet.after_gap) {
                if (headers_ > 0) return false;
                if (!joined_late(packet))
                    lose(packet.gap, packet.junk ? ogg::Pages(*source_).reason(packet.gap)
                                                 : "pages of its Ogg stream are missing");
            }
            if (headers_ > 0) {
                --headers_;
                continue;
            }
            if (run.page < 0) run.page = packet.page;
            const int block = link_->block(packet.bytes.data(), packet.bytes.size());
            if (block > 0) {
                const int gives = link_->gives(before_, block);
                run.items.push_back({run.data.size(), packet.bytes.size(), block, sum, sum + gives});
                run.data.insert(run.data.end(), packet.bytes.begin(), packet.bytes.end());
                sum += gives;
                before_ = block;
            } else if (link_->codec == OggCodec::kOpus) {
                lose(packet.page, "an Opus packet is malformed");
            }
            if (packet.granule < 0) continue;
            if (known_ && packet.granule < granule_) {
                lose(run.page, kOverlap);
                continue;
            }
            if (gap) {
                run.items.erase(run.items.begin(), run.items.begin() + std::ptrdiff_t(first));
                const std::int64_t lost = run.items.empty() ? sum : run.items[0].begin;
                for (OggRun::Item& item : run.items) item.begin -= lost, item.end -= lost;
                sum -= lost;
            }
            place(run, packet.granule, packet.last, sum, gap);
            if (!run.items.empty()) {
                const OggRun::Item& last = run.items.back();
                const unsigned char* at = run.data.data() + last.at;
                lead_.assign(at, at + last.bytes);
            }
            if (run.restarts && run.end == run.begin) run.items.clear();
            return true;
        }
        return false;
    }

    // Where the next page is looked for.
    std::int64_t offset() const { return packets_->offset(); }

  private:
    static constexpr std::size_t kLargest = 1u << 26;
    static constexpr std::uint32_t kFewPages = 16;
    static constexpr const char* kOverlap = "Ogg pages overlap in time";

    void begin(std::int64_t offset, int headers) {
        packets_.emplace(*source_, link_->serial, offset, link_->end, kLargest);
        headers_ = headers;
        known_ = restart_ = false;
        before_ = 0;
        solid_ = std::numeric_limits<std::int64_t>::min();
        lead_.clear();
    }

    // Recordings of broadcasts have the headers and then what came much later. Nothing is lost there; but
    // where some few pages are missing right after the headers, they are.
    bool joined_late(const ogg::Packet& packet) const {
        return !known_ && !packet.junk && packet.missing > kFewPages;
    }

    // Lays the items, which give `sum` granules, between the granule positions before and behind the run.
    void place(OggRun& run, std::int64_t granule, bool last, std::int64_t sum, bool gap) {
        const bool opus = link_->codec == OggCodec::kOpus;
        const std::int64_t from_end = granule - sum;
        run.end = run.valid_end = granule;
        // The first run says by its end where the link begins.
        run.begin = known_ ? granule_ : gap ? 0 : last ? std::max<std::int64_t>(0, from_end) : from_end;
        std::int64_t from = run.begin;
        run.valid = run.begin;
        if (gap) {
            // Where the last page is trimmed, nobody knows by how much.
            from = from_end;
            run.valid = last ? granule : std::max(run.begin, from_end);
            run.restarts = true;
        } else if (last && from_end > run.begin) {
            run.valid_end = run.begin + sum;
            run.reason = "its Ogg stream promises more frames than it holds";
        } else if (!last && from_end > run.begin) {
            from = from_end;
            run.valid = opus || run.items.empty() ? from_end : from_end + run.items[0].end;
            run.restarts = true;
            run.reason = "frames are missing between Ogg pages";
        } else if (!last && from_end < run.begin) {
            from = from_end;
            run.valid = granule;
            restart_ = true;
            run.reason = kOverlap;
        }
        run.warms = run.reason.empty() && !run.restarts;
        if (run.reason.empty()) {
            run.reason = reason_;
            run.offset = reason_at_;
        } else if (run.offset < 0) {
            run.offset = run.page;
        }
        run.valid = std::min(run.valid, granule);
        // Nobody may decode across a gap, even if no time is missing.
        if (run.restarts && run.valid == run.begin) run.valid = std::min(run.begin + 1, granule);
        restart_ = restart_ || (run.restarts && run.valid == run.begin);
        if (opus && (run.restarts || restart_)) solid_ = run.valid + kOpusWarmUp;
        run.valid = std::clamp(solid_, run.valid, granule);
        reason_ = run.reason;
        reason_at_ = run.offset;
        if (run.valid == run.begin && run.valid_end == run.end) {
            run.reason.clear();
            run.offset = -1;
        }
        for (OggRun::Item& item : run.items) {
            item.begin += from;
            item.end += from;
        }
        granule_ = granule;
        known_ = true;
    }

    Source* source_;
    const OggLink* link_;
    std::optional<ogg::Packets> packets_;
    int headers_ = 0;
    bool known_ = false, restart_ = false;
    std::int64_t granule_ = 0;  // where the last run ended
    std::int64_t solid_ = 0;    // Opus: from here on a decoder that began behind a gap is believed
    std::string reason_;        // for what is lost until there
    std::int64_t reason_at_ = -1;
    int before_ = 0;                   // block of the last packet
    std::vector<unsigned char> lead_;  // the last packet
};

}  // namespace luthier::io
