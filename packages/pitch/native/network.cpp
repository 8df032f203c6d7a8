#include "network.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "luthier/dispatch.h"

LUTHIER_DISPATCH(NetworkKernels, network_kernels)

namespace luthier::pitch {
namespace {

constexpr std::int64_t kMostFloats = 1 << 20;  // of a row
constexpr std::int64_t kMostWeights = 1 << 26;
constexpr std::int64_t kMostHeld = 1 << 26;  // floats that the nodes want at once, of all tensors
constexpr int kMostReach = 1 << 20;          // of a kernel, in frames or bins
constexpr std::int64_t kBlockFloats =
    24 * 1024;  // of a tensor that are made at a time: they stay in the cache
// Of nodes, in the rehearsal of a stream: a fraction of a second.
constexpr std::int64_t kMostVisits = 1 << 23;

int filled_up(int bins) { return (bins + kNetworkAlign - 1) / kNetworkAlign * kNetworkAlign; }

}  // namespace

// Makes the nodes that run from the nodes that a pack lists.
struct NetworkBuilder {
    Network& net;
    const NetworkSpec& spec;
    const NodeSpec* node = nullptr;
    std::vector<int> tensor_of;            // spec tensor -> the network's
    std::vector<const NodeSpec*> origins;  // of the network's nodes, for messages

    [[noreturn]] void refuse(const std::string& what) const {
        throw std::invalid_argument(node ? "node '" + node->name + "' (" + node->op + "): " + what : what);
    }
    void need(bool condition, const char* what) const {
        if (!condition) refuse(what);
    }

    int add_tensor(std::int64_t channels, std::int64_t bins) {
        need(channels >= 1 && bins >= 1 && channels <= kMostFloats && bins <= kMostFloats &&
                 channels * (bins + kNetworkAlign) <= kMostFloats,
             "its result has no or too many channels and bins");
        Network::Tensor tensor;
        tensor.channels = int(channels);
        tensor.bins = int(bins);
        net.tensors_.push_back(std::move(tensor));
        return int(net.tensors_.size()) - 1;
    }

    Network::Node& add_node(Network::Kind kind, std::vector<int> inputs, std::int64_t channels,
                            std::int64_t bins) {
        Network::Node made;
        made.kind = kind;
        made.inputs = std::move(inputs);
        made.output = add_tensor(channels, bins);
        net.nodes_.push_back(std::move(made));
        origins.push_back(node);
        return net.nodes_.back();
    }

    void inputs_and_numbers(std::size_t inputs, std::size_t numbers) const {
        need(node->inputs.size() == inputs, "a wrong number of inputs");
        need(node->numbers.size() == numbers, "a wrong number of parameters");
    }

    void build() {
        need(!spec.outputs.empty(), "the network has no outputs");
        tensor_of.push_back(add_tensor(spec.channels, spec.bins));

        // How often each tensor is read, for what can be joined.
        std::vector<int> reads(spec.nodes.size() + 1);
        for (std::size_t i = 0; i < spec.nodes.size(); ++i)
            for (int input : spec.nodes[i].inputs) {
                node = &spec.nodes[i];
                need(input >= 0 && std::size_t(input) <= i, "an input that does not come before it");
                ++reads[std::size_t(input)];
            }
        node = nullptr;
        for (int output : spec.outputs) {
            need(output >= 0 && std::size_t(output) <= spec.nodes.size(), "an output that no node makes");
            ++reads[std::size_t(output)];
        }

        for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
            node = &spec.nodes[i];
            tensor_of.push_back(lower(reads));
        }
        node = nullptr;
        for (int output : spec.outputs) net.outputs_.push_back(tensor_of[std::size_t(output)]);
    }

    int lower(const std::vector<int>& reads) {
        std::vector<int> in;
        for (int input : node->inputs) in.push_back(tensor_of[std::size_t(input)]);
        need(!in.empty(), "it has no inputs");
        const Network::Tensor x = net.tensors_[std::size_t(in[0])];
        const std::string& op = node->op;
        const auto& n = node->numbers;
        if (op == "convolution") return convolution(in[0]);
        if (op == "relu" || op == "leaky_relu" || op == "sigmoid" || op == "tanh") {
            inputs_and_numbers(1, 0);
            need(node->weights.size() == (op == "leaky_relu" ? 1u : 0u), "a wrong number of weights");
            const Activation activation = op == "relu"         ? Activation::relu
                                          : op == "leaky_relu" ? Activation::leaky_relu
                                          : op == "sigmoid"    ? Activation::sigmoid
                                                               : Activation::tanh;
            const float slope = node->weights.empty() ? 0.0f : node->weights[0];
            // A convolution that nobody else reads does it on its way out.
            if (reads[std::size_t(node->inputs[0])] == 1 && !net.nodes_.empty()) {
                Network::Node& last = net.nodes_.back();
                const bool convolves = last.kind == Network::Kind::bins ||
                                       last.kind == Network::Kind::dense ||
                                       last.kind == Network::Kind::signal;
                if (last.output == in[0] && convolves && last.activation == Activation::none) {
                    last.activation = activation;
                    last.slope = slope;
                    return in[0];
                }
            }
            Network::Node& made = add_node(Network::Kind::activate, in, x.channels, x.bins);
            made.activation = activation;
            made.slope = slope;
            return made.output;
        }
        if (op == "add" || op == "multiply") {
            inputs_and_numbers(2, 0);
            const Network::Tensor& y = net.tensors_[std::size_t(in[1])];
            need(x.channels == y.channels && x.bins == y.bins, "its inputs differ in shape");
            return add_node(op == "add" ? Network::Kind::add : Network::Kind::multiply, in, x.channels,
                            x.bins)
                .output;
        }
        if (op == "affine") {
            inputs_and_numbers(1, 0);
            const std::size_t size = std::size_t(x.channels) * std::size_t(x.bins);
            need(node->weights.size() == size && node->bias.size() == size,
                 "scale and offset must have its input's shape");
            Network::Node& made = add_node(Network::Kind::affine, in, x.channels, x.bins);
            const int pitch = filled_up(x.bins);
            made.weights.assign(std::size_t(x.channels) * std::size_t(pitch), 0.0f);
            made.bias = made.weights;
            for (int c = 0; c < x.channels; ++c)
                for (int b = 0; b < x.bins; ++b) {
                    made.weights[std::size_t(c * pitch + b)] = node->weights[std::size_t(c * x.bins + b)];
                    made.bias[std::size_t(c * pitch + b)] = node->bias[std::size_t(c * x.bins + b)];
                }
            return made.output;
        }
        if (op == "concatenate") {
            inputs_and_numbers(in.size(), 1);
            need(n[0] == 0 || n[0] == 1, "the axis must be 0 (channels) or 1 (bins)");
            std::int64_t channels = 0, bins = 0;
            for (int input : in) {
                const Network::Tensor& y = net.tensors_[std::size_t(input)];
                need(n[0] == 0 ? y.bins == x.bins : y.channels == x.channels, "its inputs differ in shape");
                channels += y.channels;
                bins += y.bins;
            }
            Network::Node& made = add_node(Network::Kind::concatenate, in, n[0] == 0 ? channels : x.channels,
                                           n[0] == 1 ? bins : x.bins);
            made.axis = n[0];
            return made.output;
        }
        if (op == "window_channels" || op == "window_bins") {
            inputs_and_numbers(1, 2);
            const bool over_bins = op == "window_bins";
            need(n[0] > -kMostReach && n[0] < kMostReach, "the start is out of range");
            if (!over_bins)
                need(n[0] >= 0 && n[1] >= 1 && n[1] <= x.channels - n[0],
                     "channels that its input does not have");
            Network::Node& made =
                add_node(Network::Kind::window, in, over_bins ? x.channels : n[1], over_bins ? n[1] : x.bins);
            made.axis = over_bins ? 1 : 0;
            made.start = n[0];
            return made.output;
        }
        if (op == "swap") {
            inputs_and_numbers(1, 0);
            return add_node(Network::Kind::swap, in, x.bins, x.channels).output;
        }
        if (op == "extend") {
            inputs_and_numbers(1, 3);
            need(n[0] >= 0 && n[1] >= 0 && n[0] < kMostReach && n[1] < kMostReach,
                 "frames before or after out of range");
            need(n[2] == 0 || n[2] == 1, "the mode must be 0 (zeros) or 1 (reflected)");
            Network::Node& made = add_node(Network::Kind::extend, in, x.channels, x.bins);
            made.before = n[0];
            made.after = n[1];
            made.reflect = n[2] == 1;
            return made.output;
        }
        if (op == "square_root" || op == "logarithm") {
            inputs_and_numbers(1, 0);
            return add_node(op == "logarithm" ? Network::Kind::logarithm : Network::Kind::square_root, in,
                            x.channels, x.bins)
                .output;
        }
        if (op == "sum") {
            inputs_and_numbers(1, 0);
            return add_node(Network::Kind::sum, in, 1, x.bins).output;
        }
        if (op == "normalise") {
            inputs_and_numbers(1, 0);
            return add_node(Network::Kind::normalise, in, x.channels, x.bins).output;
        }
        refuse("an operator that this version does not know");
    }

    int convolution(int input) {
        inputs_and_numbers(1, 13);
        const Network::Tensor x = net.tensors_[std::size_t(input)];
        const auto& n = node->numbers;
        const std::int64_t outputs = n[0], kt = n[1], kb = n[2], st = n[3], sb = n[4];
        const std::int64_t before = n[5], after = n[6], left = n[7], right = n[8], dt = n[9], db = n[10],
                           groups = n[11];
        const bool transposed = n[12] != 0;
        for (int i = 0; i < 12; ++i)
            need(n[std::size_t(i)] >= (i >= 5 && i < 9 ? 0 : 1) && n[std::size_t(i)] < kMostReach,
                 "a parameter out of range");
        need(x.channels % groups == 0 && outputs % groups == 0, "the groups do not divide its channels");
        const std::int64_t inner = x.channels / groups, each = outputs / groups;
        need(kt * dt < kMostReach && kb * db < kMostReach && outputs * inner <= kMostWeights &&
                 outputs * inner * kt <= kMostWeights && outputs * inner * kt * kb <= kMostWeights,
             "it is too large");
        need(std::int64_t(node->weights.size()) == outputs * inner * kt * kb &&
                 std::int64_t(node->bias.size()) == outputs,
             "weights of a wrong size");
        const std::int64_t room = x.bins + left + right - (db * (kb - 1) + 1);
        need(room >= 0, "the kernel is longer than the bins");
        const std::int64_t bins = room / sb + 1;
        need(!transposed || (bins == 1 && groups == 1), "transposed needs one bin and one group");

        // A stride in frequency: the bins fall into `sb` phases, channels of their own, where it is one.
        int from = input;
        if (sb > 1 && bins > 1) {
            Network::Node& split = add_node(Network::Kind::phases, {input}, x.channels * sb,
                                            (x.bins + left + right + sb - 1) / sb);
            split.axis = int(sb);
            split.start = int(left);
            from = split.output;
        }
        const Network::Kind kind =
            bins == 1 && (transposed || each >= 4) ? Network::Kind::dense : Network::Kind::bins;
        Network::Node& made = add_node(kind, {from}, transposed ? 1 : outputs, transposed ? outputs : bins);
        made.stride = st;
        made.before = before;
        made.after = after;
        made.span = dt * (kt - 1) + 1;
        made.axis = from == input ? 1 : int(sb);  // phases that its taps find
        made.start = from == input ? int(left) : 0;
        conv_specs.push_back({int(net.nodes_.size()) - 1, node});
        // Multiply-adds per frame of this output; the stride is known once the layout is.
        work.push_back({int(net.nodes_.size()) - 1, double(each * inner * kt * kb * groups * bins)});
        return made.output;
    }

    struct Convolution {
        int node;
        const NodeSpec* spec;
    };
    std::vector<Convolution> conv_specs;
    struct Work {
        int node;
        double products;
    };
    std::vector<Work> work;

    // Strides, margins, and which tensors are signals.
    void lay_out() {
        for (std::size_t i = 0; i < net.nodes_.size(); ++i)
            for (int input : net.nodes_[i].inputs) net.tensors_[std::size_t(input)].readers.push_back(int(i));

        std::vector<const NodeSpec*> spec_of(net.nodes_.size(), nullptr);
        for (const Convolution& each : conv_specs) spec_of[std::size_t(each.node)] = each.spec;

        for (Network::Tensor& t : net.tensors_) {
            bool narrow = t.channels == 1 && t.bins == 1;
            int left = 0;
            std::int64_t right = filled_up(t.bins);
            for (int reader : t.readers) {
                const Network::Node& r = net.nodes_[std::size_t(reader)];
                const NodeSpec* s = spec_of[std::size_t(reader)];
                if (r.kind == Network::Kind::phases) narrow = false;
                if (!s) continue;
                const int kb = s->numbers[2], pad_left = s->numbers[7], pad_right = s->numbers[8],
                          db = s->numbers[10];
                if (kb != 1 || pad_left || pad_right || r.axis != 1) narrow = false;
                left = std::max(left, r.start);
                const int out_bins = s->numbers[12] ? 1 : net.tensors_[std::size_t(r.output)].bins;
                const std::int64_t reach = std::int64_t(db) * (kb - 1) / r.axis;
                right = std::max(right, filled_up(out_bins) + reach - r.start);
                t.before = std::max(t.before, int(r.before));
                t.after = std::max(t.after, int(r.after));
            }
            if (narrow) {
                t.narrow = true;
                t.channel = t.row = 1;
            } else {
                t.left = filled_up(left);
                need(right < kMostReach, "a padding that is too large");
                t.channel = t.left + filled_up(int(right));
                t.row = t.channel * t.channels;
                need(t.row <= 16 * kMostFloats, "rows that are too large");
            }
            t.limit = std::clamp<std::int64_t>(kBlockFloats / t.row, 4, 8192);
        }

        for (std::size_t i = 0; i < net.nodes_.size(); ++i) {
            const Network::Node& each = net.nodes_[i];
            const std::int64_t rows = each.span + each.stride + each.before + each.after;
            node = origins[i];
            for (int input : each.inputs)
                need(rows * net.tensors_[std::size_t(input)].row <= kMostHeld,
                     "it reaches too far in time for so many channels and bins");
        }
        node = nullptr;
        for (const Network::Node& each : net.nodes_)
            for (int input : each.inputs) {
                std::int64_t& reach = net.tensors_[std::size_t(input)].reach;
                reach = std::max(
                    reach, each.span + (each.kind == Network::Kind::extend ? each.before + each.after : 0));
            }
        for (std::size_t i = 0; i < net.nodes_.size(); ++i) {
            const Network::Node& each = net.nodes_[i];
            node = origins[i];
            Network::Tensor& out = net.tensors_[std::size_t(each.output)];
            if (each.kind == Network::Kind::phases)
                out.limit = net.tensors_[std::size_t(each.inputs[0])].limit;
            bool first = true;
            for (int input : each.inputs) {
                const Network::Tensor& in = net.tensors_[std::size_t(input)];
                if (!first)
                    need(out.stride == in.stride * each.stride,
                         "a node joins tensors of different frame rates");
                need(in.stride * each.stride <= kMostReach, "the strides in time are too large together");
                const bool whole = each.kind == Network::Kind::normalise || in.ahead == Network::kWholeSignal;
                const std::int64_t ahead =
                    whole ? Network::kWholeSignal : in.ahead + in.stride * (each.span - 1 - each.before);
                const std::int64_t behind =
                    whole ? Network::kWholeSignal : in.behind + in.stride * each.before;
                out.stride = in.stride * each.stride;
                out.ahead = first ? ahead : std::max(out.ahead, ahead);
                out.behind = first ? behind : std::max(out.behind, behind);
                first = false;
            }
        }
        node = nullptr;
        for (const Network::Node& each : net.nodes_)
            if (each.kind == Network::Kind::affine)
                net.scratch_ = std::max(
                    net.scratch_, signal_scratch(int(net.tensors_[std::size_t(each.output)].limit), 0, 1));
        for (const Work& each : work)
            net.products_ +=
                each.products /
                double(net.tensors_[std::size_t(net.nodes_[std::size_t(each.node)].output)].stride);
        for (const Convolution& each : conv_specs) pack(net.nodes_[std::size_t(each.node)], *each.spec);
        check_memory();
    }

    // The same for all tensors together, and with what is kept for a reader that waits for another input.
    void check_memory() const {
        double floats = double(net.scratch_);
        for (const Network::Tensor& t : net.tensors_) {
            std::int64_t rows = 0;
            for (int reader : t.readers) {
                const Network::Node& r = net.nodes_[std::size_t(reader)];
                const Network::Tensor& out = net.tensors_[std::size_t(r.output)];
                const std::int64_t waits =
                    out.ahead == Network::kWholeSignal ? 0 : (out.ahead - t.ahead) / t.stride;
                rows = std::max(rows, std::max(waits + r.before, r.span) + r.stride + r.before + r.after);
            }
            floats += double(rows + t.limit) * double(t.row);
        }
        if (floats > double(kMostHeld))
            refuse("the network wants " + std::to_string(std::int64_t(floats / (1 << 18))) +
                   " MiB for its frames at once, of at most " + std::to_string(kMostHeld >> 18) +
                   ": its strides, or its reach in time, are too large");
    }

    // Weights in the order in which the kernels read them.
    void pack(Network::Node& made, const NodeSpec& from) {
        const Network::Tensor &in = net.tensors_[std::size_t(made.inputs[0])],
                              &out = net.tensors_[std::size_t(made.output)];
        const auto& n = from.numbers;
        const int kt = n[1], kb = n[2], dt = n[9], db = n[10], groups = n[11];
        const bool transposed = n[12] != 0;
        const int phases = made.axis, channels = in.channels / phases;
        const int inner = channels / groups, each = n[0] / groups, taps = kt * inner * kb;
        if (in.narrow && out.narrow && n[0] == 1) {
            made.kind = Network::Kind::signal;
            net.scratch_ = std::max(
                net.scratch_, signal_scratch(int(out.limit), std::ptrdiff_t(dt) * (kt - 1), made.stride));
        }
        for (int t = 0; t < kt; ++t)
            for (int c = 0; c < inner; ++c)
                for (int k = 0; k < kb; ++k) {
                    const std::ptrdiff_t at = std::ptrdiff_t(k) * db;
                    made.offsets.push_back(std::ptrdiff_t(t) * dt * in.row +
                                           (c * phases + at % phases) * in.channel + at / phases -
                                           made.start);
                }

        const bool wide = made.kind == Network::Kind::dense;
        const int pitch = wide ? filled_up(each) : each;
        made.weights.assign(std::size_t(groups) * std::size_t(taps) * std::size_t(pitch), 0.0f);
        made.bias.assign(std::size_t(groups) * std::size_t(pitch), 0.0f);
        // weights[g][o][c][t][k] as they come
        const auto weight = [&](int g, int o, int tap) {
            const int t = tap / (inner * kb), c = tap / kb % inner, k = tap % kb;
            return from.weights[((std::size_t(g * each + o) * std::size_t(inner) + std::size_t(c)) *
                                     std::size_t(kt) +
                                 std::size_t(t)) *
                                    std::size_t(kb) +
                                std::size_t(k)];
        };
        for (int g = 0; g < groups; ++g) {
            float* to = made.weights.data() + std::size_t(g) * std::size_t(taps) * std::size_t(pitch);
            float* bias = made.bias.data() + std::size_t(g) * std::size_t(pitch);
            for (int o = 0; o < each; ++o) bias[o] = from.bias[std::size_t(g * each + o)];
            if (wide) {
                for (int tap = 0; tap < taps; ++tap)
                    for (int o = 0; o < each; ++o)
                        to[std::size_t(tap) * std::size_t(pitch) + std::size_t(o)] = weight(g, o, tap);
            } else {
                for (int first = 0; first < each;) {
                    const int size = net.kernels_->convolution_tile(each - first);
                    for (int tap = 0; tap < taps; ++tap)
                        for (int o = 0; o < size; ++o) *to++ = weight(g, first + o, tap);
                    first += size;
                }
            }
        }
        for (int g = 0; g < groups; ++g) {
            ConvolutionPlan plan{};
            plan.outputs = each;
            plan.bins = transposed ? 1 : out.bins;
            plan.taps = taps;
            plan.offsets = made.offsets.data();
            plan.weights = made.weights.data() + std::size_t(g) * std::size_t(taps) * std::size_t(pitch);
            plan.bias = made.bias.data() + std::size_t(g) * std::size_t(pitch);
            plan.input_step = made.kind == Network::Kind::signal ? made.stride : made.stride * in.row;
            plan.output_row = out.row;
            plan.output_channel = transposed ? 1 : out.channel;
            plan.activation = made.activation;
            plan.slope = made.slope;
            made.groups.push_back(plan);
            made.group_inputs.push_back(std::ptrdiff_t(g) * inner * phases * in.channel);
            made.group_outputs.push_back(std::ptrdiff_t(g) * each * out.channel);
        }
    }
};

Network::Network(const NetworkSpec& spec) : kernels_(&select_network_kernels()) {
    NetworkBuilder builder{*this, spec, nullptr, {}, {}, {}, {}};
    builder.build();
    builder.lay_out();
}

Network::~Network() = default;

std::unique_ptr<NetworkStream> Network::borrow() const {
    {
        const std::lock_guard lock(idle_lock_);
        if (!idle_.empty()) {
            std::unique_ptr<NetworkStream> stream = std::move(idle_.back());
            idle_.pop_back();
            return stream;
        }
    }
    return std::make_unique<NetworkStream>(*this, false);
}

void Network::give_back(std::unique_ptr<NetworkStream> stream) const {
    // What a whole long signal needed is not worth keeping.
    constexpr std::size_t kMostBytes = 16 << 20, kMostIdle = 64;
    if (stream->bytes() > kMostBytes) return;
    stream->reset();
    const std::lock_guard lock(idle_lock_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(stream));
}

bool Network::needs_whole_signal() const {
    for (int output : outputs_)
        if (tensors_[std::size_t(output)].ahead == kWholeSignal) return true;
    return false;
}

std::int64_t Network::available(const Node& node, const std::vector<std::int64_t>& have,
                                const std::vector<bool>& ended) const {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (int input : node.inputs) {
        const std::int64_t n = have[std::size_t(input)];
        const bool end = ended[std::size_t(input)];
        std::int64_t frames = n;
        if (n == 0) {
            frames = 0;
        } else if (node.kind == Kind::extend) {
            // The start is reflected once its frames are there.
            frames = end                                ? n + node.before + node.after
                     : node.reflect && n <= node.before ? 0
                                                        : n + node.before;
        } else if (node.kind == Kind::normalise) {
            frames = end ? n : 0;
        } else {
            const std::int64_t room = n + node.before + (end ? node.after : 0) - node.span;
            frames = room < 0 ? 0 : room / node.stride + 1;
        }
        least = std::min(least, frames);
    }
    return least;
}

std::int64_t Network::frames(std::size_t i, std::int64_t frames, bool ended) const {
    std::vector<std::int64_t> have(tensors_.size());
    std::vector<bool> ends(tensors_.size(), ended);
    have[0] = frames;
    for (const Node& node : nodes_) have[std::size_t(node.output)] = available(node, have, ends);
    return have[std::size_t(outputs_[i])];
}

// --- the stream --------------------------------------------------------------------------------------------

NetworkStream::NetworkStream(const Network& network, bool settle)
    : network_(&network),
      buffers_(network.tensors_.size()),
      have_(network.tensors_.size()),
      ended_(network.tensors_.size()),
      delivered_(network.outputs_.size()),
      scratch_(network.scratch_),
      view_first_(network.outputs_.size()),
      extents_(network.nodes_.size()) {
    reset();
    if (!settle) return;
    // A rehearsal without arithmetic, until every reader is under way, grows each buffer to its size.
    dry_ = true;
    const std::int64_t block = network.tensors_[0].limit;
    std::int64_t reach = 0;
    for (const Network::Tensor& t : network.tensors_)
        if (t.ahead != Network::kWholeSignal)
            reach = std::max(reach, std::max<std::int64_t>(t.ahead, 0) + t.behind + t.stride * t.limit);
    const std::int64_t most = kMostVisits / std::int64_t(network.nodes_.size() + 1);
    for (std::int64_t pushed = 0; pushed < 2 * reach + 4 * block && passes_ < most; pushed += block)
        push(nullptr, block, 0, 0, false, nullptr);
    push(nullptr, 0, 0, 0, true, nullptr);
    dry_ = false;
    reset();
}

void NetworkStream::reset() {
    std::fill(have_.begin(), have_.end(), 0);
    std::fill(ended_.begin(), ended_.end(), false);
    std::fill(delivered_.begin(), delivered_.end(), 0);
    for (std::size_t t = 0; t < buffers_.size(); ++t) {
        buffers_[t].first = -network_->tensors_[t].before;
        const std::int64_t before = network_->tensors_[t].before;
        if (before == 0) continue;
        have_[t] = -before;
        append_zeros(int(t), before);
        have_[t] = 0;
    }
}

std::size_t NetworkStream::bytes() const {
    std::size_t sum = scratch_.size() * sizeof(float);
    for (const Buffer& buffer : buffers_) sum += buffer.memory.size() * sizeof(float);
    return sum;
}

// Zeros after the last row; they do not count as frames.
void NetworkStream::append_zeros(int tensor, std::int64_t rows) {
    if (rows == 0) return;
    reserve(tensor, rows);
    if (dry_) return;
    const Network::Tensor& t = network_->tensors_[std::size_t(tensor)];
    std::fill_n(at(tensor, have_[std::size_t(tensor)]) - t.left, rows * t.row, 0.0f);
}

// Makes room for `rows` more rows.
void NetworkStream::reserve(int tensor, std::int64_t rows) {
    Buffer& buffer = buffers_[std::size_t(tensor)];
    const Network::Tensor& t = network_->tensors_[std::size_t(tensor)];
    const std::int64_t have = have_[std::size_t(tensor)];
    if (have + rows - buffer.first <= buffer.capacity) return;
    const std::int64_t from = std::max(buffer.first, std::min(have, needed_from(tensor)));
    const std::int64_t kept = have - from;
    if (kept + rows > buffer.capacity) {
        // What a pass makes at most, wherever in a reader's stride it begins.
        std::int64_t capacity = kept + kept / 2 + std::max(rows, t.limit) + t.before + t.after;
        for (int reader : t.readers) capacity += network_->nodes_[std::size_t(reader)].stride;
        constexpr std::int64_t slack = 64;  // vectors may reach beyond the last row
        std::vector<float> memory(std::size_t(capacity * t.row + 2 * slack), 0.0f);
        float* base = memory.data();
        base += (64 - reinterpret_cast<std::uintptr_t>(base) % 64) % 64 / sizeof(float);
        if (kept > 0)
            std::memcpy(base, buffer.base + (from - buffer.first) * t.row,
                        std::size_t(kept * t.row) * sizeof(float));
        buffer.memory = std::move(memory);
        buffer.base = base;
        buffer.capacity = capacity;
    } else if (kept > 0) {
        std::memmove(buffer.base, buffer.base + (from - buffer.first) * t.row,
                     std::size_t(kept * t.row) * sizeof(float));
    }
    buffer.first = from;
}

// The first row of a tensor that a reader still needs.
std::int64_t NetworkStream::needed_from(int tensor) const {
    std::int64_t least = have_[std::size_t(tensor)];
    for (int reader : network_->tensors_[std::size_t(tensor)].readers) {
        const Network::Node& node = network_->nodes_[std::size_t(reader)];
        if (ended_[std::size_t(node.output)]) continue;
        const std::int64_t next = have_[std::size_t(node.output)];
        std::int64_t from = next * node.stride - node.before;
        if (node.kind == Network::Kind::extend && node.reflect)
            from = next <= node.before ? 0 : std::min(from, have_[std::size_t(tensor)] - node.after - 1);
        if (node.kind == Network::Kind::extend) from = std::max<std::int64_t>(from, 0);
        least = std::min(least, from);
    }
    return least;
}

void NetworkStream::push(const float* input, std::int64_t frames, std::ptrdiff_t frame,
                         std::ptrdiff_t channel, bool end, const OutputView* outputs) {
    views_ = outputs;
    view_first_ = delivered_;
    const Network::Tensor& t = network_->tensors_[0];
    for (std::int64_t done = 0; done < frames;) {
        const std::int64_t count = std::min(t.limit, frames - done);
        reserve(0, count);
        if (!dry_ && input) {
            const float* from = input + done * frame;
            float* to = at(0, have_[0]);
            if (t.narrow && frame == 1) {
                std::memcpy(to, from, std::size_t(count) * sizeof(float));
            } else {
                for (std::int64_t f = 0; f < count; ++f)
                    for (int c = 0; c < t.channels; ++c)
                        std::memcpy(to + f * t.row + c * t.channel, from + f * frame + c * channel,
                                    std::size_t(t.bins) * sizeof(float));
            }
        }
        have_[0] += count;
        done += count;
        drain();
    }
    if (end) {
        append_zeros(0, t.after);
        ended_[0] = true;
        drain();
    }
    views_ = nullptr;
}

void NetworkStream::drain() {
    do {
        deliver();
        while (pass(false)) {
        }
    } while (pass(true));
}

// Each node makes a block of what it can, and whether any did. Unless it is to work `ahead`, none makes more
// while its readers have not caught up: after a node that waits for the whole signal, its rows would else all
// be copied from node to node before the last one took the first.
bool NetworkStream::pass(bool ahead) {
    bool progress = false;
    ++passes_;
    for (const Network::Node& node : network_->nodes_) {
        const std::size_t out = std::size_t(node.output);
        if (ended_[out]) continue;
        const std::int64_t limit = network_->tensors_[out].limit;
        if (!ahead && have_[out] - needed_from(node.output) > limit + network_->tensors_[out].reach) continue;
        const std::int64_t target = network_->available(node, have_, ended_);
        const std::int64_t count = std::min(target - have_[out], limit);
        if (count > 0) {
            reserve(node.output, count);
            if (!dry_) run(node, have_[out], int(count));
            have_[out] += count;
            progress = true;
            deliver();
        }
        bool over = have_[out] == target;
        for (int input : node.inputs) over = over && ended_[std::size_t(input)];
        if (over) {
            append_zeros(node.output, network_->tensors_[out].after);
            ended_[out] = true;
            progress = true;
        }
    }
    return progress;
}

void NetworkStream::deliver() {
    for (std::size_t i = 0; i < delivered_.size(); ++i) {
        const int tensor = network_->outputs_[i];
        const Network::Tensor& t = network_->tensors_[std::size_t(tensor)];
        const std::int64_t first = delivered_[i], count = have_[std::size_t(tensor)] - first;
        if (count <= 0) continue;
        if (!dry_) {
            const OutputView& view = views_[i];
            for (std::int64_t f = 0; f < count; ++f)
                for (int c = 0; c < t.channels; ++c)
                    std::memcpy(view.data + (first - view_first_[i] + f) * view.frame + c * view.channel,
                                at(tensor, first + f) + c * t.channel, std::size_t(t.bins) * sizeof(float));
        }
        delivered_[i] += count;
    }
}

void NetworkStream::run(const Network::Node& node, std::int64_t first, int count) {
    using Kind = Network::Kind;
    const NetworkKernels& k = *network_->kernels_;
    const int input = node.inputs[0];
    const Network::Tensor &in = network_->tensors_[std::size_t(input)],
                          &out = network_->tensors_[std::size_t(node.output)];
    float* to = at(node.output, first);
    // A signal's frames stand side by side like the bins of one row.
    bool flat = out.narrow;
    for (int source : node.inputs) flat = flat && network_->tensors_[std::size_t(source)].narrow;
    const auto shape = [&](const Network::Tensor& t) {
        return flat ? RowShape{1, count, count, count} : RowShape{t.channels, t.bins, t.row, t.channel};
    };
    const int rows = flat ? 1 : count;
    const auto from = [&](std::size_t i) { return at(node.inputs[i], first); };
    const auto shape_of = [&](std::size_t i) {
        return shape(network_->tensors_[std::size_t(node.inputs[i])]);
    };

    switch (node.kind) {
        case Kind::bins:
        case Kind::dense:
        case Kind::signal: {
            const float* x = at(input, first * node.stride - node.before);
            for (std::size_t g = 0; g < node.groups.size(); ++g) {
                const ConvolutionPlan& plan = node.groups[g];
                const float* group = x + node.group_inputs[g];
                float* result = to + node.group_outputs[g];
                if (node.kind == Kind::bins)
                    k.bins(plan, group, result, count);
                else if (node.kind == Kind::dense)
                    k.dense(plan, group, result, count);
                else
                    k.signal(plan, group, result, count, scratch_.data());
            }
            break;
        }
        case Kind::phases: k.phases(shape(in), from(0), shape(out), to, count, node.axis, node.start); break;
        case Kind::activate: {
            const RowShape s = shape_of(0);
            k.activate(shape(out), from(0), s.row, s.channel, to, rows, node.activation, node.slope);
            break;
        }
        case Kind::add: k.add(shape(out), from(0), shape_of(0), from(1), shape_of(1), to, rows); break;
        case Kind::multiply:
            k.multiply(shape(out), from(0), shape_of(0), from(1), shape_of(1), to, rows);
            break;
        case Kind::affine: {
            if (flat) {
                ConvolutionPlan plan{};
                const std::ptrdiff_t here = 0;
                plan.outputs = plan.bins = plan.taps = 1;
                plan.offsets = &here;
                plan.weights = node.weights.data();
                plan.bias = node.bias.data();
                plan.input_step = 1;
                k.signal(plan, from(0), to, count, scratch_.data());
            } else {
                k.affine(shape(out), from(0), shape(in), node.weights.data(), node.bias.data(), to, rows);
            }
            break;
        }
        case Kind::square_root: k.square_root(shape(out), from(0), shape_of(0), to, rows); break;
        case Kind::logarithm: k.logarithm(shape(out), from(0), shape_of(0), to, rows); break;
        case Kind::sum: k.sum(shape(out), from(0), shape_of(0), to, rows); break;
        case Kind::concatenate: {
            int at_channel = 0, at_bin = 0;
            for (int source : node.inputs) {
                const Network::Tensor& t = network_->tensors_[std::size_t(source)];
                const float* x = at(source, first);
                for (int f = 0; f < count; ++f)
                    for (int c = 0; c < t.channels; ++c)
                        std::memcpy(to + f * out.row + (at_channel + c) * out.channel + at_bin,
                                    x + f * t.row + c * t.channel, std::size_t(t.bins) * sizeof(float));
                (node.axis == 0 ? at_channel : at_bin) += node.axis == 0 ? t.channels : t.bins;
            }
            break;
        }
        case Kind::window: {
            const float* x = at(input, first);
            const int channel = node.axis == 0 ? node.start : 0;
            const int start = node.axis == 1 ? node.start : 0;
            const int low = std::clamp(-start, 0, out.bins),
                      high = std::clamp(in.bins - start, low, out.bins);
            for (int f = 0; f < count; ++f)
                for (int c = 0; c < out.channels; ++c) {
                    float* y = to + f * out.row + c * out.channel;
                    std::fill_n(y, low, 0.0f);
                    std::copy_n(x + f * in.row + (channel + c) * in.channel + start + low, high - low,
                                y + low);
                    std::fill_n(y + high, out.bins - high, 0.0f);
                }
            break;
        }
        case Kind::swap: {
            const float* x = at(input, first);
            for (int f = 0; f < count; ++f)
                for (int c = 0; c < in.channels; ++c)
                    for (int b = 0; b < in.bins; ++b)
                        to[f * out.row + b * out.channel + c] = x[f * in.row + c * in.channel + b];
            break;
        }
        case Kind::extend: {
            const std::int64_t n = have_[std::size_t(input)], last = n - 1;
            for (int f = 0; f < count; ++f) {
                std::int64_t source = first + f - node.before;
                const bool inside = source >= 0 && source <= last;
                if (!inside && node.reflect) {
                    // Back and forth between the first and the last frame.
                    const std::int64_t period = std::max<std::int64_t>(2 * last, 1);
                    source = ((source % period) + period) % period;
                    if (source > last) source = period - source;
                    source = std::clamp<std::int64_t>(source, 0, last);
                }
                float* y = to + f * out.row;
                for (int c = 0; c < out.channels; ++c) {
                    if (inside || node.reflect)
                        std::memcpy(y + c * out.channel, at(input, source) + c * in.channel,
                                    std::size_t(in.bins) * sizeof(float));
                    else
                        std::memset(y + c * out.channel, 0, std::size_t(out.bins) * sizeof(float));
                }
            }
            break;
        }
        case Kind::normalise: {
            Extent& extent = extents_[std::size_t(&node - network_->nodes_.data())];
            if (first == 0) {
                float least = std::numeric_limits<float>::max(), most = std::numeric_limits<float>::lowest();
                k.extent({in.channels, in.bins, in.row, in.channel}, at(input, 0),
                         int(have_[std::size_t(input)]), &least, &most);
                extent = {least, most - least};
            }
            k.normalise(shape(out), from(0), shape_of(0), to, rows, extent.least, extent.range);
            break;
        }
    }
}

}  // namespace luthier::pitch
