// A virtual Ogg file that libsndfile reads from front to back, made of packets as it asks for them: one page
// a packet and one page a read, so that the library is never ahead of what was asked of it by more than a
// packet. Its last page, which the library looks at on opening, promises more than anybody will read, so
// that nothing is trimmed or refused: counting is ours.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ogg_pages.h"

namespace luthier::io {

class OggFeed : public Source {
  public:
    struct Fed {
        const unsigned char* data = nullptr;
        std::size_t bytes = 0;
        std::int64_t gives = 0;  // granules
    };
    using Pull = std::function<Fed()>;

    // `pull` gives the packets; one without data ends the file. The first is taken at once.
    OggFeed(const std::string& name, const std::vector<std::vector<unsigned char>>& headers, Pull pull)
        : Source(name), pull_(std::move(pull)) {
        for (std::size_t i = 0; i < headers.size(); ++i) {
            add_pages(head_, headers[i].data(), headers[i].size(), 0, i == 0 ? kFirst : 0);
            ends_.push_back(head_.size());
        }
        const Fed first = pull_();
        granule_ += first.gives;
        add_pages(head_, first.data, first.bytes, granule_, 0);
        ends_.push_back(head_.size());
        live_from_ = std::int64_t(head_.size());
        const std::uint32_t next = sequence_;
        add_pages(head_, first.data, first.bytes, kFar, kLast);
        sequence_ = next;
        ends_.push_back(head_.size());
        size_ = std::int64_t(head_.size());
    }

    // The library is open: from here on what it reads behind the first packet is the packets that follow.
    void go_live() { live_ = true; }

    bool small_reads() const override { return true; }

    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset < 0 || bytes == 0) return 0;
        if (live_ && offset >= live_from_) {
            if (used_ == page_.size()) {
                const Fed fed = pull_();
                if (!fed.data) return 0;
                granule_ += fed.gives;
                page_.clear();
                used_ = 0;
                add_pages(page_, fed.data, fed.bytes, granule_, 0);
            }
            return copy(page_, used_, page_.size(), to, bytes);
        }
        if (offset >= size_) return 0;
        std::size_t at = std::size_t(offset), end = 0;
        for (std::size_t i = 0; end <= at; ++i) end = ends_[i];
        return copy(head_, at, end, to, bytes);
    }

  private:
    static constexpr std::int64_t kFar = std::int64_t(1) << 56;
    static constexpr unsigned char kContinued = 1, kFirst = 2, kLast = 4;

    static std::size_t copy(const std::vector<unsigned char>& from, std::size_t& at, std::size_t end,
                            void* to, std::size_t bytes) {
        const std::size_t n = std::min(bytes, end - at);
        std::memcpy(to, from.data() + at, n);
        at += n;
        return n;
    }

    void add_pages(std::vector<unsigned char>& out, const unsigned char* packet, std::size_t bytes,
                   std::int64_t granule, unsigned char flags) {
        std::size_t segments = bytes / 255 + 1;  // the last one shorter than 255
        for (bool more = false; segments > 0; more = true) {
            const std::size_t here = std::min<std::size_t>(segments, 255);
            segments -= here;
            const std::size_t body = segments > 0 ? here * 255 : bytes;
            const std::size_t at = out.size();
            out.resize(at + ogg::kHeader + here + body);
            unsigned char* page = out.data() + at;
            std::memcpy(page, "OggS", 4);
            page[4] = 0;
            page[5] = static_cast<unsigned char>(flags | (more ? kContinued : 0));
            ogg::put_s64(page + 6, segments > 0 ? -1 : granule);
            ogg::put_u32(page + 14, 1);
            ogg::put_u32(page + 18, sequence_++);
            page[26] = static_cast<unsigned char>(here);
            std::memset(page + ogg::kHeader, 255, here);
            if (segments == 0) page[ogg::kHeader + here - 1] = static_cast<unsigned char>(bytes % 255);
            if (body) std::memcpy(page + ogg::kHeader + here, packet, body);
            ogg::put_u32(page + 22, ogg::page_crc(page, ogg::kHeader + here + body));
            packet += body;
            bytes -= body;
        }
    }

    Pull pull_;
    std::vector<unsigned char> head_, page_;
    std::vector<std::size_t> ends_;
    std::size_t used_ = 0;
    std::int64_t live_from_ = 0, granule_ = 0;
    std::uint32_t sequence_ = 0;
    bool live_ = false;
};

}  // namespace luthier::io
