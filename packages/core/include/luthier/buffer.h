// A planar block of samples: channels of contiguous frames. A view; it owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// The grid. Streaming code is called only with whole groups of this many frames, aligned to the
// stream's frame 0: the caller of process() may cut its signal anywhere, and what pads, saves and
// re-runs a partial group is in one place (effects/native/stream.h). A sample's arithmetic therefore
// never depends on where a block ended, and kernels need no code for remainders.
inline constexpr int kGroup = 16;

template <class T>
struct Block {
    T* data;                // channel 0
    std::ptrdiff_t stride;  // samples from one channel to the next
    int channels;
    int frames;

    T* operator[](int channel) const { return data + channel * stride; }
    Block from(int start, int count) const { return {data + start, stride, channels, count}; }
};

// Zeroed memory for trivial types, aligned to 64 bytes; moves, does not copy. For prepare(): kernel
// sources keep std containers out (isa.h).
template <class T>
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t size) : size_(size) {
        if (size == 0) return;
        data_ = static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t(kAlignment)));
        clear();
    }
    AlignedBuffer(AlignedBuffer&& other) noexcept : data_(other.data_), size_(other.size_) {
        other.data_ = nullptr;
        other.size_ = 0;
    }
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
        T* data = data_;
        const std::size_t size = size_;
        data_ = other.data_;
        size_ = other.size_;
        other.data_ = data;
        other.size_ = size;
        return *this;
    }
    ~AlignedBuffer() {
        if (data_) ::operator delete(data_, std::align_val_t(kAlignment));
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }

    void clear() {
        if (size_) std::memset(static_cast<void*>(data_), 0, size_ * sizeof(T));
    }

  private:
    static constexpr std::size_t kAlignment = 64;

    T* data_ = nullptr;
    std::size_t size_ = 0;
};

// Zeroed memory of which only what is touched is taken from the system, where the system can do that.
template <class T>
class ReservedBuffer {
  public:
    ReservedBuffer() = default;
    explicit ReservedBuffer(std::size_t size) {
        if (size == 0) return;
        memory_ = std::calloc(size * sizeof(T) + kAlignment, 1);
        // Kernels are compiled without exceptions; operator new is not.
        if (!memory_) ::operator delete(::operator new(std::size_t(-1) / 2));
        const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(memory_);
        data_ = reinterpret_cast<T*>((start + kAlignment - 1) / kAlignment * kAlignment);
    }
    ReservedBuffer(ReservedBuffer&& other) noexcept : memory_(other.memory_), data_(other.data_) {
        other.memory_ = nullptr;
        other.data_ = nullptr;
    }
    ReservedBuffer& operator=(ReservedBuffer&& other) noexcept {
        void* memory = memory_;
        T* data = data_;
        memory_ = other.memory_;
        data_ = other.data_;
        other.memory_ = memory;
        other.data_ = data;
        return *this;
    }
    ~ReservedBuffer() { std::free(memory_); }

    T* data() { return data_; }
    const T* data() const { return data_; }

  private:
    static constexpr std::size_t kAlignment = 64;

    void* memory_ = nullptr;
    T* data_ = nullptr;
};

}  // namespace luthier::inline LUTHIER_ISA
