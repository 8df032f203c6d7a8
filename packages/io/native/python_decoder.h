// A decoder written in Python, as the native code sees it.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <string>
#include <utility>

#include "decoder.h"
#include "luthier/python.h"

namespace luthier::io {

// The object has the attributes format, subtype, sample_rate, channels, frames and promised, and the method
// read(frame, out), which fills `out`, an array of shape (channels, frames), from that frame on and returns
// how many frames it wrote and, when these are fewer, why, else None.
class PythonDecoder : public Decoder {
  public:
    // Called with the GIL.
    explicit PythonDecoder(nanobind::object object) : object_(std::move(object)) {
        namespace nb = nanobind;
        info_.format = nb::cast<std::string>(object_.attr("format"));
        info_.subtype = nb::cast<std::string>(object_.attr("subtype"));
        info_.sample_rate = nb::cast<int>(object_.attr("sample_rate"));
        info_.channels = nb::cast<int>(object_.attr("channels"));
        info_.frames = nb::cast<std::int64_t>(object_.attr("frames"));
        info_.promised = nb::cast<bool>(object_.attr("promised"));
        const nb::object damage = object_.attr("damage");
        if (!damage.is_none()) note({nb::cast<std::string>(damage), info_.frames, -1});
    }
    ~PythonDecoder() override {
        AcquireGil gil;
        object_.reset();
    }

    std::int64_t read(const Target<float>& to, std::int64_t frames, Progress&) override {
        return read_as(to, frames);
    }
    std::int64_t read(const Target<double>& to, std::int64_t frames, Progress&) override {
        return read_as(to, frames);
    }

  private:
    template <class T>
    std::int64_t read_as(const Target<T>& to, std::int64_t frames) {
        namespace nb = nanobind;
        fault_.reset();
        if (frames == 0) return 0;
        AcquireGil gil;
        const std::size_t shape[] = {std::size_t(info_.channels), std::size_t(frames)};
        const std::int64_t strides[] = {to.interleaved ? 1 : std::int64_t(to.stride),
                                        to.interleaved ? info_.channels : 1};
        nb::ndarray<nb::numpy, T> view(to.data, 2, shape, nb::capsule(to.data, [](void*) noexcept {}),
                                       strides);
        const nb::tuple got = nb::cast<nb::tuple>(object_.attr("read")(position_, nb::cast(view)));
        const auto done = nb::cast<std::int64_t>(got[0]);
        if (done < 0 || done > frames) throw DecodeError("the decoder returned a wrong number of frames");
        position_ += done;
        if (done < frames)
            stop_at(
                {got[1].is_none() ? "its audio is cut short" : nb::cast<std::string>(got[1]), position_, -1});
        return done;
    }

    nanobind::object object_;
};

}  // namespace luthier::io
