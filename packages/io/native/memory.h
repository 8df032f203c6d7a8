// Memory for samples that a Python array will own.
//
// The time that a fresh array takes is that of the kernel's page faults, which large pages divide by 512:
// large arrays are mapped on their own, at the boundary of a large page, and ask for them. The last two
// that were let go are kept for the next ones, as malloc does with smaller memory: a loop that reads file
// after file has its pages already.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace luthier::io {

class Memory {
  public:
    Memory() = default;
    explicit Memory(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 1)) {
        data_ = allocate(bytes_);
        if (!data_) throw std::bad_alloc();
    }
    Memory(Memory&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Memory& operator=(Memory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Memory() {
        if (data_) release(data_, bytes_);
    }

    void* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }

  private:
#if defined(__linux__)
    static constexpr std::size_t kPage = std::size_t(2) << 20;
    static constexpr std::size_t kMapped = 2 * kPage;  // smaller ones come from malloc

    static std::size_t rounded(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

    static void* allocate(std::size_t bytes) {
        if (bytes < kMapped) return std::malloc(bytes);
        if (bytes > SIZE_MAX - 2 * kPage) return nullptr;
        const std::size_t length = rounded(bytes);
        if (void* data = kept().take(length)) return data;
        void* raw = mmap(nullptr, length + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (raw == MAP_FAILED) return nullptr;
        const auto start = reinterpret_cast<std::uintptr_t>(raw);
        const std::uintptr_t aligned = (start + kPage - 1) / kPage * kPage;
        if (aligned > start) munmap(raw, aligned - start);
        if (const std::size_t behind = start + kPage - aligned; behind > 0)
            munmap(reinterpret_cast<void*>(aligned + length), behind);
        madvise(reinterpret_cast<void*>(aligned), length, MADV_HUGEPAGE);
        return reinterpret_cast<void*>(aligned);
    }
    static void release(void* data, std::size_t bytes) {
        if (bytes < kMapped)
            std::free(data);
        else if (!kept().put(data, rounded(bytes)))
            munmap(data, rounded(bytes));
    }

    // Mappings without a user, of the very size that is asked for again.
    class Kept {
      public:
        void* take(std::size_t length) {
            std::lock_guard lock(mutex_);
            for (Mapping& each : mappings_)
                if (each.length == length) return each.length = 0, each.data;
            return nullptr;
        }
        // False where it is too large to be kept.
        bool put(void* data, std::size_t length) {
            if (length > kMost) return false;
            std::lock_guard lock(mutex_);
            Mapping& oldest = mappings_[next_ ^= 1];
            if (oldest.length) munmap(oldest.data, oldest.length);
            oldest = {data, length};
            return true;
        }

      private:
        static constexpr std::size_t kMost = std::size_t(32) << 20;
        struct Mapping {
            void* data;
            std::size_t length;
        };
        std::mutex mutex_;
        Mapping mappings_[2] = {};
        int next_ = 0;
    };
    static Kept& kept() {
        static Kept& kept = *new Kept;  // arrays may outlive what is destroyed at exit
        return kept;
    }
#else
    static void* allocate(std::size_t bytes) { return std::malloc(bytes); }
    static void release(void* data, std::size_t) { std::free(data); }
#endif

    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace luthier::io
