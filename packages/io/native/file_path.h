// Opening a file by its path.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string>

#include "source.h"

namespace luthier::io {

// The file at `path`, or null for what is no regular file (a pipe, a device). The path is in the system's
// encoding, UTF-8 on Windows.
inline std::shared_ptr<Source> open_path(const std::string& path, const std::string& name) {
#if defined(_WIN32)
    const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
    std::wstring wide(std::size_t(length), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
    const int descriptor = _wopen(wide.c_str(), _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    if (descriptor < 0) throw_errno(path);
    struct _stat64 status;
    const bool regular = _fstat64(descriptor, &status) == 0 && (status.st_mode & _S_IFREG);
    if (!regular) {
        _close(descriptor);
        return nullptr;
    }
#else
    // Not to wait for the other end of a pipe, which Python does, where Ctrl-C is heard.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) throw_errno(path);
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        if (S_ISDIR(status.st_mode)) {
            errno = EISDIR;
            throw_errno(path);
        }
        return nullptr;
    }
#endif
    return std::make_shared<FileSource>(name, descriptor, 0);
}

}  // namespace luthier::io
