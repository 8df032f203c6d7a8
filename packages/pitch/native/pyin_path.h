// The path of pYIN: Viterbi's algorithm over pitch bins, voiced and unvoiced, with a band of transitions.
#pragma once

#include <cstdint>

#include "cut.h"
#include "luthier/math.h"
#include "luthier/simd.h"
#include "pyin.h"

namespace luthier::inline LUTHIER_ISA {

// log(2.2e-308): what impossible costs.
inline constexpr double kLogImpossible = -708.3964185322641;

template <class T>
class PyinPath {
  public:
    static constexpr int N = kLanes<double>;
    using V = Vec<double, N>;
    using I = Vec<std::int64_t, N>;

    // What is kept of a trough of the last frames.
    struct Kept {
        std::int32_t bin;
        float offset, height;
    };
    struct Past {
        double present;
        float lowest;
        std::int32_t count, likeliest;
        Kept kept[kTroughs];
    };
    struct Head {
        std::int64_t taken;
    };

    static int padded(const PyinPlan<T>& plan) { return (plan.bins + N - 1) / N * N; }
    static int ring(const PyinPlan<T>& plan) { return plan.lag + 2; }

    // Over `bytes` of memory; with null it only says how many.
    PyinPath(const PyinPlan<T>& settings, void* memory) : plan(settings) {
        Cut cut(memory);
        const auto take = [&]<class E>(E*& to, std::size_t count) { to = cut.take<E>(count); };
        const std::size_t bins = std::size_t(padded(plan)), wide = bins + 2 * std::size_t(plan.reach) + N;
        take(head, 1);
        take(scores, 2 * bins);
        take(voiced, wide);
        take(unvoiced, wide);
        take(into, 2 * bins);
        take(from, std::size_t(ring(plan)) * 2 * bins);
        take(past, std::size_t(ring(plan)));
        bytes = cut.bytes();
    }

    void begin() {
        head->taken = 0;
        const int wide = padded(plan) + 2 * plan.reach + N;
        for (int i = 0; i < wide; ++i) voiced[i] = unvoiced[i] = -1e300;
    }

    int decide(const PyinFrame* frames, int count, FrameResult* out) {
        int given = 0;
        for (int i = 0; i < count; ++i) {
            advance(frames[i]);
            if (head->taken <= plan.lag) continue;
            int state = best();
            for (std::int64_t k = head->taken - 1; k > head->taken - 1 - plan.lag; --k)
                state = back(k, state);
            out[given++] = result(head->taken - 1 - plan.lag, state);
        }
        return given;
    }

    int conclude(FrameResult* out) {
        const std::int64_t count = head->taken < plan.lag ? head->taken : plan.lag;
        int state = count > 0 ? best() : 0;
        for (std::int64_t i = count - 1; i >= 0; --i) {
            const std::int64_t frame = head->taken - count + i;
            out[i] = result(frame, state);
            state = back(frame, state);
        }
        return int(count);
    }

    std::size_t bytes = 0;

  private:
    const PyinPlan<T>& plan;
    Head* head;
    double* scores;             // of the voiced states, then of the unvoiced
    double *voiced, *unvoiced;  // what arrives in each from each bin, with `reach` bins of nothing around
    std::int16_t* into;         // the state that each of these came from, of both kinds
    std::int16_t* from;         // for each of the last frames the state before each state
    Past* past;

    // States are numbered up to 2 * padded(plan).
    std::int16_t* row(std::int64_t frame) const {
        return from + std::size_t(frame % ring(plan)) * 2 * padded(plan);
    }
    int back(std::int64_t frame, int state) const { return row(frame)[state]; }

    // The best way into each of the states of a kind, of which `arrive` says what comes from each bin; and
    // from which bin.
    void band(const double* arrive, double* to, std::int16_t* from_bin) const {
        const int width = 2 * plan.reach + 1;
        for (int j = 0; j < plan.bins; j += N) {
            V best = broadcast<V>(-1e300);
            I which{};
            for (int o = 0; o < width; ++o) {
                const V v = load<V>(arrive + j + o) + plan.log_triangle[o];
                const auto better = v > best;
                best = better ? v : best;
                which = better ? I{} + std::int64_t(o) : which;
            }
            store(to + j, best);
            for (int lane = 0; lane < N; ++lane)
                from_bin[j + lane] = std::int16_t(j + lane + int(which[lane]) - plan.reach);
        }
    }

    void advance(const PyinFrame& frame) {
        const int wide = padded(plan);
        double* quiet = scores + wide;
        std::int16_t* came = row(head->taken);
        if (head->taken == 0) {
            for (int j = 0; j < 2 * wide; ++j) {
                scores[j] = 0;
                came[j] = std::int16_t(j);
            }
        } else {
            // The better of voiced and unvoiced comes first: each kind then needs one band.
            double highest = -1e300;
            int top = 0;
            std::int16_t* into_quiet = into + wide;
            for (int j = 0; j < plan.bins; ++j) {
                const double stay = plan.log_stay - plan.log_norm[j];
                const double change = plan.log_switch - plan.log_norm[j];
                const double vv = scores[j] + stay, uv = quiet[j] + change;
                const double vu = scores[j] + change, uu = quiet[j] + stay;
                voiced[plan.reach + j] = vv >= uv ? vv : uv;
                into[j] = std::int16_t(vv >= uv ? j : wide + j);
                unvoiced[plan.reach + j] = vu >= uu ? vu : uu;
                into_quiet[j] = std::int16_t(vu >= uu ? j : wide + j);
                if (scores[j] > highest) highest = scores[j], top = j;
                if (quiet[j] > highest) highest = quiet[j], top = wide + j;
            }
            std::int16_t* came_quiet = came + wide;
            band(voiced, scores, came);
            band(unvoiced, quiet, came_quiet);
            const double leap = highest + kLogImpossible;
            for (int j = 0; j < plan.bins; ++j) {
                const bool leaps = scores[j] < leap, leaps_quiet = quiet[j] < leap;
                came[j] = leaps ? std::int16_t(top) : into[came[j]];
                came_quiet[j] = leaps_quiet ? std::int16_t(top) : into_quiet[came_quiet[j]];
                if (leaps) scores[j] = leap;
                if (leaps_quiet) quiet[j] = leap;
            }
        }
        // What is seen: nothing but the troughs is possible for voiced bins.
        double gain[kTroughs];
        for (int i = 0; i < frame.count; ++i) gain[i] = scores[frame.troughs[i].bin];
        double highest = -1e300;
        for (int j = 0; j < plan.bins; ++j) {
            scores[j] += kLogImpossible;
            quiet[j] += frame.log_unvoiced;
            const double higher = scores[j] > quiet[j] ? scores[j] : quiet[j];
            if (higher > highest) highest = higher;
        }
        for (int i = 0; i < frame.count; ++i) {
            double& score = scores[frame.troughs[i].bin];
            score = gain[i] + frame.troughs[i].log_probability;
            if (score > highest) highest = score;
        }
        for (int j = 0; j < plan.bins; ++j) {
            scores[j] -= highest;
            quiet[j] -= highest;
        }
        Past& now = past[head->taken % ring(plan)];
        now.present = frame.present;
        now.lowest = frame.lowest;
        now.count = frame.count;
        now.likeliest = 0;
        for (int i = 0; i < frame.count; ++i) {
            if (frame.troughs[i].log_probability > frame.troughs[now.likeliest].log_probability)
                now.likeliest = i;
            now.kept[i] = {frame.troughs[i].bin, frame.troughs[i].offset, frame.troughs[i].height};
        }
        ++head->taken;
    }

    int best() const {
        const int wide = padded(plan);
        int state = 0;
        for (int j = 0; j < plan.bins; ++j)
            if (scores[j] > scores[state]) state = j;
        for (int j = wide; j < wide + plan.bins; ++j)
            if (scores[j] > scores[state]) state = j;
        return state;
    }

    FrameResult result(std::int64_t frame, int state) const {
        const int wide = padded(plan);
        const Past& at = past[frame % ring(plan)];
        // The path through an unvoiced frame leads from one voiced stretch to the next; what the frame itself
        // says is the better estimate.
        const int bin = state >= wide && at.count > 0 ? at.kept[at.likeliest].bin : state % wide;
        double offset = 0, height = at.lowest;
        for (int i = 0; i < at.count; ++i)
            if (at.kept[i].bin == bin) {
                offset = at.kept[i].offset;
                height = at.kept[i].height;
            }
        const double f0 = plan.f_min * exp2((bin + offset) / plan.bins_per_octave);
        height = height < 0 ? 0 : height < kNoiseHeight ? height : kNoiseHeight;
        return {f0, probability_of_voicing(plan.voicing, height * height, at.present, state < wide)};
    }
};

}  // namespace luthier::inline LUTHIER_ISA
