// luthier.effects._native: the list of native effects, and Stream over NumPy arrays.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "stream.h"

LUTHIER_DISPATCH(effects::EffectLibraries, effect_libraries)

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::effects {
namespace {

const EffectLibrary<float>& library(float) { return select_effect_libraries().f32; }
const EffectLibrary<double>& library(double) { return select_effect_libraries().f64; }

const luthier_pool* shared_pool() {
    static const luthier_pool* pool = [] {
        const nb::object capsule = nb::module_::import_("luthier.core._native").attr("pool")();
        return static_cast<const luthier_pool*>(nb::cast<nb::capsule>(capsule).data(kPoolCapsule));
    }();
    return pool;
}

// A number, ("curve", times_s, values, shape) or ("lfo", rate_hz, minimum, maximum, shape, phase).
Source read_source(nb::handle h, Taper taper, double rate) {
    Source source;
    source.ramp = Way::kSeconds * rate;
    if (!nb::isinstance<nb::tuple>(h)) {
        source.value = nb::cast<double>(h);
        return source;
    }
    const nb::tuple t = nb::cast<nb::tuple>(h);
    if (nb::cast<std::string>(t[0]) == "curve") {
        for (double time : nb::cast<std::vector<double>>(t[1])) source.frames.push_back(time * rate);
        for (double value : nb::cast<std::vector<double>>(t[2]))
            source.values.push_back(to_scale(taper, value));
        source.kind = nb::cast<std::string>(t[3]) == "hold" ? Source::Kind::steps : Source::Kind::lines;
        return source;
    }
    source.turns = nb::cast<double>(t[1]) / rate;
    source.low = to_scale(taper, nb::cast<double>(t[2]));
    source.high = to_scale(taper, nb::cast<double>(t[3]));
    const auto shape = nb::cast<std::string>(t[4]);
    source.kind = shape == "triangle"   ? Source::Kind::triangle
                  : shape == "square"   ? Source::Kind::square
                  : shape == "sawtooth" ? Source::Kind::sawtooth
                                        : Source::Kind::sine;
    source.phase = nb::cast<double>(t[5]);
    return source;
}

// (kind, name, values, tapers, children) as Effect._plan() writes it. Collects the leaves' tapers.
Plan read_plan(nb::handle h, double rate, std::vector<std::vector<Taper>>& tapers) {
    const nb::tuple t = nb::cast<nb::tuple>(h);
    const auto kind = nb::cast<std::string>(t[0]);
    Plan plan{kind == "chain" ? Plan::Kind::chain
              : kind == "mix" ? Plan::Kind::mix
                              : Plan::Kind::effect,
              nb::cast<std::string>(t[1]),
              {},
              {},
              {}};
    const nb::tuple values = nb::cast<nb::tuple>(t[2]), names = nb::cast<nb::tuple>(t[3]);
    for (std::size_t i = 0; i < values.size(); ++i) {
        plan.tapers.push_back(nb::cast<std::string>(names[i]) == "log" ? Taper::log : Taper::linear);
        plan.values.push_back(read_source(values[i], plan.tapers.back(), rate));
    }
    if (plan.kind == Plan::Kind::effect) tapers.push_back(plan.tapers);
    for (nb::handle child : nb::cast<nb::tuple>(t[4]))
        plan.children.push_back(read_plan(child, rate, tapers));
    return plan;
}

template <class T>
class PyStream {
  public:
    using In = nb::ndarray<const T, nb::ndim<3>, nb::device::cpu>;
    using Out = nb::ndarray<T, nb::ndim<3>, nb::device::cpu>;

    // One lane: the leaf, the parameter, and (batch, frames) values, of which a batch of one is for all.
    using Values = nb::ndarray<const double, nb::ndim<2>, nb::device::cpu>;
    using Lanes = std::vector<std::tuple<int, int, Values>>;

    PyStream(nb::handle plan, double rate, int channels, int items) : rate_(rate) {
        const Plan read = read_plan(plan, rate, tapers_);
        const luthier_pool* pool = shared_pool();
        ReleaseGil unlocked;  // a large batch of reverbs takes seconds to set up
        stream_.emplace(library(T()), read, rate, channels, items, pool);
    }

    // (batch, channels, frames) in and out; Python has checked shapes and that frames are contiguous.
    bool process(In in, Out out, const Lanes& lanes) {
        if (busy_.test_and_set()) {
            const nb::object error = nb::module_::import_("luthier.core").attr("StreamError");
            PyErr_SetString(error.ptr(),
                            "a stream belongs to one thread at a time, and another one is in it: "
                            "make a stream for each thread");
            throw nb::python_error();
        }
        const Release release{busy_};
        // A slice of some tens of milliseconds at most, so that Ctrl-C is heard. A whole number of groups,
        // or slicing would add partial groups.
        const std::ptrdiff_t frames = in.shape(2);
        const std::ptrdiff_t work =
            std::max<std::ptrdiff_t>(1, in.shape(0) * in.shape(1) * (3 + stream_->leaves()));
        const std::ptrdiff_t slice = std::max<std::ptrdiff_t>((1 << 21) / work / kGroup, 1) * kGroup;
        bool unclean = false;
        for (std::ptrdiff_t at = 0; at < frames; at += slice) {
            {
                ReleaseGil unlocked;
                std::lock_guard lock(mutex_);
                for (const auto& [leaf, parameter, values] : lanes)
                    stream_->follow(leaf, parameter, values.data() + at,
                                    values.shape(0) > 1 ? values.stride(0) : 0);
                unclean |= stream_->process(in.data() + at, in.stride(0), in.stride(1), out.data() + at,
                                            out.stride(0), out.stride(1), int(std::min(slice, frames - at)));
            }
            if (frames > slice && PyErr_CheckSignals() != 0) throw nb::python_error();
        }
        return unclean;
    }

    // May come from another thread than process().
    void assign(std::size_t leaf, int parameter, nb::handle value) {
        const Source source = read_source(value, tapers_.at(leaf).at(parameter), rate_);
        ReleaseGil unlocked;
        std::lock_guard lock(mutex_);
        stream_->assign(leaf, parameter, source);
    }

    void reset() {
        ReleaseGil unlocked;
        std::lock_guard lock(mutex_);
        stream_->reset();
    }

    int latency() const { return stream_->latency(); }
    double tail() const { return stream_->tail(); }

  private:
    struct Release {
        std::atomic_flag& flag;
        ~Release() { flag.clear(); }
    };

    double rate_;
    std::vector<std::vector<Taper>> tapers_;  // of each leaf
    std::optional<Stream<T>> stream_;
    std::atomic_flag busy_;
    std::mutex mutex_;  // between process() and assign()
};

template <class T>
void bind_stream(nb::module_& m, const char* name) {
    using S = PyStream<T>;
    nb::class_<S>(m, name)
        .def(nb::init<nb::handle, double, int, int>(), "plan"_a, "sample_rate"_a, "channels"_a, "items"_a)
        .def("process", &S::process, "samples"_a, "out"_a, "lanes"_a)
        .def("assign", &S::assign, "leaf"_a, "parameter"_a, "value"_a)
        .def("reset", &S::reset)
        .def_prop_ro("latency", &S::latency)
        .def_prop_ro("tail", &S::tail);
}

}  // namespace
}  // namespace luthier::effects

NB_MODULE(_native, m) {
    luthier::watch_exit();
    using namespace luthier::effects;
    // Fails here and now when LUTHIER_ISA asks for what this CPU cannot run.
    luthier::select_effect_libraries();
    // Now and not with the first stream: importing lets go of the GIL, and two threads that make their
    // first streams at once would wait for each other, one for the GIL, one for the static's lock.
    shared_pool();
    // Every native effect's parameters, in the order of its C++ Params.
    m.def(
        "parameters",
        [] {
            const auto& library = luthier::select_effect_libraries().f32;
            nb::dict parameters;
            for (int i = 0; i < library.count; ++i) {
                const auto& effect = library.classes[i];
                nb::list names;
                for (int j = 0; j < effect.parameter_count; ++j) names.append(effect.parameters[j]);
                parameters[effect.name] = nb::tuple(names);
            }
            return parameters;
        },
        nb::sig("def parameters() -> dict[str, tuple[str, ...]]"));
    bind_stream<float>(m, "Stream32");
    bind_stream<double>(m, "Stream64");
}
