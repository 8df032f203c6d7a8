// Which channels of a file are wanted, and how they come out of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "errors.h"
#include "pcm.h"

namespace luthier::io {

// What the caller said, before the file is known.
struct ChannelWish {
    enum Kind { kAll, kMean, kCount, kList, kSlice };
    // As of Python's slices; a missing bound is its kNone.
    static constexpr std::int64_t kNone = INT64_MIN;

    Kind kind = kAll;
    std::vector<std::int64_t> values;  // kCount: one; kList: indices; kSlice: start, stop, step
};

// What becomes of the channels of one file.
struct ChannelMap {
    int channels = 0;        // that come out
    bool all = true;         // as they are
    bool mean = false;       // one, the mean of all
    std::vector<int> picks;  // else: the channel of the file for each
};

namespace detail {
// The indices that Python's slice gives, for `length` channels.
inline std::vector<std::int64_t> slice(const std::vector<std::int64_t>& of, std::int64_t length) {
    const std::int64_t none = ChannelWish::kNone;
    const std::int64_t step = of[2] == none ? 1 : of[2];
    const std::int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? length - 1 : length;
    const auto bound = [&](std::int64_t value, std::int64_t missing) {
        if (value == none) return missing;
        if (value < 0) value = value < -length ? lowest : value + length;
        return std::clamp(value, lowest, highest);
    };
    const std::int64_t start = bound(of[0], step < 0 ? highest : 0);
    const std::int64_t stop = bound(of[1], step < 0 ? lowest : length);
    std::vector<std::int64_t> indices;
    for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
        indices.push_back(i);
        if (step > length || step < -length) break;
        i += step;
    }
    return indices;
}
}  // namespace detail

inline ChannelMap resolve(const ChannelWish& wish, int there, const std::string& name) {
    static constexpr int kMost = 4096;
    const std::string has = name + ": has " + std::to_string(there) + (there == 1 ? " channel" : " channels");
    ChannelMap map;
    map.channels = there;
    if (wish.kind == ChannelWish::kAll) return map;
    const bool one = wish.kind == ChannelWish::kCount && wish.values[0] == 1;
    if (wish.kind == ChannelWish::kMean || one) {
        map.channels = 1;
        map.mean = there > 1;
        map.all = there == 1;
        return map;
    }
    if (wish.kind == ChannelWish::kCount) {
        const std::int64_t count = wish.values[0];
        if (count == there) return map;
        if (there != 1 || count > kMost)
            throw ParameterError(has + ", and channels=" + std::to_string(count) +
                                 " is a number that only one channel can be copied to; pass channels='mono' "
                                 "for their mean, or a list of indices such as channels=[0, 1]");
        map.picks.assign(std::size_t(count), 0);
    } else {
        const bool list = wish.kind == ChannelWish::kList;
        for (const std::int64_t i : list ? wish.values : detail::slice(wish.values, there)) {
            if (i < -there || i >= there)
                throw ParameterError(has + ", which count from 0; channels asks for channel " +
                                     std::to_string(i));
            map.picks.push_back(int(i < 0 ? i + there : i));
        }
        if (map.picks.empty()) throw ParameterError(has + ", and channels selects none of them");
    }
    map.channels = int(map.picks.size());
    map.all = map.channels == there;
    for (int c = 0; map.all && c < there; ++c) map.all = map.picks[std::size_t(c)] == c;
    return map;
}

// Planar frames of the file to planar or interleaved frames of the map. The mean adds the channels in
// their order and divides once, as NumPy does.
template <class T>
void map_channels(const ChannelMap& map, const T* from, std::ptrdiff_t stride, int there, const Target<T>& to,
                  std::int64_t frames) {
    const std::ptrdiff_t step = to.interleaved ? map.channels : 1;
    const std::ptrdiff_t row = to.interleaved ? 1 : to.stride;
    if (map.mean) {
        // In runs that stay in the first cache.
        static constexpr std::int64_t kRun = 1024;
        T sum[kRun];
        for (std::int64_t done = 0; done < frames; done += kRun) {
            const std::int64_t n = std::min(kRun, frames - done);
            const T* first = from + done;
            for (std::int64_t i = 0; i < n; ++i) sum[i] = first[i];
            for (int c = 1; c < there; ++c) {
                const T* channel = first + c * stride;
                for (std::int64_t i = 0; i < n; ++i) sum[i] += channel[i];
            }
            T* out = to.data + done;
            const T count = T(there);
            for (std::int64_t i = 0; i < n; ++i) out[i] = sum[i] / count;
        }
        return;
    }
    for (int c = 0; c < map.channels; ++c) {
        const T* channel = from + (map.all ? c : map.picks[std::size_t(c)]) * stride;
        T* out = to.data + c * row;
        if (step == 1)
            std::copy_n(channel, frames, out);
        else
            for (std::int64_t i = 0; i < frames; ++i) out[i * step] = channel[i];
    }
}

}  // namespace luthier::io
