// Changing the sample rate, by any ratio, in blocks or at once.
//
//     ResamplePlan<float> plan;                      // or double: what is computed with
//     plan.prepare(spec);                            // allocates; ResampleSpec is in resample_design.h
//     ResampleStream<float, float> stream;           // samples' type, then the plan's
//     stream.prepare(plan, channels);                // allocates
//     stream.process(in, stride, frames, out, out_stride);   // writes stream.ready(frames) frames
//     stream.flush(out, out_stride);                         // writes stream.rest() frames
//
// A plan does not change, and threads may share it; a stream belongs to one. The frames that leave do not
// depend on how the ones that came in were cut, to the last bit.
//
// Output m is the incoming signal, band-limited, at time m * from / to in incoming samples: linear phase
// has no delay. n frames give round(n * to / from), halves up. Positions are integers and a fraction, so
// nothing drifts.
//
// How it works. All of the sharp filtering is done in the frequency domain, by overlap and save (Stockham,
// "High-speed convolution and correlation", AFIPS Spring Joint Computer Conf., 1966), in blocks that lie
// on the grid of the stream's own frames. The filter changes the rate by up / down on the way, as a
// polyphase network of down * up branches (Crochiere and Rabiner, "Multirate Digital Signal Processing",
// 1983, ch. 3): the input's `down` phases are transformed, and each of the output's `up` phases is one
// inverse transform of their products with the branches' spectra. For a ratio of small numbers that is all.
// Otherwise it leaves at an intermediate rate, at least twice as dense as its band needs, from which a
// kernel of 8 (12) samples gives the signal at any position (resample_bell.h).
//
// Equal rates copy. Otherwise, what is not finite counts as zero in the transforms; the outputs within the
// filter's reach of it are not-a-number, and no others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "luthier/buffer.h"
#include "luthier/fft.h"
#include "luthier/isa.h"
#include "luthier/resample_bell.h"
#include "luthier/resample_design.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

template <class C>
class ResamplePlan {
  public:
    ResamplePlan() = default;
    ResamplePlan(const ResamplePlan&) = delete;
    ResamplePlan& operator=(const ResamplePlan&) = delete;
    ~ResamplePlan() { delete before_plan_; }

    // Allocates, and computes the filters. False when the spec is out of range.
    bool prepare(const ResampleSpec& whole) {
        if (whole.from < 1 || whole.to < 1 || whole.from > resample::kMostTerm ||
            whole.to > resample::kMostTerm)
            return false;
        from_ = whole.from;
        to_ = whole.to;
        delete before_plan_;
        before_plan_ = nullptr;
        ResampleSpec spec = whole;
        const double ratio = double(spec.from) / double(spec.to) / spec.stop;
        if (ratio > 1e9) return false;
        if (ratio > resample::kMostRatioOfStage) {
            std::int64_t factor = 1;
            while (double(2 * factor) * resample::kLeftRatio <= ratio) factor *= 2;
            // Its stop band may begin where aliases would first meet the band that is left in the end.
            const double share = double(factor) / ratio;
            before_plan_ = new ResamplePlan;
            before_plan_->prepare(
                {factor, 1, share, 2 - share, spec.attenuation_db + 3, spec.delay, false, true});
            const std::int64_t divisor = resample::greatest_divisor(spec.from, factor);
            if (spec.intermediate) {
                spec.pass *= double(factor);
                spec.stop *= double(factor);
            } else {
                spec.from /= divisor;
                spec.to *= factor / divisor;
            }
        }
        same_ = spec.from == spec.to && !spec.ringing && !spec.intermediate;
        stage_from_ = spec.from;
        stage_to_ = spec.to;
        shape_ = resample::choose_shape(spec);
        intermediate_ = spec.intermediate;
        ringing_ = spec.ringing || spec.intermediate;
        const bool two_stages = !shape_.direct;
        resample::Bell bell = resample::make_bell(resample::kBellWidth<C>, shape_.oversampling);
        const resample::Taps taps = resample::design_taps(spec, shape_, two_stages ? &bell : nullptr);

        // Branch (s, r) has the taps up (down d - r) + s down, d = least .. most.
        const std::int64_t up = shape_.up, down = shape_.down;
        const std::int64_t least = -((-(taps.first - (up - 1) * down)) / (up * down)) - 1;
        // So many that what is valid of a block begins on a cache line.
        taps_ = int(((taps.last + up * (down - 1)) / (up * down) + 1 - least + 15) & ~std::int64_t(15)) + 1;
        const std::int64_t most = least + taps_ - 1;
        // Twice as long would be a tenth faster, and twice as late.
        const int block = resample::power_of_two(3 * std::int64_t(taps_ - 1));
        if (!fft_.prepare(block)) return false;
        hop_ = block - (taps_ - 1);

        AlignedBuffer<C> branch{std::size_t(block)}, scratch(fft_.scratch());
        spectra_ = AlignedBuffer<C>(std::size_t(up * down) * padded());
        for (std::int64_t s = 0; s < up; ++s)
            for (std::int64_t r = 0; r < down; ++r) {
                branch.clear();
                for (std::int64_t d = least; d <= most; ++d)
                    branch[std::size_t(d - least)] = C(taps.at(up * (down * d - r) + s * down));
                fft_.forward_packed(branch.data(), &spectra_[std::size_t(s * down + r) * padded()],
                                    scratch.data());
            }

        // Block 0 begins so early that output 0 finds all its samples; or at 0.
        const std::int64_t lead = ringing_ ? taps_ : 0;
        first_ = -lead - (two_stages ? (resample::kBellWidth<C> / 2 + up - 1) / up : 0);
        // and so many incoming frames before 0 are in it.
        before_ = down * (most - first_);
        // The output at time t depends on incoming frames from t - reach_after_ to t + reach_before_.
        const std::int64_t reach = two_stages ? (resample::kBellWidth<C> / 2 * down + up - 1) / up + 1 : 1;
        reach_before_ = (-taps.first + up - 1) / up + reach;
        reach_after_ = (taps.last + up - 1) / up + reach;

        if (two_stages) {
            bell_.prepare(bell);
            tabled_ = shape_.step_den <= resample::BellTable<C>::kMostRows && !intermediate_;
            if (tabled_) table_.prepare(bell_, shape_.step_num, shape_.step_den);
        }
        return true;
    }

    std::int64_t from() const { return from_; }
    std::int64_t to() const { return to_; }
    // Frames that `frames` of input give.
    std::int64_t length(std::int64_t frames) const {
        if (ringing_) {
            const std::int64_t taken = before_plan_ ? before_plan_->length(frames) : frames;
            return (taken + reach_after_) * shape_.up / shape_.down + shape_.up + resample::kBellWidth<C> -
                   first();
        }
        return resample::multiply_divide(frames, 2 * to_, from_, 2 * from_).whole;
    }
    const resample::Shape& shape() const { return shape_; }
    // So many incoming frames at most are there already for which no output has left.
    std::int64_t latency() const {
        if (same_) return 0;
        const std::int64_t bell = shape_.direct ? 0 : bell_.kWidth / 2 * shape_.down / shape_.up + 1;
        const std::int64_t stage =
            std::int64_t(fft_.size()) * shape_.down - before_ - first_ * shape_.down + bell;
        return before_plan_ ? before_plan_->latency() + stage * before_plan_->from_ : stage;
    }
    // Where a signal that rings begins, in its own samples; see evaluate().
    std::int64_t first() const { return first_ * shape_.up; }

    // The signal at `count` times, in incoming frames, from the intermediate one: its `size` samples from
    // first() on. Where there is no signal it is 0; not-a-number where the time is.
    template <class T>
    void evaluate(const C* signal, std::int64_t size, const double* times, std::int64_t count,
                  T* out) const LUTHIER_REALTIME {
        using Taps = resample::BellTaps<C>;
        const double rate = double(shape_.up) / (double(shape_.down) * double(factor())),
                     last = double(size - Taps::kWidth);
        const C nothing[Taps::kWidth] = {};
        for (std::int64_t m = 0; m < count; m += Taps::kLanes) {
            const C* from[Taps::kLanes];
            C v[Taps::kLanes];
            for (int i = 0; i < Taps::kLanes; ++i) {
                const double time = m + i < count ? times[m + i] : 0;
                const double position = time * rate - double(first() + Taps::kWidth / 2 - 1);
                from[i] = nothing;
                v[i] = C(time - time);  // not-a-number of infinity, too
                if (position >= 0 && position <= last) {
                    const auto whole = std::int64_t(position);
                    from[i] = signal + whole;
                    v[i] = C(2 * (position - double(whole)) - 1);
                }
            }
            const auto y = bell_.evaluate(from, v);
            for (int i = 0; i < Taps::kLanes && m + i < count; ++i) out[m + i] = T(y[i]);
        }
    }

  private:
    template <class T, class D>
    friend class ResampleStream;

    std::int64_t factor() const { return before_plan_ ? before_plan_->from_ : 1; }
    // Incoming frames from the one that completes a block to the next.
    std::int64_t hop() const { return std::int64_t(hop_) * shape_.down; }
    std::size_t padded() const { return (fft_.packed() + 15) & ~std::size_t(15); }

    std::int64_t from_ = 1, to_ = 1;              // of all
    std::int64_t stage_from_ = 1, stage_to_ = 1;  // behind before_plan_
    ResamplePlan* before_plan_ = nullptr;         // decimates by a power of two
    resample::Shape shape_{};
    bool same_ = false, tabled_ = false, intermediate_ = false, ringing_ = false;
    int taps_ = 0, hop_ = 0;
    std::int64_t first_ = 0, before_ = 0, reach_before_ = 0, reach_after_ = 0;
    RealFft<C> fft_;
    AlignedBuffer<C> spectra_;  // [up][down]
    resample::BellTaps<C> bell_;
    resample::BellTable<C> table_;
};

template <class T, class C>
class ResampleStream {
  public:
    ResampleStream() = default;
    ResampleStream(const ResampleStream&) = delete;
    ResampleStream& operator=(const ResampleStream&) = delete;
    ~ResampleStream() { delete before_; }

    // Allocates. The plan must outlive the stream.
    void prepare(const ResamplePlan<C>& plan, int channels) {
        plan_ = &plan;
        channels_ = channels;
        const auto& p = plan;
        delete before_;
        before_ = nullptr;
        if (p.before_plan_) {
            before_ = new ResampleStream<C, C>;
            before_->prepare(*p.before_plan_, channels);
            chunk_ = AlignedBuffer<C>(std::size_t(kChunk) * std::size_t(channels));
            between_stride_ = before_->most(kChunk);
            between_ = AlignedBuffer<C>(std::size_t(between_stride_) * std::size_t(channels));
        }
        const std::size_t n = std::size_t(p.fft_.size());
        capacity_ = std::int64_t(n) * p.shape_.down;
        segment_size_ = (std::size_t(capacity_) + 15) & ~std::size_t(15);
        segments_ = AlignedBuffer<C>(segment_size_ * std::size_t(channels));
        history_ = AlignedBuffer<C>(std::size_t(kHistory) * std::size_t(channels));
        most_gaps_ = int(capacity_ / (p.reach_before_ + p.reach_after_)) + 4;
        gaps_ = AlignedBuffer<Gap>(std::size_t(most_gaps_) * std::size_t(channels));
        gap_count_ = AlignedBuffer<int>(std::size_t(channels));

        const int up = p.shape_.up;
        lead_ = up == 1 && p.taps_ - 1 > kHistory ? p.taps_ - 1 : kHistory;
        lead_ = (lead_ + 15) & ~15;
        signal_ = AlignedBuffer<C>(std::size_t(lead_) + n * std::size_t(up) + 64);
        branch_ = AlignedBuffer<C>(n * std::size_t(up));
        scratch_ = AlignedBuffer<C>(p.fft_.scratch());
        spectrum_ = AlignedBuffer<C>(p.padded());
        sums_ = AlignedBuffer<C>(p.padded() * std::size_t(up));
        reset();
    }

    int channels() const { return channels_; }

    void reset() LUTHIER_REALTIME {
        filled_ = plan_->before_;
        if (before_) {
            before_->reset();
            filled_ += before_->plan_->first();
        }
        for (int c = 0; c < channels_; ++c) {
            std::memset(segments_.data() + segment_size_ * std::size_t(c), 0,
                        std::size_t(filled_) * sizeof(C));
            gap_count_[std::size_t(c)] = 0;
        }
        history_.clear();
        taken_ = given_ = blocks_ = 0;
        checked_ = filled_;
        next_ = -plan_->first_ * plan_->shape_.up;
        rest_ = 0;
        row_ = 0;
    }

    // Takes up a signal in its middle: what is fed next are its frames from the one that is returned on, and
    // output given() is the next that leaves. From `output` on, which is not before that, they have the
    // bits that they would have after all that came before. Starts anew where there is no such place.
    std::int64_t start_at(std::int64_t output) LUTHIER_REALTIME {
        reset();
        const auto& p = *plan_;
        const auto& shape = p.shape_;
        if (p.same_) return taken_ = given_ = output < 0 ? 0 : output;
        if (before_ || p.ringing_ || output <= 0) return 0;
        const auto place_of = [&](std::int64_t m) {
            if (shape.direct) return resample::Quotient{m, 0};
            return resample::multiply_divide(m, shape.step_num, 0, shape.step_den);
        };
        std::int64_t block = (place_of(output).whole / shape.up - p.first_) / p.hop_ + 1;
        while (block > 0 && outputs_of(block) > output) --block;
        // A block finds the end of the one before it in history_, so that one is done as well.
        if (--block < 1) return 0;
        blocks_ = block;
        given_ = outputs_of(block);
        const resample::Quotient place = place_of(given_);
        next_ = place.whole - shape.up * (p.first_ + block * p.hop_);
        rest_ = place.rest;
        row_ = p.tabled_ ? int(given_ % p.table_.period()) : 0;
        const std::int64_t begin = block * p.hop() - p.before_;
        filled_ = checked_ = begin < 0 ? -begin : 0;
        taken_ = begin < 0 ? 0 : begin;
        return taken_;
    }

    // Frames in and out so far.
    std::int64_t taken() const { return taken_; }
    std::int64_t given() const { return given_; }

    // Frames that the next process(frames) writes.
    std::int64_t ready(std::int64_t frames) const LUTHIER_REALTIME {
        if (plan_->same_) return frames;
        const std::int64_t filled = filled_ + (before_ ? before_->ready(frames) : frames);
        const std::int64_t blocks =
            blocks_ + (filled < capacity_ ? 0 : (filled - capacity_) / plan_->hop() + 1);
        return outputs_of(blocks) - given_;
    }
    // Frames that flush() writes.
    std::int64_t rest() const LUTHIER_REALTIME { return plan_->length(taken_) - given_; }

    // `in`: `channels` rows of `frames` samples, `stride` apart. The input may not overlap the output.
    // Returns how many frames it wrote, ready(frames).
    std::int64_t process(const T* in, std::ptrdiff_t stride, std::int64_t frames, T* out,
                         std::ptrdiff_t out_stride) LUTHIER_REALTIME {
        taken_ += frames;
        if (plan_->same_) {
            for (int c = 0; c < channels_; ++c)
                std::memmove(out + c * out_stride, in + c * stride, std::size_t(frames) * sizeof(T));
            given_ += frames;
            return frames;
        }
        if (!before_) return take(in, stride, frames, out, out_stride);
        std::int64_t given = 0;
        while (frames > 0) {
            const std::int64_t n = frames < kChunk ? frames : kChunk;
            for (int c = 0; c < channels_; ++c) convert(in + c * stride, n, &chunk_[std::size_t(c * kChunk)]);
            const std::int64_t m =
                before_->process(chunk_.data(), kChunk, n, between_.data(), between_stride_);
            given += take(between_.data(), between_stride_, m, out + given, out_stride);
            in += n;
            frames -= n;
        }
        return given;
    }

    // What is still to come, when the input is over: rest() frames. Then reset().
    std::int64_t flush(T* out, std::ptrdiff_t out_stride) LUTHIER_REALTIME {
        std::int64_t given = 0;
        while (const std::int64_t n = flush_block(out + given, out_stride)) given += n;
        return given;
    }

  private:
    template <class, class>
    friend class ResampleStream;

    static constexpr int kChunk = 4096;
    static constexpr int kHistory = 16;  // of the intermediate signal, from block to block
    static constexpr std::int64_t kEndless = std::int64_t(1) << 62;

    struct Gap {
        std::int64_t first, last;  // incoming frames that are not finite
    };

    C* segment(int c) { return segments_.data() + segment_size_ * std::size_t(c); }

    // Frames that so many blocks give.
    std::int64_t outputs_of(std::int64_t blocks) const {
        if (blocks == 0) return 0;
        const auto& shape = plan_->shape_;
        const std::int64_t end = shape.up * (plan_->first_ + blocks * plan_->hop_);
        if (plan_->ringing_) return end - plan_->first();
        if (shape.direct) return end;
        const std::int64_t places = end - resample::kBellWidth<C> / 2;
        if (places <= 0) return 0;
        return resample::multiply_divide(places, shape.step_den, shape.step_num - 1, shape.step_num).whole;
    }

    // No more frames than this leave for so many.
    std::int64_t most(std::int64_t frames) const {
        if (before_) frames = before_->most(frames);
        return (frames / plan_->hop() + 1) * plan_->hop_ * plan_->shape_.up * 2;
    }

    template <class U>
    static void convert(const U* from, std::int64_t frames, C* to) {
        for (std::int64_t i = 0; i < frames; ++i) to[i] = C(from[i]);
    }

    template <class U>
    std::int64_t take(const U* in, std::ptrdiff_t stride, std::int64_t frames, T* out,
                      std::ptrdiff_t out_stride) {
        const std::int64_t before = given_;
        while (frames > 0) {
            const std::int64_t n = frames < capacity_ - filled_ ? frames : capacity_ - filled_;
            for (int c = 0; c < channels_; ++c) convert(in + c * stride, n, segment(c) + filled_);
            filled_ += n;
            in += n;
            frames -= n;
            if (filled_ == capacity_) run(out + (given_ - before), out_stride, kEndless);
        }
        return given_ - before;
    }

    // A block more, with silence for what has not come; 0 at the end.
    std::int64_t flush_block(T* out, std::ptrdiff_t out_stride) {
        const std::int64_t before = given_, end = plan_->length(taken_);
        while (given_ == before && given_ < end) {
            if (before_) {
                const std::int64_t n = before_->flush_block(between_.data(), between_stride_);
                if (n > 0) {
                    take(between_.data(), between_stride_, n, out, out_stride);
                    continue;
                }
            }
            for (int c = 0; c < channels_; ++c)
                std::memset(segment(c) + filled_, 0, std::size_t(capacity_ - filled_) * sizeof(C));
            filled_ = capacity_;
            run(out, out_stride, end - given_);
        }
        return given_ - before;
    }

    // All channels' next block.
    void run(T* out, std::ptrdiff_t out_stride, std::int64_t most) {
        const auto& p = *plan_;
        std::int64_t count = outputs_of(blocks_ + 1) - given_;
        if (count > most) count = most;
        const std::int64_t next = next_, rest = rest_;
        const int row = row_;
        for (int c = 0; c < channels_; ++c) {
            clean(c);
            filter(c);
            next_ = next;
            rest_ = rest;
            row_ = row;
            T* to = out + c * out_stride;
            if (p.shape_.direct || p.intermediate_)
                copy(to, count);
            else if (p.tabled_)
                step(to, count);
            else
                walk(to, count);
            if (gap_count_[std::size_t(c)]) spoil(c, to, count);

            C* s = segment(c);
            const std::int64_t kept = capacity_ - p.hop();
            std::memmove(s, s + p.hop(), std::size_t(kept) * sizeof(C));
            std::memcpy(&history_[std::size_t(kHistory) * std::size_t(c)],
                        &signal_[std::size_t(lead_ + p.hop_ * p.shape_.up - kHistory)], kHistory * sizeof(C));
        }
        next_ -= std::int64_t(p.hop_) * p.shape_.up;
        filled_ = checked_ = capacity_ - p.hop();
        given_ += count;
        ++blocks_;
    }

    // Puts 0 for what is not finite in the block's new frames, and notes where.
    void clean(int c) {
        C* s = segment(c);
        constexpr int lanes = kLanes<C>;
        using V = Vec<C, lanes>;
        V sum{};
        std::int64_t i = checked_;
        for (; i + lanes <= capacity_; i += lanes) sum += load<V>(s + i) * C(0);
        C total = 0;
        for (; i < capacity_; ++i) total += s[i] * C(0);
        for (int l = 0; l < lanes; ++l) total += sum[l];
        if (total == C(0)) return;
        const std::int64_t origin = blocks_ * plan_->hop() - plan_->before_;
        const std::int64_t near = plan_->reach_before_ + plan_->reach_after_;
        Gap* gaps = &gaps_[std::size_t(most_gaps_) * std::size_t(c)];
        int& count = gap_count_[std::size_t(c)];
        for (i = checked_; i < capacity_; ++i) {
            if (s[i] * C(0) == C(0)) continue;
            s[i] = 0;
            if (count > 0 && origin + i - gaps[count - 1].last <= near)
                gaps[count - 1].last = origin + i;
            else
                gaps[count++] = {origin + i, origin + i};
        }
    }

    // The first stage: the block's intermediate signal, behind the end of the one before it.
    void filter(int c) {
        const auto& p = *plan_;
        const int up = p.shape_.up, down = p.shape_.down, n = p.fft_.size();
        sums_.clear();
        for (int r = 0; r < down; ++r) {
            const C* from = segment(c);
            if (down > 1) {
                decimate(from + r, down);
                from = phase(0);
            }
            p.fft_.forward_packed(from, spectrum_.data(), scratch_.data());
            for (int s = 0; s < up; ++s)
                p.fft_.multiply_add(spectrum_.data(), &p.spectra_[std::size_t(s * down + r) * p.padded()],
                                    &sums_[std::size_t(s) * p.padded()]);
        }
        C* signal = signal_.data() + lead_;
        if (up == 1) {
            p.fft_.inverse_packed(sums_.data(), signal - (p.taps_ - 1), scratch_.data());
        } else {
            for (int s = 0; s < up; ++s)
                p.fft_.inverse_packed(&sums_[std::size_t(s) * p.padded()], phase(s), scratch_.data());
            weave(signal, n - p.hop_);
        }
        std::memcpy(signal - kHistory, &history_[std::size_t(kHistory) * std::size_t(c)],
                    kHistory * sizeof(C));
    }
    // The frames of one of the incoming phases.
    void decimate(const C* from, int down) {
        switch (down) {
            case 2: return pick<2>(from, down);
            case 3: return pick<3>(from, down);
            case 4: return pick<4>(from, down);
            default: return pick<0>(from, down);
        }
    }
    template <int Down>
    void pick(const C* from, int down) {
        const std::ptrdiff_t n = plan_->fft_.size(), step = Down ? Down : down;
        C* to = phase(0);
        for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = from[i * step];
    }
    // The outgoing phases' frames from `start` on, in turns.
    void weave(C* to, int start) {
        switch (plan_->shape_.up) {
            case 2: return put_in_turns<2>(to, start);
            case 3: return put_in_turns<3>(to, start);
            default: return put_in_turns<4>(to, start);
        }
    }
    template <int Up>
    void put_in_turns(C* to, int start) {
        const C* from[Up];
        for (int s = 0; s < Up; ++s) from[s] = phase(s) + start;
        for (std::ptrdiff_t i = 0; i < plan_->hop_; ++i)
            for (int s = 0; s < Up; ++s) to[i * Up + s] = from[s][i];
    }
    C* phase(int s) { return branch_.data() + s * plan_->fft_.size(); }

    void copy(T* to, std::int64_t count) {
        const C* from = signal_.data() + lead_;
        for (std::int64_t i = 0; i < count; ++i) to[i] = T(from[i]);
    }

    template <class V>
    static void put(T* to, V y, std::int64_t count) {
        constexpr int lanes = resample::BellLanes<C>::lanes;
        if (count >= lanes)
            for (int i = 0; i < lanes; ++i) to[i] = T(y[i]);
        else
            for (int i = 0; i < int(count); ++i) to[i] = T(y[i]);
    }
    // The second stage, by the table.
    void step(T* to, std::int64_t count) {
        const auto& table = plan_->table_;
        constexpr int lanes = resample::BellLanes<C>::lanes;
        const C* signal = signal_.data() + lead_ - (resample::kBellWidth<C> / 2 - 1);
        std::int64_t base = next_ - table.place(row_);
        int row = row_;
        for (std::int64_t m = 0; m < count; m += lanes) {
            put(to + m, table.evaluate(signal + base, row), count - m);
            row += int(count - m < lanes ? count - m : lanes);
            while (row >= table.period()) {
                row -= table.period();
                base += table.advance();
            }
        }
        next_ = base + table.place(row);
        row_ = row;
    }
    // The second stage, position by position.
    void walk(T* to, std::int64_t count) {
        const auto& shape = plan_->shape_;
        constexpr int lanes = resample::BellLanes<C>::lanes;
        const C* signal = signal_.data() + lead_ - (resample::kBellWidth<C> / 2 - 1);
        const std::int64_t whole = shape.step_num / shape.step_den, part = shape.step_num % shape.step_den;
        const C scale = C(2.0 / double(shape.step_den));
        for (std::int64_t m = 0; m < count; m += lanes) {
            const C* from[lanes];
            C v[lanes];
            for (int i = 0; i < lanes; ++i) {
                // Beyond the last output there may be no signal: any place will do.
                from[i] = signal + next_;
                v[i] = C(rest_) * scale - C(1);
                if (m + i >= count) continue;
                next_ += whole;
                rest_ += part;
                if (rest_ >= shape.step_den) {
                    rest_ -= shape.step_den;
                    ++next_;
                }
            }
            put(to + m, plan_->bell_.evaluate(from, v), count - m);
        }
    }

    // Writes not-a-number wherever the gaps reach; forgets those that reach no further.
    void spoil(int c, T* to, std::int64_t count) {
        const auto& p = *plan_;
        Gap* gaps = &gaps_[std::size_t(most_gaps_) * std::size_t(c)];
        int& known = gap_count_[std::size_t(c)];
        int kept = 0;
        const T nan = T(__builtin_nanf(""));
        for (int g = 0; g < known; ++g) {
            const std::int64_t begin = frame_of(gaps[g].first - p.reach_before_) - given_;
            const std::int64_t end = frame_of(gaps[g].last + p.reach_after_) + 1 - given_;
            for (std::int64_t m = begin < 0 ? 0 : begin; m < end && m < count; ++m) to[m] = nan;
            if (end > count) gaps[kept++] = gaps[g];
        }
        known = kept;
    }
    // The output at or after a time in incoming frames.
    std::int64_t frame_of(std::int64_t time) const {
        const auto& p = *plan_;
        if (p.ringing_) {
            const std::int64_t t = (time * p.shape_.up - p.first() * p.shape_.down) / p.shape_.down;
            return t < 0 ? 0 : t;
        }
        return time <= 0
                   ? 0
                   : resample::multiply_divide(time, p.stage_to_, p.stage_from_ - 1, p.stage_from_).whole;
    }

    const ResamplePlan<C>* plan_ = nullptr;
    ResampleStream<C, C>* before_ = nullptr;  // of before_plan_
    int channels_ = 0, lead_ = 0, most_gaps_ = 0;
    std::size_t segment_size_ = 0;
    std::int64_t capacity_ = 0;  // of a segment: a block's input

    std::int64_t taken_ = 0, given_ = 0, blocks_ = 0;
    std::int64_t filled_ = 0, checked_ = 0;  // of the segments
    // The next output's place in the next block's signal: whole samples, and `rest_` of step_den; or its
    // row in the table.
    std::int64_t next_ = 0, rest_ = 0;
    int row_ = 0;

    AlignedBuffer<C> segments_;  // [channels]: input
    AlignedBuffer<C> history_;   // [channels][kHistory]
    AlignedBuffer<Gap> gaps_;    // [channels][most_gaps_]
    AlignedBuffer<int> gap_count_;
    AlignedBuffer<C> chunk_, between_;  // before_'s input and output
    std::ptrdiff_t between_stride_ = 0;
    AlignedBuffer<C> signal_, branch_, scratch_, spectrum_, sums_;
};

}  // namespace luthier::inline LUTHIER_ISA
