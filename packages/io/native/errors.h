// What native code of this package throws. bindings.cpp turns each into the Python error of the same
// name; std::system_error becomes an OSError with its errno.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace luthier::io {

struct DecodeError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct EncodeError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct UnsupportedFormat : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// An argument that only the file shows to be wrong.
struct ParameterError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct LayoutError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct MissingLibrary : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void throw_errno(const std::string& name) {
    throw std::system_error(errno, std::generic_category(), name);
}

// 1234567 as "1,234,567".
inline std::string grouped(long long value) {
    const std::string plain = std::to_string(value);
    std::string digits;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i > 0 && plain[i - 1] != '-' && (plain.size() - i) % 3 == 0) digits += ',';
        digits += plain[i];
    }
    return digits;
}

}  // namespace luthier::io
