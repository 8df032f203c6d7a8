// A method at work on rows of samples that come in pieces of any size.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "luthier/buffer.h"
#include "luthier/pool.h"
#include "method.h"
#include "spread.h"
#include "working.h"

namespace luthier::pitch {

template <class T>
using Rows = nanobind::ndarray<const T, nanobind::ndim<2>, nanobind::c_contig, nanobind::device::cpu>;

// f0 and confidence, each (rows, frames).
using Array = nanobind::ndarray<nanobind::numpy, double, nanobind::ndim<2>>;
using Results = std::pair<Array, Array>;

// Whether all samples are.
template <class T>
bool all_finite(const T* samples, std::int64_t count);

template <class T>
class Stream {
  public:
    Stream(std::unique_ptr<const Method<T>> method, std::int64_t rows, nanobind::capsule pool)
        : method_(std::move(method)), rows_(rows), pool_(std::move(pool)) {
        path_stride_ = (method_->path_bytes() + 63) / 64 * 64;
        paths_ = AlignedBuffer<std::byte>(path_stride_ * std::size_t(rows));
        tails_.resize(std::size_t(rows));
        begin();
    }

    // The results, (rows, frames), that these samples make known.
    Results push(Rows<T> samples) {
        if (std::int64_t(samples.shape(0)) != rows_) throw std::logic_error("a block has other rows");
        const Working working(busy_);
        check_whole();
        broken_ = true;
        const std::int64_t count = std::int64_t(samples.shape(1)), length = received_ + count;
        std::int64_t ready = analysed_;
        if (length > method_->at_start) {
            // From an estimate that is low by what rounding may do.
            ready = std::max(ready, std::int64_t(double(length - method_->after - 2) / method_->hop) - 1);
            while (centre(ready) + method_->after < length) ++ready;
        }
        const bool direct = base_ == received_;  // nothing is held
        if (!direct) {
            ReleaseGil unlocked;
            for (std::int64_t row = 0; row < rows_; ++row) {
                const T* from = samples.data() + row * count;
                tails_[std::size_t(row)].insert(tails_[std::size_t(row)].end(), from, from + count);
            }
        }
        const auto data = [&](std::int64_t row) {
            return direct ? samples.data() + row * count : tails_[std::size_t(row)].data();
        };
        Results results = run(data, length, ready, false);
        // What the next frame may read stays. A frame cut by the end reads no further back than this.
        const std::int64_t keep = std::clamp(
            std::min(centre(analysed_) - method_->before, length - method_->before - method_->after), base_,
            length);
        for (std::int64_t row = 0; row < rows_; ++row) {
            std::vector<T>& tail = tails_[std::size_t(row)];
            if (direct)
                tail.assign(data(row) + (keep - base_), data(row) + (length - base_));
            else
                tail.erase(tail.begin(), tail.begin() + (keep - base_));
        }
        base_ = keep;
        received_ = length;
        broken_ = false;
        return results;
    }

    // The results of what frames are left. Nothing may be pushed after it but for a reset.
    Results flush() {
        const Working working(busy_);
        check_whole();
        const std::int64_t frames =
            received_ > 0 ? std::int64_t(std::floor(double(received_) / method_->hop + 1e-9)) + 1 : 0;
        broken_ = true;
        Results results = run([&](std::int64_t row) { return tails_[std::size_t(row)].data(); }, received_,
                              std::max(frames, analysed_), true);
        begin();
        return results;
    }

    void reset() {
        const Working working(busy_);
        begin();
    }

    // The most samples from a frame's centre to the one that makes its result known.
    double latency() const { return double(method_->after + 1) + method_->lag * method_->hop; }

  private:
    void begin() {
        base_ = received_ = analysed_ = given_ = 0;
        broken_ = false;
        for (std::vector<T>& tail : tails_) tail.clear();
        for (std::int64_t row = 0; row < rows_ && path_stride_; ++row) method_->begin(path(row));
    }

    void check_whole() const {
        if (broken_) throw std::runtime_error("a tracker that was interrupted must be reset: call reset()");
    }

    std::int64_t centre(std::int64_t frame) const { return std::int64_t(double(frame) * method_->hop + 0.5); }
    void* path(std::int64_t row) { return paths_.data() + row * std::int64_t(path_stride_); }

    // Analyses the frames up to `ready` and returns what can be decided then.
    template <class Data>
    Results run(Data data, std::int64_t length, std::int64_t ready, bool last) {
        const std::int64_t known = last ? ready : std::max(given_, ready - method_->lag);
        const std::int64_t count = known - given_;
        std::unique_ptr<double[]> f0(new double[std::size_t(rows_ * count) + 1]);
        std::unique_ptr<double[]> confidence(new double[std::size_t(rows_ * count) + 1]);
        const auto* pool = static_cast<const luthier_pool*>(pool_.data());
        const std::int64_t first = given_;
        const auto store = [&](std::int64_t row, std::int64_t frame, const FrameResult* from, int frames) {
            for (int i = 0; i < frames; ++i) {
                f0[std::size_t(row * count + frame - first + i)] = from[i].f0;
                confidence[std::size_t(row * count + frame - first + i)] = from[i].confidence;
            }
        };
        // Records of some megabytes at a time.
        const std::int64_t most =
            std::clamp<std::int64_t>((1 << 22) / (std::max<std::int64_t>(1, rows_) * method_->record_bytes),
                                     method_->frames_per_task, 1 << 15);
        const std::size_t stride = std::size_t(std::min(most, ready - analysed_)) * method_->record_bytes;
        AlignedBuffer<std::byte> records(stride * std::size_t(rows_));
        while (analysed_ < ready) {
            const std::int64_t frames = std::min(most, ready - analysed_), begin = analysed_;
            std::atomic<bool> starved{false};
            spread(pool, rows_, frames, method_->frames_per_task,
                   [&](std::int64_t row, std::int64_t from, int some) {
                       const std::size_t bytes = method_->scratch_bytes(some) + 64;
                       const std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[bytes]);
                       if (!memory) {
                           starved = true;
                           return;
                       }
                       void* scratch = reinterpret_cast<void*>(
                           (reinterpret_cast<std::uintptr_t>(memory.get()) + 63) / 64 * 64);
                       std::byte* to =
                           records.data() + row * std::int64_t(stride) + from * method_->record_bytes;
                       method_->analyse({data(row), base_, length}, begin + from, some, scratch, to);
                       if (!path_stride_)
                           store(row, begin + from, reinterpret_cast<const FrameResult*>(to), some);
                   });
            if (starved) throw std::bad_alloc();
            analysed_ += frames;
            if (path_stride_)
                decide(pool, records.data(), stride, int(frames), store);
            else
                given_ = analysed_;
        }
        if (last && path_stride_ && given_ < ready) {
            std::vector<FrameResult> results(std::size_t(method_->lag) + 1);
            for (std::int64_t row = 0; row < rows_; ++row)
                store(row, given_, results.data(), method_->conclude(path(row), results.data()));
            given_ = ready;
        }
        return {give(std::move(f0), count), give(std::move(confidence), count)};
    }

    template <class Store>
    void decide(const luthier_pool* pool, const std::byte* records, std::size_t stride, int frames,
                Store store) {
        std::int64_t given = 0;
        {
            ReleaseGil unlocked;
            std::vector<FrameResult> results(std::size_t(rows_) * frames);
            parallel_for(pool, std::size_t(rows_), [&](std::size_t row) {
                FrameResult* to = results.data() + row * frames;
                const int some = method_->decide(path(std::int64_t(row)), records + row * stride, frames, to);
                store(std::int64_t(row), given_, to, some);
                if (row == 0) given = some;
            });
        }
        if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
        given_ += given;
    }

    Array give(std::unique_ptr<double[]> values, std::int64_t count) const {
        double* data = values.release();
        nanobind::capsule owner(data, [](void* p) noexcept { delete[] static_cast<double*>(p); });
        return Array(data, {std::size_t(rows_), std::size_t(count)}, owner);
    }

    std::unique_ptr<const Method<T>> method_;
    std::int64_t rows_;
    nanobind::capsule pool_;
    std::atomic<bool> busy_{false};
    bool broken_ = false;  // by a signal that was raised within
    std::int64_t base_ = 0, received_ = 0, analysed_ = 0, given_ = 0;
    std::vector<std::vector<T>> tails_;  // the samples from `base_` to `received_`
    std::size_t path_stride_ = 0;
    AlignedBuffer<std::byte> paths_;
};

using Stream32 = Stream<float>;
using Stream64 = Stream<double>;

// The stream of a method as a Python object.
template <class T>
nanobind::object make_stream(std::unique_ptr<const Method<T>> method, std::int64_t rows,
                             nanobind::capsule pool) {
    return nanobind::cast(new Stream<T>(std::move(method), rows, std::move(pool)),
                          nanobind::rv_policy::take_ownership);
}

}  // namespace luthier::pitch
