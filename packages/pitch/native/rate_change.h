// A change of sample rate that is soon done: a windowed sinc, directly, 2 ms late. For what a tracker hears,
// not for what people do: luthier/resample.h is sharper by far, and 13 to 26 ms late.
//
// Output m is the incoming signal at m * from / to samples, band-limited to the lower rate (R. E. Crochiere
// and L. R. Rabiner, "Multirate Digital Signal Processing", 1983, ch. 4; the window is J. F. Kaiser's, 1974).
// What lies above 85 % of the lower Nyquist frequency fades, and what would alias is 80 dB down.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "luthier/dispatch.h"
#include "rate_kernels.h"

LUTHIER_DISPATCH(RateKernels, rate_kernels)

namespace luthier::pitch {

class RatePlan {
  public:
    RatePlan(std::int64_t from, std::int64_t to) {
        if (from < 1 || to < 1) throw std::invalid_argument("sample rates must be positive");
        const std::int64_t divisor = std::gcd(from, to);
        from /= divisor, to /= divisor;
        const double lower = std::min(1.0, double(to) / double(from));
        if (lower < 1e-3 || from > (1 << 28) || to > (1 << 28))
            throw std::invalid_argument("the sample rate is too far from the model's");
        // Kaiser's formulas for 80 dB, with the transition from `kPass` to 1.
        constexpr double attenuation_db = 80, kPass = 0.85;
        const double beta = 0.1102 * (attenuation_db - 8.7);
        const double length = (attenuation_db - 7.95) / (2.285 * std::numbers::pi * (1 - kPass) * lower);
        const int half = int(std::ceil(length / 2)) + 1;
        table_.from = from;
        table_.to = to;
        table_.taps = (2 * half + kRateAlign - 1) / kRateAlign * kRateAlign;
        // 1024 rows, interpolated between, are exact to -110 dB.
        table_.rows = int(std::min<std::int64_t>(to, 1024)) + 1;
        rows_.resize(std::size_t(table_.rows) * std::size_t(table_.taps));
        for (int r = 0; r < table_.rows; ++r) {
            const double offset = double(r) / (table_.rows - 1);
            float* row = rows_.data() + std::size_t(r) * std::size_t(table_.taps);
            std::vector<double> taps(std::size_t(table_.taps));
            double sum = 0;
            for (int t = 0; t < table_.taps; ++t) {
                const double x = t - (table_.taps / 2 - 1) - offset,
                             inside = 1 - x * x / (half * double(half));
                const double phase = std::numbers::pi * x * lower * (1 + kPass) / 2;
                const double sinc = x == 0 ? 1 : std::sin(phase) / phase;
                taps[std::size_t(t)] = inside > 0 ? sinc * bessel_i0(beta * std::sqrt(inside)) : 0;
                sum += taps[std::size_t(t)];
            }
            for (int t = 0; t < table_.taps; ++t) row[t] = float(taps[std::size_t(t)] / sum);
        }
        table_.row = rows_.data();
    }
    RatePlan(const RatePlan&) = delete;
    RatePlan& operator=(const RatePlan&) = delete;

    // Samples that an output needs after its own place, and before it.
    std::int64_t ahead() const { return table_.taps / 2; }
    std::int64_t behind() const { return table_.taps / 2 - 1; }
    // Outputs that `samples` give in the end: halves up.
    std::int64_t length(std::int64_t samples) const {
        return samples / table_.from * table_.to +
               (2 * (samples % table_.from) * table_.to + table_.from) / (2 * table_.from);
    }
    // Outputs whose samples are among the first `samples`.
    std::int64_t ready(std::int64_t samples) const {
        // floor(m from / to) + ahead < samples
        const std::int64_t room = samples - ahead();
        if (room <= 0) return 0;
        return room / table_.from * table_.to +
               (room % table_.from * table_.to + table_.from - 1) / table_.from;
    }
    std::int64_t place(std::int64_t output) const {
        return output / table_.to * table_.from + output % table_.to * table_.from / table_.to;
    }
    const RateTable& table() const { return table_; }

  private:
    // Modified Bessel function of the first kind, order 0, by its power series.
    static double bessel_i0(double x) {
        double term = 1, sum = 1;
        for (int k = 1; k < 40; ++k) sum += term *= (x / (2 * k)) * (x / (2 * k));
        return sum;
    }

    RateTable table_{};
    std::vector<float> rows_;
};

// One signal at work.
class RateStream {
  public:
    explicit RateStream(const RatePlan& plan) : plan_(&plan), kernels_(&select_rate_kernels()) { reset(); }

    void reset() {
        held_.assign(std::size_t(plan_->behind()), 0.0f);
        base_ = -plan_->behind();
        given_ = taken_ = 0;
    }

    // Appends to `out` what these samples make known.
    void push(const float* samples, std::int64_t count, std::vector<float>& out) {
        held_.insert(held_.end(), samples, samples + count);
        taken_ += count;
        give(std::min(plan_->ready(taken_), plan_->length(taken_)), out);
        const std::int64_t keep = std::max(base_, plan_->place(given_) - plan_->behind());
        const std::int64_t drop = std::min(keep - base_, std::int64_t(held_.size()));
        held_.erase(held_.begin(), held_.begin() + drop);
        base_ += drop;
    }

    // The same for the rest.
    void end(std::vector<float>& out) {
        held_.resize(held_.size() + std::size_t(plan_->ahead()) + 1, 0.0f);
        give(plan_->length(taken_), out);
    }

  private:
    void give(std::int64_t until, std::vector<float>& out) {
        if (until <= given_) return;
        const std::size_t at = out.size();
        out.resize(at + std::size_t(until - given_));
        kernels_->run(plan_->table(), held_.data(), base_, given_, until - given_, out.data() + at);
        given_ = until;
    }

    const RatePlan* plan_;
    const RateKernels* kernels_;
    std::vector<float> held_;  // samples from `base_` on
    std::int64_t base_ = 0, given_ = 0, taken_ = 0;
};

}  // namespace luthier::pitch
