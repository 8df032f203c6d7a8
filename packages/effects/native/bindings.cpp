// luthier.effects._native: the list of native effects, and Stream over NumPy arrays.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "pool_access.h"
#include "python_effect.h"
#include "registers.h"
#include "stream.h"

LUTHIER_DISPATCH(effects::EffectLibrary, effect_library)
LUTHIER_DISPATCH(effects::BlockKernelTable, block_kernels)

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::effects {
namespace {

// Every native effect by its name.
class Registry {
  public:
    using Entries = std::map<std::string, const EffectEntry*>;

    Registry() { add(select_effect_library()); }

    // Null for a name that nobody brought.
    const EffectEntry* find(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(name);
        return found == entries_.end() ? nullptr : found->second;
    }

    Entries entries() const {
        const std::lock_guard lock(mutex_);
        return entries_;
    }

    // All of the library or, when a name is taken, none: returns that name.
    std::string add(const EffectLibrary& library) {
        const std::lock_guard lock(mutex_);
        Entries all = entries_;
        for (int i = 0; i < library.count; ++i) {
            const EffectEntry* entry = library.entries[i];
            if (all.try_emplace(entry->name, entry).first->second != entry) return entry->name;
        }
        entries_ = std::move(all);
        return "";
    }

  private:
    mutable std::mutex mutex_;
    Entries entries_;
};

Registry& registry() {
    static Registry all;
    return all;
}

// What lies at the address that the library's luthier_effects() returned. Says what is wrong with it, or
// gives the names of its effects.
std::vector<std::string> add_library(std::uintptr_t address) {
    const auto* library = reinterpret_cast<const EffectLibrary*>(address);
    if (!library) throw std::invalid_argument("it has no effects for this CPU");
    if (library->version != kEffectVersion || library->entry_bytes != sizeof(EffectEntry) ||
        library->spec_bytes != sizeof(EffectSpec))
        throw std::invalid_argument("it was built for another version of luthier-core (version " +
                                    std::to_string(library->version) + " of effect_class.h, and this is " +
                                    std::to_string(kEffectVersion) +
                                    "); build it again with the installed one");
    if (const std::string name = registry().add(*library); !name.empty())
        throw std::invalid_argument("there is an effect " + name +
                                    " already; effects are known by their names, choose another");
    std::vector<std::string> names;
    for (int i = 0; i < library->count; ++i) names.push_back(library->entries[i]->name);
    return names;
}

// A number, ("curve", times_s, values, shape), ("lfo", rate_hz, minimum, maximum, shape, phase) or
// ("follower", input, minimum, maximum, attack_ms, release_ms, floor_db, ceiling_db).
Source read_source(nb::handle h, Taper taper, double rate) {
    Source source;
    source.ramp = Way::kSeconds * rate;
    if (!nb::isinstance<nb::tuple>(h)) {
        source.value = nb::cast<double>(h);
        return source;
    }
    const nb::tuple t = nb::cast<nb::tuple>(h);
    const auto kind = nb::cast<std::string>(t[0]);
    if (kind == "curve") {
        for (double time : nb::cast<std::vector<double>>(t[1])) source.frames.push_back(time * rate);
        for (double value : nb::cast<std::vector<double>>(t[2]))
            source.values.push_back(to_scale(taper, value));
        source.kind = nb::cast<std::string>(t[3]) == "hold" ? Source::Kind::steps : Source::Kind::lines;
        return source;
    }
    source.low = to_scale(taper, nb::cast<double>(t[2]));
    source.high = to_scale(taper, nb::cast<double>(t[3]));
    if (kind == "follower") {
        source.kind = Source::Kind::follower;
        source.input = nb::cast<int>(t[1]);
        source.ballistics = Ballistics::of(nb::cast<double>(t[4]), nb::cast<double>(t[5]), rate);
        source.floor_db = nb::cast<double>(t[6]);
        source.ceiling_db = nb::cast<double>(t[7]);
        return source;
    }
    source.turns = nb::cast<double>(t[1]) / rate;
    const auto shape = nb::cast<std::string>(t[4]);
    source.kind = shape == "triangle"   ? Source::Kind::triangle
                  : shape == "square"   ? Source::Kind::square
                  : shape == "sawtooth" ? Source::Kind::sawtooth
                                        : Source::Kind::sine;
    source.phase = nb::cast<double>(t[5]);
    return source;
}

// What read_source() takes, or ("items", values): one for each item of a batch.
std::vector<Source> read_sources(nb::handle h, Taper taper, double rate) {
    std::vector<Source> sources;
    if (nb::isinstance<nb::tuple>(h)) {
        const nb::tuple t = nb::cast<nb::tuple>(h);
        if (nb::cast<std::string>(t[0]) == "items") {
            for (nb::handle item : nb::cast<nb::tuple>(t[1]))
                sources.push_back(read_source(item, taper, rate));
            return sources;
        }
    }
    sources.push_back(read_source(h, taper, rate));
    return sources;
}

using Array = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A `Plan` of effect.py. Collects the leaves' tapers.
Plan read_plan(nb::handle h, double rate, PythonHost& host, std::vector<std::vector<Taper>>& tapers) {
    const nb::tuple t = nb::cast<nb::tuple>(h);
    const auto kind = nb::cast<std::string>(t[0]);
    Plan plan;
    plan.kind = kind == "chain" ? Plan::Kind::chain : kind == "mix" ? Plan::Kind::mix : Plan::Kind::effect;
    if (kind == "python") {
        plan.effect = &python_effect();
        plan.code = {new PythonCode{nb::borrow(t[8]), &host}, [](const PythonCode* code) {
                         const AcquireGil locked;
                         delete code;
                     }};
    } else if (plan.kind == Plan::Kind::effect) {
        const auto name = nb::cast<std::string>(t[1]);
        plan.effect = registry().find(name);
        if (!plan.effect) throw std::invalid_argument("no native effect is named " + name);
    }
    const nb::tuple values = nb::cast<nb::tuple>(t[2]), names = nb::cast<nb::tuple>(t[3]);
    for (std::size_t i = 0; i < values.size(); ++i) {
        plan.tapers.push_back(nb::cast<std::string>(names[i]) == "log" ? Taper::log : Taper::linear);
        plan.values.push_back(read_sources(values[i], plan.tapers.back(), rate));
    }
    plan.options = nb::cast<std::vector<double>>(t[4]);
    if (plan.effect && !plan.code &&
        (int(plan.values.size()) != plan.effect->parameter_count ||
         int(plan.options.size()) != plan.effect->option_count))
        throw std::invalid_argument(std::string(plan.effect->name) + " has other parameters");
    if (!t[5].is_none()) {
        const auto array = nb::cast<Array>(t[5]);
        auto data = std::make_shared<Data>();
        data->values.assign(array.data(), array.data() + array.size());
        data->rows = int(array.shape(0));
        plan.data = std::move(data);
    }
    plan.key = nb::cast<int>(t[6]);
    if (plan.kind == Plan::Kind::effect) tapers.push_back(plan.tapers);
    for (nb::handle child : nb::cast<nb::tuple>(t[7]))
        plan.children.push_back(read_plan(child, rate, host, tapers));
    return plan;
}

// a11 a12 a21 a22 b1 b2 c1 c2 d of each section of a filter at rest.
nb::list filter_sections(const std::string& name, const std::vector<double>& values,
                         const std::vector<double>& options, double rate) {
    const EffectEntry* entry = registry().find(name);
    if (!entry || entry->most_sections == 0 || int(values.size()) != entry->parameter_count ||
        int(options.size()) != entry->option_count)
        throw std::invalid_argument(name + " is no filter, or has other parameters");
    EffectSpec spec;
    spec.sample_rate = rate;
    Instance<double> filter(entry->f64, spec, options.data());
    filter.set(values.data(), values.data());
    std::vector<SectionValues> sections(entry->most_sections);
    nb::list result;
    for (int i = 0, count = filter.sections(sections.data()); i < count; ++i) {
        const SectionValues& s = sections[i];
        result.append(nb::make_tuple(s.a11, s.a12, s.a21, s.a22, s.b1, s.b2, s.c1, s.c2, s.d));
    }
    return result;
}

template <class T>
class PyStream {
  public:
    using In = nb::ndarray<const T, nb::ndim<3>, nb::device::cpu>;
    using Out = nb::ndarray<T, nb::ndim<3>, nb::device::cpu>;

    // One lane: the leaf, the parameter, and (batch, frames) values, of which a batch of one is for all.
    using Values = nb::ndarray<const double, nb::ndim<2>, nb::device::cpu>;
    using Lanes = std::vector<std::tuple<int, int, Values>>;

    // One plan, or one for each item.
    PyStream(nb::handle plans, double rate, int channels, int items, std::vector<int> inputs, bool offline)
        : rate_(rate) {
        std::vector<Plan> read;
        for (nb::handle plan : nb::cast<nb::tuple>(plans)) {
            tapers_.clear();
            read.push_back(read_plan(plan, rate, host_, tapers_));
            calls_python_ |= calls_python(read.back());
        }
        const luthier_pool* pool = shared_pool();
        ReleaseGil unlocked;  // a large batch of reverbs takes seconds to set up
        stream_.emplace(select_block_kernels().of(T()), read,
                        Place{rate, channels, 0, offline, std::move(inputs), 0}, items, pool);
    }

    // (batch, channels, frames) in and out and for each input; Python has checked shapes and that frames are
    // contiguous.
    bool process(In in, Out out, const Lanes& lanes, const std::vector<In>& inputs) {
        std::vector<View<const T>> keys;
        for (const In& input : inputs)
            keys.push_back({input.data(), input.stride(0), input.stride(1), int(input.shape(1))});
        return run({in.data(), in.stride(0), in.stride(1), int(in.shape(1))},
                   {out.data(), out.stride(0), out.stride(1), int(out.shape(1))}, lanes, keys, in.shape(2));
    }

    // The shortest way for small blocks: two arrays of the stream's shape with `dimensions` axes, contiguous
    // frames, one of them perhaps the other, and nothing besides. Returns 0, or 1 when something was not
    // finite; -1, and nothing is done, when the arrays are anything else.
    int process_plain(nb::handle block, nb::handle out, int dimensions) {
        if (!stream_->inputs().empty()) return -1;
        const Buffer in(block, PyBUF_STRIDES | PyBUF_FORMAT),
            to(out, PyBUF_STRIDES | PyBUF_FORMAT | PyBUF_WRITABLE);
        if (!fits(in, dimensions) || !fits(to, dimensions)) return -1;
        const std::ptrdiff_t frames = in->shape[dimensions - 1];
        if (frames != to->shape[dimensions - 1]) return -1;
        const char *from = static_cast<const char*>(in->buf), *at = static_cast<const char*>(to->buf);
        const bool same = from == at && in.row(dimensions - 2) == to.row(dimensions - 2) &&
                          in.row(dimensions - 3) == to.row(dimensions - 3);
        if (!same && from < at + to.extent() && at < from + in.extent()) return -1;
        const int channels = stream_->channels();
        return run({static_cast<const T*>(in->buf), in.row(dimensions - 3), in.row(dimensions - 2), channels},
                   {static_cast<T*>(to->buf), to.row(dimensions - 3), to.row(dimensions - 2), channels}, {},
                   {}, frames);
    }

    // May come from another thread than process().
    void assign(std::size_t leaf, int parameter, nb::handle value) {
        stay_outside();
        const std::vector<Source> sources = read_sources(value, tapers_.at(leaf).at(parameter), rate_);
        ReleaseGil unlocked;
        std::lock_guard lock(mutex_);
        stream_->assign(leaf, parameter, sources);
    }

    // Fades over to what the plan of one effect says of its options and data.
    void replace(std::size_t leaf, nb::handle plan) {
        stay_outside();
        std::vector<std::vector<Taper>> tapers;
        const Plan read = read_plan(plan, rate_, host_, tapers);
        ReleaseGil unlocked;
        auto made = stream_->instances(leaf, read);
        std::lock_guard lock(mutex_);
        stream_->replace(leaf, std::move(made));
    }

    // Decibels by which each leaf of an item turns its last frame down.
    std::vector<double> reductions_db(int item) {
        stay_outside();
        ReleaseGil unlocked;
        std::lock_guard lock(mutex_);
        std::vector<double> reductions;
        for (int i = 0; i < stream_->leaves(); ++i) reductions.push_back(stream_->reduction_db(item, i));
        return reductions;
    }

    void reset() {
        stay_outside();
        host_.clear();
        ReleaseGil unlocked;
        std::lock_guard lock(mutex_);
        stream_->reset();
        stopped_ = false;
    }

    int channels() const { return stream_->channels(); }
    int latency(int item) const { return stream_->latency(item); }
    double tail() const { return stream_->tail(); }

  private:
    template <class U>
    using View = typename Stream<T>::template View<U>;

    struct Release {
        std::atomic_flag& flag;
        ~Release() { flag.clear(); }
    };

    // An object's memory, while this lives; without memory when it does not offer it in this way.
    class Buffer {
      public:
        Buffer(nb::handle object, int flags) {
            valid_ = PyObject_GetBuffer(object.ptr(), &view_, flags) == 0;
            if (!valid_) PyErr_Clear();
        }
        ~Buffer() {
            if (valid_) PyBuffer_Release(&view_);
        }
        Buffer(const Buffer&) = delete;
        Buffer& operator=(const Buffer&) = delete;
        explicit operator bool() const { return valid_; }
        const Py_buffer* operator->() const { return &view_; }
        // Elements from one to the next along an axis; 0 where there is none.
        std::ptrdiff_t row(int axis) const {
            return axis < 0 ? 0 : view_.strides[axis] / std::ptrdiff_t(sizeof(T));
        }
        // Bytes from the first element to the end of the last, for strides that are not negative.
        std::ptrdiff_t extent() const {
            std::ptrdiff_t bytes = sizeof(T);
            for (int i = 0; i < view_.ndim; ++i) {
                if (view_.shape[i] == 0) return 0;
                bytes += (view_.shape[i] - 1) * view_.strides[i];
            }
            return bytes;
        }

      private:
        Py_buffer view_;
        bool valid_;
    };

    // Whether these are samples of the stream's type and shape, with any number of frames.
    bool fits(const Buffer& x, int dimensions) const {
        if (!x || x->ndim != dimensions || x->itemsize != sizeof(T)) return false;
        const char* type = x->format;
        if (!type || type[0] != (sizeof(T) == 4 ? 'f' : 'd') || type[1] != 0) return false;
        for (int i = 0; i < dimensions; ++i)
            if (x->strides[i] < 0 || x->strides[i] % std::ptrdiff_t(sizeof(T)) != 0) return false;
        if (x->shape[dimensions - 1] > 1 && x->strides[dimensions - 1] != sizeof(T)) return false;
        if (dimensions > 1 && x->shape[dimensions - 2] != stream_->channels()) return false;
        return dimensions < 3 || x->shape[0] == stream_->items();
    }

    bool run(View<const T> in, View<T> out, const Lanes& lanes, const std::vector<View<const T>>& inputs,
             std::ptrdiff_t frames) {
        if (busy_.test_and_set())
            raise(
                "a stream belongs to one thread at a time, and another one is in it: make a stream for each "
                "thread");
        const Release release{busy_};
        if (stopped_)
            raise(
                "an exception in an effect, or an interrupt, has stopped this stream; call reset() to start "
                "anew");
        const std::ptrdiff_t work = std::max<std::ptrdiff_t>(
            1, std::ptrdiff_t(stream_->items()) * in.channels * (3 + stream_->leaves()));
        if (work * frames <= kBrief && lanes.empty() && !calls_python_) {
            const std::unique_lock lock(mutex_, std::try_to_lock);
            if (lock) return stream_->process(in, out, inputs, int(frames));
        }
        // A slice of some tens of milliseconds at most, so that Ctrl-C is heard. A whole number of groups,
        // or slicing would add partial groups; with Python in it, which takes longer, one of whole blocks.
        const std::ptrdiff_t unit = calls_python_ ? kMaxBlock : kGroup;
        const std::ptrdiff_t budget = calls_python_ ? 1 << 17 : 1 << 21;
        const std::ptrdiff_t slice = std::max<std::ptrdiff_t>(budget / work / unit, 1) * unit;
        stopped_ = true;  // until all went well
        bool unclean = false;
        for (std::ptrdiff_t at = 0; at < frames; at += slice) {
            {
                ReleaseGil unlocked;
                std::lock_guard lock(mutex_);
                for (const auto& [leaf, parameter, values] : lanes)
                    stream_->follow(leaf, parameter, values.data() + at,
                                    values.shape(0) > 1 ? values.stride(0) : 0);
                std::vector<View<const T>> keys = inputs;
                for (auto& key : keys) key.data += at;
                unclean |= stream_->process({in.data + at, in.item, in.channel, in.channels},
                                            {out.data + at, out.item, out.channel, out.channels}, keys,
                                            int(std::min(slice, frames - at)));
            }
            host_.report();
            if (frames > slice && PyErr_CheckSignals() != 0) throw nb::python_error();
        }
        stopped_ = false;
        return unclean;
    }

    // So little work, in samples times effects, that other threads need not be let in.
    static constexpr std::ptrdiff_t kBrief = 4096;

    [[noreturn]] static void raise(const char* message) {
        const nb::object error = nb::module_::import_("luthier.core").attr("StreamError");
        PyErr_SetString(error.ptr(), message);
        throw nb::python_error();
    }

    // process() holds the lock while it calls Python.
    void stay_outside() const {
        if (host_.calling()) raise("an effect cannot change the stream that calls it");
    }

    static bool calls_python(const Plan& plan) {
        return plan.code || std::any_of(plan.children.begin(), plan.children.end(), calls_python);
    }

    double rate_;
    PythonHost host_;
    bool calls_python_ = false;
    std::atomic<bool> stopped_ = false;
    std::vector<std::vector<Taper>> tapers_;  // of each leaf
    std::optional<Stream<T>> stream_;
    std::atomic_flag busy_;
    std::mutex mutex_;  // between process() and assign()
};

template <class T>
void bind_stream(nb::module_& m, const char* name) {
    using S = PyStream<T>;
    nb::class_<S>(m, name)
        .def(nb::init<nb::handle, double, int, int, std::vector<int>, bool>(), "plans"_a, "sample_rate"_a,
             "channels"_a, "items"_a, "inputs"_a, "offline"_a)
        .def("process", &S::process, "samples"_a, "out"_a, "lanes"_a, "inputs"_a)
        .def("process_plain", &S::process_plain, "block"_a, "out"_a, "dimensions"_a)
        .def("assign", &S::assign, "leaf"_a, "parameter"_a, "value"_a)
        .def("replace", &S::replace, "leaf"_a, "plan"_a)
        .def("reductions_db", &S::reductions_db, "item"_a)
        .def("reset", &S::reset)
        .def_prop_ro("channels", &S::channels)
        .def("latency", &S::latency, "item"_a)
        .def_prop_ro("tail", &S::tail);
}

}  // namespace
}  // namespace luthier::effects

NB_MODULE(_native, m) {
    luthier::watch_exit();
    using namespace luthier::effects;
    // Fails here and now when LUTHIER_ISA asks for what this CPU cannot run.
    luthier::select_effect_library();
    // Now and not with the first stream: importing lets go of the GIL, and two threads that make their
    // first streams at once would wait for each other, one for the GIL, one for the static's lock.
    shared_pool();
    // Every native effect's parameters and options, in the order of its C++ Params and Options.
    m.def(
        "parameters",
        [] {
            nb::dict declared;
            for (const auto& [name, effect] : registry().entries()) {
                nb::list parameters, options;
                for (int i = 0; i < effect->parameter_count; ++i) parameters.append(effect->parameters[i]);
                for (int i = 0; i < effect->option_count; ++i) options.append(effect->options[i]);
                declared[name.c_str()] = nb::make_tuple(nb::tuple(parameters), nb::tuple(options));
            }
            return declared;
        },
        nb::sig("def parameters() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]"));
    m.def("add_library", &add_library, "address"_a);
    // Those that are nothing but sections of second order in series.
    m.def(
        "filters",
        [] {
            nb::list names;
            for (const auto& [name, effect] : registry().entries())
                if (effect->most_sections > 0) names.append(name);
            return nb::tuple(names);
        },
        nb::sig("def filters() -> tuple[str, ...]"));
    m.def("sections", &filter_sections, "name"_a, "values"_a, "options"_a, "sample_rate"_a,
          nb::sig("def sections(name: str, values: Sequence[float], options: Sequence[float], "
                  "sample_rate: float) -> list[tuple[float, ...]]"));
    bind_stream<float>(m, "Stream32");
    bind_stream<double>(m, "Stream64");
    register_measures(m);
    register_stretch(m);
}
