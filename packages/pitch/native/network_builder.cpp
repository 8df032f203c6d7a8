// Makes a network from the nodes that a pack lists: checks them, joins what can be joined, lays out the
// tensors and packs the weights.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "luthier/dispatch.h"
#include "network.h"

LUTHIER_DISPATCH(NetworkKernels, network_kernels)

namespace luthier::pitch {
namespace {

constexpr std::int64_t kMostFloats = 1 << 20;  // of a row
constexpr std::int64_t kMostWeights = 1 << 26;
constexpr std::int64_t kMostHeld = 1 << 26;  // floats that the nodes want at once, of all tensors
constexpr int kMostReach = 1 << 20;          // of a kernel, in frames or bins
// Of a tensor, made at a time: they stay in the cache.
constexpr std::int64_t kBlockFloats = 24 * 1024;

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

}  // namespace luthier::pitch
