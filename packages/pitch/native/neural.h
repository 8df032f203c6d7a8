// The neural tracker: front end, network and decoding over a signal that comes in pieces of any size.
//
// Everything is exact in the stream's own counts: the change of rate, the front end's frames, the network's,
// and the results are each the same however the signal was cut.
//
// A frame of the network answers for two times, half a hop apart. For each it gives a score for every
// candidate f0 and one for there being none; they are one softmax. The f0 is the expectation over the
// candidates around the best one in range, refined by the signal itself (refine.h). The confidence is the
// probability that there is a pitch, its log-odds stretched and shifted as the model's calibration says (C.
// Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017), times
// what the candidates in range have of all.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "front_end_maker.h"
#include "luthier/isa.h"
#include "network.h"
#include "rate_change.h"
#include "signal.h"

namespace luthier::pitch {

// What is fixed for all rows of a call. The front end and the network must outlive it.
class NeuralMethod {
  public:
    struct Settings {
        double sample_rate;               // of the samples
        std::int64_t rate_from, rate_to;  // the same against the front end's, in lowest terms
        double model_rate;                // the front end's
        double hop_s, f_min, f_max;
        double lowest_hz, bins_per_octave;
        double voicing_offset, voicing_scale;
        int pitch, unvoiced;  // which outputs of the network
    };
    // Throws std::invalid_argument when front end, network and settings do not fit together.
    NeuralMethod(const FrontEnd& front_end, const Network& network, const Settings& settings);
    NeuralMethod(const NeuralMethod&) = delete;
    NeuralMethod& operator=(const NeuralMethod&) = delete;

    // Samples from a result's time to the one that makes it known, at most.
    double latency() const;

  private:
    friend class NeuralRow;

    const FrontEnd* front_end_;
    const Network* network_;
    Settings settings_;
    std::unique_ptr<const RatePlan> rate_;  // null where the rates are equal
    int first_bin_, last_bin_;
    std::int64_t ahead_;  // samples, at the model's rate, from a frame's first time to those that it needs
    double step_s_;       // from one decoded result to the next
};

// One row at work.
class NeuralRow {
  public:
    explicit NeuralRow(const NeuralMethod& method);
    ~NeuralRow();
    NeuralRow(const NeuralRow&) = delete;
    NeuralRow& operator=(const NeuralRow&) = delete;

    void push(const float* samples, std::int64_t count);
    void end();
    void reset();

    // What is known and not yet taken; the caller clears it.
    std::vector<FrameResult> results;

  private:
    void take(const float* samples, std::int64_t count);
    void advance(bool last);
    void run_frames(int count, bool last);
    void decode(std::int64_t result, const float* scores, float unvoiced, bool silent);
    double refine(std::int64_t result, double f0) const;
    void give(bool last);

    const NeuralMethod* method_;
    std::unique_ptr<RateStream> rate_;  // null where the rates are equal
    std::unique_ptr<NetworkStream> network_;
    std::vector<float> resampled_;
    std::vector<float> tail_;  // samples at the model's rate, from `base_` on
    std::int64_t base_ = 0, length_ = 0, received_ = 0;
    std::int64_t frames_ = 0, answered_ = 0;  // of the front end; of the network
    double loudest_ = 0;
    std::vector<std::byte> scratch_;
    std::vector<float> features_, pitch_, unvoiced_, held_pitch_, held_unvoiced_;
    std::vector<double> powers_;
    std::vector<bool> silent_;  // of the frames from `answered_` on
    std::vector<FrameResult> decoded_;
    std::int64_t first_decoded_ = 0, given_ = 0;
};

}  // namespace luthier::pitch
