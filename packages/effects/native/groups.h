// Effects one after the other, and effects side by side.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "block_kernels.h"
#include "node.h"

namespace luthier::effects {

template <class T>
class Series final : public Node<T> {
  public:
    explicit Series(std::vector<std::unique_ptr<Node<T>>> nodes) : nodes_(std::move(nodes)) {}

    void begin() LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->begin();
    }
    void process(Block<T> x, Inputs<T> inputs) LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->process(x, inputs);
    }
    void reset() LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->reset();
    }
    void silence() LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->silence();
    }
    void save() LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->save();
    }
    void restore() LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->restore();
    }
    int latency() const override {
        int sum = 0;
        for (auto& node : nodes_) sum += node->latency();
        return sum;
    }
    // What one node leaves, the others amplify.
    double tail(double level) const override {
        double sum = 0;
        for (auto& node : nodes_) {
            const double others = gain() / std::max(node->gain(), 1e-30);
            sum += node->tail(level / std::max(1.0, others) / double(nodes_.size()));
        }
        return sum;
    }
    double gain() const override {
        double product = 1;
        for (auto& node : nodes_) product *= node->gain();
        return product;
    }

  private:
    std::vector<std::unique_ptr<Node<T>>> nodes_;
};

// Branches in parallel, each delayed to the latency of the longest, and summed.
template <class T>
class Parallel final : public Node<T> {
  public:
    Parallel(std::vector<std::unique_ptr<Node<T>>> nodes, int channels, BlockKernels<T> kernels)
        : kernels_(kernels), input_(std::size_t(channels) * kMaxBlock), branch_(input_.size()) {
        for (auto& node : nodes) latency_ = std::max(latency_, node->latency());
        for (auto& node : nodes) {
            LatencyLine<T> line(channels, latency_ - node->latency());
            branches_.push_back({std::move(node), std::move(line)});
        }
    }

    void begin() LUTHIER_REALTIME override {
        for (auto& branch : branches_) branch.node->begin();
    }

    void process(Block<T> x, Inputs<T> inputs) LUTHIER_REALTIME override {
        const Block<T> input{input_.data(), kMaxBlock, x.channels, x.frames};
        const Block<T> wet{branch_.data(), kMaxBlock, x.channels, x.frames};
        copy(x, input);
        for (int c = 0; c < x.channels; ++c) std::fill_n(x[c], x.frames, T(0));
        for (auto& branch : branches_) {
            copy(input, wet);
            branch.node->process(wet, inputs);
            branch.line.process({wet.data, wet.stride, wet.channels, wet.frames}, wet);
            for (int c = 0; c < x.channels; ++c) kernels_.add(wet[c], x[c], x.frames);
        }
    }

    void reset() LUTHIER_REALTIME override {
        for (auto& branch : branches_) {
            branch.node->reset();
            branch.line.reset();
        }
    }
    void silence() LUTHIER_REALTIME override {
        for (auto& branch : branches_) {
            branch.node->silence();
            branch.line.reset();
        }
    }
    void save() LUTHIER_REALTIME override {
        for (auto& branch : branches_) {
            branch.node->save();
            branch.line.save();
        }
    }
    void restore() LUTHIER_REALTIME override {
        for (auto& branch : branches_) {
            branch.node->restore();
            branch.line.restore();
        }
    }
    int latency() const override { return latency_; }
    double tail(double level) const override {
        double longest = 0;
        for (auto& branch : branches_)
            longest = std::max(longest, branch.node->tail(level / double(branches_.size())));
        return longest;
    }
    double gain() const override {
        double sum = 0;
        for (auto& branch : branches_) sum += branch.node->gain();
        return sum;
    }

  private:
    struct Branch {
        std::unique_ptr<Node<T>> node;
        LatencyLine<T> line;  // brings it to the common latency
    };

    void copy(Block<T> from, Block<T> to) {
        for (int c = 0; c < from.channels; ++c) std::copy_n(from[c], from.frames, to[c]);
    }

    BlockKernels<T> kernels_;
    std::vector<T> input_, branch_;
    std::vector<Branch> branches_;
    int latency_ = 0;
};

}  // namespace luthier::effects
