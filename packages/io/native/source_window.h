// Small reads of a source at increasing offsets, from one large read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "source.h"

namespace luthier::io {

class SourceWindow {
  public:
    static constexpr std::int64_t kBytes = 1 << 16;  // the most that can be asked for at once

    explicit SourceWindow(Source& source) : source_(&source) {}

    // `count` bytes at `offset`, valid until the next call; null where the source ends before them.
    const unsigned char* at(std::int64_t offset, std::int64_t count) {
        if (offset < start_ || offset + count > start_ + bytes_) load(offset);
        return offset >= start_ && offset + count <= start_ + bytes_ ? data_ + (offset - start_) : nullptr;
    }
    // Whatever there is at `offset`, at most kBytes.
    const unsigned char* some(std::int64_t offset, std::int64_t& count) {
        if (offset < start_ || offset >= start_ + bytes_) load(offset);
        count = std::max<std::int64_t>(0, start_ + bytes_ - offset);
        return data_ + (offset - start_);
    }

  private:
    void load(std::int64_t offset) {
        if (source_->data()) {
            data_ = source_->data();
            start_ = 0;
            bytes_ = source_->size();
            return;
        }
        if (!buffer_) buffer_.reset(new unsigned char[kBytes]);
        data_ = buffer_.get();
        start_ = offset;
        bytes_ = 0;  // should the read throw
        bytes_ = std::int64_t(source_->read_at(offset, buffer_.get(), std::size_t(kBytes)));
    }

    Source* source_;
    std::unique_ptr<unsigned char[]> buffer_;
    const unsigned char* data_ = nullptr;
    std::int64_t start_ = 0, bytes_ = 0;
};

}  // namespace luthier::io
