// One piece of memory cut into arrays, each on lines of the cache that are its own.
#pragma once

#include <cstddef>

namespace luthier::inline LUTHIER_ISA {

// Over null it only counts, and gives null.
class Cut {
  public:
    explicit Cut(void* memory) : memory_(static_cast<char*>(memory)) {}

    template <class E>
    E* take(std::size_t count) {
        E* here = memory_ ? reinterpret_cast<E*>(memory_ + bytes_) : nullptr;
        bytes_ += (count * sizeof(E) + 63) / 64 * 64;
        return here;
    }

    std::size_t bytes() const { return bytes_; }

  private:
    char* memory_;
    std::size_t bytes_ = 0;
};

}  // namespace luthier::inline LUTHIER_ISA
