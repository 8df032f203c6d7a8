// The engine: a tree of effects that runs over a signal which arrives in blocks of any sizes.
//
// Where a block of samples goes:
//
//   Stream::process       all items of a batch, spread over the thread pool
//     Item::process       cuts the signal on the grid of kGroup frames, counted from the stream's
//                         frame 0; a partial group is padded with zeros, run, its first outputs given,
//                         and run again from its saved start when the rest has come
//       Node::process     a chain, a mix (groups.h), filters that run as one (cascade.h), or one effect
//                         (leaf.h), in place, on whole groups that fit in cache
//         EffectClass::process -> effects/<name>.h, the kernel compiled for this CPU
//
// That one place for partial groups is what makes any cutting of the signal give the same samples,
// bit for bit, without a line about it in any effect. The other thing done on the grid is motion: a
// parameter that was assigned moves from the next group's start to its new value in 20 ms.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cascade.h"
#include "groups.h"
#include "leaf.h"
#include "luthier/pool.h"
#include "luthier/simd.h"

namespace luthier::effects {

// One signal's run through the tree.
template <class T>
class Item {
  public:
    Item(BlockKernels<T> kernels, const Plan& plan, const Place& place)
        : kernels_(kernels),
          channels_(place.channels),
          group_(std::size_t(place.channels) * kGroup),
          scratch_(group_.size()) {
        for (const int channels : place.inputs) {
            inputs_.push_back({channels, std::vector<T>(std::size_t(channels) * kMaxBlock),
                               std::vector<T>(std::size_t(channels) * kGroup)});
            blocks_.push_back({inputs_.back().block.data(), kMaxBlock, channels, 0});
        }
        root_ = build(plan, place);
    }

    Node<T>& root() { return *root_; }
    const Node<T>& root() const { return *root_; }
    int leaves() const { return int(leaves_.size()); }
    Leaf<T>& leaf(std::size_t index) { return *leaves_.at(index); }

    // Makes room for a parameter's values a frame, and returns the number of its lane. Allocates.
    int lane(std::size_t leaf, int parameter) {
        for (std::size_t i = 0; i < lanes_.size(); ++i)
            if (lanes_[i].leaf == leaves_.at(leaf) && lanes_[i].parameter == parameter) return int(i);
        Leaf<T>& to = *leaves_.at(leaf);
        lanes_.push_back({&to, parameter, nullptr, Lane(to.upstream())});
        to.follow(parameter, lanes_.back().lane);
        return int(lanes_.size()) - 1;
    }

    // Takes effect at the next group, where a lane gives way to it. Allocates.
    void assign(std::size_t leaf, int parameter, const std::vector<Source>& sources) {
        leaves_.at(leaf)->assign(parameter, sources);
        for (Automation& automation : lanes_)
            if (automation.leaf == leaves_[leaf] && automation.parameter == parameter)
                automation.lane.forget((frame_ + kGroup - 1) / kGroup * kGroup);
    }

    // The values that come with the next call's frames; forgotten after it.
    void follow(int lane, const double* values) LUTHIER_REALTIME { lanes_[lane].values = values; }

    // `in` and `out` may be the same; `inputs` has a block as long as `in` for each input. Returns whether
    // the input, or an overflow, was not finite.
    bool process(Block<const T> in, Block<T> out, const Block<const T>* inputs) LUTHIER_REALTIME {
        const FlushDenormals guard;
        bool unclean = false;
        for (int at = 0; at < in.frames;) {
            const int left = in.frames - at;
            if (filled_ == 0 && left >= kGroup) {
                int frames = std::min(left / kGroup * kGroup, kMaxBlock);
                push(at, frames);
                frames = alike(frames);
                const Block<T> x = out.from(at, frames);
                for (int c = 0; c < channels_; ++c) unclean |= kernels_.copy_finite(in[c] + at, x[c], frames);
                for (std::size_t i = 0; i < inputs_.size(); ++i) {
                    blocks_[i] = {inputs_[i].block.data(), kMaxBlock, inputs_[i].channels, frames};
                    for (int c = 0; c < inputs_[i].channels; ++c)
                        unclean |= kernels_.copy_finite(inputs[i][c] + at,
                                                        inputs_[i].block.data() + c * kMaxBlock, frames);
                }
                root_->begin();
                root_->process(x, {blocks_.data(), int(blocks_.size())});
                if (contain(x)) {
                    // Nothing of it may ring on, so that the stream is finite again.
                    root_->silence();
                    unclean = true;
                }
                at += frames;
                frame_ += frames;
            } else {
                const int frames = std::min(left, kGroup - filled_);
                push(at, frames);
                unclean |= partial(in.from(at, frames), out.from(at, frames), inputs, at);
                at += frames;
                frame_ += frames;
            }
        }
        for (Automation& automation : lanes_) automation.values = nullptr;
        return unclean;
    }

    void reset() {
        filled_ = 0;
        frame_ = 0;
        for (Automation& automation : lanes_) automation.lane.reset();
        root_->reset();
    }

  private:
    struct Automation {
        Leaf<T>* leaf;
        int parameter;
        const double* values;  // of the present call, or null
        Lane lane;
    };

    // Another signal that comes with the samples: its present block, and its present partial group.
    struct Input {
        int channels;
        std::vector<T> block, group;
    };

    void push(int at, int frames) LUTHIER_REALTIME {
        for (Automation& automation : lanes_)
            automation.lane.push(frame_, automation.values ? automation.values + at : nullptr, frames);
    }

    // How many of the coming frames, whole groups, have values in the same lanes: what a parameter does
    // changes at the start of a block only.
    int alike(int frames) const LUTHIER_REALTIME {
        for (const Automation& automation : lanes_) {
            const bool first = automation.lane.has(frame_);
            for (int i = kGroup; i < frames; i += kGroup)
                if (automation.lane.has(frame_ + i) != first) frames = i;
        }
        return frames;
    }

    bool partial(Block<const T> in, Block<T> out, const Block<const T>* inputs, int at) LUTHIER_REALTIME {
        bool unclean = false;
        if (filled_ == 0) {
            std::fill(group_.begin(), group_.end(), T(0));
            for (Input& input : inputs_) std::fill(input.group.begin(), input.group.end(), T(0));
            root_->begin();
            root_->save();
        } else {
            root_->restore();
        }
        for (int c = 0; c < channels_; ++c)
            unclean |= kernels_.copy_finite(in[c], group_.data() + c * kGroup + filled_, in.frames);
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            Input& input = inputs_[i];
            for (int c = 0; c < input.channels; ++c)
                unclean |= kernels_.copy_finite(inputs[i][c] + at, input.group.data() + c * kGroup + filled_,
                                                in.frames);
            blocks_[i] = {input.group.data(), kGroup, input.channels, kGroup};
        }
        std::copy(group_.begin(), group_.end(), scratch_.begin());
        const Block<T> x{scratch_.data(), kGroup, channels_, kGroup};
        root_->process(x, {blocks_.data(), int(blocks_.size())});
        const bool overflow = contain(x);
        for (int c = 0; c < channels_; ++c) std::copy_n(x[c] + filled_, in.frames, out[c]);
        filled_ = (filled_ + in.frames) % kGroup;
        // Before the group is whole it may be run again, and long memories could not be put back.
        if (overflow && filled_ == 0) root_->silence();
        return unclean || overflow;
    }

    // Finite input can still overflow on its way. Silence goes out then.
    bool contain(Block<T> x) LUTHIER_REALTIME {
        bool overflow = false;
        for (int c = 0; c < channels_; ++c) overflow |= kernels_.copy_finite(x[c], x[c], x.frames);
        return overflow;
    }

    using Nodes = std::vector<std::unique_ptr<Node<T>>>;
    using Filters = std::vector<std::unique_ptr<Leaf<T>>>;

    std::unique_ptr<Leaf<T>> leaf(const Plan& plan, const Place& place) {
        auto leaf = std::make_unique<Leaf<T>>(plan, place);
        leaves_.push_back(leaf.get());
        return leaf;
    }

    std::unique_ptr<Node<T>> build(const Plan& plan, Place place) {
        if (plan.kind == Plan::Kind::effect) return leaf(plan, place);
        Nodes nodes;
        if (plan.kind == Plan::Kind::mix) {
            for (const Plan& child : plan.children) nodes.push_back(build(child, place));
            return std::make_unique<Parallel<T>>(std::move(nodes), channels_, kernels_);
        }
        Filters filters;
        append(plan, place, nodes, filters);
        finish(filters, nodes, place);
        return std::make_unique<Series<T>>(std::move(nodes));
    }

    // The effects of a chain, and of the chains in it, one after the other. Filters that have no other effect
    // between them become one node.
    void append(const Plan& chain, Place& place, Nodes& nodes, Filters& filters) {
        for (const Plan& child : chain.children) {
            if (child.kind == Plan::Kind::chain) {
                append(child, place, nodes, filters);
            } else if (child.kind == Plan::Kind::effect && child.effect->most_sections > 0) {
                filters.push_back(leaf(child, place));
            } else {
                finish(filters, nodes, place);
                nodes.push_back(build(child, place));
                place.upstream += nodes.back()->latency();
            }
        }
    }
    void finish(Filters& filters, Nodes& nodes, const Place& place) {
        if (filters.size() == 1) nodes.push_back(std::move(filters[0]));
        if (filters.size() > 1)
            nodes.push_back(std::make_unique<Cascade<T>>(std::move(filters), place, kernels_.cascade));
        filters.clear();
    }

    BlockKernels<T> kernels_;
    int channels_;
    std::deque<Input> inputs_;
    std::vector<Block<const T>> blocks_;  // of the inputs, as the tree gets them
    std::vector<T> group_, scratch_;      // the present partial group: its input, and the run's buffer
    int filled_ = 0;                      // frames of it that have come
    std::vector<Leaf<T>*> leaves_;        // in the order of the plan
    std::deque<Automation> lanes_;        // leaves point into it
    std::int64_t frame_ = 0;              // that comes next
    std::unique_ptr<Node<T>> root_;
};

// A batch of signals, each with its own state, through the same effects or each through its own.
template <class T>
class Stream {
  public:
    // Samples of a batch: item i's channel c starts at data + i * item + c * channel.
    template <class U>
    struct View {
        U* data;
        std::ptrdiff_t item, channel;
        int channels;

        Block<U> block(int i, int frames) const {
            return {data + std::ptrdiff_t(i) * item, channel, channels, frames};
        }
    };

    // One plan for all items, or one each.
    Stream(const BlockKernels<T>& kernels, const std::vector<Plan>& plans, Place place, int items,
           const luthier_pool* pool)
        : channels_(place.channels), inputs_(place.inputs), count_(items), pool_(pool), unclean_(items) {
        // An empty batch keeps one item: it knows the latency and the tail.
        for (place.item = 0; place.item < std::max(items, 1); ++place.item)
            items_.emplace_back(kernels, plans[plans.size() > 1 ? place.item : 0], place);
    }

    int channels() const { return channels_; }
    const std::vector<int>& inputs() const { return inputs_; }
    int items() const { return count_; }
    int latency(int item = 0) const { return items_[item].root().latency(); }
    double tail() const {
        double longest = 0;
        for (const auto& item : items_) longest = std::max(longest, item.root().tail(kSilence));
        return longest;
    }
    int leaves() const { return items_[0].leaves(); }
    // By how much the dynamics turn the last frame down, of each leaf of an item.
    double reduction_db(int item, int leaf) { return items_[item].leaf(leaf).reduction_db(); }

    // Returns whether anything was not finite.
    bool process(View<const T> in, View<T> out, const std::vector<View<const T>>& inputs, int frames) {
        parallel_for(pool_, count_, [&](std::size_t i) {
            std::vector<Block<const T>> blocks;
            for (const auto& input : inputs) blocks.push_back(input.block(int(i), frames));
            unclean_[i] =
                items_[i].process(in.block(int(i), frames), out.block(int(i), frames), blocks.data());
        });
        return std::find(unclean_.begin(), unclean_.end(), 1) != unclean_.end();
    }

    // Leaves are numbered in the order of the plan.
    void assign(std::size_t leaf, int parameter, const std::vector<Source>& sources) {
        for (auto& item : items_) item.assign(leaf, parameter, sources);
    }

    // Instances of a leaf with other options, one for each item, for replace(). May run beside process().
    std::vector<std::unique_ptr<Instance<T>>> instances(std::size_t leaf, const Plan& plan) {
        std::vector<std::unique_ptr<Instance<T>>> made;
        for (auto& item : items_) {
            made.push_back(item.leaf(leaf).instance(plan));
            if (made.back()->latency() != item.leaf(leaf).latency())
                throw std::invalid_argument("it changes the latency of a running stream");
        }
        return made;
    }
    void replace(std::size_t leaf, std::vector<std::unique_ptr<Instance<T>>> made) {
        for (std::size_t i = 0; i < items_.size(); ++i) items_[i].leaf(leaf).replace(std::move(made[i]));
    }

    // A parameter's values for the frames of the next process(): item i's start at values + i * stride.
    void follow(std::size_t leaf, int parameter, const double* values, std::ptrdiff_t stride) {
        for (int i = 0; i < count_; ++i) {
            Item<T>& item = items_[i];
            item.follow(item.lane(leaf, parameter), values + i * stride);
        }
    }

    void reset() {
        for (auto& item : items_) item.reset();
    }

  private:
    int channels_;
    std::vector<int> inputs_;  // channels of each
    int count_;
    const luthier_pool* pool_;
    std::vector<char> unclean_;
    std::vector<Item<T>> items_;
};

}  // namespace luthier::effects
