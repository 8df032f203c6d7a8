// A header being put together.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace luthier::io {

class HeaderBytes {
  public:
    HeaderBytes& text(const char* characters) {
        data_.insert(data_.end(), characters, characters + std::strlen(characters));
        return *this;
    }
    HeaderBytes& little(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) data_.push_back((unsigned char)(value >> (8 * i)));
        return *this;
    }
    HeaderBytes& big(std::uint64_t value, int bytes) {
        for (int i = bytes; i-- > 0;) data_.push_back((unsigned char)(value >> (8 * i)));
        return *this;
    }
    template <std::size_t N>
    HeaderBytes& raw(const unsigned char (&bytes)[N]) {
        data_.insert(data_.end(), bytes, bytes + N);
        return *this;
    }
    HeaderBytes& append(const HeaderBytes& other) {
        data_.insert(data_.end(), other.data_.begin(), other.data_.end());
        return *this;
    }
    HeaderBytes& zeros(std::size_t count) {
        data_.resize(data_.size() + count);
        return *this;
    }
    const unsigned char* data() const { return data_.data(); }
    std::size_t size() const { return data_.size(); }

  private:
    std::vector<unsigned char> data_;
};

}  // namespace luthier::io
