// Filters, delay lines, envelopes and ways as Python sees them: for tests and benchmarks, not a public
// interface.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "filter_kernels.h"
#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "registers.h"

LUTHIER_DISPATCH(FilterKernels, filter_kernels)

namespace nb = nanobind;

namespace luthier::core {
namespace {

constexpr int kFrames = 16;  // luthier::kGroup

template <class T>
const FilterTable<T>& kernels() {
    if constexpr (std::is_same_v<T, float>)
        return select_filter_kernels().f32;
    else
        return select_filter_kernels().f64;
}

template <class T>
using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Channels = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

int index_of(const char* const* names, int count, const std::string& name) {
    for (int i = 0; i < count; ++i)
        if (name == names[i]) return i;
    throw std::invalid_argument("unknown name '" + name + "'");
}

void whole_groups(std::size_t frames) {
    if (frames % kFrames != 0)
        throw std::invalid_argument("frames must be a multiple of 16, got " + std::to_string(frames));
}

void same(std::size_t a, std::size_t b) {
    if (a != b)
        throw std::invalid_argument("arrays differ in size: " + std::to_string(a) + " and " +
                                    std::to_string(b));
}

template <class T>
void elementary(const std::string& name, Vector<const T> x, Vector<T> out, bool vectors) {
    constexpr const char* names[] = {"exp2",           "log2", "sin_turns",  "cos_turns",
                                     "tan_half_turns", "tanh", "db_to_gain", "gain_to_db"};
    const int function = index_of(names, 8, name);
    whole_groups(x.size());
    same(x.size(), out.size());
    ReleaseGil released;
    kernels<T>().elementary(function, vectors, x.data(), out.data(), (long long)x.size());
}

constexpr const char* kDesigns[] = {"lowpass",
                                    "highpass",
                                    "bandpass",
                                    "notch",
                                    "allpass",
                                    "peak",
                                    "low_shelf",
                                    "high_shelf",
                                    "lowpass1",
                                    "highpass1",
                                    "allpass1",
                                    "butterworth_lowpass",
                                    "butterworth_highpass",
                                    "transfer"};
constexpr int kArguments[] = {3, 3, 3, 3, 3, 4, 4, 4, 2, 2, 2, 4, 4, 5};

std::vector<double> design(const std::string& name, const std::vector<double>& arguments) {
    const int kind = index_of(kDesigns, 14, name);
    if (int(arguments.size()) != kArguments[kind])
        throw std::invalid_argument(name + " takes " + std::to_string(kArguments[kind]) + " numbers");
    std::vector<double> values(9);
    select_filter_kernels().design(kind, arguments.data(), values.data());
    return values;
}

void check_section(const std::vector<double>& values) {
    if (values.size() != 9)
        throw std::invalid_argument("a section is nine numbers: a11 a12 a21 a22 b1 b2 c1 c2 d");
}

template <class T>
class Cascade {
  public:
    Cascade(int sections, int channels) : sections_(sections), channels_(channels) {
        if (sections < 0 || channels < 0) throw std::invalid_argument("sections and channels are counts");
        cascade_ = kernels<T>().create(sections, channels);
    }
    ~Cascade() { kernels<T>().destroy(cascade_); }
    Cascade(const Cascade&) = delete;
    Cascade& operator=(const Cascade&) = delete;

    void set(int section, const std::vector<double>& values) {
        if (section < 0 || section >= sections_) throw nb::index_error("no such section");
        check_section(values);
        kernels<T>().set(cascade_, section, values.data());
    }

    void process(Channels<T> x) {
        same(x.shape(0), std::size_t(channels_));
        whole_groups(x.shape(1));
        ReleaseGil released;
        kernels<T>().process(cascade_, x.data(), (long long)x.shape(1), channels_, int(x.shape(1)));
    }

    // `repeats` times: set all sections, then process x. For timing without the cost of calls.
    void moving(Channels<T> x, const std::vector<double>& values, int repeats) {
        same(x.shape(0), std::size_t(channels_));
        whole_groups(x.shape(1));
        check_section(values);
        ReleaseGil released;
        for (int i = 0; i < repeats; ++i) {
            for (int s = 0; s < sections_; ++s) kernels<T>().set(cascade_, s, values.data());
            kernels<T>().process(cascade_, x.data(), (long long)x.shape(1), channels_, int(x.shape(1)));
        }
    }

    void reset() { kernels<T>().reset(cascade_); }

    nb::bytes save() {
        std::size_t bytes = 0;
        const void* state = kernels<T>().state(cascade_, &bytes);
        return nb::bytes(state, bytes);
    }

    void restore(nb::bytes saved) {
        std::size_t bytes = 0;
        void* state = kernels<T>().state(cascade_, &bytes);
        same(saved.size(), bytes);
        if (bytes) std::memcpy(state, saved.c_str(), bytes);
    }

  private:
    int sections_, channels_;
    void* cascade_;
};

template <class T>
void delay(Vector<const T> x, Vector<const double> delays, Vector<T> out, int max_delay, int mode,
           bool rerun) {
    whole_groups(x.size());
    same(x.size(), out.size());
    same(x.size(), delays.size());
    for (std::size_t i = 0; i < delays.size(); ++i)
        if (!(delays.data()[i] >= 0 && delays.data()[i] <= max_delay))
            throw std::invalid_argument("a delay is beyond max_delay");
    ReleaseGil released;
    kernels<T>().delay(x.data(), delays.data(), out.data(), int(x.size()), max_delay, mode, rerun);
}

template <class T>
void envelope(Channels<const T> x, Channels<T> out, double attack_ms, double release_ms, double sample_rate,
              bool rms, int step) {
    whole_groups(x.shape(1));
    whole_groups(std::size_t(step));
    same(x.shape(0), out.shape(0));
    same(x.shape(1), out.shape(1));
    if (step <= 0) throw std::invalid_argument("step must be positive");
    ReleaseGil released;
    kernels<T>().envelope(x.data(), out.data(), int(x.shape(0)), int(x.shape(1)), step, attack_ms, release_ms,
                          sample_rate, rms);
}

std::vector<double> way(double sample_rate, const std::vector<int>& starts, int groups) {
    std::vector<double> weights(std::size_t(groups) * 2);
    select_filter_kernels().way(sample_rate, starts.data(), int(starts.size()), groups, weights.data());
    return weights;
}

template <class T>
void bind(nb::module_& m, const char* cascade) {
    nb::class_<Cascade<T>>(m, cascade)
        .def(nb::init<int, int>(), nb::arg("sections"), nb::arg("channels"))
        .def("set", &Cascade<T>::set, nb::arg("section"), nb::arg("values"))
        .def("process", &Cascade<T>::process, nb::arg("x").noconvert())
        .def("moving", &Cascade<T>::moving, nb::arg("x").noconvert(), nb::arg("values"), nb::arg("repeats"))
        .def("reset", &Cascade<T>::reset)
        .def("save", &Cascade<T>::save)
        .def("restore", &Cascade<T>::restore, nb::arg("saved"));
    m.def("elementary", &elementary<T>, nb::arg("name"), nb::arg("x").noconvert(), nb::arg("out").noconvert(),
          nb::arg("vectors") = true);
    m.def("delay", &delay<T>, nb::arg("x").noconvert(), nb::arg("delays"), nb::arg("out").noconvert(),
          nb::arg("max_delay"), nb::arg("mode"), nb::arg("rerun") = false);
    m.def("envelope", &envelope<T>, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
          nb::arg("attack_ms"), nb::arg("release_ms"), nb::arg("sample_rate"), nb::arg("rms"),
          nb::arg("step"));
}

}  // namespace

void register_filters(nb::module_& m) {
    bind<float>(m, "BiquadCascade32");
    bind<double>(m, "BiquadCascade64");
    m.def("design_section", &design, nb::arg("name"), nb::arg("arguments"));
    m.def(
        "decay_frames",
        [](const std::vector<double>& values, double level_db) {
            check_section(values);
            return select_filter_kernels().decay_frames(values.data(), level_db);
        },
        nb::arg("values"), nb::arg("level_db") = -120.0);
    m.def("way", &way, nb::arg("sample_rate"), nb::arg("starts"), nb::arg("groups"));
    m.def(
        "on_scale",
        [](bool logarithmic, bool back, double x) {
            return select_filter_kernels().on_scale(logarithmic, back, x);
        },
        nb::arg("logarithmic"), nb::arg("back"), nb::arg("x"));
}

}  // namespace luthier::core
