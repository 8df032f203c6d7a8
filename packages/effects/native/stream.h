// The engine: a tree of effects that runs over a signal which arrives in blocks of any sizes.
//
// Where a block of samples goes:
//
//   Stream::process       all items of a batch, spread over the thread pool
//     Item::process       cuts the signal on the grid of kGroup frames, counted from the stream's
//                         frame 0; a partial group is padded with zeros, run, its first outputs given,
//                         and run again from its saved start when the rest has come
//       Node::process     a chain, a mix, or one effect, in place, on whole groups that fit in cache
//         EffectClass::process -> effects/<name>.h, the kernel compiled for this CPU
//
// That one place for partial groups is what makes any cutting of the signal give the same samples,
// bit for bit, without a line about it in any effect. The other thing done on the grid is motion: a
// parameter that was assigned moves from the next group's start to its new value in 20 ms.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "effect_class.h"
#include "luthier/buffer.h"
#include "luthier/pool.h"
#include "luthier/simd.h"
#include "motion.h"

namespace luthier::effects {

// Amplitudes below -120 dB of full scale count as silence: the end of a tail.
inline constexpr double kSilence = 1e-6;

inline constexpr int kMaxBlock = 1024;  // frames that pass through the whole tree at once, in cache
static_assert(kMaxBlock % kGroup == 0);
// One leaf or branch of the tree that Python describes; what a Stream is made from.
struct Plan {
    enum class Kind { effect, chain, mix } kind;
    std::string name;            // of the effect
    std::vector<Source> values;  // of its parameters
    std::vector<Taper> tapers;
    std::vector<Plan> children;
};

template <class T>
class Node {
  public:
    virtual ~Node() = default;
    // Called at a group's first frame: parameters that were assigned since start to move.
    virtual void begin() LUTHIER_REALTIME = 0;
    virtual void process(Block<T> x)
        LUTHIER_REALTIME = 0;  // in place, whole groups, at most kMaxBlock frames
    // Silence behind, frame 0, parameters where they are headed.
    virtual void reset() LUTHIER_REALTIME = 0;
    // Silence behind, and nothing else.
    virtual void silence() LUTHIER_REALTIME = 0;
    // Saves what a rerun of the coming group needs, and puts it back.
    virtual void save() LUTHIER_REALTIME = 0;
    virtual void restore() LUTHIER_REALTIME = 0;
    virtual int latency() const = 0;
    // Frames until the answer to a full-scale impulse stays below `silence`, with the parameters where they
    // are headed; and the most that it amplifies.
    virtual double tail(double silence) const = 0;
    virtual double gain() const = 0;
};

template <class T>
class Leaf final : public Node<T> {
  public:
    Leaf(const EffectClass<T>& effect, const Plan& plan, double rate, int channels) : effect_(effect) {
        memory_ = ::operator new(effect.size, std::align_val_t(effect.alignment));
        effect.construct(memory_);
        effect.prepare(memory_, rate, channels);
        for (std::size_t i = 0; i < plan.values.size(); ++i) {
            assigned_.push_back(keep(plan.values[i]));
            motions_.emplace_back(assigned_[i], plan.tapers[i], rate);
        }
        lanes_.resize(motions_.size());
        from_.resize(motions_.size());
        to_.resize(motions_.size());
        saved_motions_ = motions_;
        settle();
        saved_.resize(effect.save(memory_, nullptr));
    }
    Leaf(const Leaf&) = delete;
    Leaf& operator=(const Leaf&) = delete;

    ~Leaf() override {
        effect_.destroy(memory_);
        ::operator delete(memory_, std::align_val_t(effect_.alignment));
    }

    int parameters() const { return int(motions_.size()); }

    // Takes effect at the next group. Allocates.
    void assign(int parameter, const Source& source) {
        assigned_[parameter] = keep(source);
        pending_ = true;
    }

    // The parameter's values for the coming block, a frame each, or null. At a group's first frame.
    void follow(int parameter, const double* lane) LUTHIER_REALTIME {
        if (!lane && !lanes_[parameter]) return;
        lanes_[parameter] = lane;
        followed_ = true;
    }

    void begin() LUTHIER_REALTIME override {
        if (!pending_ && !followed_) return;
        for (std::size_t i = 0; i < motions_.size(); ++i) {
            if (pending_) motions_[i].assign(assigned_[i], frame_);
            if (followed_) motions_[i].follow(lanes_[i], frame_);
        }
        pending_ = followed_ = false;
        moving_ = true;
    }

    void process(Block<T> x) LUTHIER_REALTIME override {
        int at = 0;
        for (; moving_ && at < x.frames; at += kGroup) {
            for (std::size_t i = 0; i < motions_.size(); ++i) {
                const std::pair<double, double> ends = motions_[i].next(frame_, at);
                from_[i] = ends.first;
                to_[i] = ends.second;
            }
            effect_.set(memory_, from_.data(), to_.data());
            effect_.process(memory_, x.data + at, x.stride, x.channels, kGroup);
            frame_ += kGroup;
            bool moving = false;
            for (const Motion& motion : motions_) moving |= motion.moving(frame_);
            if (!moving) settle();
        }
        if (at < x.frames) {
            effect_.process(memory_, x.data + at, x.stride, x.channels, x.frames - at);
            frame_ += x.frames - at;
        }
    }

    void reset() LUTHIER_REALTIME override {
        effect_.reset(memory_);
        for (std::size_t i = 0; i < motions_.size(); ++i) {
            motions_[i].jump(assigned_[i]);
            lanes_[i] = nullptr;
        }
        pending_ = followed_ = false;
        frame_ = 0;
        settle();
    }

    void silence() LUTHIER_REALTIME override { effect_.reset(memory_); }

    void save() LUTHIER_REALTIME override {
        effect_.save(memory_, saved_.data());
        std::copy(motions_.begin(), motions_.end(), saved_motions_.begin());
        saved_moving_ = moving_;
        saved_frame_ = frame_;
    }

    void restore() LUTHIER_REALTIME override {
        effect_.restore(memory_, saved_.data());
        std::copy(saved_motions_.begin(), saved_motions_.end(), motions_.begin());
        // While nothing moves, the effect's settings are those of the saved moment already.
        moving_ = saved_moving_;
        frame_ = saved_frame_;
    }

    int latency() const override { return effect_.latency(memory_); }
    double tail(double level) const override {
        return most([&](const double* values) { return effect_.tail(memory_, values, level); });
    }
    double gain() const override {
        return most([&](const double* values) { return effect_.gain(memory_, values); });
    }

  private:
    // The most of f over the places to which the parameters are headed: for an oscillator both of its ends.
    template <class F>
    double most(F&& f) const {
        double result = 0;
        for (const bool high : {false, true}) {
            std::vector<double> values;
            for (std::size_t i = 0; i < motions_.size(); ++i) {
                const Motion& motion = motions_[i];
                const bool held = motion.follows() && assigned_[i] == motion.source();
                values.push_back(held ? motion.held() : motion.headed(*assigned_[i], high));
            }
            result = std::max(result, f(values.data()));
        }
        return result;
    }

    // Moves on with nothing moving, or with what moves from here on.
    void settle() LUTHIER_REALTIME {
        moving_ = false;
        for (std::size_t i = 0; i < motions_.size(); ++i) {
            to_[i] = motions_[i].value(frame_);
            moving_ |= motions_[i].moving(frame_);
        }
        effect_.set(memory_, to_.data(), to_.data());
    }

    // Owns a copy of the source until no motion, nor its saved copy, needs it.
    const Source* keep(const Source& source) {
        const auto unused = [this](const std::unique_ptr<const Source>& kept) {
            const auto is = [&](const Motion& motion) { return motion.source() == kept.get(); };
            return std::find(assigned_.begin(), assigned_.end(), kept.get()) == assigned_.end() &&
                   std::none_of(motions_.begin(), motions_.end(), is) &&
                   std::none_of(saved_motions_.begin(), saved_motions_.end(), is);
        };
        if (sources_.size() > 4 * (assigned_.size() + 1)) std::erase_if(sources_, unused);
        sources_.push_back(std::make_unique<const Source>(source));
        return sources_.back().get();
    }

    const EffectClass<T>& effect_;
    void* memory_;
    std::vector<std::unique_ptr<const Source>> sources_;
    std::vector<const Source*> assigned_;  // the latest of each parameter
    std::vector<const double*> lanes_;
    std::vector<Motion> motions_, saved_motions_;
    std::vector<double> from_, to_;
    std::vector<char> saved_;
    std::int64_t frame_ = 0, saved_frame_ = 0;
    bool pending_ = false, followed_ = false, moving_ = false, saved_moving_ = false;
};

template <class T>
class Series final : public Node<T> {
  public:
    explicit Series(std::vector<std::unique_ptr<Node<T>>> nodes) : nodes_(std::move(nodes)) {}

    void begin() LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->begin();
    }
    void process(Block<T> x) LUTHIER_REALTIME override {
        for (auto& node : nodes_) node->process(x);
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
            const int delay = latency_ - node->latency();
            branches_.push_back(
                {std::move(node), delay, std::vector<T>(std::size_t(channels) * line(delay))});
        }
    }

    void begin() LUTHIER_REALTIME override {
        for (auto& branch : branches_) branch.node->begin();
    }

    void process(Block<T> x) LUTHIER_REALTIME override {
        const Block<T> input{input_.data(), kMaxBlock, x.channels, x.frames};
        const Block<T> wet{branch_.data(), kMaxBlock, x.channels, x.frames};
        copy(x, input);
        for (int c = 0; c < x.channels; ++c) std::fill_n(x[c], x.frames, T(0));
        for (auto& branch : branches_) {
            copy(input, wet);
            branch.node->process(wet);
            if (branch.delay > 0) delay(branch, wet);
            for (int c = 0; c < x.channels; ++c) kernels_.add(wet[c], x[c], x.frames);
        }
        position_ += x.frames;
    }

    void reset() LUTHIER_REALTIME override {
        for (auto& branch : branches_) {
            branch.node->reset();
            std::fill(branch.memory.begin(), branch.memory.end(), T(0));
        }
    }
    void silence() LUTHIER_REALTIME override {
        for (auto& branch : branches_) {
            branch.node->silence();
            std::fill(branch.memory.begin(), branch.memory.end(), T(0));
        }
    }
    void save() LUTHIER_REALTIME override {
        for (auto& branch : branches_) branch.node->save();
        saved_position_ = position_;
    }
    void restore() LUTHIER_REALTIME override {
        for (auto& branch : branches_) branch.node->restore();
        position_ = saved_position_;
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
        int delay;              // frames that bring it to the common latency
        std::vector<T> memory;  // its last `line(delay)` frames, circular, planar
    };

    // A block is written before it is read, and a rerun of a group writes the same places again.
    static std::size_t line(int delay) { return delay > 0 ? std::size_t(delay) + kMaxBlock : 0; }

    void copy(Block<T> from, Block<T> to) {
        for (int c = 0; c < from.channels; ++c) std::copy_n(from[c], from.frames, to[c]);
    }

    void delay(Branch& branch, Block<T> x) {
        const std::size_t length = line(branch.delay);
        for (int c = 0; c < x.channels; ++c) {
            T* memory = branch.memory.data() + c * length;
            for (int i = 0; i < x.frames; ++i) memory[(position_ + i) % length] = x[c][i];
            for (int i = 0; i < x.frames; ++i)
                x[c][i] = memory[(position_ + i + length - branch.delay) % length];
        }
    }

    BlockKernels<T> kernels_;
    std::vector<T> input_, branch_;
    std::vector<Branch> branches_;
    int latency_ = 0;
    std::size_t position_ = 0, saved_position_ = 0;
};

// One signal's run through the tree.
template <class T>
class Item {
  public:
    Item(const EffectLibrary<T>& library, const Plan& plan, double rate, int channels)
        : kernels_(library.kernels),
          channels_(channels),
          group_(std::size_t(channels) * kGroup),
          scratch_(group_.size()) {
        root_ = build(library, plan, rate);
    }

    Node<T>& root() { return *root_; }
    const Node<T>& root() const { return *root_; }
    int leaves() const { return int(leaves_.size()); }
    Leaf<T>& leaf(std::size_t index) { return *leaves_.at(index); }

    // Makes room for a parameter's values a frame, and returns the number of its lane. Allocates.
    int lane(std::size_t leaf, int parameter) {
        for (std::size_t i = 0; i < lanes_.size(); ++i)
            if (lanes_[i].leaf == leaves_.at(leaf) && lanes_[i].parameter == parameter) return int(i);
        lanes_.push_back({leaves_.at(leaf), parameter, nullptr, 0});
        return int(lanes_.size()) - 1;
    }

    // The values that come with the next call's frames; forgotten after it.
    void follow(int lane, const double* values) LUTHIER_REALTIME { lanes_[lane].values = values; }

    // `in` and `out` may be the same. Returns whether the input, or an overflow, was not finite.
    bool process(Block<const T> in, Block<T> out) LUTHIER_REALTIME {
        const FlushDenormals guard;
        bool unclean = false;
        for (int at = 0; at < in.frames;) {
            const int left = in.frames - at;
            if (filled_ == 0 && left >= kGroup) {
                const int frames = std::min(left / kGroup * kGroup, kMaxBlock);
                const Block<T> x = out.from(at, frames);
                for (int c = 0; c < channels_; ++c) unclean |= kernels_.copy_finite(in[c] + at, x[c], frames);
                for (Lane& lane : lanes_)
                    lane.leaf->follow(lane.parameter, lane.values ? lane.values + at : nullptr);
                root_->begin();
                root_->process(x);
                if (contain(x)) {
                    // Nothing of it may ring on, so that the stream is finite again.
                    root_->silence();
                    unclean = true;
                }
                at += frames;
            } else {
                const int frames = std::min(left, kGroup - filled_);
                for (Lane& lane : lanes_) {
                    if (filled_ > 0) break;
                    if (lane.values) lane.first = lane.values[at];
                    lane.leaf->follow(lane.parameter, lane.values ? &lane.first : nullptr);
                }
                unclean |= partial(in.from(at, frames), out.from(at, frames));
                at += frames;
            }
        }
        for (Lane& lane : lanes_) lane.values = nullptr;
        return unclean;
    }

    void reset() {
        filled_ = 0;
        root_->reset();
    }

  private:
    struct Lane {
        Leaf<T>* leaf;
        int parameter;
        const double* values;  // of the present call, or null
        double first;          // of the present partial group
    };

    bool partial(Block<const T> in, Block<T> out) LUTHIER_REALTIME {
        bool unclean = false;
        if (filled_ == 0) {
            std::fill(group_.begin(), group_.end(), T(0));
            root_->begin();
            root_->save();
        } else {
            root_->restore();
        }
        for (int c = 0; c < channels_; ++c)
            unclean |= kernels_.copy_finite(in[c], group_.data() + c * kGroup + filled_, in.frames);
        std::copy(group_.begin(), group_.end(), scratch_.begin());
        const Block<T> x{scratch_.data(), kGroup, channels_, kGroup};
        root_->process(x);
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

    std::unique_ptr<Node<T>> build(const EffectLibrary<T>& library, const Plan& plan, double rate) {
        if (plan.kind == Plan::Kind::effect) {
            for (int i = 0; i < library.count; ++i) {
                if (plan.name != library.classes[i].name) continue;
                if (int(plan.values.size()) != library.classes[i].parameter_count)
                    throw std::invalid_argument(plan.name + " has another number of parameters");
                auto leaf = std::make_unique<Leaf<T>>(library.classes[i], plan, rate, channels_);
                leaves_.push_back(leaf.get());
                return leaf;
            }
            throw std::invalid_argument("no native effect is named " + plan.name);
        }
        std::vector<std::unique_ptr<Node<T>>> nodes;
        for (const Plan& child : plan.children) nodes.push_back(build(library, child, rate));
        if (plan.kind == Plan::Kind::chain) return std::make_unique<Series<T>>(std::move(nodes));
        return std::make_unique<Parallel<T>>(std::move(nodes), channels_, kernels_);
    }

    BlockKernels<T> kernels_;
    int channels_;
    std::vector<T> group_, scratch_;  // the present partial group: its input, and the run's buffer
    int filled_ = 0;                  // frames of it that have come
    std::vector<Leaf<T>*> leaves_;    // in the order of the plan
    std::deque<Lane> lanes_;          // motions point into it
    std::unique_ptr<Node<T>> root_;
};

// A batch of signals, each with its own state, through the same effects.
template <class T>
class Stream {
  public:
    Stream(const EffectLibrary<T>& library, const Plan& plan, double rate, int channels, int items,
           const luthier_pool* pool)
        : channels_(channels), count_(items), pool_(pool), unclean_(items) {
        // An empty batch keeps one item: it knows the latency and the tail.
        for (int i = 0; i < std::max(items, 1); ++i) items_.emplace_back(library, plan, rate, channels);
    }

    int channels() const { return channels_; }
    int items() const { return count_; }
    int latency() const { return items_[0].root().latency(); }
    double tail() const { return items_[0].root().tail(kSilence); }
    int leaves() const { return items_[0].leaves(); }

    // Item i's channel c starts at in + i * in_item + c * in_channel. Returns whether anything was not
    // finite.
    bool process(const T* in, std::ptrdiff_t in_item, std::ptrdiff_t in_channel, T* out,
                 std::ptrdiff_t out_item, std::ptrdiff_t out_channel, int frames) {
        parallel_for(pool_, count_, [&](std::size_t i) {
            unclean_[i] =
                items_[i].process({in + std::ptrdiff_t(i) * in_item, in_channel, channels_, frames},
                                  {out + std::ptrdiff_t(i) * out_item, out_channel, channels_, frames});
        });
        return std::find(unclean_.begin(), unclean_.end(), 1) != unclean_.end();
    }

    // Leaves are numbered in the order of the plan.
    void assign(std::size_t leaf, int parameter, const Source& source) {
        for (auto& item : items_) item.leaf(leaf).assign(parameter, source);
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
    int channels_, count_;
    const luthier_pool* pool_;
    std::vector<char> unclean_;
    std::vector<Item<T>> items_;
};

}  // namespace luthier::effects
