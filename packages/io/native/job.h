// One read from beginning to end, without Python: open, seek, decode into fresh memory or into the
// caller's. `read` runs one, `read_many` many at a time.
#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "memory.h"
#include "stream.h"

namespace luthier::io {

// Samples on their way to a Python array: planar or interleaved without gaps.
struct Array {
    Memory memory;
    Dtype dtype = Dtype::kFloat32;
    bool interleaved = false;
    int channels = 0;
    std::int64_t frames = 0;
};

// Where the caller wants the samples, instead of in fresh memory.
struct Place {
    void* data = nullptr;
    std::ptrdiff_t stride = 0;  // samples from channel to channel, where planar
    std::int64_t frames = 0;    // room
    int channels = 0;
};

// How the samples are wanted.
struct Form {
    Dtype dtype = Dtype::kFloat32;
    bool interleaved = false;
    bool pad = false;
};

namespace detail {

template <class T>
Target<T> target(void* data, std::ptrdiff_t stride, bool interleaved) {
    return {static_cast<T*>(data), interleaved ? 0 : stride, interleaved};
}

inline Memory samples(std::int64_t frames, int channels, Dtype dtype) {
    const auto each = std::int64_t(item_bytes(dtype)) * channels;
    if (frames > std::numeric_limits<std::ptrdiff_t>::max() / each) throw std::bad_alloc();
    return Memory(std::size_t(frames * each));
}

inline Outcome read_as(Stream& stream, const Form& form, void* data, std::ptrdiff_t stride,
                       std::int64_t frames, Progress& progress) {
    return with_type(form.dtype, [&](auto zero) {
        return stream.read(target<decltype(zero)>(data, stride, form.interleaved), frames, form.pad,
                           progress);
    });
}

// The decoder's word on why nothing follows here.
inline std::optional<Damage> ask_why(Stream& stream, Progress& progress) {
    Memory one = samples(1, stream.channels(), Dtype::kFloat32);
    return stream.read(target<float>(one.data(), 1, false), 1, false, progress).damage;
}

// Moves the channels of planar samples together when fewer frames came than there is room for.
inline void close_gaps(void* data, const Form& form, int channels, std::int64_t room, std::int64_t frames) {
    if (form.interleaved || frames == room) return;
    const auto size = std::int64_t(item_bytes(form.dtype));
    auto* bytes = static_cast<unsigned char*>(data);
    for (int c = 1; c < channels; ++c)
        std::memmove(bytes + c * frames * size, bytes + c * room * size, std::size_t(frames * size));
}

// Headers are not believed: more than this many bytes of samples are taken at once only for a file that
// is large itself.
inline constexpr std::int64_t kAllocation = 64 << 20;
inline constexpr std::int64_t kAllocationPerByte = 64;

}  // namespace detail

// Reads `frames` from the position on, and no more than are left, into fresh memory.
inline Outcome read_array(Stream& stream, std::int64_t frames, const Form& form, std::int64_t file_bytes,
                          Array& array, Progress& progress) {
    const int channels = stream.channels();
    const std::int64_t there = form.pad ? frames : stream.sound(frames);
    const std::int64_t budget =
        std::max(detail::kAllocation,
                 detail::kAllocationPerByte * std::min(file_bytes, INT64_MAX / detail::kAllocationPerByte));
    const std::int64_t at_once =
        std::max<std::int64_t>(4096, budget / (channels * std::int64_t(item_bytes(form.dtype))));
    const auto refuse = [&] {
        throw DecodeError(stream.name() + ": promises " + grouped(stream.frames()) +
                          " frames, which is too many to be believed of " + grouped(file_bytes) +
                          " bytes and to be filled up with silence; use on_error='partial'");
    };
    if (form.pad && frames > std::max(at_once, stream.sound(frames)) && stream.decoder().damage()) refuse();
    array.dtype = form.dtype;
    array.interleaved = form.interleaved;
    array.channels = channels;
    std::vector<Array> pieces;
    Outcome all;
    do {
        const std::int64_t n = std::min(there - all.frames, at_once);
        Array piece{detail::samples(n, channels, form.dtype), form.dtype, form.interleaved, channels, 0};
        const Outcome got =
            detail::read_as(stream, form, piece.memory.data(), std::ptrdiff_t(n), n, progress);
        piece.frames = got.frames;
        detail::close_gaps(piece.memory.data(), form, channels, n, got.frames);
        all.frames += got.frames;
        all.decoded += got.decoded;
        if (!all.damage) all.damage = got.damage;
        // Damage that shows only on the way: so much silence on end was never in the file.
        if (form.pad && got.decoded == 0 && n == at_once) refuse();
        pieces.push_back(std::move(piece));
        if (got.frames < n) break;
    } while (all.frames < there);
    if (!all.damage && all.frames < frames) all.damage = detail::ask_why(stream, progress);
    array.frames = all.frames;
    if (pieces.size() == 1) {
        array.memory = std::move(pieces[0].memory);
        return all;
    }
    array.memory = detail::samples(all.frames, channels, form.dtype);
    const auto size = item_bytes(form.dtype);
    const std::size_t rows = form.interleaved ? 1 : std::size_t(channels);
    const std::size_t item = form.interleaved ? size * std::size_t(channels) : size;
    auto* to = static_cast<unsigned char*>(array.memory.data());
    for (std::size_t row = 0; row < rows; ++row)
        for (const Array& piece : pieces) {
            const std::size_t bytes = std::size_t(piece.frames) * item;
            std::memcpy(to, static_cast<unsigned char*>(piece.memory.data()) + row * bytes, bytes);
            to += bytes;
        }
    return all;
}

// The same into the caller's memory.
inline Outcome read_place(Stream& stream, std::int64_t frames, const Form& form, const Place& place,
                          Progress& progress) {
    const std::int64_t there = form.pad ? frames : stream.sound(frames);
    Outcome all = detail::read_as(stream, form, place.data, place.stride, there, progress);
    if (!all.damage && all.frames < frames) all.damage = detail::ask_why(stream, progress);
    return all;
}

// Where the next frames come from, and how many of them.
struct Span {
    std::int64_t start = 0;
    std::int64_t frames = -1;  // -1: all that are left, or that there is room for
};

// Reads from the position on: `frames` or, where that is -1, all that are left. A read that asks for more
// than are left also tells damage behind the end that the file shows; with `to_end` so does one that asks
// for just these.
inline Outcome read_on(Stream& stream, std::int64_t frames, bool to_end, const Form& form,
                       std::int64_t file_bytes, const Place* place, Array& array, Progress& progress) {
    const std::int64_t start = stream.position(), left = stream.frames() - start;
    if (place) {
        if (place->channels != stream.channels())
            throw LayoutError(stream.name() + ": out must have " + std::to_string(stream.channels()) +
                              (stream.channels() == 1 ? " channel" : " channels") + ", got " +
                              std::to_string(place->channels));
        if (std::min(frames, left) > place->frames)
            throw LayoutError("out has room for " + grouped(place->frames) + " frames, and " +
                              grouped(std::min(frames, left)) + " are to be read");
        if (frames < 0 && left > place->frames) frames = place->frames;
    }
    to_end = frames < 0 || frames > left || (to_end && frames == left);
    const std::int64_t count = frames < 0 ? left : std::min(frames, left);
    Outcome outcome = place ? read_place(stream, count, form, *place, progress)
                            : read_array(stream, count, form, file_bytes, array, progress);
    if (outcome.decoded == count) {
        outcome.damage.reset();
        // A file without a promised length that shows that its end is missing.
        const auto& damage = stream.decoder().damage();
        // And bytes between frames that belong to none: nothing is lost of what is decoded.
        if (damage &&
            ((to_end && damage->frame >= stream.info().frames) ||
             (stream.reached_by(damage->frame) > start && stream.reached_by(damage->frame) < start + count)))
            outcome.damage = damage;
    }
    return outcome;
}

}  // namespace luthier::io
