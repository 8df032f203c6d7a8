// Sample rates changed while reading, and from Python: plans shared through a cache, and streams.
//
//     Resampler<float> resampler(resample_plan({44'100, 48'000}, ResampleQuality::high), channels);
//     resampler.process(in, stride, frames, out, out_stride);   // writes resampler.ready(frames) frames
//     resampler.flush(out, out_stride);                         // writes resampler.rest() frames
//
// in and out are planar, `stride` samples from channel to channel. A plan may be shared by threads, a
// Resampler belongs to one. Nothing here touches Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "luthier/dispatch.h"
#include "resample_kernels.h"

LUTHIER_DISPATCH(ResampleKernels, resample_kernels)

namespace luthier::io {

enum class ResampleQuality { fast, medium, high, best };

// What a plan depends on. The rates may have a common divisor.
struct ResampleKey {
    std::int64_t from, to;
    ResampleQuality quality = ResampleQuality::high;
    bool wide = false;          // computed in double; "best" always is
    double delay = 0;           // 0: linear phase, 1: minimum phase, between: that share of it
    bool intermediate = false;  // for evaluate()
    double cutoff = 1;          // share of the lower Nyquist frequency that is left

    bool operator==(const ResampleKey&) const = default;
};

// Shares of the lower Nyquist frequency, and decibels: the public table in resampling.py and
// docs/resampling.md, which say what comes out, a few decibels better each.
struct ResampleDesign {
    double pass, attenuation_db;
};
inline ResampleDesign resample_design(ResampleQuality quality) {
    switch (quality) {
        case ResampleQuality::fast: return {0.80, 95};
        case ResampleQuality::medium: return {0.87, 115};
        case ResampleQuality::high: return {0.913, 137};
        default: return {0.95, 162};
    }
}

class SharedResamplePlan {
  public:
    explicit SharedResamplePlan(ResampleKey key)
        : wide_(key.wide || key.quality == ResampleQuality::best),
          kernels_(wide_ ? select_resample_kernels().wide : select_resample_kernels().narrow) {
        const std::int64_t divisor = std::gcd(key.from, key.to);
        if (divisor <= 0) throw std::invalid_argument("sample rates must be positive");
        const ResampleDesign design = resample_design(key.quality);
        ResampleSpec spec{};
        spec.from = key.from / divisor;
        spec.to = key.to / divisor;
        spec.pass = design.pass * key.cutoff;
        spec.stop = key.cutoff;
        spec.attenuation_db = design.attenuation_db;
        spec.delay = key.delay;
        spec.intermediate = spec.ringing = key.intermediate;
        plan_ = kernels_.create(spec);
        if (!plan_) throw std::invalid_argument("the ratio of the sample rates is too large");
        facts_ = kernels_.facts(plan_);
    }
    SharedResamplePlan(const SharedResamplePlan&) = delete;
    SharedResamplePlan& operator=(const SharedResamplePlan&) = delete;
    ~SharedResamplePlan() { kernels_.destroy(plan_); }

    bool wide() const { return wide_; }
    const void* get() const { return plan_; }
    const ResampleFacts& facts() const { return facts_; }
    // Frames that `frames` of input give: round(frames * to / from), halves up.
    std::int64_t length(std::int64_t frames) const { return kernels_.length(plan_, frames); }

  private:
    bool wide_;
    const ResamplePlanKernels& kernels_;
    void* plan_ = nullptr;
    ResampleFacts facts_{};
};
using ResamplePlanPointer = std::shared_ptr<const SharedResamplePlan>;

// The plan for `key`, made or from the cache of the 32 that were used last.
inline ResamplePlanPointer resample_plan(const ResampleKey& key) {
    struct Entry {
        ResampleKey key;
        ResamplePlanPointer plan;
    };
    static std::mutex mutex;
    static std::list<Entry> recent;
    constexpr std::size_t most = 32;
    const auto find = [&]() -> ResamplePlanPointer {
        for (auto entry = recent.begin(); entry != recent.end(); ++entry) {
            if (!(entry->key == key)) continue;
            recent.splice(recent.begin(), recent, entry);
            return entry->plan;
        }
        return nullptr;
    };
    {
        std::lock_guard lock(mutex);
        if (auto found = find()) return found;
    }
    // Two threads may both make one; the second is dropped.
    auto made = std::make_shared<const SharedResamplePlan>(key);
    std::lock_guard lock(mutex);
    if (auto found = find()) return found;
    recent.push_front({key, made});
    if (recent.size() > most) recent.pop_back();
    return made;
}

template <class T>
const ResampleStreamKernels<T>& resample_stream_kernels(bool wide) {
    const auto& kernels = select_resample_kernels();
    if constexpr (std::is_same_v<T, float>)
        return wide ? kernels.floats_wide : kernels.floats;
    else
        return kernels.doubles;
}

// For T = double the plan must be wide.
template <class T>
class Resampler {
  public:
    Resampler(ResamplePlanPointer plan, int channels)
        : plan_(std::move(plan)),
          kernels_(resample_stream_kernels<T>(plan_->wide())),
          channels_(channels),
          stream_(create(), kernels_.destroy) {}

    const SharedResamplePlan& plan() const { return *plan_; }
    int channels() const { return channels_; }
    void reset() { kernels_.reset(stream_.get()); }
    // Takes up a signal in its middle: returns which frame to feed next so that all outputs from `output`
    // on have the bits that they have in the whole. given() tells which output leaves next.
    std::int64_t start_at(std::int64_t output) { return kernels_.start_at(stream_.get(), output); }
    std::int64_t given() const { return kernels_.given(stream_.get()); }

    // Frames that the next process(frames), or flush(), writes. `out` must hold them.
    std::int64_t ready(std::int64_t frames) const { return kernels_.ready(stream_.get(), frames); }
    std::int64_t rest() const { return kernels_.rest(stream_.get()); }

    // Takes all of `in`. `in` and `out` may not overlap. Both return the frames written.
    std::int64_t process(const T* in, std::ptrdiff_t stride, std::int64_t frames, T* out,
                         std::ptrdiff_t out_stride) {
        return kernels_.process(stream_.get(), in, stride, frames, out, out_stride);
    }
    // The end of the input. Then reset().
    std::int64_t flush(T* out, std::ptrdiff_t out_stride) {
        return kernels_.flush(stream_.get(), out, out_stride);
    }
    // Of an intermediate plan, whose stream gave the `size` samples of `signal`: its values at `times`, in
    // incoming frames.
    void evaluate(const T* signal, std::int64_t size, const double* times, std::int64_t count, T* out) const {
        kernels_.evaluate(plan_->get(), signal, size, times, count, out);
    }

  private:
    void* create() const {
        if (std::is_same_v<T, double> && !plan_->wide())
            throw std::invalid_argument("a plan for float64 must be wide");
        return kernels_.create(plan_->get(), channels_);
    }

    ResamplePlanPointer plan_;
    const ResampleStreamKernels<T>& kernels_;
    int channels_;
    std::unique_ptr<void, void (*)(void*)> stream_;
};

}  // namespace luthier::io
