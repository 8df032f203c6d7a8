// What every format's reader looks like to the bindings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "pcm.h"
#include "progress.h"
#include "source.h"

namespace luthier::io {

// What is wrong with a file. Frames count from the first of the file.
struct Damage {
    std::string reason;        // "its last Ogg page is cut"
    std::int64_t frame = 0;    // the first that is missing or cannot be decoded
    std::int64_t offset = -1;  // the byte of the file where that shows; -1: not known
};

struct StreamInfo {
    std::string format;   // "WAV", "FLAC", ...
    std::string subtype;  // "PCM_16", "VORBIS", ...
    int sample_rate = 0;
    int channels = 0;
    std::int64_t frames = 0;  // as many as the file promises, or where it does not say, as were found
    bool promised = true;     // whether the file says so itself
};

// The contract that every format keeps:
// - A frame's samples do not depend on how the reader came to it: seek(a), read(n) gives what decoding the
//   whole file gives at [a, a + n), bit for bit, after any other seeks and reads.
// - Damage is never thrown and never passed over: a read stops before the first frame that is not right,
//   and fault() says why. What is thrown: an unreadable header on opening, and errors of the disk.
// - A file that does not promise a length, and shows that its end is missing, has damage() at the frame
//   info().frames from the start.
class Decoder {
  public:
    virtual ~Decoder() = default;

    const StreamInfo& info() const { return info_; }
    std::int64_t position() const { return position_; }
    // 0 <= frame <= info().frames. The work is done by the next read.
    void seek(std::int64_t frame) { position_ = frame; }

    // Decodes up to `frames`, 0 <= frames <= info().frames - position(), and moves the position behind
    // what it returns: fewer only before damage, which fault() then tells.
    virtual std::int64_t read(const Target<float>& to, std::int64_t frames, Progress& progress) = 0;
    virtual std::int64_t read(const Target<double>& to, std::int64_t frames, Progress& progress) = 0;

    // The same for interleaved codes of 16 or 32 bits, where they are stored so; -1 where they are not.
    virtual std::int64_t read_stored(void* to, int bits, std::int64_t frames, Progress& progress) {
        (void)to, (void)bits, (void)frames, (void)progress;
        return -1;
    }

    // Why the last read gave fewer frames than asked for.
    const std::optional<Damage>& fault() const { return fault_; }
    // The first damage of the file that is known, from opening it or from reads.
    const std::optional<Damage>& damage() const { return damage_; }

    // The first frame from `frame` on with which decoding can go on behind damage; info().frames where
    // nothing is left.
    virtual std::int64_t resume(std::int64_t frame, Progress& progress) {
        (void)frame, (void)progress;
        return info_.frames;
    }

    // What makes later seeks in the same bytes cheap, to be kept by the caller; empty where nothing would.
    virtual std::string index(Progress& progress) {
        (void)progress;
        return {};
    }
    // Takes what index() gave for the same bytes; false where it cannot be of this file. Not trusted.
    virtual bool use_index(const std::string& index) {
        (void)index;
        return false;
    }

    // Decodes everything and checks every checksum that there is. The first damage; none: the file is sound.
    virtual std::optional<Damage> verify(Progress& progress) {
        const std::int64_t before = position_;
        std::vector<float> block(std::size_t(kVerified * info_.channels));
        for (position_ = 0; position_ < info_.frames;) {
            const std::int64_t n = std::min(kVerified, info_.frames - position_);
            if (read(Target<float>{block.data(), std::ptrdiff_t(kVerified), false}, n, progress) < n) break;
        }
        position_ = before;
        return damage_;
    }
    // The checksums of the format that verify() checks, in words; empty where it has none.
    virtual std::string checks() const { return {}; }

    std::mutex mutex;  // one call at a time

  protected:
    static constexpr std::int64_t kVerified = 1 << 14;

    // Notes damage on opening.
    void note(Damage damage) {
        if (!damage_ || damage.frame < damage_->frame) damage_ = std::move(damage);
    }
    // Notes the damage that a read stops at.
    void stop_at(Damage damage) {
        fault_ = damage;
        note(std::move(damage));
    }

    StreamInfo info_;
    std::int64_t position_ = 0;
    std::optional<Damage> fault_, damage_;
};

}  // namespace luthier::io
