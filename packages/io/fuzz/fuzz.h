// What every target does with its input: hold the decoder to the contract of decoder.h.
//
// A target defines open_fuzzed(), and nothing else:
//
//     std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress& progress) {
//         return std::make_unique<WavDecoder>(source, parse_wav(*source));
//     }
//
// The errors of errors.h are what a decoder may throw, on opening only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "decoder.h"

namespace luthier::io::fuzz {

struct Quiet : Progress {
    void poll() override {}
};

inline void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

// All that is compared of a file: its first frames, whole where it is short.
constexpr std::int64_t kMostSamples = 1 << 18;

struct Straight {
    std::vector<float> samples;  // planar
    std::vector<char> good;      // whether the frame was decoded
    std::int64_t frames = 0;
};

// One read, checked for what holds of every read.
template <class T>
std::int64_t read_checked(Decoder& decoder, std::vector<T>& to, std::int64_t frames) {
    Quiet quiet;
    const StreamInfo& info = decoder.info();
    const std::int64_t before = decoder.position();
    to.assign(std::size_t(frames * info.channels), T(0));
    const std::int64_t got = decoder.read(Target<T>{to.data(), std::ptrdiff_t(frames), false}, frames, quiet);
    check(got >= 0 && got <= frames, "a read gives at most what was asked for");
    check(decoder.position() == before + got, "the position is behind what was read");
    check((got < frames) == decoder.fault().has_value(), "a short read has a fault, and no other has one");
    if (got < frames) {
        check(decoder.damage().has_value(), "a fault is known damage");
        check(decoder.fault()->frame >= 0 && decoder.fault()->frame <= before + got,
              "a read stops at the damage");
        check(!decoder.fault()->reason.empty(), "damage has a reason");
    }
    return got;
}

inline Straight read_straight(Decoder& decoder) {
    Quiet quiet;
    Straight all;
    const StreamInfo& info = decoder.info();
    all.frames = std::min(info.frames, kMostSamples / info.channels);
    all.samples.resize(std::size_t(all.frames * info.channels));
    all.good.resize(std::size_t(all.frames));
    std::vector<float> block;
    for (int stops = 0; decoder.position() < all.frames && stops < 1'000;) {
        const std::int64_t at = decoder.position(), n = std::min<std::int64_t>(1'000, all.frames - at);
        const std::int64_t got = read_checked(decoder, block, n);
        std::fill_n(all.good.begin() + at, got, char(1));
        for (int c = 0; c < info.channels; ++c)
            std::copy_n(block.begin() + c * n, got, all.samples.begin() + c * all.frames + at);
        if (got == n) continue;
        const std::int64_t next = decoder.resume(at + got, quiet);
        check(next >= at + got && next <= info.frames, "decoding resumes behind the damage");
        decoder.seek(std::max(next, at + got + 1));
        ++stops;
    }
    all.frames = std::min(all.frames, decoder.position());
    return all;
}

inline void compare(Decoder& decoder, const Straight& all, std::int64_t at, std::int64_t frames) {
    const int channels = decoder.info().channels;
    const std::size_t stride = all.samples.size() / std::size_t(channels);
    frames = std::min(frames, all.frames - at);
    if (frames < 0) return;
    decoder.seek(at);
    std::vector<float> block;
    const std::int64_t got = read_checked(decoder, block, frames);
    std::int64_t expected = 0;
    while (expected < frames && all.good[std::size_t(at + expected)]) ++expected;
    check(got == expected, "a read after a seek stops where the straight read did");
    for (int c = 0; c < channels; ++c)
        check(
            !got || !std::memcmp(block.data() + c * frames, all.samples.data() + std::size_t(c) * stride + at,
                                 std::size_t(got) * sizeof(float)),
            "a read after a seek gives the samples of the straight read");
}

std::unique_ptr<Decoder> open_fuzzed(std::shared_ptr<Source> source, Progress& progress);

inline void run(const std::uint8_t* data, std::size_t size) {
    Quiet quiet;
    const auto source = std::make_shared<MemorySource>("input", data, std::int64_t(size));
    std::unique_ptr<Decoder> decoder;
    try {
        decoder = open_fuzzed(source, quiet);
    } catch (const DecodeError&) {
        return;
    } catch (const UnsupportedFormat&) {
        return;
    }
    if (!decoder) return;
    const StreamInfo& info = decoder->info();
    check(info.channels >= 1 && info.channels <= 65'535, "there are channels");
    check(info.sample_rate >= 1, "there is a rate");
    check(info.frames >= 0, "frames are counted");
    check(!info.format.empty() && !info.subtype.empty(), "format and subtype have names");
    // Hundreds of thousands of silent channels only take time.
    const Straight all = read_straight(*decoder);

    // Places are made of the input's own last bytes, so that they are mutated with it.
    std::uint64_t state = 88'172'645'463'325'252u;
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 16); ++i)
        state = (state ^ data[size - 1 - i]) * 1'099'511'628'211u;
    const auto random = [&](std::int64_t below) {
        state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
        return below > 0 ? std::int64_t((state >> 33) % std::uint64_t(below)) : 0;
    };
    for (int i = 0; i < 8; ++i) compare(*decoder, all, random(all.frames + 1), random(1'200));
    if (all.frames > 0) compare(*decoder, all, 0, std::min<std::int64_t>(all.frames, 4'000));

    // The end, which a promise may put far beyond the bytes.
    std::vector<double> doubles;
    decoder->seek(info.frames);
    read_checked(*decoder, doubles, 0);
    decoder->seek(std::max<std::int64_t>(0, info.frames - 3));
    read_checked(*decoder, doubles, std::min<std::int64_t>(3, info.frames));
    decoder->seek(random(all.frames + 1));
    read_checked(*decoder, doubles, std::min<std::int64_t>(100, info.frames - decoder->position()));

    // An index speeds up what it does not change, whoever made it.
    const std::string index = decoder->index(quiet);
    for (int i = 0; i < 2; ++i) {
        const auto other = open_fuzzed(source, quiet);
        std::string given = index;
        if (i == 1) {
            if (given.empty())
                given.assign(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 64));
            for (int k = 0; k < 3 && !given.empty(); ++k)
                given[std::size_t(random(std::int64_t(given.size())))] ^= char(1 + random(255));
        }
        const bool taken = other->use_index(given);
        if (i == 0 && taken)
            for (int k = 0; k < 4; ++k) compare(*other, all, random(all.frames + 1), random(600));
        if (i == 1) {
            other->seek(random(all.frames + 1));
            read_checked(*other, doubles, std::min<std::int64_t>(500, info.frames - other->position()));
        }
    }
}

}  // namespace luthier::io::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    luthier::io::fuzz::run(data, size);
    return 0;
}
