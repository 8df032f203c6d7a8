// A small network of convolutions over (channels, frames, bins), run frame by frame over a whole signal.
//
// A network is a list of nodes in which each takes what came before; tensors are streams of frames and all
// nodes are local in time (but for `normalise`, which wants the whole signal). So there are no windows to
// stitch: every tensor keeps the few rows that its readers still need, each node makes what its inputs allow,
// in blocks that stay in the cache, and the memory does not grow with the signal. What a frame of an output
// is depends on the signal alone, bit for bit, however the signal was cut into pushes.
//
// Network is built once and may be used by many threads; a NetworkStream belongs to one. Neither knows
// Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "network_kernels.h"

namespace luthier::pitch {

// As a model pack lists it. Tensor 0 is the network's input, tensor i + 1 the output of node i.
struct NodeSpec {
    std::string name;  // for messages
    std::string op;    // of the table below
    std::vector<int> inputs;
    std::vector<int> numbers;
    std::vector<float> weights, bias;
};
// op                    inputs   numbers and weights                                  result
// convolution           1        outputs, kernel (frames, bins), stride (2), padding (before, after, left,
// right),
//                                dilation (2), groups, transposed; weights (outputs, channels / groups,
//                                kernel), bias (outputs). `transposed`: one bin is left, and the outputs
//                                become the bins of one channel
// relu sigmoid tanh     1
// leaky_relu            1        weights: (slope)
// add multiply          2        the same shape
// affine                1        weights: scale (channels, bins), bias: offset (channels, bins)
// concatenate           any      axis: 0 channels, 1 bins
// window_channels       1        start, count                                         the channels from
// `start` on window_bins           1        start, count; outside the input's bins are zeros (start may be
// negative) swap                  1                                                             channels and
// bins change places extend                1        before, after, mode: 0 zeros, 1 reflected            more
// frames at both ends square_root logarithm 1 sum                   1 over the channels normalise 1        (x
// - least) / (most - least) over the whole signal

struct NetworkSpec {
    std::string name;
    int channels, bins;  // of the input
    std::vector<NodeSpec> nodes;
    std::vector<int> outputs;  // tensors
};

struct TensorShape {
    int channels, bins;
};

class NetworkStream;

class Network {
  public:
    // Throws std::invalid_argument with a message that names the node when the spec does not make sense.
    explicit Network(const NetworkSpec& spec);
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    ~Network();

    TensorShape input() const { return {tensors_[0].channels, tensors_[0].bins}; }
    std::size_t outputs() const { return outputs_.size(); }
    TensorShape output(std::size_t i) const {
        return {tensors_[outputs_[i]].channels, tensors_[outputs_[i]].bins};
    }
    // Frame t of output i needs the input's frames up to t * stride + look_ahead, and none before
    // t * stride - look_behind. At the start, `extend` may need more.
    std::int64_t stride(std::size_t i) const { return tensors_[outputs_[i]].stride; }
    std::int64_t look_ahead(std::size_t i) const { return tensors_[outputs_[i]].ahead; }
    std::int64_t look_behind(std::size_t i) const { return tensors_[outputs_[i]].behind; }
    static constexpr std::int64_t kWholeSignal = std::numeric_limits<std::int64_t>::max();
    bool needs_whole_signal() const;
    // Frames of output i once `frames` of the input have come, and these are all when `ended`.
    std::int64_t frames(std::size_t i, std::int64_t frames, bool ended) const;
    // Multiplications and additions in pairs, for one frame of the input.
    double products() const { return products_; }

    // A stream at its beginning, an idle one where there is one: its memory is in place. Any thread may ask.
    std::unique_ptr<NetworkStream> borrow() const;
    void give_back(std::unique_ptr<NetworkStream> stream) const;

  private:
    friend class NetworkStream;

    enum class Kind {
        bins,
        dense,
        signal,
        phases,
        activate,
        add,
        multiply,
        affine,
        concatenate,
        window,
        swap,
        extend,
        square_root,
        logarithm,
        sum,
        normalise
    };

    struct Tensor {
        int channels, bins;
        bool narrow = false;  // a signal: a row is one float
        int left = 0;         // zeros before bin 0
        std::ptrdiff_t channel = 0, row = 0;
        int before = 0, after = 0;  // rows of zeros around the signal
        std::int64_t reach = 0;     // rows that a reader wants at once, at most
        std::int64_t limit = 1;     // rows made at a time
        std::int64_t stride = 1, ahead = 0, behind = 0;
        std::vector<int> readers;  // nodes
    };

    struct Node {
        Kind kind;
        std::vector<int> inputs;
        int output;
        // Time: output frame t needs the input's rows [t * stride - before, t * stride - before + span).
        std::int64_t stride = 1, before = 0, after = 0, span = 1;
        int axis = 0,
            start = 0;  // concatenate, window; phases: start is the padding on the left, axis the step
        bool reflect = false;
        Activation activation = Activation::none;
        float slope = 0;
        std::vector<ConvolutionPlan> groups;
        std::vector<std::ptrdiff_t> group_inputs, group_outputs;  // where each group begins, in floats
        std::vector<std::ptrdiff_t> offsets;
        std::vector<float> weights, bias;
    };

    std::int64_t available(const Node& node, const std::vector<std::int64_t>& have,
                           const std::vector<bool>& ended) const;

    std::vector<Tensor> tensors_;
    std::vector<Node> nodes_;
    std::vector<int> outputs_;
    const NetworkKernels* kernels_;
    double products_ = 0;
    std::size_t scratch_ = 0;
    mutable std::mutex idle_lock_;
    mutable std::vector<std::unique_ptr<NetworkStream>> idle_;

    friend struct NetworkBuilder;
};

// Where the frames of an output go: frame f, channel c, bin b at data[f * frame + c * channel + b].
struct OutputView {
    float* data;
    std::ptrdiff_t frame, channel;
};

class NetworkStream {
  public:
    // With `settle` the memory that a stream of any length needs is taken now, and push() takes none; but a
    // network that needs millions of frames to get under way takes the rest as they come.
    NetworkStream(const Network& network, bool settle);

    // Takes `frames` more frames, input[f * frame + c * channel + b], and writes the frames that are now
    // ready: Network::frames() tells how many, the views are where the first of them goes. With `end` the
    // signal ends here and everything that is left comes.
    void push(const float* input, std::int64_t frames, std::ptrdiff_t frame, std::ptrdiff_t channel, bool end,
              const OutputView* outputs);
    std::int64_t pushed() const { return have_[0]; }
    bool ended() const { return ended_[0]; }
    // Back to the beginning of a signal, with the memory kept.
    void reset();
    std::size_t bytes() const;

  private:
    struct Buffer {
        std::vector<float> memory;
        float* base = nullptr;      // aligned
        std::int64_t capacity = 0;  // rows
        std::int64_t first = 0;     // the frame at base; below zero in the zeros before the signal
    };

    float* at(int tensor, std::int64_t frame) {
        return buffers_[tensor].base + (frame - buffers_[tensor].first) * network_->tensors_[tensor].row +
               network_->tensors_[tensor].left;
    }
    void reserve(int tensor, std::int64_t rows);
    void append_zeros(int tensor, std::int64_t rows);
    std::int64_t needed_from(int tensor) const;
    bool pass(bool ahead);
    void run(const Network::Node& node, std::int64_t first, int count);
    void drain();
    void deliver();

    const Network* network_;
    std::vector<Buffer> buffers_;
    std::vector<std::int64_t> have_;  // frames of each tensor
    std::vector<bool> ended_;
    std::vector<std::int64_t> delivered_;
    std::vector<float> scratch_;
    const OutputView* views_ = nullptr;
    std::vector<std::int64_t> view_first_;
    struct Extent {
        float least, range;
    };
    std::vector<Extent> extents_;  // of each node's input, where the node is a `normalise`
    std::int64_t passes_ = 0;
    bool dry_ = false;
};

}  // namespace luthier::pitch
