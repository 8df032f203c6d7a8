// Where bytes go: a file descriptor, buffered, with seeks backwards for headers that are completed
// last. The caller gives a file that nobody knows yet, and makes it known when finish() has returned.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "errors.h"

#if defined(_WIN32)
#include <io.h>
#include <stdio.h>
#else
#include <unistd.h>
#endif

namespace luthier::io {

class Sink {
  public:
    // Owns the descriptor.
    Sink(std::string name, int descriptor)
        : name_(std::move(name)), descriptor_(descriptor), buffer_(new unsigned char[kBuffer]) {}
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    ~Sink() { release(); }

    const std::string& name() const { return name_; }
    std::int64_t position() const { return start_ + std::int64_t(used_); }
    std::int64_t size() const { return std::max(size_, position()); }

    void write(const void* from, std::size_t bytes) {
        const auto* data = static_cast<const unsigned char*>(from);
        while (bytes > 0) {
            if (used_ == kBuffer) flush();
            const std::size_t n = std::min(bytes, kBuffer - used_);
            std::memcpy(buffer_.get() + used_, data, n);
            used_ += n;
            data += n;
            bytes -= n;
        }
    }
    // Where the next `bytes` can be put, at most kBuffer of them, in the place of write(); took() follows.
    unsigned char* space(std::size_t bytes) {
        if (kBuffer - used_ < bytes) flush();
        return buffer_.get() + used_;
    }
    void took(std::size_t bytes) { used_ += bytes; }
    void seek(std::int64_t position) {
        flush();
        start_ = position;
    }
    // Takes away what lies behind this position.
    void cut() {
        flush();
        if (size_ <= start_ || descriptor_ < 0) return;
#if defined(_WIN32)
        const bool failed = _chsize_s(descriptor_, start_) != 0;
#else
        const bool failed = ftruncate(descriptor_, off_t(start_)) != 0;
#endif
        if (failed) throw_errno(name_);
        size_ = start_;
    }
    // What was written already, for encoders that look back.
    std::size_t read(void* to, std::size_t bytes) {
        flush();
        if (descriptor_ < 0) return 0;
        move_to(start_);
#if defined(_WIN32)
        const auto got = _read(descriptor_, to, unsigned(bytes));
#else
        const auto got = ::read(descriptor_, to, bytes);
#endif
        if (got < 0) throw_errno(name_);
        start_ += got;
        return std::size_t(got);
    }
    // All bytes given to the system; `durable`: and on the disk, so that a rename after this never shows a
    // file with a hole, not even after a power cut.
    void finish(bool durable) {
        flush();
        if (durable) commit();
        release();
    }
    // Closes the file; what is written from here on goes nowhere.
    void abandon() { release(); }

    static constexpr std::size_t kBuffer = 1 << 18;

  private:
    void commit() {
#if defined(_WIN32)
        const int failed = _commit(descriptor_);
#elif defined(__APPLE__)
        const int failed = fsync(descriptor_);
#else
        const int failed = fdatasync(descriptor_);
#endif
        if (failed && errno != EINVAL && errno != ENOTSUP) throw_errno(name_);
    }
    void flush() {
        std::size_t done = descriptor_ < 0 ? used_ : 0;
        if (done < used_) move_to(start_);
        while (done < used_) {
#if defined(_WIN32)
            const auto n = _write(descriptor_, buffer_.get() + done, unsigned(used_ - done));
#else
            const auto n = ::write(descriptor_, buffer_.get() + done, used_ - done);
            if (n < 0 && errno == EINTR) continue;
#endif
            if (n < 0) throw_errno(name_);
            done += std::size_t(n);
        }
        start_ += std::int64_t(used_);
        file_position_ = start_;
        size_ = std::max(size_, start_);
        used_ = 0;
    }
    void move_to(std::int64_t position) {
        if (position == file_position_) return;
#if defined(_WIN32)
        const auto failed = _lseeki64(descriptor_, position, SEEK_SET) < 0;
#else
        const auto failed = lseek(descriptor_, off_t(position), SEEK_SET) < 0;
#endif
        if (failed) throw_errno(name_);
        file_position_ = position;
    }
    void release() {
        if (descriptor_ < 0) return;
#if defined(_WIN32)
        _close(descriptor_);
#else
        close(descriptor_);
#endif
        descriptor_ = -1;
    }

    std::string name_;
    int descriptor_;
    std::unique_ptr<unsigned char[]> buffer_;
    std::size_t used_ = 0;
    std::int64_t start_ = 0;  // file offset of the buffer's first byte
    std::int64_t file_position_ = 0;
    std::int64_t size_ = 0;
};

}  // namespace luthier::io
