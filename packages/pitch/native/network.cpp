#include "network.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace luthier::pitch {
namespace {

// Of nodes, in the rehearsal of a stream: a fraction of a second.
constexpr std::int64_t kMostVisits = 1 << 23;

}  // namespace

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
