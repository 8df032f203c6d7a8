// Memory for samples that a Python array will own.
//
// The time that a fresh array takes is that of the kernel's page faults, which large pages divide by 512:
// large arrays are mapped on their own, at the boundary of a large page, and ask for them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
        else
            munmap(data, rounded(bytes));
    }
#else
    static void* allocate(std::size_t bytes) { return std::malloc(bytes); }
    static void release(void* data, std::size_t) { std::free(data); }
#endif

    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace luthier::io
