// The reading half of luthier.io._native.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "file_path.h"
#include "glue.h"
#include "job.h"
#include "many.h"
#include "open.h"
#include "python_decoder.h"
#include "python_source.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::io {
namespace {

// ---- opening

// Functions of the Python half, kept for ever.
struct Hooks {
    nb::object load_library;  // () -> None: loads libsndfile or raises
    nb::object open_other;    // (source, message) -> a decoder for PythonDecoder, or None
    nb::object read_whole;    // (path) -> bytes of what is no regular file
};
Hooks& hooks() {
    static auto* made = new Hooks;
    return *made;
}

const luthier_pool* shared_pool() {
    static const luthier_pool* pool = [] {
        const nb::object capsule = nb::module_::import_("luthier.core._native").attr("pool")();
        return static_cast<const luthier_pool*>(nb::cast<nb::capsule>(capsule).data(kPoolCapsule));
    }();
    return pool;
}

std::shared_ptr<Source> buffer_source(nb::handle object, const std::string& name) {
    Py_buffer view;
    if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_SIMPLE) != 0) throw nb::python_error();
    return std::make_shared<BufferSource>(name, view);
}

// Where to read: a path's bytes, until the file is opened.
struct Origin {
    std::string path, name;
    std::shared_ptr<Source> source;
    nb::object opener;  // or what gives it

    // Without the GIL.
    void open() {
        if (opener.is_valid()) {
            AcquireGil gil;
            source = nb::cast<std::shared_ptr<Source>>(opener());
            opener.reset();
        }
        if (!source) source = open_path(path, name);
        if (!source) {
            AcquireGil gil;
            source = buffer_source(hooks().read_whole(nb::bytes(path.data(), path.size())), name);
        }
        if (source->size() == 0)
            throw DecodeError(name + ": is empty" + (name == "<BytesIO>" ? "; seek(0) first?" : ""));
    }
};

// Without the GIL. What neither our own code nor libsndfile knows is offered to Python.
std::unique_ptr<Decoder> open_any(const std::shared_ptr<Source>& source, Progress& progress) {
    const auto ask_python = [&](const std::exception& refused) -> std::unique_ptr<Decoder> {
        AcquireGil gil;
        if (!hooks().open_other.is_valid() || hooks().open_other.is_none()) return nullptr;
        const nb::object other = hooks().open_other(source, refused.what());
        if (other.is_none()) return nullptr;
        return std::make_unique<PythonDecoder>(other);
    };
    const auto native = [&] {
        try {
            return open_decoder(source, progress);
        } catch (const MissingLibrary&) {
            if (sf::loaded().load()) throw;
            AcquireGil gil;
            hooks().load_library();
        }
        return open_decoder(source, progress);
    };
    try {
        return native();
    } catch (const UnsupportedFormat& refused) {
        if (auto other = ask_python(refused)) return other;
        throw;
    }
}

// ---- what Python passes

Origin origin_of(nb::handle source, const std::string& name) {
    if (nb::isinstance<nb::bytes>(source)) {
        const auto path = nb::borrow<nb::bytes>(source);
        return {std::string(path.c_str(), path.size()), name, nullptr, {}};
    }
    if (nb::isinstance<Source>(source)) return {"", name, nb::cast<std::shared_ptr<Source>>(source), {}};
    return {"", name, nullptr, nb::borrow(source)};
}

// None or (kind, values).
ChannelWish channels_of(nb::handle given) {
    ChannelWish wish;
    if (given.is_none()) return wish;
    const auto pair = nb::cast<std::tuple<int, std::vector<std::int64_t>>>(given);
    wish.kind = ChannelWish::Kind(std::get<0>(pair));
    wish.values = std::get<1>(pair);
    return wish;
}

// None or (rate, quality).
void set_rate(Wish& wish, nb::handle given) {
    if (given.is_none()) return;
    const auto pair = nb::cast<std::tuple<int, int>>(given);
    wish.sample_rate = std::get<0>(pair);
    wish.quality = ResampleQuality(std::get<1>(pair));
}

using AnyArray = nb::ndarray<nb::ndim<2>, nb::device::cpu>;

// `out` was checked in Python, except for the frames and channels that the file decides.
std::optional<Place> place_of(nb::handle given, bool interleaved) {
    if (given.is_none()) return std::nullopt;
    const auto out = nb::cast<AnyArray>(given);
    Place place;
    place.data = out.data();
    place.frames = std::int64_t(out.shape(interleaved ? 0 : 1));
    place.channels = int(out.shape(interleaved ? 1 : 0));
    place.stride = interleaved ? 0 : std::ptrdiff_t(out.stride(0));
    return place;
}

// ---- what Python gets

nb::dlpack::dtype dlpack_type(Dtype dtype) {
    switch (dtype) {
        case Dtype::kFloat64: return nb::dtype<double>();
        case Dtype::kInt16: return nb::dtype<std::int16_t>();
        case Dtype::kInt32: return nb::dtype<std::int32_t>();
        default: return nb::dtype<float>();
    }
}

nb::object give(Array&& array) {
    auto* memory = new Memory(std::move(array.memory));
    nb::capsule owner(memory, [](void* p) noexcept { delete static_cast<Memory*>(p); });
    std::size_t shape[] = {std::size_t(array.channels), std::size_t(array.frames)};
    if (array.interleaved) std::swap(shape[0], shape[1]);
    return nb::cast(
        nb::ndarray<nb::numpy>(memory->data(), 2, shape, owner, nullptr, dlpack_type(array.dtype)));
}

// (reason, frame, byte offset or -1, frames promised or None, frames decoded), or None.
nb::object damage_tuple(const std::optional<Damage>& damage, const StreamInfo& info, std::int64_t decoded) {
    if (!damage) return nb::none();
    const nb::object promised = info.promised ? nb::object(nb::int_(info.frames)) : nb::none();
    return nb::make_tuple(damage->reason, damage->frame, damage->offset, promised, decoded);
}

// ---- one read

struct Job {
    Origin origin;
    Span span;
    Wish wish;
    Form form;
    std::optional<Place> place;
    nb::object out;            // keeps the place alive
    std::string index;         // to be taken, or empty
    bool index_given = false;  // by hand: to be of this file
    bool index_wanted = false;
    bool verify = false;
};

struct Done {
    Array array;
    Outcome outcome;
    StreamInfo info;
    std::string index;  // that was built
    std::exception_ptr error;
};

// (source, name, start, frames, channels, dtype, interleaved, pad, out, index, index_given, index_wanted,
//  rate, verify)
Job job_of(nb::handle request) {
    const auto r = nb::borrow<nb::tuple>(request);
    Job job;
    job.origin = origin_of(r[0], nb::cast<std::string>(r[1]));
    job.span = {nb::cast<std::int64_t>(r[2]), nb::cast<std::int64_t>(r[3])};
    job.wish.channels = channels_of(r[4]);
    set_rate(job.wish, r[12]);
    job.form = {Dtype(nb::cast<int>(r[5])), nb::cast<bool>(r[6]), nb::cast<bool>(r[7])};
    job.place = place_of(r[8], job.form.interleaved);
    job.out = nb::borrow(r[8]);
    if (!r[9].is_none()) {
        const auto index = nb::cast<nb::bytes>(r[9]);
        job.index.assign(index.c_str(), index.size());
    }
    job.index_given = nb::cast<bool>(r[10]);
    job.index_wanted = nb::cast<bool>(r[11]);
    job.verify = nb::cast<bool>(r[13]);
    return job;
}

[[noreturn]] void refuse_index(const std::string& name) {
    throw ParameterError(name +
                         ": the index is of another file; build one of this with luthier.io.build_index");
}

// Without the GIL.
void run(Job& job, Done& done, Progress& progress) {
    const std::string& name = job.origin.name;
    job.origin.open();
    Stream stream(open_any(job.origin.source, progress), job.wish, name);
    bool indexed = !job.index.empty() && stream.decoder().use_index(job.index);
    if (!indexed && job.index_given) refuse_index(name);
    if (!indexed && job.index_wanted) done.index = stream.decoder().index(progress);
    std::optional<Damage> wrong;
    if (job.verify) wrong = stream.decoder().verify(progress);
    if (job.span.start > stream.frames())
        throw ParameterError(name + ": start must be from 0 to the file's " + grouped(stream.frames()) +
                             " frames, got " + grouped(job.span.start));
    stream.seek(job.span.start);
    done.outcome = read_on(stream, job.span.frames, false, job.form, job.origin.source->size(),
                           job.place ? &*job.place : nullptr, done.array, progress);
    if (!done.outcome.damage) done.outcome.damage = wrong;
    done.info = stream.info();
    done.info.sample_rate = stream.sample_rate();
}

// (array or the number of frames written to out, sample rate, damage, index)
nb::object result(Job& job, Done& done) {
    const nb::object samples =
        job.place ? nb::object(nb::int_(done.outcome.frames)) : give(std::move(done.array));
    const nb::object index =
        done.index.empty() ? nb::none() : nb::object(nb::bytes(done.index.data(), done.index.size()));
    return nb::make_tuple(samples, done.info.sample_rate,
                          damage_tuple(done.outcome.damage, done.info, done.outcome.decoded), index);
}

nb::object read_one(nb::handle request) {
    Job job = job_of(request);
    Done done;
    {
        ReleaseGil release;
        Signals signals;
        run(job, done, signals);
    }
    return result(job, done);
}

// What Python raises for it.
nb::object as_exception(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (nb::python_error& e) {
        return nb::borrow(e.value());
    } catch (const std::bad_alloc&) {
        return nb::steal(PyObject_CallFunction(PyExc_MemoryError, "s", "not enough memory for the samples"));
    } catch (...) {
    }
    try {
        translate(error, nullptr);
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    }
    nb::python_error raised;
    return nb::borrow(raised.value());
}

// The result of each request, or the exception that it raised.
nb::list read_many(nb::list requests, std::size_t threads) {
    const std::size_t n = requests.size();
    std::vector<Job> jobs;
    jobs.reserve(n);
    for (nb::handle request : requests) jobs.push_back(job_of(request));
    std::vector<Done> done(n);
    const luthier_pool* pool = shared_pool();
    {
        ReleaseGil release;
        Signals signals;
        run_many(pool, n, threads, signals, [&](std::size_t i, Progress& progress) {
            try {
                run(jobs[i], done[i], progress);
            } catch (const Stopped&) {
                throw;
            } catch (const nb::python_error& e) {
                // Ctrl-C ends it all, an error of the caller's file object only this item.
                AcquireGil gil;
                if (!e.matches(PyExc_Exception)) throw;
                done[i].error = std::current_exception();
            } catch (...) {
                done[i].error = std::current_exception();
            }
            jobs[i].origin.source.reset();
        });
    }
    nb::list results;
    for (std::size_t i = 0; i < n; ++i)
        results.append(done[i].error ? as_exception(done[i].error) : result(jobs[i], done[i]));
    return results;
}

// ---- a stream

class Handle {
  public:
    Handle(nb::handle source, const std::string& name, nb::handle channels, nb::handle rate) {
        Origin origin = origin_of(source, name);
        Wish wish;
        wish.channels = channels_of(channels);
        set_rate(wish, rate);
        ReleaseGil release;
        Signals signals;
        origin.open();
        bytes = origin.source->size();
        stream = std::make_unique<Stream>(open_any(origin.source, signals), wish, name);
    }

    std::int64_t bytes = 0;
    std::unique_ptr<Stream> stream;
    std::mutex mutex;
};

// From `start`, or from where it is: (array or frames, damage). The position stays when there is damage
// and `keep`.
nb::object read_stream(Handle& h, std::int64_t frames, bool to_end, int dtype, bool interleaved, bool pad,
                       nb::handle out, bool keep) {
    const std::optional<Place> place = place_of(out, interleaved);
    const Form form{Dtype(dtype), interleaved, pad};
    Array array;
    const Outcome outcome = alone(h, [&] {
        Signals signals;
        const std::int64_t start = h.stream->position();
        try {
            const Outcome got =
                read_on(*h.stream, frames, to_end, form, h.bytes, place ? &*place : nullptr, array, signals);
            if (got.damage && keep) h.stream->seek(start);
            return got;
        } catch (...) {
            h.stream->seek(start);
            throw;
        }
    });
    const nb::object samples = place ? nb::object(nb::int_(outcome.frames)) : give(std::move(array));
    return nb::make_tuple(samples, damage_tuple(outcome.damage, h.stream->info(), outcome.decoded));
}

}  // namespace

void bind_reading(nb::module_& m) {
    m.def(
        "load_sndfile", [](const std::string& path) { return std::string(sf::load(path).version_string()); },
        "path"_a, nb::call_guard<ReleaseGil>());
    m.def("sndfile_loaded", [] { return sf::loaded().load() != nullptr; });
    m.def(
        "set_hooks",
        [](nb::object load_library, nb::object open_other, nb::object read_whole) {
            hooks() = {std::move(load_library), std::move(open_other), std::move(read_whole)};
        },
        "load_library"_a, "open_other"_a.none(), "read_whole"_a,
        nb::sig("def set_hooks(load_library: typing.Callable[[], object], "
                "open_other: typing.Callable[[Source, str], object] | None, "
                "read_whole: typing.Callable[[bytes], bytes]) -> None"));

    nb::class_<Source>(m, "Source")
        .def_prop_ro("size", &Source::size)
        .def_prop_ro("name", &Source::name)
        .def(
            "read_at",
            [](Source& source, std::int64_t offset, std::int64_t bytes) {
                bytes = std::clamp<std::int64_t>(source.size() - offset, 0, std::max<std::int64_t>(0, bytes));
                std::string data;
                {
                    ReleaseGil release;
                    data.resize(std::size_t(bytes));
                    data.resize(source.read_at(offset, data.data(), data.size()));
                }
                return nb::bytes(data.data(), data.size());
            },
            "offset"_a, "count"_a);
    m.def(
        "file_source",
        [](int descriptor, std::int64_t start, const std::string& name) -> std::shared_ptr<Source> {
            return std::make_shared<FileSource>(name, descriptor, start);
        },
        "descriptor"_a, "start"_a, "name"_a);
    m.def(
        "path_source",
        [](nb::bytes path, const std::string& name) {
            Origin origin = origin_of(path, name);
            ReleaseGil release;
            origin.open();
            return origin.source;
        },
        "path"_a, "name"_a);
    m.def("buffer_source", &buffer_source, "buffer"_a, "name"_a);
    m.def(
        "python_source",
        [](nb::object read, std::int64_t size, const std::string& name) -> std::shared_ptr<Source> {
            return std::make_shared<PythonSource>(name, std::move(read), size);
        },
        "read"_a, "size"_a, "name"_a,
        nb::sig("def python_source(read: typing.Callable[[int, int], typing.Any], size: int, name: str) -> "
                "Source"));

    m.def("read", &read_one, "request"_a,
          nb::sig("def read(request: tuple[typing.Any, ...]) -> tuple[typing.Any, int, "
                  "tuple[str, int, int, int | None, int] | None, bytes | None]"));
    m.def("read_many", &read_many, "requests"_a, "threads"_a,
          nb::sig("def read_many(requests: list[tuple[typing.Any, ...]], threads: int) -> list[typing.Any]"));

    nb::class_<Handle>(m, "Stream")
        .def(nb::init<nb::handle, const std::string&, nb::handle, nb::handle>(), "source"_a, "name"_a,
             "channels"_a.none(), "rate"_a.none(),
             nb::sig("def __init__(self, source: bytes | Source | typing.Callable[[], Source], name: str, "
                     "channels: tuple[int, list[int]] | None, rate: tuple[int, int] | None) -> None"))
        .def_prop_ro("format", [](Handle& h) { return h.stream->info().format; })
        .def_prop_ro("subtype", [](Handle& h) { return h.stream->info().subtype; })
        .def_prop_ro("file_rate", [](Handle& h) { return h.stream->info().sample_rate; })
        .def_prop_ro("file_channels", [](Handle& h) { return h.stream->info().channels; })
        .def_prop_ro("file_frames", [](Handle& h) { return h.stream->info().frames; })
        .def_prop_ro("sample_rate", [](Handle& h) { return h.stream->sample_rate(); })
        .def_prop_ro("channels", [](Handle& h) { return h.stream->channels(); })
        .def_prop_ro("frames", [](Handle& h) { return h.stream->frames(); })
        .def_prop_ro("position", [](Handle& h) { return alone(h, [&] { return h.stream->position(); }); })
        .def_prop_ro(
            "damage",
            [](Handle& h) {
                const auto damage = alone(h, [&] { return h.stream->decoder().damage(); });
                return damage_tuple(damage, h.stream->info(), damage ? damage->frame : 0);
            },
            nb::sig("def damage(self) -> tuple[str, int, int, int | None, int] | None"))
        .def(
            "seek", [](Handle& h, std::int64_t frame) { alone(h, [&] { h.stream->seek(frame); }); },
            "frame"_a)
        .def("read", &read_stream, "frames"_a, "to_end"_a, "dtype"_a, "interleaved"_a, "pad"_a,
             "out"_a.none(), "keep"_a,
             nb::sig("def read(self, frames: int, to_end: bool, dtype: int, interleaved: bool, pad: bool, "
                     "out: typing.Any, keep: bool) -> tuple[typing.Any, "
                     "tuple[str, int, int, int | None, int] | None]"))
        .def(
            "verify",
            [](Handle& h) {
                const auto wrong = alone(h, [&] {
                    Signals signals;
                    return h.stream->decoder().verify(signals);
                });
                return damage_tuple(wrong, h.stream->info(), wrong ? wrong->frame : 0);
            },
            nb::sig("def verify(self) -> tuple[str, int, int, int | None, int] | None"))
        .def("checks", [](Handle& h) { return alone(h, [&] { return h.stream->decoder().checks(); }); })
        .def("index",
             [](Handle& h) {
                 const std::string index = alone(h, [&] {
                     Signals signals;
                     return h.stream->decoder().index(signals);
                 });
                 return nb::bytes(index.data(), index.size());
             })
        .def(
            "use_index",
            [](Handle& h, nb::bytes index) {
                const std::string copy(index.c_str(), index.size());
                return alone(h, [&] { return h.stream->decoder().use_index(copy); });
            },
            "index"_a);
}

}  // namespace luthier::io
