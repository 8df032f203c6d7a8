#include "neural.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "luthier/dispatch.h"
#include "refine.h"

LUTHIER_DISPATCH(RefineKernels, refine_kernels)

namespace luthier::pitch {
namespace {

// Frames that go through front end and network together.
constexpr int kBlock = 64;
// Results of a frame.
constexpr int kTimes = 2;
// The expectation is taken over so many candidates to either side of the best.
constexpr int kAround = 2;

}  // namespace

NeuralMethod::NeuralMethod(const FrontEnd& front_end, const Network& network, const Settings& settings)
    : front_end_(&front_end), network_(&network), settings_(settings) {
    const FrontEndPlan& plan = front_end.plan();
    const auto fits = [&](int output, int bins) {
        return output >= 0 && std::size_t(output) < network.outputs() &&
               network.output(std::size_t(output)).channels == kTimes &&
               network.output(std::size_t(output)).bins == bins && network.stride(std::size_t(output)) == 1;
    };
    if (network.input().channels != plan.channels + 1 || network.input().bins != plan.bins ||
        !fits(settings.pitch, plan.bins) || !fits(settings.unvoiced, 1) || network.needs_whole_signal())
        throw std::invalid_argument("the network does not fit its front end");
    for (std::int64_t n = 0; n < 4 * kBlock; ++n)
        if (network.frames(std::size_t(settings.pitch), n, true) != n ||
            network.frames(std::size_t(settings.unvoiced), n, true) != n)
            throw std::invalid_argument("the network gives other than a frame for each frame");
    const auto bin_of = [&](double f) {
        return settings.bins_per_octave * std::log2(f / settings.lowest_hz);
    };
    first_bin_ = std::clamp(int(std::ceil(bin_of(settings.f_min) - 0.5)), 0, plan.bins - 1);
    last_bin_ = std::clamp(int(std::floor(bin_of(settings.f_max) + 0.5)), first_bin_, plan.bins - 1);
    step_s_ = plan.hop / (kTimes * settings.model_rate);
    const std::int64_t frames =
        std::max<std::int64_t>({network.look_ahead(std::size_t(settings.pitch)),
                                network.look_ahead(std::size_t(settings.unvoiced)), 0});
    ahead_ = frames * plan.hop + front_end.stop();
    if (settings.rate_from != settings.rate_to)
        rate_ = std::make_unique<RatePlan>(settings.rate_from, settings.rate_to);
}

double NeuralMethod::latency() const {
    // Of the first of a frame's times; a result between two waits for the second one.
    double samples = double(ahead_);
    const double steps = settings_.hop_s / step_s_;
    if (std::abs(steps - std::round(steps)) > 1e-9) samples += step_s_ * settings_.model_rate;
    samples *= settings_.sample_rate / settings_.model_rate;
    return std::ceil(samples) + (rate_ ? double(rate_->ahead()) + 1 : 0.0);
}

NeuralRow::NeuralRow(const NeuralMethod& method)
    : method_(&method),
      network_(method.network_->borrow()),
      scratch_(method.front_end_->kernels().scratch_bytes(method.front_end_->plan()) + 64) {
    const FrontEndPlan& plan = method.front_end_->plan();
    features_.resize(std::size_t(plan.channels + 1) * kBlock * std::size_t(plan.bins));
    powers_.resize(kBlock);
    if (method.rate_) rate_ = std::make_unique<RateStream>(*method.rate_);
}

NeuralRow::~NeuralRow() { method_->network_->give_back(std::move(network_)); }

void NeuralRow::reset() {
    if (rate_) rate_->reset();
    network_->reset();
    tail_.clear();
    base_ = length_ = received_ = frames_ = answered_ = 0;
    loudest_ = 0;
    silent_.clear();
    held_pitch_.clear();
    held_unvoiced_.clear();
    decoded_.clear();
    first_decoded_ = given_ = 0;
    results.clear();
}

void NeuralRow::push(const float* samples, std::int64_t count) {
    // Not all at once: what the network sees is then still in the cache when it does.
    constexpr std::int64_t kPiece = 1 << 16;
    received_ += count;
    for (std::int64_t done = 0; done < count; done += kPiece) {
        const std::int64_t some = std::min(kPiece, count - done);
        if (rate_) {
            resampled_.clear();
            rate_->push(samples + done, some, resampled_);
            take(resampled_.data(), std::int64_t(resampled_.size()));
        } else {
            take(samples + done, some);
        }
        advance(false);
    }
}

void NeuralRow::end() {
    if (rate_) {
        resampled_.clear();
        rate_->end(resampled_);
        take(resampled_.data(), std::int64_t(resampled_.size()));
    }
    advance(true);
}

void NeuralRow::take(const float* samples, std::int64_t count) {
    tail_.insert(tail_.end(), samples, samples + count);
    length_ += count;
}

// Front end and network over the frames whose samples are there; all that are left when this is the end.
void NeuralRow::advance(bool last) {
    const FrontEnd& front_end = *method_->front_end_;
    const std::int64_t hop = front_end.plan().hop;
    std::int64_t ready = frames_;
    if (last)
        ready = length_ > 0 ? std::max(frames_, length_ / hop + 1) : 0;
    else if (length_ >= front_end.stop())
        ready = std::max(frames_, (length_ - front_end.stop()) / hop + 1);
    // Frames that the signal's end might leave out wait for it.
    if (!last) ready = std::min(ready, length_ / hop + 1);
    while (frames_ < ready) run_frames(int(std::min<std::int64_t>(kBlock, ready - frames_)), false);
    if (last && length_ > 0) run_frames(0, true);
    give(last);

    // For the next frames of the front end, and for the refinement of those that the network still has.
    const std::int64_t needed = std::min(frames_ * hop + front_end.start(), answered_ * hop - kRefineReach);
    const std::int64_t keep = std::clamp(needed, base_, length_);
    tail_.erase(tail_.begin(), tail_.begin() + (keep - base_));
    base_ = keep;
}

void NeuralRow::run_frames(int count, bool last) {
    const FrontEnd& front_end = *method_->front_end_;
    const FrontEndPlan& plan = front_end.plan();
    const Network& network = *method_->network_;
    const std::int64_t stride = std::int64_t(kBlock) * plan.bins;
    if (count > 0) {
        void* scratch =
            reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(scratch_.data()) + 63) / 64 * 64);
        front_end.kernels().run(front_end.made(), tail_.data(), base_, std::int64_t(tail_.size()), frames_,
                                count, scratch, features_.data(), stride, powers_.data());
        front_end.kernels().level(plan, powers_.data(), count, &loudest_,
                                  features_.data() + plan.channels * stride);
        for (int i = 0; i < count; ++i) silent_.push_back(!(powers_[std::size_t(i)] > 0));
    }
    frames_ += count;
    const std::size_t p = std::size_t(method_->settings_.pitch), u = std::size_t(method_->settings_.unvoiced);
    std::vector<OutputView> views(network.outputs());
    std::vector<std::vector<float>> others(network.outputs());
    for (std::size_t i = 0; i < network.outputs(); ++i) {
        const std::int64_t n = network.frames(i, frames_, last) - network.frames(i, frames_ - count, false);
        const TensorShape shape = network.output(i);
        std::vector<float>& to = i == p ? pitch_ : i == u ? unvoiced_ : others[i];
        to.resize(std::size_t(n) * std::size_t(shape.channels) * std::size_t(shape.bins) + 1);
        views[i] = {to.data(), std::ptrdiff_t(shape.channels) * shape.bins, shape.bins};
    }
    network_->push(features_.data(), count, plan.bins, stride, last, views.data());
    // The heads may look ahead by different amounts; then the earlier one's answers wait.
    held_pitch_.insert(held_pitch_.end(), pitch_.begin(), pitch_.end() - 1);
    held_unvoiced_.insert(held_unvoiced_.end(), unvoiced_.begin(), unvoiced_.end() - 1);
    const std::int64_t both = std::min(std::int64_t(held_pitch_.size()) / (kTimes * plan.bins),
                                       std::int64_t(held_unvoiced_.size()) / kTimes);
    for (std::int64_t f = 0; f < both; ++f)
        for (int t = 0; t < kTimes; ++t)
            decode((answered_ + f) * kTimes + t, held_pitch_.data() + (f * kTimes + t) * plan.bins,
                   held_unvoiced_[std::size_t(f * kTimes + t)], silent_[std::size_t(f)]);
    held_pitch_.erase(held_pitch_.begin(), held_pitch_.begin() + both * kTimes * plan.bins);
    held_unvoiced_.erase(held_unvoiced_.begin(), held_unvoiced_.begin() + both * kTimes);
    silent_.erase(silent_.begin(), silent_.begin() + both);
    answered_ += both;
}

void NeuralRow::decode(std::int64_t result, const float* scores, float unvoiced, bool silent) {
    const NeuralMethod::Settings& s = method_->settings_;
    const int bins = method_->front_end_->plan().bins;
    int best = method_->first_bin_;
    for (int b = best + 1; b <= method_->last_bin_; ++b)
        if (scores[b] > scores[best]) best = b;

    double weight = 0, place = 0, top = scores[best];
    for (int d = -kAround; d <= kAround; ++d)
        top = std::max(top, double(scores[std::clamp(best + d, 0, bins - 1)]));
    for (int d = -kAround; d <= kAround; ++d) {
        const int b = std::clamp(best + d, 0, bins - 1);
        const double w = std::exp(double(scores[b]) - top);
        weight += w;
        place += w * b;
    }
    const double coarse = s.lowest_hz * std::exp2(place / weight / s.bins_per_octave);
    const double f0 = silent ? s.f_min : std::clamp(refine(result, coarse), s.f_min, s.f_max);

    double most = scores[0];
    for (int b = 1; b < bins; ++b) most = std::max(most, double(scores[b]));
    double inside = 0, all = 0;
    for (int b = 0; b < bins; ++b) {
        const double w = std::exp(double(scores[b]) - most);
        all += w;
        if (b >= method_->first_bin_ && b <= method_->last_bin_) inside += w;
    }
    const double odds = s.voicing_offset + s.voicing_scale * (most + std::log(all) - double(unvoiced));
    decoded_.push_back(FrameResult{f0, silent ? 0 : inside / all / (1 + std::exp(-odds))});
}

// Only with samples that are there whenever this result is decoded, however the signal was cut.
double NeuralRow::refine(std::int64_t result, double f0) const {
    const NeuralMethod& method = *method_;
    const std::int64_t hop = method.front_end_->plan().hop;
    const std::int64_t centre = result * hop / kTimes;
    const std::int64_t known = method.ahead_ - result % kTimes * hop / kTimes;
    const std::int64_t room =
        std::min({std::int64_t(kRefineReach), known - 1, centre - base_, length_ - 1 - centre});
    if (room <= 0) return f0;
    const double rate = method.settings_.model_rate;
    const RefineKernels& kernels = select_refine_kernels();
    return rate * kernels.refine(f0 / rate, tail_.data() + (centre - base_), int(room));
}

// Results on the caller's grid from those on the network's: the very ones where the grids meet, else between
// two that agree, or the nearer one.
void NeuralRow::give(bool last) {
    const NeuralMethod::Settings& s = method_->settings_;
    const double hop = s.hop_s * s.sample_rate;
    const std::int64_t frames =
        received_ > 0 ? std::int64_t(std::floor(double(received_) / hop + 1e-9)) + 1 : 0;
    // So few samples that the change of rate leaves none.
    if (last && decoded_.empty() && frames > 0) decoded_.push_back({s.f_min, 0});
    const std::int64_t end = first_decoded_ + std::int64_t(decoded_.size());
    for (; !last || given_ < frames; ++given_) {
        const double position = double(given_) * s.hop_s / method_->step_s_;
        std::int64_t at = std::int64_t(position + 1e-6);
        double rest = position - double(at);
        if (rest < 1e-6) rest = 0;
        if (last && at >= end - 1) {
            at = end - 1;
            rest = 0;
        }
        // A result after the end of what has come is none yet.
        if (!last && (at + (rest > 0 ? 1 : 0) >= end || given_ >= frames)) break;
        const FrameResult& a = decoded_[std::size_t(at - first_decoded_)];
        if (rest == 0) {
            results.push_back(a);
            continue;
        }
        const FrameResult& b = decoded_[std::size_t(at + 1 - first_decoded_)];
        const double octaves = std::log2(b.f0 / a.f0);
        const bool near = std::abs(octaves) < 1.0 / 6;
        const double f0 = near ? a.f0 * std::exp2(rest * octaves) : rest < 0.5 ? a.f0 : b.f0;
        results.push_back(
            {std::clamp(f0, s.f_min, s.f_max), a.confidence + rest * (b.confidence - a.confidence)});
    }
    const std::int64_t next = std::int64_t(double(given_) * s.hop_s / method_->step_s_ + 1e-6) - 1;
    const std::int64_t drop =
        std::clamp<std::int64_t>(next - first_decoded_, 0, std::int64_t(decoded_.size()));
    // The last one stays, for what the end of the signal leaves without one of its own.
    const std::int64_t gone = std::min(drop, std::max<std::int64_t>(0, std::int64_t(decoded_.size()) - 1));
    decoded_.erase(decoded_.begin(), decoded_.begin() + gone);
    first_decoded_ += gone;
}

}  // namespace luthier::pitch
