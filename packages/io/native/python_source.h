// What Python provides to the readers: bytes that lie in its memory, and files that only it can read.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "luthier/python.h"
#include "source.h"

namespace luthier::io {

// The caller's bytes, held for as long as the source lives.
class BufferSource : public MemorySource {
  public:
    BufferSource(std::string name, Py_buffer view)
        : MemorySource(std::move(name), view.buf, std::int64_t(view.len)), view_(view) {}
    ~BufferSource() override {
        AcquireGil gil;
        PyBuffer_Release(&view_);
    }

  private:
    Py_buffer view_;
};

// A seekable file object: what a decoder asks for is read through `read(offset, bytes)`, a block at a time,
// and the last blocks are kept. Reading on doubles what is asked for at once, up to 4 MiB: a far server is
// asked rarely, and who wants a crop gets little more than that.
class PythonSource : public Source {
  public:
    // Called with the GIL.
    PythonSource(std::string name, nanobind::object read, std::int64_t size)
        : Source(std::move(name)), read_(std::move(read)) {
        size_ = size;
    }
    ~PythonSource() override {
        AcquireGil gil;
        read_.reset();
    }

    std::size_t read_at(std::int64_t offset, void* to, std::size_t bytes) override {
        if (offset < 0 || offset >= size_) return 0;
        bytes = std::size_t(std::min<std::int64_t>(std::int64_t(bytes), size_ - offset));
        std::lock_guard lock(mutex_);
        std::size_t done = 0;
        while (done < bytes) {
            const std::int64_t at = offset + std::int64_t(done);
            const Block& block = find(at / kBlock);
            const auto skip = std::size_t(at % kBlock);
            if (skip >= block.bytes.size()) break;  // the file became shorter
            const std::size_t n = std::min(bytes - done, block.bytes.size() - skip);
            std::memcpy(static_cast<char*>(to) + done, block.bytes.data() + skip, n);
            done += n;
        }
        return done;
    }

  private:
    static constexpr std::int64_t kBlock = 64 << 10;
    static constexpr std::int64_t kMostAtOnce = 64;  // blocks
    static constexpr std::size_t kKept = 96;         // blocks

    struct Block {
        std::int64_t number;
        std::vector<char> bytes;
    };

    const Block& find(std::int64_t number) {
        for (auto at = blocks_.begin(); at != blocks_.end(); ++at)
            if (at->number == number) {
                blocks_.splice(blocks_.begin(), blocks_, at);
                return blocks_.front();
            }
        at_once_ = number == behind_ ? std::min(kMostAtOnce, 2 * at_once_) : 1;
        const std::int64_t offset = number * kBlock;
        const std::int64_t wanted = std::min(at_once_ * kBlock, size_ - offset);
        std::vector<char> bytes = fetch(offset, wanted);
        behind_ = number + at_once_;
        const auto blocks = std::max<std::int64_t>(1, (std::int64_t(bytes.size()) + kBlock - 1) / kBlock);
        for (std::int64_t i = blocks - 1; i >= 0; --i) {
            const auto from = bytes.begin() + std::ptrdiff_t(i * kBlock);
            const auto to = std::min(bytes.end(), from + kBlock);
            std::erase_if(blocks_, [&](const Block& old) { return old.number == number + i; });
            blocks_.push_front({number + i, std::vector<char>(from, to)});
        }
        while (blocks_.size() > kKept) blocks_.pop_back();
        return blocks_.front();
    }

    std::vector<char> fetch(std::int64_t offset, std::int64_t bytes) {
        AcquireGil gil;
        const nanobind::object data = read_(offset, bytes);
        Py_buffer view;
        if (PyObject_GetBuffer(data.ptr(), &view, PyBUF_SIMPLE) != 0) throw nanobind::python_error();
        const auto* from = static_cast<const char*>(view.buf);
        std::vector<char> copy(from, from + std::min<std::int64_t>(bytes, view.len));
        PyBuffer_Release(&view);
        return copy;
    }

    std::mutex mutex_;
    nanobind::object read_;
    std::list<Block> blocks_;  // the last used first
    std::int64_t behind_ = -1, at_once_ = 1;
};

}  // namespace luthier::io
