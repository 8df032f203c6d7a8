// All links of an Ogg file and how long they are.
//
// A file of one link is known from its head and its tail. The serial number of its last page tells a chain,
// and a few pages in between tell one whose links have the same number, against RFC 3533; a chain is read
// through once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "decoder.h"
#include "ogg_runs.h"

namespace luthier::io {

struct OggChain {
    std::vector<OggLink> links;  // with one codec, rate and count of channels
    std::string unread;          // why what follows them is not read
    std::int64_t unread_at = 0;  // its byte
};

namespace ogg {

// More than anybody has recorded; granule positions beyond are damage.
inline constexpr std::int64_t kFarthest = std::int64_t(1) << 50;

inline bool positioned(const Page& page, const OggLink& link) {
    return page.serial == link.serial && page.granule >= 0 && page.granule <= kFarthest;
}

// Fills in where the link begins and ends in time; `last` is the granule position of its last page, -1 where
// there is none. False where its first packets end elsewhere.
inline bool measure(Source& source, OggLink& link, std::int64_t last) {
    OggRuns runs(source, link);
    runs.start();
    OggRun run;
    link.last = last;
    if (last < 0 || !runs.next(run)) {
        link.base = link.last = 0;
        return last < 0;
    }
    const int skip = link.codec == OggCodec::kOpus ? link.opus.pre_skip / link.step * link.step : 0;
    link.base = link.codec == OggCodec::kOpus ? run.begin + skip : std::max<std::int64_t>(0, run.begin);
    link.frames = std::max<std::int64_t>(0, last - link.base) / link.step;
    return true;
}

// What is wrong behind a last page without an end-of-stream flag.
inline void tell_cut(Pages& pages, OggLink& link, std::int64_t at) {
    link.cut = pages.reason(at);
    link.cut_at = at;
}

// Whether no other link seems to lie between the first page of audio and the last. A small file is looked
// through, of a large one some pages that have to be in order.
template <class F>
bool seems_single(Pages& pages, const OggLink& link, const Page& last, F&& knows) {
    static constexpr std::int64_t kSmall = 1 << 18, kLook = 1 << 16;
    if (last.offset - link.data <= kSmall) {
        for (auto page = pages.find(link.data, last.offset); page;
             page = pages.find(page->end(), last.offset))
            if (page->first || !knows(page->serial)) return false;
        return true;
    }
    std::uint32_t sequence = 0;
    std::int64_t granule = -1;
    for (const double place : {0.23, 0.47, 0.71}) {
        const std::int64_t from = link.data + std::int64_t(double(last.offset - link.data) * place);
        const auto page = pages.find(from, from + kLook);
        if (!page) continue;
        if (page->first || !knows(page->serial)) return false;
        if (page->serial != link.serial) continue;
        if (page->sequence <= sequence || page->sequence >= last.sequence) return false;
        if (page->granule >= 0 && page->granule <= granule) return false;
        sequence = page->sequence;
        granule = std::max(granule, page->granule);
    }
    return true;
}

}  // namespace ogg

// The links of a file that begins with a page of Ogg.
inline OggChain find_ogg_links(Source& source, Progress& progress) {
    ogg::Pages pages(source);
    OggChain chain;
    std::vector<std::uint32_t> serials;
    OggLink link = parse_ogg_link(source, 0, serials);
    if (link.codec != OggCodec::kVorbis && link.codec != OggCodec::kOpus) {
        chain.links.push_back(std::move(link));
        return chain;
    }
    const auto knows = [&](std::uint32_t serial) {
        return std::find(serials.begin(), serials.end(), serial) != serials.end();
    };
    const std::int64_t size = source.size();
    const auto tail = pages.find_last(0, size, [](const ogg::Page&) { return true; });
    std::optional<ogg::Page> last;
    if (tail && knows(tail->serial))
        last = pages.find_last(0, size, [&](const ogg::Page& p) { return p.serial == link.serial; });
    if (!tail || (last && ogg::seems_single(pages, link, *last, knows))) {
        link.end = size;
        if (!last || !last->last) ogg::tell_cut(pages, link, last ? last->end() : link.data);
        if (last && !ogg::positioned(*last, link))
            last = pages.find_last(link.data, size, [&](const ogg::Page& p) { return positioned(p, link); });
        if (ogg::measure(source, link, last && last->offset >= link.data ? last->granule : -1)) {
            chain.links.push_back(std::move(link));
            return chain;
        }
        link.cut.clear();
    }

    // A chain: every page is looked at.
    std::int64_t granule = -1, last_end = link.data;
    bool ended = false, in_heads = true;
    const auto close = [&](std::int64_t end) {
        link.end = end;
        if (!ended && link.cut.empty()) ogg::tell_cut(pages, link, last_end);
        ogg::measure(source, link, granule);
        if (!chain.links.empty()) {
            const OggLink& before = chain.links.back();
            link.first = before.first + before.frames;
        }
        chain.links.push_back(std::move(link));
    };
    for (auto page = pages.find(0); page; page = pages.find(page->end())) {
        progress.poll();
        const std::int64_t here = page->offset, next = page->end();
        if (page->first && !in_heads) {
            close(here);
            link = parse_ogg_link(source, here, serials);
            const OggLink& one = chain.links.front();
            if (link.codec == OggCodec::kOpus && one.codec == OggCodec::kOpus) {
                link.sample_rate = one.sample_rate;
                link.step = one.step;
            }
            const OggLink& before = chain.links.back();
            if (link.codec == OggCodec::kNone)
                chain.unread =
                    "a link of its chain of Ogg streams is damaged or holds no audio that is known";
            else if (link.codec != one.codec)
                chain.unread = "it is a chain of Ogg streams of several codecs, of which the first is read";
            else if (link.sample_rate != one.sample_rate || link.channels != one.channels)
                chain.unread = "it is a chain of Ogg streams, which goes on with " +
                               std::to_string(link.channels) + " channels at " +
                               std::to_string(link.sample_rate) + " Hz";
            else if (before.first + before.frames > ogg::kFarthest)
                chain.unread = "its chain of Ogg streams promises more frames than can be";
            if (!chain.unread.empty()) {
                chain.unread_at = here;
                return chain;
            }
            granule = -1;
            last_end = link.data;
            ended = false;
        }
        in_heads = page->first;
        // What moved the scanner since is read again.
        page = pages.at(here);
        if (!page) break;
        if (!knows(page->serial)) {
            if (link.cut.empty()) {
                link.cut = "it holds pages of an Ogg stream whose beginning is missing";
                link.cut_at = here;
            }
        } else if (page->serial == link.serial && here >= link.data) {
            if (ogg::positioned(*page, link)) granule = page->granule;
            if (page->last) ended = true;
            last_end = next;
        }
    }
    close(size);
    return chain;
}

}  // namespace luthier::io
