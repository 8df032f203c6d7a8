// Resample: down to another sample rate and back up, as a sampler or a telephone does: what lies above half
// the target rate is gone. Or, with the quality "hold", each frame that the target rate falls on stands until
// the next, and what lies above comes back as aliases.
//
// Both ways go through luthier/resample.h, whose blocks are far longer than a group. A group is handed on
// when the next one begins, once, for by then it is whole; what comes back waits in a ring until its time. A
// rerun of a group finds it there. Where the target rate is not below the signal's, nothing is lost or
// delayed.
#pragma once

#include "luthier/effect.h"
#include "luthier/resample.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Resample : EffectDefaults {
    struct Options {
        double target_sample_rate, quality;
    };
    static constexpr const char* options[] = {"target_sample_rate", "quality"};

    void prepare(const Spec& spec, const Options& chosen) {
        channels_ = spec.channels;
        if (chosen.target_sample_rate >= spec.sample_rate) {
            way_ = Way::through;
            return;
        }
        std::int64_t from = terms(spec.sample_rate), to = terms(chosen.target_sample_rate);
        const std::int64_t divisor = resample::greatest_divisor(from, to);
        from_ = from / divisor;
        to_ = to / divisor;
        if (chosen.quality == kHold) {
            way_ = Way::hold;
            held_ = AlignedBuffer<T>(std::size_t(channels_));
            return;
        }
        way_ = Way::filter;
        constexpr double designs[][2] = {{0.80, 95}, {0.87, 115}, {0.913, 137}, {0.95, 162}};
        const auto& design = designs[int(chosen.quality) - 1];
        ResampleSpec down{};
        down.from = from_;
        down.to = to_;
        down.pass = design[0];
        down.stop = 1;
        down.attenuation_db = design[1];
        ResampleSpec up = down;
        up.from = to_;
        up.to = from_;
        down_plan_.prepare(down);
        up_plan_.prepare(up);
        down_.prepare(down_plan_, channels_);
        up_.prepare(up_plan_, channels_);

        const double ratio = double(from_) / double(to_);
        const double low = double(down_plan_.latency() + kGroup) / ratio + 4;
        late_ = double(down_plan_.latency()) + (double(up_plan_.latency()) + 2) * ratio + 2;
        latency_ = (int(late_) / kGroup + 2) * kGroup;
        group_ = AlignedBuffer<T>(std::size_t(channels_) * kGroup);
        low_stride_ = std::ptrdiff_t(low) + kGroup;
        low_ = AlignedBuffer<T>(std::size_t(channels_) * std::size_t(low_stride_));
        high_stride_ = std::ptrdiff_t((double(up_plan_.latency()) + low + 4) * ratio) + kGroup;
        high_ = AlignedBuffer<T>(std::size_t(channels_) * std::size_t(high_stride_));
        ring_size_ = 64;
        while (double(ring_size_) < latency_ + 2 * kGroup + 2 * ratio + 4) ring_size_ *= 2;
        ring_ = AlignedBuffer<T>(std::size_t(channels_) * std::size_t(ring_size_));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (way_ == Way::through) return;
        for (int i = 0; i < x.frames; i += kGroup) {
            if (way_ == Way::hold)
                hold(x.from(i, kGroup));
            else
                filter(x.from(i, kGroup));
        }
    }

    void reset() {
        position_ = fed_ = given_ = 0;
        count_ = 0;
        held_.clear();
        ring_.clear();
        if (way_ == Way::filter) {
            down_.reset();
            up_.reset();
        }
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&position_, sizeof position_);
        visit(&count_, sizeof count_);
        visit(held_.data(), held_.size() * sizeof(T));
    }

    int latency() const { return latency_; }
    double tail(const Params&, double) const {
        return way_ == Way::hold ? double(from_) / double(to_) + 1 : late_;
    }
    // Steep filters overshoot.
    double gain(const Params&) const { return way_ == Way::filter ? 8 : 1; }

  private:
    enum class Way { through, hold, filter };
    static constexpr double kHold = 0;

    // Rates as integers: no file has one with a finer fraction.
    static std::int64_t terms(double rate) { return std::int64_t(rate * 0x1p20 + 0.5); }

    void hold(Block<T> x) {
        std::int64_t count = count_;
        for (int c = 0; c < channels_; ++c) {
            T held = held_[std::size_t(c)];
            count = count_;
            for (int i = 0; i < kGroup; ++i) {
                if (count <= 0) {
                    held = x[c][i];
                    count += from_;
                }
                count -= to_;
                x[c][i] = held;
            }
            held_[std::size_t(c)] = held;
        }
        count_ = count;
    }

    void filter(Block<T> x) {
        if (fed_ < position_) feed();
        for (int c = 0; c < channels_; ++c) {
            T* ring = ring_.data() + c * ring_size_;
            store(group_.data() + c * kGroup, load<Group<T>>(x[c]));
            // Ring and latency are whole numbers of groups.
            const std::int64_t at = (position_ - latency_) & (ring_size_ - 1);
            store(x[c], position_ < latency_ ? Group<T>{} : load<Group<T>>(ring + at));
        }
        position_ += kGroup;
    }

    // The group before the present one goes its way.
    void feed() {
        const std::int64_t low = down_.process(group_.data(), kGroup, kGroup, low_.data(), low_stride_);
        const std::int64_t high = up_.process(low_.data(), low_stride_, low, high_.data(), high_stride_);
        for (int c = 0; c < channels_; ++c) {
            T* ring = ring_.data() + c * ring_size_;
            const T* from = high_.data() + c * high_stride_;
            for (std::int64_t i = 0; i < high; ++i) ring[(given_ + i) & (ring_size_ - 1)] = from[i];
        }
        given_ += high;
        fed_ += kGroup;
    }

    Way way_ = Way::through;
    int channels_ = 0, latency_ = 0;
    double late_ = 0;
    std::int64_t from_ = 1, to_ = 1;
    ResamplePlan<T> down_plan_, up_plan_;
    ResampleStream<T, T> down_, up_;
    AlignedBuffer<T> group_, low_, high_, ring_;  // [channel]
    std::ptrdiff_t low_stride_ = 0, high_stride_ = 0;
    std::int64_t ring_size_ = 0;
    std::int64_t position_ = 0;         // of the present group
    std::int64_t fed_ = 0, given_ = 0;  // frames that went down, and that came up
    AlignedBuffer<T> held_;
    std::int64_t count_ = 0;  // until the next frame that is held
};

}  // namespace luthier::inline LUTHIER_ISA
