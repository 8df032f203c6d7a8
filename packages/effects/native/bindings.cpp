// luthier.effects._native: the list of native effects, and Stream over NumPy arrays.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>

#include "luthier/dispatch.h"
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

// (kind, name, values, tapers, children) as Effect._plan() writes it.
Plan read_plan(nb::handle h) {
    const nb::tuple t = nb::cast<nb::tuple>(h);
    const auto kind = nb::cast<std::string>(t[0]);
    Plan plan{kind == "chain" ? Plan::Kind::chain : kind == "mix" ? Plan::Kind::mix : Plan::Kind::effect,
              nb::cast<std::string>(t[1]), nb::cast<std::vector<double>>(t[2]), {}, {}};
    for (nb::handle taper : nb::cast<nb::tuple>(t[3]))
        plan.tapers.push_back(nb::cast<std::string>(taper) == "log" ? Taper::log : Taper::linear);
    for (nb::handle child : nb::cast<nb::tuple>(t[4])) plan.children.push_back(read_plan(child));
    return plan;
}

template <class T>
class PyStream {
  public:
    using In = nb::ndarray<const T, nb::ndim<3>, nb::device::cpu>;
    using Out = nb::ndarray<T, nb::ndim<3>, nb::device::cpu>;

    PyStream(nb::handle plan, double rate, int channels, int items)
        : stream_(library(T()), read_plan(plan), rate, channels, items, shared_pool()) {}

    // (batch, channels, frames) in and out; Python has checked shapes and that frames are contiguous.
    bool process(In in, Out out) {
        if (busy_.test_and_set()) {
            const nb::object error = nb::module_::import_("luthier.core").attr("StreamError");
            PyErr_SetString(error.ptr(), "a stream belongs to one thread at a time, and another one is in it: "
                                         "make a stream for each thread");
            throw nb::python_error();
        }
        const Release release{busy_};
        // A slice of some tens of milliseconds at most, so that Ctrl-C is heard. A whole number of groups,
        // or slicing would add partial groups.
        const std::ptrdiff_t frames = in.shape(2);
        const std::ptrdiff_t width = std::max<std::ptrdiff_t>(1, in.shape(0) * in.shape(1));
        const std::ptrdiff_t slice = std::max<std::ptrdiff_t>((1 << 19) / width, kMaxBlock) / kGroup * kGroup;
        bool unclean = false;
        for (std::ptrdiff_t at = 0; at < frames; at += slice) {
            {
                nb::gil_scoped_release unlocked;
                unclean |= stream_.process(in.data() + at, in.stride(0), in.stride(1), out.data() + at,
                                           out.stride(0), out.stride(1), int(std::min(slice, frames - at)));
            }
            if (frames > slice && PyErr_CheckSignals() != 0) throw nb::python_error();
        }
        return unclean;
    }

    void assign(std::size_t leaf, int parameter, double value) { stream_.assign(leaf, parameter, value); }
    void reset() { stream_.reset(); }
    int latency() const { return stream_.latency(); }
    double tail() const { return stream_.tail(); }

  private:
    struct Release {
        std::atomic_flag& flag;
        ~Release() { flag.clear(); }
    };

    Stream<T> stream_;
    std::atomic_flag busy_;
};

template <class T>
void bind_stream(nb::module_& m, const char* name) {
    using S = PyStream<T>;
    nb::class_<S>(m, name)
        .def(nb::init<nb::handle, double, int, int>(), "plan"_a, "sample_rate"_a, "channels"_a, "items"_a)
        .def("process", &S::process, "samples"_a, "out"_a)
        .def("assign", &S::assign, "leaf"_a, "parameter"_a, "value"_a)
        .def("reset", &S::reset)
        .def_prop_ro("latency", &S::latency)
        .def_prop_ro("tail", &S::tail);
}

}  // namespace
}  // namespace luthier::effects

NB_MODULE(_native, m) {
    using namespace luthier::effects;
    const auto& classes = luthier::select_effect_libraries().f32;
    nb::dict parameters;
    for (int i = 0; i < classes.count; ++i) {
        const auto& effect = classes.classes[i];
        nb::list names;
        for (int j = 0; j < effect.parameter_count; ++j) names.append(effect.parameters[j]);
        parameters[effect.name] = nb::tuple(names);
    }
    // Every native effect's parameters, in the order of its C++ Params.
    m.attr("parameters") = parameters;
    bind_stream<float>(m, "Stream32");
    bind_stream<double>(m, "Stream64");
}
