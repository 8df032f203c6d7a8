// What the stream (stream.h) asks of a tracking method. For bindings: kernels know nothing of it.
//
// A method has two parts. `analyse` makes a record of each frame, from the samples around it alone: so frames
// can be done in any order, on many threads. `decide` is optional and follows a path through the records, in
// order, and gives each frame's result a fixed number of frames late. Both see the same in a stream that
// comes in pieces as in one that comes at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "signal.h"

namespace luthier::pitch {

// Why a method cannot be made.
inline constexpr const char* kTooLong =
    "a frame has more samples than there are transforms for, 2^24: raise fmin, or lower the sample rate";

template <class T>
class Method {
  public:
    virtual ~Method() = default;

    double hop = 0;  // samples from one frame's centre to the next, not necessarily whole
    // A frame reads the samples [centre - before, centre + after], and one that the signal's start cuts reads
    // none beyond `at_start`: with these at hand its record is final. `before + after` also bounds how far
    // from the signal's end a frame reads that the end cuts.
    std::int64_t before = 0, after = 0, at_start = 0;
    int frames_per_task = 1;
    int record_bytes = sizeof(FrameResult);  // of one frame, a multiple of 8

    virtual std::size_t scratch_bytes(int frames) const = 0;
    // Records of frames [first, first + count); `scratch` and `records` are aligned to cache lines.
    virtual void analyse(const Signal<T>& signal, std::int64_t first, int count, void* scratch,
                         std::byte* records) const = 0;

    // How many records `decide` takes before it gives the first result; without a path the records are
    // the results.
    int lag = 0;
    virtual std::size_t path_bytes() const { return 0; }
    virtual void begin(void*) const {}
    // Takes `count` records and gives as many results, less the `lag` that the first records bring forth
    // none. Returns their number.
    virtual int decide(void*, const std::byte*, int, FrameResult*) const { return 0; }
    // The results of the last `lag` frames, or fewer if there were fewer. Returns their number.
    virtual int conclude(void*, FrameResult*) const { return 0; }
};

}  // namespace luthier::pitch
