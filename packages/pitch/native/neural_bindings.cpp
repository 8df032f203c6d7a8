// luthier.pitch._native.Neural32 and Neural64: the neural tracker over rows of samples, as stream.h's
// streams.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "luthier/pool.h"
#include "neural.h"
#include "registers.h"
#include "stream.h"
#include "working.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace luthier::pitch {
namespace {

template <class T>
class Neural {
  public:
    Neural(const FrontEnd& front_end, const Network& network, std::int64_t rows, double sample_rate,
           std::int64_t rate_from, std::int64_t rate_to, double model_rate, double hop_s, double f_min,
           double f_max, double lowest_hz, double bins_per_octave, double voicing_offset,
           double voicing_scale, int pitch, int unvoiced, nb::capsule pool)
        : method_(front_end, network,
                  {sample_rate, rate_from, rate_to, model_rate, hop_s, f_min, f_max, lowest_hz,
                   bins_per_octave, voicing_offset, voicing_scale, pitch, unvoiced}),
          pool_(std::move(pool)) {
        for (std::int64_t i = 0; i < rows; ++i) rows_.push_back(std::make_unique<NeuralRow>(method_));
        converted_.resize(rows_.size());
        // Half a second of work, spread over what works at it.
        round_ = std::max<std::int64_t>(
            256, std::int64_t(8 * sample_rate / double(std::max<std::int64_t>(1, rows))));
    }

    Results push(Rows<T> samples) {
        if (std::size_t(samples.shape(0)) != rows_.size()) throw std::logic_error("a block has other rows");
        const Working working(busy_);
        check_whole();
        const std::int64_t count = std::int64_t(samples.shape(1));
        broken_ = true;
        for (std::int64_t done = 0; done < count; done += round_) {
            const std::int64_t some = std::min(round_, count - done);
            each_row([&](std::size_t row) {
                const T* from = samples.data() + std::int64_t(row) * count + done;
                if constexpr (sizeof(T) == sizeof(float)) {
                    rows_[row]->push(from, some);
                } else {
                    std::vector<float>& to = converted_[row];
                    to.resize(std::size_t(some));
                    for (std::int64_t i = 0; i < some; ++i)
                        to[std::size_t(i)] = float(std::clamp(from[i], T(-1e38), T(1e38)));
                    rows_[row]->push(to.data(), some);
                }
            });
        }
        broken_ = false;
        return take();
    }

    Results flush() {
        const Working working(busy_);
        check_whole();
        broken_ = true;
        each_row([&](std::size_t row) { rows_[row]->end(); });
        Results results = take();
        begin();
        return results;
    }

    void reset() {
        const Working working(busy_);
        begin();
    }

    double latency() const { return method_.latency(); }

  private:
    void begin() {
        for (auto& row : rows_) row->reset();
        broken_ = false;
    }

    void check_whole() const {
        if (broken_) throw std::runtime_error("a tracker that was interrupted must be reset: call reset()");
    }

    template <class Run>
    void each_row(Run run) {
        std::exception_ptr failure;
        std::mutex lock;
        {
            ReleaseGil unlocked;
            parallel_for(static_cast<const luthier_pool*>(pool_.data()), rows_.size(), [&](std::size_t row) {
                try {
                    run(row);
                } catch (...) {
                    const std::lock_guard guard(lock);
                    failure = std::current_exception();
                }
            });
        }
        if (failure) std::rethrow_exception(failure);
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }

    // What all rows know; they know the same number of frames.
    Results take() {
        const std::size_t count = rows_.empty() ? 0 : rows_[0]->results.size(), size = rows_.size() * count;
        std::unique_ptr<double[]> f0(new double[size + 1]), confidence(new double[size + 1]);
        for (std::size_t row = 0; row < rows_.size(); ++row) {
            for (std::size_t i = 0; i < count; ++i) {
                f0[row * count + i] = rows_[row]->results[i].f0;
                confidence[row * count + i] = rows_[row]->results[i].confidence;
            }
            rows_[row]->results.clear();
        }
        return {give(std::move(f0), count), give(std::move(confidence), count)};
    }

    Array give(std::unique_ptr<double[]> values, std::size_t count) const {
        double* data = values.release();
        nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<double*>(p); });
        return Array(data, {rows_.size(), count}, owner);
    }

    NeuralMethod method_;
    nb::capsule pool_;
    std::vector<std::unique_ptr<NeuralRow>> rows_;
    std::vector<std::vector<float>> converted_;
    std::int64_t round_;
    std::atomic<bool> busy_{false};
    bool broken_ = false;  // by a signal that was raised within
};

template <class T>
void register_for(nb::module_& m, const char* name) {
    nb::class_<Neural<T>>(m, name)
        .def(
            nb::init<const FrontEnd&, const Network&, std::int64_t, double, std::int64_t, std::int64_t,
                     double, double, double, double, double, double, double, double, int, int, nb::capsule>(),
            "front_end"_a, "network"_a, "rows"_a, "sample_rate"_a, "rate_from"_a, "rate_to"_a, "model_rate"_a,
            "hop_s"_a, "f_min"_a, "f_max"_a, "lowest_hz"_a, "bins_per_octave"_a, "voicing_offset"_a,
            "voicing_scale"_a, "pitch"_a, "unvoiced"_a, "pool"_a, nb::keep_alive<1, 2>(),
            nb::keep_alive<1, 3>())
        .def("push", &Neural<T>::push, "samples"_a.noconvert())
        .def("flush", &Neural<T>::flush)
        .def("reset", &Neural<T>::reset)
        .def_prop_ro("latency", &Neural<T>::latency);
}

}  // namespace

void register_neural(nb::module_& m) {
    register_for<float>(m, "Neural32");
    register_for<double>(m, "Neural64");
}

}  // namespace luthier::pitch
