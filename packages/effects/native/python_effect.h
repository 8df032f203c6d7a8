// Effects that are written in Python. To the engine they are effects like all others, behind the function
// pointers of an EffectClass; what stands behind those is here, and only binding sources include it.
//
// Python gets whole blocks of a fixed number of frames that lie on a grid of the stream, and nothing else, so
// that its code cannot depend on how the signal was cut. Usually a block is rendered when it is complete,
// and comes out one block later. An effect that promises to be causal, an output never depending on later
// input, is rendered with zeros for what has not come, and again from its saved state when more has.
//
// The Python side is rendering.py: a Renderer for each effect of each item, whose arrays are written and
// read here.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "luthier/effect_class.h"
#include "luthier/python.h"
#include "luthier/simd.h"
#include "node.h"

namespace luthier::effects {

namespace nb = nanobind;

// What the Python effects of one stream share: the first exception, which stops them all.
class PythonHost {
  public:
    bool failed() const { return failed_; }

    // Called while the exception is handled.
    void fail() {
        const std::lock_guard lock(mutex_);
        if (!failed_) error_ = std::current_exception();
        failed_ = true;
    }

    // Throws what fail() caught, once. In Python's own thread.
    void report() {
        if (!failed_) return;
        if (const std::exception_ptr error = take()) std::rethrow_exception(error);
    }

    void clear() {
        take();
        failed_ = false;
    }

    // Whether this thread is inside Python code that the stream called.
    bool calling() const {
        for (const Call* call = innermost; call; call = call->outer)
            if (call->host == this) return true;
        return false;
    }

    struct Call {
        explicit Call(const PythonHost* called) : host(called), outer(innermost) { innermost = this; }
        ~Call() { innermost = outer; }
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;

        const PythonHost* host;
        const Call* outer;
    };

  private:
    std::exception_ptr take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(error_, nullptr);
    }

    static inline thread_local const Call* innermost = nullptr;

    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    std::exception_ptr error_;
};

// What EffectSpec::code points to.
struct PythonCode {
    nb::object make_renderer;
    PythonHost* host;
};

template <class T>
class PythonEffect {
  public:
    ~PythonEffect() {
        const AcquireGil locked;
        renderer_.reset();
    }

    void prepare(const EffectSpec& spec) {
        const auto& code = *static_cast<const PythonCode*>(spec.code);
        const AcquireGil locked;
        host_ = code.host;
        channels_ = spec.channels;
        renderer_ =
            code.make_renderer(spec.sample_rate, spec.channels, sizeof(T) == 4 ? "float32" : "float64",
                               spec.key_channels > 0 ? spec.key_channels : spec.channels, spec.offline);
        frames_ = nb::cast<int>(renderer_.attr("frames"));
        causal_ = nb::cast<bool>(renderer_.attr("causal"));
        latency_ = nb::cast<int>(renderer_.attr("latency"));
        input_ = rows<T>("input");
        output_ = rows<T>("output");
        key_ = rows<T>("key");
        values_ = rows<double>("values");
        from_.resize(values_.count);
        to_.resize(values_.count);
    }

    void set(const double* from, const double* to) {
        std::copy_n(from, from_.size(), from_.begin());
        std::copy_n(to, to_.size(), to_.begin());
    }

    void process(Block<T> x, Block<const T> key) {
        for (int at = 0; at < x.frames;) {
            const int place = int(frame_ % frames_);
            const int n = std::min(x.frames - at, frames_ - place);
            const bool first = place == 0 && block_ != frame_ / frames_;
            // The block before this one is complete now; a rerun of this group finds it rendered.
            if (first && !causal_ && frame_ > 0) render(0, false);
            if (first) block_ = frame_ / frames_;
            for (int c = 0; c < channels_; ++c) std::copy_n(x[c] + at, n, input_.row(c) + place);
            for (int c = 0; c < std::min(key_.count, key.channels); ++c)
                std::copy_n(key[c] + at, n, key_.row(c) + place);
            for (int p = 0; p < values_.count; ++p) move(p, place, n);
            if (causal_) render(place, first);
            for (int c = 0; c < channels_; ++c) std::copy_n(output_.row(c) + place, n, x[c] + at);
            frame_ += n;
            at += n;
        }
    }

    void reset() {
        frame_ = 0;
        block_ = -1;
        restart_ = true;
        input_.clear();
        output_.clear();
        key_.clear();
    }

    std::int64_t& state() { return frame_; }
    int latency() const { return latency_; }

    // Frames, or the most that it amplifies, as the Python class says for these parameters.
    double ask(const char* question, const double* values) const {
        const AcquireGil locked;
        nb::list numbers;
        for (int p = 0; p < values_.count; ++p) numbers.append(values[p]);
        return nb::cast<double>(renderer_.attr(question)(numbers));
    }

  private:
    // An array of the renderer's, (count, frames).
    template <class U>
    struct Rows {
        U* data = nullptr;
        int count = 0, frames = 0;

        U* row(int i) const { return data + std::ptrdiff_t(i) * frames; }
        void clear() const { std::fill_n(data, std::ptrdiff_t(count) * frames, U(0)); }
    };

    template <class U>
    Rows<U> rows(const char* name) const {
        const auto array =
            nb::cast<nb::ndarray<U, nb::ndim<2>, nb::c_contig, nb::device::cpu>>(renderer_.attr(name));
        return {array.data(), int(array.shape(0)), frames_};
    }

    // While a parameter moves, this is one group.
    void move(int parameter, int place, int n) {
        const double from = from_[parameter], step = (to_[parameter] - from) / (kGroup - 1);
        double* values = values_.row(parameter) + place;
        if (step == 0) {
            std::fill_n(values, n, from);
        } else {
            for (int i = 0; i < n; ++i) values[i] = from + i * step;
        }
    }

    // `given` frames of the block have been given out already.
    void render(int given, bool first) {
        if (channels_ == 0) return;
        if (!host_->failed()) {
            const AcquireGil locked;
            const FlushDenormals numbers_as_python_knows_them(false);
            const PythonHost::Call call(host_);
            try {
                renderer_.attr("render")(given, first, restart_);
                restart_ = false;
                return;
            } catch (const std::exception&) {
                host_->fail();  // and nothing else: the end of a thread passes as well
            }
        }
        output_.clear();
    }

    nb::object renderer_;
    PythonHost* host_ = nullptr;
    Rows<T> input_, output_, key_;
    Rows<double> values_;
    int channels_ = 0, frames_ = kGroup, latency_ = 0;
    bool causal_ = false, restart_ = false;
    std::vector<double> from_, to_;
    std::int64_t frame_ = 0;   // of the stream
    std::int64_t block_ = -1;  // the last that was begun; not taken back when a group is run again
};

template <class T>
EffectClass<T> describe_python_effect() {
    using E = PythonEffect<T>;
    return {
        .size = sizeof(E),
        .alignment = alignof(E),
        .construct = [](void* e) { new (e) E; },
        .destroy = [](void* e) { static_cast<E*>(e)->~E(); },
        .prepare = [](void* e, const EffectSpec* spec, const double*) { static_cast<E*>(e)->prepare(*spec); },
        .set = [](void* e, const double* from, const double* to) { static_cast<E*>(e)->set(from, to); },
        .process =
            [](void* e, T* data, std::ptrdiff_t stride, int channels, int frames, const T* key,
               std::ptrdiff_t key_stride, int key_channels) {
                static_cast<E*>(e)->process({data, stride, channels, frames},
                                            {key, key_stride, key_channels, frames});
            },
        .reset = [](void* e) { static_cast<E*>(e)->reset(); },
        .join = [](void*) {},
        .save =
            [](void* e, void* memory) {
                if (memory) std::memcpy(memory, &static_cast<E*>(e)->state(), sizeof(std::int64_t));
                return sizeof(std::int64_t);
            },
        .restore =
            [](void* e, const void* memory) {
                std::memcpy(&static_cast<E*>(e)->state(), memory, sizeof(std::int64_t));
            },
        .latency = [](const void* e) { return static_cast<const E*>(e)->latency(); },
        .tail = [](const void* e, const double* values,
                   double) { return static_cast<const E*>(e)->ask("tail", values); },
        .gain = [](const void* e,
                   const double* values) { return static_cast<const E*>(e)->ask("gain", values); },
        .reduction_db = [](const void*) { return 0.0; },
        .sections = nullptr,
        .memory = nullptr,
    };
}

// The one entry that stands for all of them.
inline const EffectEntry& python_effect() {
    static const EffectEntry entry{.name = "an effect in Python",
                                   .parameters = nullptr,
                                   .parameter_count = 0,
                                   .options = nullptr,
                                   .option_count = 0,
                                   .listens = true,
                                   .most_sections = 0,
                                   .f32 = describe_python_effect<float>(),
                                   .f64 = describe_python_effect<double>()};
    return entry;
}

}  // namespace luthier::effects
