// The cheapest path through the candidates of successive frames, each decided a fixed number of frames late.
//
// Boersma's costs (1993, equations 23 to 27): a path gains each candidate's strength and pays for jumps by
// their size in octaves and for each change of voicing. The unvoiced candidate has a pitch too here, every
// candidate's in turn, with a small share of its strength and of the cost of a jump: so that f0 goes on
// through what is unvoiced. Viterbi's algorithm, and of the survivors the best one is followed back `lag`
// frames.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "autocorrelation.h"
#include "presence.h"
#include "voicing.h"

namespace luthier::pitch {

struct PathCosts {
    double octave, octave_jump, voicing_change;
    double log2_middle;  // of the range, where an octave's gain is none
    double voicing_threshold;
    Voicing voicing;  // the evidence is how far the candidate's correlation is below one
};

class CandidatePath {
  public:
    // Shares of what voiced frames gain and pay.
    static constexpr double kUnvoicedGain = 0.25, kUnvoicedJump = 0.25;
    static constexpr int kStates = 2 * kCandidates;  // the voiced ones first

    static std::size_t bytes(int lag) { return sizeof(Head) + std::size_t(lag + 2) * sizeof(Step); }

    CandidatePath(const PathCosts& costs, int lag, void* memory)
        : costs_(costs),
          lag_(lag),
          head_(*static_cast<Head*>(memory)),
          steps_(reinterpret_cast<Step*>(static_cast<std::byte*>(memory) + sizeof(Head))) {}

    void begin() { head_ = {}; }

    int decide(const CandidateFrame* frames, int count, FrameResult* out) {
        int given = 0;
        for (int i = 0; i < count; ++i) {
            advance(frames[i]);
            if (head_.taken > lag_) {
                int state = best();
                for (std::int64_t k = head_.taken - 1; k > head_.taken - 1 - lag_; --k)
                    state = step(k).from[state];
                out[given++] = result(step(head_.taken - 1 - lag_), state);
            }
        }
        return given;
    }

    int conclude(FrameResult* out) {
        const std::int64_t count = head_.taken < lag_ ? head_.taken : lag_;
        int state = count > 0 ? best() : 0;
        for (std::int64_t i = count - 1; i >= 0; --i) {
            const Step& at = step(head_.taken - count + i);
            out[i] = result(at, state);
            state = at.from[state];
        }
        return int(count);
    }

  private:
    struct Head {
        std::int64_t taken;
        double scores[kStates];
    };
    struct Step {
        CandidateFrame frame;
        std::uint8_t from[kStates + 2];
    };

    Step& step(std::int64_t frame) { return steps_[frame % (lag_ + 2)]; }

    void advance(const CandidateFrame& frame) {
        Step& now = step(head_.taken);
        now.frame = frame;
        double scores[kStates];
        const Step* last = head_.taken > 0 ? &step(head_.taken - 1) : nullptr;
        double highest = -1e300;
        const double silence = costs_.voicing_threshold + (1 - share_present(frame.present));
        for (int i = 0; i < frame.count; ++i) {
            const Candidate& c = frame.candidates[i];
            const double gain = c.correlation + costs_.octave * (c.log2_f0 - costs_.log2_middle);
            double voiced = last ? -1e300 : 0, unvoiced = voiced;
            int from_voiced = 0, from_unvoiced = 0;
            for (int j = 0; last && j < last->frame.count; ++j) {
                const double jump =
                    costs_.octave_jump * std::fabs(c.log2_f0 - last->frame.candidates[j].log2_f0);
                const double was = head_.scores[j], was_not = head_.scores[kCandidates + j];
                const double change = costs_.voicing_change + kUnvoicedJump * jump;
                if (was - jump > voiced) voiced = was - jump, from_voiced = j;
                if (was_not - change > voiced) voiced = was_not - change, from_voiced = kCandidates + j;
                if (was - change > unvoiced) unvoiced = was - change, from_unvoiced = j;
                if (was_not - kUnvoicedJump * jump > unvoiced)
                    unvoiced = was_not - kUnvoicedJump * jump, from_unvoiced = kCandidates + j;
            }
            scores[i] = voiced + gain;
            scores[kCandidates + i] = unvoiced + silence + kUnvoicedGain * (gain - costs_.voicing_threshold);
            now.from[i] = std::uint8_t(from_voiced);
            now.from[kCandidates + i] = std::uint8_t(from_unvoiced);
            if (scores[i] > highest) highest = scores[i];
            if (scores[kCandidates + i] > highest) highest = scores[kCandidates + i];
        }
        for (int i = 0; i < frame.count; ++i) {
            head_.scores[i] = scores[i] - highest;
            head_.scores[kCandidates + i] = scores[kCandidates + i] - highest;
        }
        ++head_.taken;
    }

    int best() {
        const CandidateFrame& frame = step(head_.taken - 1).frame;
        int state = 0;
        for (int i = 0; i < frame.count; ++i) {
            if (head_.scores[i] > head_.scores[state]) state = i;
            if (head_.scores[kCandidates + i] > head_.scores[state]) state = kCandidates + i;
        }
        return state;
    }

    FrameResult result(const Step& at, int state) const {
        const Candidate& c = at.frame.candidates[state % kCandidates];
        return {c.f0, probability_of_voicing(costs_.voicing, 1 - c.correlation, at.frame.present,
                                             state < kCandidates)};
    }

    const PathCosts& costs_;
    int lag_;
    Head& head_;
    Step* steps_;
};

}  // namespace luthier::pitch
