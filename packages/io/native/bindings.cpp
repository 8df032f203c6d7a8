// luthier.io._native: encoders, and what read_bindings.cpp adds. Thin: arguments in, the GIL released, errors
// out.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <memory>
#include <optional>
#include <string>

#include "glue.h"
#include "open_encoder.h"
#include "resample_bindings.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace luthier;
using namespace luthier::io;

namespace {

template <class T>
using PlanarInput = nb::ndarray<const T, nb::ndim<2>, nb::device::cpu, nb::c_contig>;

template <class T>
std::int64_t write_from(Encoder& encoder, PlanarInput<T> samples) {
    return alone(encoder, [&] {
        Signals signals;
        return encoder.write(samples.data(), samples.stride(0), std::int64_t(samples.shape(1)), signals);
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

}  // namespace

void luthier::io::translate(const std::exception_ptr& thrown, void*) {
    try {
        std::rethrow_exception(thrown);
    } catch (const luthier::io::DecodeError& e) {
        set_error("DecodeError", e.what());
    } catch (const luthier::io::EncodeError& e) {
        set_error("EncodeError", e.what());
    } catch (const luthier::io::UnsupportedFormat& e) {
        set_error("UnsupportedFormat", e.what());
    } catch (const luthier::io::ParameterError& e) {
        set_error("ParameterError", e.what());
    } catch (const luthier::io::LayoutError& e) {
        set_error("LayoutError", e.what());
    } catch (const MissingLibrary& e) {
        set_error("MissingDependencyError", e.what());
    } catch (const std::system_error& e) {
        // OSError picks its subclass from the number.
        const std::string what = e.what(), reason = e.code().message();
        const std::string name =
            what.size() > reason.size() + 2 ? what.substr(0, what.size() - reason.size() - 2) : what;
        const nb::object path =
            nb::steal(PyUnicode_DecodeFSDefaultAndSize(name.c_str(), Py_ssize_t(name.size())));
        if (!path.is_valid()) return;
        nb::object error = nb::steal(
            PyObject_CallFunction(PyExc_OSError, "isO", e.code().value(), reason.c_str(), path.ptr()));
        if (error.is_valid()) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    }
}

NB_MODULE(_native, m) {
    watch_exit();
    nb::register_exception_translator(translate);

    bind_reading(m);

    nb::class_<Encoder>(m, "Encoder")
        .def_prop_ro("position", [](Encoder& e) { return alone(e, [&] { return e.position(); }); })
        .def_prop_ro("broken", [](Encoder& e) { return alone(e, [&] { return e.broken(); }); })
        .def("write", &write_from<float>, "samples"_a.noconvert())
        .def("write", &write_from<double>, "samples"_a.noconvert())
        .def(
            "finish", [](Encoder& e, bool durable) { alone(e, [&] { e.finish(durable); }); }, "durable"_a)
        .def("abandon", [](Encoder& e) { alone(e, [&] { e.abandon(); }); });
    m.def(
        "open_encoder",
        [](int descriptor, const std::string& name, const std::string& format, const std::string& subtype,
           int sample_rate, int channels, std::int64_t frames, std::optional<std::uint64_t> dither,
           std::optional<double> compression, std::optional<int> bitrate_mode) {
            return open_encoder(
                std::make_unique<Sink>(name, descriptor),
                {format, subtype, sample_rate, channels, frames, dither, compression, bitrate_mode});
        },
        "descriptor"_a, "name"_a, "format"_a, "subtype"_a, "sample_rate"_a, "channels"_a, "frames"_a,
        "dither"_a = nb::none(), "compression"_a = nb::none(), "bitrate_mode"_a = nb::none(),
        nb::call_guard<ReleaseGil>());

    bind_resampling(m);
}
