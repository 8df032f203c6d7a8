// libsndfile, opened at run time from wherever Python found it. The declarations below are written from
// the published description of its interface (libsndfile.github.io/libsndfile/api.html); a self-test
// holds the layout of the one struct that crosses the border against the library that was found.
//
// The library reads and writes through callbacks on our sources and sinks only: no file name, no file
// descriptor and no Python object reaches it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "errors.h"
#include "sink.h"
#include "source.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace luthier::io {

namespace sf {

using count_t = std::int64_t;
struct Handle;

struct Info {
    count_t frames;
    int samplerate;
    int channels;
    int format;
    int sections;
    int seekable;
};

struct VirtualIo {
    count_t (*get_filelen)(void* user);
    count_t (*seek)(count_t offset, int whence, void* user);
    count_t (*read)(void* to, count_t bytes, void* user);
    count_t (*write)(const void* from, count_t bytes, void* user);
    count_t (*tell)(void* user);
};

inline constexpr int kRead = 0x10, kWrite = 0x20;
inline constexpr int kSetClipping = 0x10C0, kSetCompressionLevel = 0x1301, kSetBitrateMode = 0x1305;
inline constexpr int kTrue = 1;
inline constexpr int kTypeMask = 0x0FFF0000, kSubtypeMask = 0x0000FFFF;

// Names as python-soundfile users know them.
struct Name {
    int code;
    const char* name;
};
inline constexpr Name kFormats[] = {
    {0x010000, "WAV"},  {0x020000, "AIFF"}, {0x030000, "AU"},    {0x040000, "RAW"},   {0x050000, "PAF"},
    {0x060000, "SVX"},  {0x070000, "NIST"}, {0x080000, "VOC"},   {0x0A0000, "IRCAM"}, {0x0B0000, "W64"},
    {0x0C0000, "MAT4"}, {0x0D0000, "MAT5"}, {0x0E0000, "PVF"},   {0x0F0000, "XI"},    {0x100000, "HTK"},
    {0x110000, "SDS"},  {0x120000, "AVR"},  {0x130000, "WAVEX"}, {0x160000, "SD2"},   {0x170000, "FLAC"},
    {0x180000, "CAF"},  {0x190000, "WVE"},  {0x200000, "OGG"},   {0x210000, "MPC2K"}, {0x220000, "RF64"},
    {0x230000, "MP3"}};
inline constexpr Name kSubtypes[] = {
    {0x0001, "PCM_S8"},        {0x0002, "PCM_16"},        {0x0003, "PCM_24"},       {0x0004, "PCM_32"},
    {0x0005, "PCM_U8"},        {0x0006, "FLOAT"},         {0x0007, "DOUBLE"},       {0x0010, "ULAW"},
    {0x0011, "ALAW"},          {0x0012, "IMA_ADPCM"},     {0x0013, "MS_ADPCM"},     {0x0020, "GSM610"},
    {0x0021, "VOX_ADPCM"},     {0x0022, "NMS_ADPCM_16"},  {0x0023, "NMS_ADPCM_24"}, {0x0024, "NMS_ADPCM_32"},
    {0x0030, "G721_32"},       {0x0031, "G723_24"},       {0x0032, "G723_40"},      {0x0040, "DWVW_12"},
    {0x0041, "DWVW_16"},       {0x0042, "DWVW_24"},       {0x0043, "DWVW_N"},       {0x0050, "DPCM_8"},
    {0x0051, "DPCM_16"},       {0x0060, "VORBIS"},        {0x0064, "OPUS"},         {0x0070, "ALAC_16"},
    {0x0071, "ALAC_20"},       {0x0072, "ALAC_24"},       {0x0073, "ALAC_32"},      {0x0080, "MPEG_LAYER_I"},
    {0x0081, "MPEG_LAYER_II"}, {0x0082, "MPEG_LAYER_III"}};

template <std::size_t N>
const char* name_of(const Name (&names)[N], int code) {
    for (const Name& each : names)
        if (each.code == code) return each.name;
    return "UNKNOWN";
}
template <std::size_t N>
int code_of(const Name (&names)[N], const std::string& name) {
    for (const Name& each : names)
        if (name == each.name) return each.code;
    return 0;
}

struct Library {
    Handle* (*open_virtual)(VirtualIo*, int mode, Info*, void* user);
    int (*close)(Handle*);
    int (*error)(Handle*);
    const char* (*strerror)(Handle*);
    int (*command)(Handle*, int command, void* data, int bytes);
    int (*format_check)(const Info*);
    count_t (*seek)(Handle*, count_t frames, int whence);
    count_t (*readf_float)(Handle*, float*, count_t frames);
    count_t (*readf_double)(Handle*, double*, count_t frames);
    count_t (*writef_int)(Handle*, const int*, count_t frames);
    count_t (*writef_float)(Handle*, const float*, count_t frames);
    const char* (*version_string)();
};

// The reason for a failed open is kept in one place for the whole process: one open at a time.
inline std::mutex& open_mutex() {
    static std::mutex* mutex = new std::mutex;
    return *mutex;
}

// What the callbacks see: a source or a sink, and the first error that they met. An exception may not
// pass through the library.
class Stream {
  public:
    explicit Stream(Source& source) : source_(&source) {
        // Codecs ask for a few bytes at a time.
        if (!source.small_reads()) window_.reset(new unsigned char[kWindow]);
    }
    explicit Stream(Sink& sink) : sink_(&sink) {}

    static VirtualIo callbacks() {
        return {
            [](void* user) -> count_t {
                auto* s = static_cast<Stream*>(user);
                return s->source_ ? s->source_->told_size() : s->sink_->size();
            },
            [](count_t offset, int whence, void* user) {
                return static_cast<Stream*>(user)->seek(offset, whence);
            },
            [](void* to, count_t bytes, void* user) { return static_cast<Stream*>(user)->read(to, bytes); },
            [](const void* from, count_t bytes, void* user) {
                return static_cast<Stream*>(user)->write(from, bytes);
            },
            [](void* user) -> count_t {
                auto* s = static_cast<Stream*>(user);
                return s->source_ ? s->position_ : s->sink_->position();
            }};
    }

    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

  private:
    static constexpr std::size_t kWindow = 1 << 16;

    count_t seek(count_t offset, int whence) {
        const count_t size = source_ ? source_->size() : sink_->size();
        const count_t here = source_ ? position_ : sink_->position();
        const count_t base = whence == 0 ? 0 : whence == 1 ? here : size;
        const count_t to = base + offset;
        if (to < 0) return -1;
        return guard(count_t(-1), [&] {
            if (source_)
                position_ = to;
            else
                sink_->seek(to);
            return to;
        });
    }

    count_t read(void* to, count_t bytes) {
        if (bytes <= 0) return 0;
        return guard(count_t(0), [&]() -> count_t {
            if (!source_) return count_t(sink_->read(to, std::size_t(bytes)));
            count_t done = 0;
            if (!window_ || bytes >= count_t(kWindow)) {
                done = count_t(source_->read_at(position_, to, std::size_t(bytes)));
                position_ += done;
                return done;
            }
            while (done < bytes) {
                if (position_ < window_start_ || position_ >= window_start_ + window_bytes_) {
                    window_start_ = position_;
                    window_bytes_ = count_t(source_->read_at(position_, window_.get(), kWindow));
                    if (window_bytes_ == 0) break;
                }
                const count_t skip = position_ - window_start_;
                const count_t n = std::min(bytes - done, window_bytes_ - skip);
                std::memcpy(static_cast<char*>(to) + done, window_.get() + skip, std::size_t(n));
                done += n;
                position_ += n;
            }
            return done;
        });
    }

    count_t write(const void* from, count_t bytes) {
        if (!sink_ || bytes <= 0) return 0;
        return guard(count_t(0), [&] {
            sink_->write(from, std::size_t(bytes));
            return bytes;
        });
    }

    template <class R, class F>
    R guard(R failed, F&& body) {
        if (error_) return failed;
        try {
            return body();
        } catch (...) {
            error_ = std::current_exception();
            return failed;
        }
    }

    Source* source_ = nullptr;
    Sink* sink_ = nullptr;
    count_t position_ = 0;
    std::unique_ptr<unsigned char[]> window_;
    count_t window_start_ = 0, window_bytes_ = 0;
    std::exception_ptr error_;
};

// An open handle together with what its callbacks use.
class Open {
  public:
    Open(const Library& library, Source& source, Info& info) : library_(library), stream_(source) {
        open(kRead, info);
    }
    Open(const Library& library, Sink& sink, Info& info) : library_(library), stream_(sink) {
        open(kWrite, info);
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    ~Open() { close(); }

    Handle* get() const { return handle_; }
    // Why the library refused to open; empty when it did open.
    const std::string& refusal() const { return refusal_; }
    void rethrow() const { stream_.rethrow(); }
    std::string message() const { return trimmed(library_.strerror(handle_)); }
    int close() {
        Handle* handle = std::exchange(handle_, nullptr);
        return handle ? library_.close(handle) : 0;
    }

  private:
    void open(int mode, Info& info) {
        VirtualIo callbacks = Stream::callbacks();
        std::lock_guard lock(open_mutex());
        handle_ = library_.open_virtual(&callbacks, mode, &info, &stream_);
        if (!handle_) {
            refusal_ = trimmed(library_.strerror(nullptr));
            if (refusal_.empty()) refusal_ = "no reason given";
        }
    }
    static std::string trimmed(const char* text) {
        std::string s = text ? text : "";
        while (!s.empty() && (s.back() == '.' || s.back() == '\n' || s.back() == ' ')) s.pop_back();
        return s;
    }

    const Library& library_;
    Stream stream_;
    Handle* handle_ = nullptr;
    std::string refusal_;
};

// Opens a WAV of three stereo frames and looks whether every field comes back where we expect it.
inline void self_test(const Library& library, const std::string& path) {
    static constexpr unsigned char kWav[] = {
        'R', 'I', 'F', 'F', 48, 0,    0,    0,    'W', 'A',  'V',  'E',  'f', 'm',  't', ' ',  16, 0,   0,
        0,   1,   0,   2,   0,  0x39, 0x30, 0,    0,   0xE4, 0xC0, 0,    0,   4,    0,   16,   0,  'd', 'a',
        't', 'a', 12,  0,   0,  0,    0,    0x40, 0,   0xC0, 0,    0x20, 0,   0xE0, 0,   0x10, 0,  0xF0};
    static constexpr float kSamples[] = {0.5f, -0.5f, 0.25f, -0.25f, 0.125f, -0.125f};
    MemorySource source("self-test", kWav, sizeof kWav);
    Info info{};
    Open file(library, source, info);
    float samples[6] = {};
    if (!file.get() || info.frames != 3 || info.samplerate != 12345 || info.channels != 2 ||
        info.format != 0x010002 || library.readf_float(file.get(), samples, 3) != 3 ||
        std::memcmp(samples, kSamples, sizeof samples) != 0)
        throw MissingLibrary(
            "the libsndfile at " + path +
            " does not answer as its documentation says; install another: pip install -U soundfile");
}

inline std::atomic<const Library*>& loaded() {
    static std::atomic<const Library*> library{nullptr};
    return library;
}

// Opens the library at `path`, once for the process. It is never unloaded.
inline const Library& load(const std::string& path) {
    static std::mutex* mutex = new std::mutex;
    std::lock_guard lock(*mutex);
    if (const Library* already = loaded()) return *already;
#if defined(_WIN32)
    const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
    std::wstring wide(std::size_t(length), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
    HMODULE image = LoadLibraryW(wide.c_str());
    const auto symbol = [&](const char* name) {
        return reinterpret_cast<void*>(GetProcAddress(image, name));
    };
    const std::string why = image ? "" : "error " + std::to_string(GetLastError());
#else
    void* image = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto symbol = [&](const char* name) { return dlsym(image, name); };
    const char* failure = image ? nullptr : dlerror();
    const std::string why = failure ? failure : "";
#endif
    if (!image)
        throw MissingLibrary("libsndfile at " + path + " could not be loaded (" + why +
                             "); reinstall it: pip install --force-reinstall soundfile");
    auto library = std::make_unique<Library>();
    const auto resolve = [&](auto& function, const char* name) {
        void* address = symbol(name);
        if (!address)
            throw MissingLibrary("the libsndfile at " + path + " is too old: it has no " + name +
                                 "; install a newer one: pip install -U soundfile");
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
    };
    resolve(library->open_virtual, "sf_open_virtual");
    resolve(library->close, "sf_close");
    resolve(library->error, "sf_error");
    resolve(library->strerror, "sf_strerror");
    resolve(library->command, "sf_command");
    resolve(library->format_check, "sf_format_check");
    resolve(library->seek, "sf_seek");
    resolve(library->readf_float, "sf_readf_float");
    resolve(library->readf_double, "sf_readf_double");
    resolve(library->writef_int, "sf_writef_int");
    resolve(library->writef_float, "sf_writef_float");
    resolve(library->version_string, "sf_version_string");
    self_test(*library, path);
    const Library* found = library.release();
    loaded() = found;
    return *found;
}

inline const Library& library() {
    const Library* found = loaded();
    if (!found) throw MissingLibrary("libsndfile is not loaded");
    return *found;
}

}  // namespace sf

}  // namespace luthier::io
