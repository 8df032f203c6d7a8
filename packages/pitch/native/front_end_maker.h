// A front end as its specification says: windows, filters and transforms, made once. Knows no Python.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <numbers>
#include <tuple>
#include <utility>
#include <vector>

#include "front_end.h"
#include "luthier/dispatch.h"

LUTHIER_DISPATCH(FrontEndKernels, front_end_kernels)

namespace luthier::pitch {

class FrontEnd {
  public:
    // `analyses` are (size, centre, rise, fall), `channels` are (analysis, multiple). Nothing is checked
    // here: luthier.pitch.models does.
    FrontEnd(double sample_rate, int hop, int bins, double lowest_hz, double bins_per_octave,
             const std::vector<std::tuple<int, int, int, int>>& analyses,
             const std::vector<std::pair<int, double>>& channels, double floor, double offset, double scale,
             double decay_db_s) {
        plan_ = {};
        plan_.hop = hop;
        plan_.bins = bins;
        plan_.analyses = int(analyses.size());
        plan_.channels = int(channels.size());
        plan_.floor = float(floor);
        plan_.offset = float(offset);
        plan_.scale = float(scale);
        plan_.fade = std::pow(10.0, -decay_db_s / 10 * hop / sample_rate);
        make_windows(analyses);
        make_rows(sample_rate, lowest_hz, bins_per_octave, channels);
        made_ = kernels_.make(plan_);
        if (!made_) throw std::bad_alloc();
    }
    ~FrontEnd() { kernels_.destroy(made_); }
    FrontEnd(const FrontEnd&) = delete;
    FrontEnd& operator=(const FrontEnd&) = delete;

    const FrontEndPlan& plan() const { return plan_; }
    const FrontEndKernels& kernels() const { return kernels_; }
    const void* made() const { return made_; }
    // Frame j sees the samples from j * hop + start() up to j * hop + stop().
    std::int64_t start() const { return plan_.start; }
    std::int64_t stop() const { return plan_.start + plan_.length; }

  private:
    void make_windows(const std::vector<std::tuple<int, int, int, int>>& analyses) {
        int low = 1 << 30, high = -(1 << 30);
        for (int a = 0; a < plan_.analyses; ++a) {
            const auto [size, centre, rise, fall] = analyses[a];
            std::vector<float>& window = windows_.emplace_back(rise + fall);
            double energy = 0;
            const auto at = [&](int i) {
                return 0.5 + 0.5 * std::cos(std::numbers::pi *
                                            (i < rise ? double(i - rise) / rise : double(i - rise) / fall));
            };
            for (int i = 0; i < rise + fall; ++i) energy += at(i) * at(i);
            for (int i = 0; i < rise + fall; ++i) window[i] = float(at(i) / std::sqrt(energy));
            plan_.analysis[a] = {size, centre - rise, rise + fall, nullptr};
            low = std::min(low, centre - rise);
            high = std::max(high, centre + fall);
        }
        for (int a = 0; a < plan_.analyses; ++a) plan_.analysis[a].window = windows_[a].data();
        plan_.start = low;
        plan_.length = high - low;
    }

    void make_rows(double sample_rate, double lowest_hz, double bins_per_octave,
                   const std::vector<std::pair<int, double>>& channels) {
        for (const auto& [source, multiple] : channels) {
            source_.push_back(source);
            const int size = plan_.analysis[source].size;
            for (int bin = 0; bin < plan_.bins; ++bin) {
                const double f = multiple * lowest_hz * std::exp2(bin / bins_per_octave);
                const double centre = f / sample_rate * size;
                const double half = std::max(1.0, centre * (std::exp2(1 / bins_per_octave) - 1));
                int from = int(std::floor(centre - half)) + 1, to = int(std::ceil(centre + half));
                from = std::max(from, 0);
                to = std::min(to, size / 2 + 1);
                weight_.push_back(std::int64_t(weights_.size()));
                from_.push_back(from);
                if (f > 0.49 * sample_rate) to = from_.back() = 0;
                taps_.push_back(std::max(0, to - from_.back()));
                double sum = 0;
                for (int k = from_.back(); k < to; ++k) sum += 1 - std::abs(k - centre) / half;
                for (int k = from_.back(); k < to; ++k)
                    weights_.push_back(float((1 - std::abs(k - centre) / half) / sum));
            }
        }
        plan_.source = source_.data();
        plan_.from = from_.data();
        plan_.taps = taps_.data();
        plan_.weight = weight_.data();
        plan_.weights = weights_.data();
    }

    FrontEndPlan plan_;
    const FrontEndKernels& kernels_ = select_front_end_kernels();
    std::vector<std::vector<float>> windows_;
    std::vector<int> source_, from_, taps_;
    std::vector<std::int64_t> weight_;
    std::vector<float> weights_;
    void* made_ = nullptr;
};

}  // namespace luthier::pitch
