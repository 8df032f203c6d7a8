// luthier.io._native: decoders and encoders. Thin: arguments in, the GIL released, errors out.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "luthier/python.h"
#include "open.h"
#include "sndfile_writer.h"
#include "wav_writer.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace luthier;
using namespace luthier::io;

namespace {

// Lets Ctrl-C through while the GIL is released.
class Signals : public Progress {
  public:
    void poll() override {
        const auto now = Clock::now();
        if (now - last_ < std::chrono::milliseconds(50)) return;
        last_ = now;
        AcquireGil gil;
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point last_ = Clock::now();
};

// The caller's bytes, held for as long as the source lives.
class BufferSource : public MemorySource {
  public:
    BufferSource(std::string name, Py_buffer view)
        : MemorySource(std::move(name), view.buf, std::int64_t(view.len)), view_(view) {}
    ~BufferSource() override {
        AcquireGil gil;
        PyBuffer_Release(&view_);
    }

  private:
    Py_buffer view_;
};

std::shared_ptr<Source> buffer_source(nb::handle object, const std::string& name) {
    Py_buffer view;
    if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_SIMPLE) != 0) throw nb::python_error();
    return std::make_shared<BufferSource>(name, view);
}

template <class T>
using Planar = nb::ndarray<T, nb::ndim<2>, nb::device::cpu>;
template <class T>
using PlanarInput = nb::ndarray<const T, nb::ndim<2>, nb::device::cpu, nb::c_contig>;

// Runs `body` without the GIL and with the object to itself.
template <class Object, class F>
auto alone(Object& object, F&& body) {
    ReleaseGil release;
    std::lock_guard lock(object.mutex);
    return body();
}

template <class T>
std::int64_t read_into(Decoder& decoder, Planar<T> out, bool interleaved, bool pad) {
    const int channels = decoder.info().channels;
    const bool shaped =
        interleaved ? out.shape(1) == std::size_t(channels) && out.stride(1) == 1 &&
                          (out.stride(0) == channels || out.shape(0) <= 1)
                    : out.shape(0) == std::size_t(channels) && (out.stride(1) == 1 || out.shape(1) <= 1);
    if (!shaped) throw nb::value_error("the array's shape or strides do not fit");
    const Target<T> target{out.data(), std::ptrdiff_t(interleaved ? 0 : out.stride(0)), interleaved};
    const auto frames = std::int64_t(interleaved ? out.shape(0) : out.shape(1));
    return alone(decoder, [&] {
        Signals signals;
        return pad ? read_padded(decoder, target, frames, signals) : decoder.read(target, frames, signals);
    });
}

// (reason, frame, offset) of damage, or None.
using DamageTuple = std::optional<std::tuple<std::string, std::int64_t, std::int64_t>>;

DamageTuple as_tuple(const std::optional<Damage>& damage) {
    if (!damage) return std::nullopt;
    return std::tuple(damage->reason, damage->frame, damage->offset);
}

template <class T>
std::int64_t check(Encoder& encoder, PlanarInput<T> samples) {
    return alone(encoder, [&] {
        Signals signals;
        return encoder.check(samples.data(), samples.stride(0), int(samples.shape(0)),
                             std::int64_t(samples.shape(1)), signals);
    });
}

template <class T>
void write_from(Encoder& encoder, PlanarInput<T> samples) {
    alone(encoder, [&] {
        Signals signals;
        encoder.write(samples.data(), samples.stride(0), std::int64_t(samples.shape(1)), signals);
    });
}

void set_error(const char* type, const char* message) {
    try {
        nb::object error = nb::module_::import_("luthier.core").attr(type);
        PyErr_SetString(error.ptr(), message);
    } catch (nb::python_error& failed) {
        failed.restore();
    }
}

void translate(const std::exception_ptr& thrown, void*) {
    try {
        std::rethrow_exception(thrown);
    } catch (const luthier::io::DecodeError& e) {
        set_error("DecodeError", e.what());
    } catch (const luthier::io::EncodeError& e) {
        set_error("EncodeError", e.what());
    } catch (const luthier::io::UnsupportedFormat& e) {
        set_error("UnsupportedFormat", e.what());
    } catch (const MissingLibrary& e) {
        set_error("MissingDependencyError", e.what());
    } catch (const std::system_error& e) {
        // OSError picks its subclass from the number.
        const std::string what = e.what(), reason = e.code().message();
        const std::string name =
            what.size() > reason.size() + 2 ? what.substr(0, what.size() - reason.size() - 2) : what;
        nb::object error = nb::steal(
            PyObject_CallFunction(PyExc_OSError, "iss", e.code().value(), reason.c_str(), name.c_str()));
        if (error.is_valid()) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    }
}

}  // namespace

NB_MODULE(_native, m) {
    watch_exit();
    nb::register_exception_translator(translate);

    m.def(
        "load_sndfile", [](const std::string& path) { return std::string(sf::load(path).version_string()); },
        "path"_a, nb::call_guard<ReleaseGil>());
    m.def("sndfile_loaded", [] { return sf::loaded().load() != nullptr; });

    nb::class_<Source>(m, "Source").def_prop_ro("size", &Source::size).def_prop_ro("name", &Source::name);
    m.def(
        "file_source",
        [](int descriptor, std::int64_t start, const std::string& name) -> std::shared_ptr<Source> {
            return std::make_shared<FileSource>(name, descriptor, start);
        },
        "descriptor"_a, "start"_a, "name"_a);
    m.def("buffer_source", &buffer_source, "buffer"_a, "name"_a);

    nb::class_<Decoder>(m, "Decoder")
        .def_prop_ro("format", [](Decoder& d) { return d.info().format; })
        .def_prop_ro("subtype", [](Decoder& d) { return d.info().subtype; })
        .def_prop_ro("sample_rate", [](Decoder& d) { return d.info().sample_rate; })
        .def_prop_ro("channels", [](Decoder& d) { return d.info().channels; })
        .def_prop_ro("frames", [](Decoder& d) { return d.info().frames; })
        .def_prop_ro("position", [](Decoder& d) { return alone(d, [&] { return d.position(); }); })
        .def(
            "seek", [](Decoder& d, std::int64_t frame) { alone(d, [&] { d.seek(frame); }); }, "frame"_a)
        .def_prop_ro("promised", [](Decoder& d) { return d.info().promised; })
        .def_prop_ro("damage", [](Decoder& d) { return alone(d, [&] { return as_tuple(d.damage()); }); })
        .def_prop_ro("fault", [](Decoder& d) { return alone(d, [&] { return as_tuple(d.fault()); }); })
        .def("read_into", &read_into<float>, "out"_a.noconvert(), "interleaved"_a, "pad"_a = false)
        .def("read_into", &read_into<double>, "out"_a.noconvert(), "interleaved"_a, "pad"_a = false)
        .def("index",
             [](Decoder& d) {
                 const std::string index = alone(d, [&] {
                     Signals signals;
                     return d.index(signals);
                 });
                 return nb::bytes(index.data(), index.size());
             })
        .def(
            "use_index",
            [](Decoder& d, nb::bytes index) {
                const std::string copy(index.c_str(), index.size());
                return alone(d, [&] { return d.use_index(copy); });
            },
            "index"_a);
    m.def(
        "open_decoder",
        [](std::shared_ptr<Source> source) {
            Signals signals;
            return open_decoder(std::move(source), signals);
        },
        "source"_a, nb::call_guard<ReleaseGil>());

    nb::class_<Encoder>(m, "Encoder")
        .def_prop_ro("position", [](Encoder& e) { return alone(e, [&] { return e.position(); }); })
        .def("check", &check<float>, "samples"_a.noconvert())
        .def("check", &check<double>, "samples"_a.noconvert())
        .def("write", &write_from<float>, "samples"_a.noconvert())
        .def("write", &write_from<double>, "samples"_a.noconvert())
        .def("finish", [](Encoder& e) { alone(e, [&] { e.finish(); }); })
        .def("abandon", [](Encoder& e) { alone(e, [&] { e.abandon(); }); });
    m.def(
        "open_encoder",
        [](int descriptor, const std::string& name, const std::string& format, const std::string& subtype,
           int sample_rate, int channels, std::int64_t frames) -> std::unique_ptr<Encoder> {
            auto sink = std::make_unique<Sink>(name, descriptor);
            if (format == "WAV")
                return std::make_unique<WavEncoder>(std::move(sink), subtype, sample_rate, channels, frames);
            return std::make_unique<SndfileEncoder>(std::move(sink), format, subtype, sample_rate, channels);
        },
        "descriptor"_a, "name"_a, "format"_a, "subtype"_a, "sample_rate"_a, "channels"_a, "frames"_a,
        nb::call_guard<ReleaseGil>());
}
