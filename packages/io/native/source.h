// Where bytes come from: a file descriptor or the caller's memory. Sizes are known from the start, and
// reads name their offset, so that one source may serve several decoders at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "errors.h"

#if defined(_WIN32)
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <io.h>
#include <windows.h>
#else
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace luthier::io {

class Source {
  public:
    explicit Source(std::string name) : name_(std::move(name)) {}
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    // What messages call it.
    const std::string& name() const { return name_; }
    std::int64_t size() const { return size_; }
    // All bytes, where they lie in memory already; null for a file.
    virtual const unsigned char* data() const { return nullptr; }
    // The size that libsndfile is told on opening. It looks for a part of what it does not know yet in a
    // file "._" of the working directory, and falls over that one, unless the size is 0.
    virtual std::int64_t told_size() const { return size(); }
    // Whether reads of a few bytes cost little, or none may be read ahead.
    virtual bool small_reads() const { return data() != nullptr; }
    // Copies bytes and returns how many: fewer than asked only at the end,
    // and no more than it likes where none may be read ahead.
    virtual std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) = 0;

  protected:
    std::string name_;
    std::int64_t size_ = 0;
};

class MemorySource : public Source {
  public:
    MemorySource(std::string name, const void* data, std::int64_t size)
        : Source(std::move(name)), data_(static_cast<const unsigned char*>(data)) {
        size_ = size;
    }
    const unsigned char* data() const override { return data_; }
    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset < 0 || offset >= size_) return 0;
        const std::size_t n = std::size_t(std::min<std::int64_t>(std::int64_t(bytes), size_ - offset));
        std::memcpy(to, data_ + offset, n);
        return n;
    }

  private:
    const unsigned char* data_;
};

// A source whose first bytes were read at once, for the many short looks of a parser at a header.
class HeadCache : public Source {
  public:
    explicit HeadCache(Source& source) : Source(source.name()), source_(source) {
        size_ = source.size();
        if (!source.data()) cached_ = std::int64_t(source.read_at(0, head_, sizeof head_));
    }
    const unsigned char* data() const override { return source_.data(); }
    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset < 0 || offset >= cached_ || std::int64_t(bytes) > cached_ - offset)
            return source_.read_at(offset, to, bytes);
        std::memcpy(to, head_ + offset, bytes);
        return bytes;
    }

  private:
    Source& source_;
    std::int64_t cached_ = 0;
    unsigned char head_[4096];
};

// A regular file, from byte `start` of it to its end. Owns the descriptor. Reading does not move the
// descriptor's position on POSIX systems.
class FileSource : public Source {
  public:
    FileSource(std::string name, int descriptor, std::int64_t start)
        : Source(std::move(name)), descriptor_(descriptor), start_(start) {
#if defined(_WIN32)
        struct _stat64 status;
        const int failed = _fstat64(descriptor_, &status);
#else
        struct stat status;
        const int failed = fstat(descriptor_, &status);
#endif
        if (failed) {
            const int error = errno;
            release();
            errno = error;
            throw_errno(name_);
        }
        size_ = std::max<std::int64_t>(0, std::int64_t(status.st_size) - start_);
    }
    ~FileSource() override { release(); }

    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset < 0 || offset >= size_) return 0;
        bytes = std::size_t(std::min<std::int64_t>(std::int64_t(bytes), size_ - offset));
        std::size_t done = 0;
        while (done < bytes) {
            const std::int64_t got =
                read_some(start_ + offset + std::int64_t(done), static_cast<char*>(to) + done, bytes - done);
            if (got == 0) break;  // the file became shorter since it was opened
            done += std::size_t(got);
        }
        return done;
    }

  private:
    std::int64_t read_some(std::int64_t offset, void* to, std::size_t bytes) {
        bytes = std::min<std::size_t>(bytes, 1u << 30);
#if defined(_WIN32)
        OVERLAPPED at{};
        at.Offset = DWORD(offset);
        at.OffsetHigh = DWORD(offset >> 32);
        DWORD got = 0;
        if (!ReadFile(HANDLE(_get_osfhandle(descriptor_)), to, DWORD(bytes), &got, &at)) {
            if (GetLastError() == ERROR_HANDLE_EOF) return 0;
            throw std::system_error(int(GetLastError()), std::system_category(), name_);
        }
        return got;
#else
        for (;;) {
            const ssize_t got = pread(descriptor_, to, bytes, off_t(offset));
            if (got >= 0) return got;
            if (errno != EINTR) throw_errno(name_);
        }
#endif
    }
    void release() {
#if defined(_WIN32)
        _close(descriptor_);
#else
        close(descriptor_);
#endif
    }

    int descriptor_;
    std::int64_t start_;
};

}  // namespace luthier::io
