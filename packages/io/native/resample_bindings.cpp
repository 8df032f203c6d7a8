// Resampling for Python: rows of samples over the thread pool, and streams.
#include "resample_bindings.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "luthier/python.h"
#include "resampler.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::io {

const luthier_pool* shared_pool() {
    static const luthier_pool* pool = [] {
        const nb::object capsule = nb::module_::import_("luthier.core._native").attr("pool")();
        return static_cast<const luthier_pool*>(nb::cast<nb::capsule>(capsule).data(kPoolCapsule));
    }();
    return pool;
}

namespace {

template <class T>
using Rows = nb::ndarray<T, nb::ndim<2>, nb::device::cpu>;
using Times = nb::ndarray<const double, nb::ndim<1>, nb::device::cpu, nb::c_contig>;

// Some ten milliseconds of work, after which Ctrl-C is heard.
constexpr std::int64_t kSlice = 1 << 21;

// Runs the jobs 0, 1, ... of `work` frames together on the pool's threads, in slices. `Worker` has
// start(job), which makes it ready, and work(slice), which does about so much, takes it off `slice`, and
// says whether the job is done.
template <class Worker, class Make>
void run_jobs(std::size_t jobs, std::size_t work, Make make) {
    const luthier_pool* pool = shared_pool();
    const bool small = work < 100'000;
    std::size_t count = small || !pool ? 1 : std::min(std::size_t(pool->threads()), work / 50'000);
    count = std::min(count, jobs);
    std::vector<Worker> workers;
    for (std::size_t w = 0; w < count; ++w) workers.push_back(make());
    std::vector<char> busy(count);
    std::atomic<std::size_t> next{0}, done{0};
    while (done < jobs) {
        {
            std::optional<ReleaseGil> unlocked;
            if (!small) unlocked.emplace();
            parallel_for(pool, count, [&](std::size_t w) {
                std::int64_t slice = kSlice;
                while (slice > 0) {
                    if (!busy[w]) {
                        const std::size_t job = next++;
                        if (job >= jobs) return;
                        workers[w].start(job);
                        busy[w] = 1;
                    }
                    if (!workers[w].work(slice)) continue;
                    busy[w] = 0;
                    ++done;
                }
            });
        }
        if (done < jobs && PyErr_CheckSignals() != 0) throw nb::python_error();
    }
}

template <class T>
class RowWorker {
  public:
    RowWorker(const ResamplePlanPointer& plan, const Rows<const T>& in, const Rows<T>& out)
        : resampler_(plan, 1), in_(in), out_(out) {}

    void start(std::size_t row) {
        from_ = in_.data() + std::ptrdiff_t(row) * in_.stride(0);
        to_ = out_.data() + std::ptrdiff_t(row) * out_.stride(0);
        left_ = std::int64_t(in_.shape(1));
        more_ = 1 + std::int64_t(out_.shape(1) / std::max<std::size_t>(1, in_.shape(1)));
        resampler_.reset();
    }
    bool work(std::int64_t& slice) {
        const std::int64_t frames = std::min(left_, std::max<std::int64_t>(1, slice / more_));
        to_ += resampler_.process(from_, 0, frames, to_, 0);
        from_ += frames;
        left_ -= frames;
        slice -= frames * more_ + 4096;
        if (left_ > 0) return false;
        resampler_.flush(to_, 0);
        return true;
    }

  private:
    Resampler<T> resampler_;
    const Rows<const T>& in_;
    const Rows<T>& out_;
    const T* from_ = nullptr;
    T* to_ = nullptr;
    std::int64_t left_ = 0;
    std::int64_t more_ = 1;  // frames of work for one that comes in
};

template <class T>
void check_rows(const Rows<T>& rows) {
    if (rows.shape(1) > 1 && rows.stride(1) != 1) throw nb::value_error("a row's samples must be contiguous");
}

template <class T>
void resample_rows(const ResamplePlanPointer& plan, Rows<const T> in, Rows<T> out) {
    check_rows(in);
    check_rows(out);
    if (in.shape(0) != out.shape(0) || plan->length(std::int64_t(in.shape(1))) != std::int64_t(out.shape(1)))
        throw nb::value_error("the output's shape does not fit");
    const std::size_t work = in.shape(0) * std::max(in.shape(1), out.shape(1));
    run_jobs<RowWorker<T>>(in.shape(0), work, [&] { return RowWorker<T>(plan, in, out); });
}

// All values of one row: the row's intermediate signal first.
template <class T>
class TimesWorker {
  public:
    TimesWorker(const ResamplePlanPointer& plan, const Rows<const T>& in, const Times& times,
                const Rows<T>& out)
        : resampler_(plan, 1), in_(in), times_(times), out_(out) {
        signal_.resize(std::size_t(plan->length(std::int64_t(in.shape(1)))));
    }

    void start(std::size_t row) {
        from_ = in_.data() + std::ptrdiff_t(row) * in_.stride(0);
        to_ = out_.data() + std::ptrdiff_t(row) * out_.stride(0);
        left_ = std::int64_t(in_.shape(1));
        size_ = done_ = 0;
        ended_ = false;
        resampler_.reset();
    }
    bool work(std::int64_t& slice) {
        const auto count = std::int64_t(times_.shape(0));
        if (!ended_) {
            const std::int64_t frames = std::min(left_, slice);
            size_ += resampler_.process(from_, 0, frames, signal_.data() + size_, 0);
            from_ += frames;
            left_ -= frames;
            slice -= frames + 4096;
            if (left_ > 0) return false;
            size_ += resampler_.flush(signal_.data() + size_, 0);
            ended_ = true;
        }
        const std::int64_t values = std::min(count - done_, std::max<std::int64_t>(slice, 4096));
        resampler_.evaluate(signal_.data(), size_, times_.data() + done_, values, to_ + done_);
        done_ += values;
        slice -= values;
        return done_ == count;
    }

  private:
    Resampler<T> resampler_;
    const Rows<const T>& in_;
    const Times& times_;
    const Rows<T>& out_;
    std::vector<T> signal_;
    const T* from_ = nullptr;
    T* to_ = nullptr;
    std::int64_t left_ = 0, size_ = 0, done_ = 0;
    bool ended_ = false;
};

template <class T>
void resample_times(const ResamplePlanPointer& plan, Rows<const T> in, Times times, Rows<T> out) {
    check_rows(in);
    check_rows(out);
    if (in.shape(0) != out.shape(0) || times.shape(0) != out.shape(1))
        throw nb::value_error("the output's shape does not fit");
    if (plan->wide() != std::is_same_v<T, double>) throw nb::value_error("the plan is of another type");
    const std::size_t work = in.shape(0) * (in.shape(1) + out.shape(1));
    run_jobs<TimesWorker<T>>(in.shape(0), work, [&] { return TimesWorker<T>(plan, in, times, out); });
}

template <class T>
class PyResampler {
  public:
    PyResampler(const ResamplePlanPointer& plan, int channels) : resampler_(plan, channels) {}

    std::int64_t ready(std::int64_t frames) {
        std::lock_guard lock(mutex_);
        return resampler_.ready(frames);
    }
    std::int64_t rest() {
        std::lock_guard lock(mutex_);
        return resampler_.rest();
    }
    void reset() {
        std::lock_guard lock(mutex_);
        resampler_.reset();
    }
    std::pair<std::int64_t, std::int64_t> start_at(std::int64_t output) {
        std::lock_guard lock(mutex_);
        const std::int64_t input = resampler_.start_at(output);
        return {input, resampler_.given()};
    }
    void process(Rows<const T> in, Rows<T> out) {
        check_rows(in);
        check_rows(out);
        const auto frames = std::int64_t(in.shape(1));
        T* to = out.data();
        const std::int64_t slice = std::max<std::int64_t>(1, kSlice / resampler_.channels());
        for (std::int64_t at = 0; at < frames; at += slice) {
            const std::int64_t n = std::min(slice, frames - at);
            {
                ReleaseGil unlocked;
                std::lock_guard lock(mutex_);
                if (at == 0) check(in.shape(0), out, resampler_.ready(frames));
                to += resampler_.process(in.data() + at, in.stride(0), n, to, out.stride(0));
            }
            if (frames > slice && PyErr_CheckSignals() != 0) throw nb::python_error();
        }
    }
    void flush(Rows<T> out) {
        check_rows(out);
        ReleaseGil unlocked;
        std::lock_guard lock(mutex_);
        check(out.shape(0), out, resampler_.rest());
        resampler_.flush(out.data(), out.stride(0));
    }

  private:
    void check(std::size_t channels, const Rows<T>& out, std::int64_t frames) const {
        if (channels != std::size_t(resampler_.channels()) || out.shape(0) != channels ||
            std::int64_t(out.shape(1)) != frames)
            throw std::invalid_argument("the shapes of the blocks do not fit");
    }

    Resampler<T> resampler_;
    std::mutex mutex_;
};

template <class T>
void bind_stream(nb::module_& m, const char* name) {
    using R = PyResampler<T>;
    nb::class_<R>(m, name)
        .def(nb::init<const ResamplePlanPointer&, int>(), "plan"_a, "channels"_a)
        .def("ready", &R::ready, "frames"_a)
        .def("rest", &R::rest)
        .def("reset", &R::reset)
        .def("start_at", &R::start_at, "output"_a)
        .def("process", &R::process, "samples"_a.noconvert(), "out"_a.noconvert())
        .def("flush", &R::flush, "out"_a.noconvert());
}

}  // namespace

void bind_resampling(nb::module_& m) {
    shared_pool();
    nb::class_<SharedResamplePlan>(m, "ResamplePlan")
        .def("length", &SharedResamplePlan::length, "frames"_a)
        .def_prop_ro("latency", [](const SharedResamplePlan& p) { return p.facts().latency; });
    m.def(
        "resample_plan",
        [](std::int64_t from, std::int64_t to, int quality, bool wide, double delay, bool intermediate,
           double cutoff) {
            return std::const_pointer_cast<SharedResamplePlan>(
                resample_plan({from, to, ResampleQuality(quality), wide, delay, intermediate, cutoff}));
        },
        "from_rate"_a, "to_rate"_a, "quality"_a, "wide"_a, "delay"_a, "intermediate"_a, "cutoff"_a,
        nb::call_guard<ReleaseGil>());
    m.def("resample", &resample_rows<float>, "plan"_a, "samples"_a.noconvert(), "out"_a.noconvert());
    m.def("resample", &resample_rows<double>, "plan"_a, "samples"_a.noconvert(), "out"_a.noconvert());
    m.def("resample_times", &resample_times<float>, "plan"_a, "samples"_a.noconvert(), "times"_a.noconvert(),
          "out"_a.noconvert());
    m.def("resample_times", &resample_times<double>, "plan"_a, "samples"_a.noconvert(), "times"_a.noconvert(),
          "out"_a.noconvert());
    bind_stream<float>(m, "ResampleStreamFloat");
    bind_stream<double>(m, "ResampleStreamDouble");
    bind_sinc(m);
}

}  // namespace luthier::io
