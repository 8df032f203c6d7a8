// Filters one after the other, run as one.
//
// Filters that are nothing but sections of second order, with nothing between them in a chain, cost half as
// much when their sections run in one pass. They stay leaves of their own: each has its parameters, its
// motions and its fades. While all of them rest, their sections are run together. From the group in which one
// starts to move, to the group in which the last one has come to rest, each runs by itself; the states, which
// mean the same in both places, are carried over. What a group does depends on the leaves alone, and so on
// nothing but the stream's frame count.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "block_kernels.h"
#include "groups.h"
#include "leaf.h"

namespace luthier::effects {

// Sections in one pass, with their states.
template <class T>
class Sections {
  public:
    Sections(const CascadeKernels<T>& kernels, int most, int channels)
        : kernels_(kernels), channels_(channels), values_(most), saved_(std::size_t(2) * most * channels) {
        memory_ = ::operator new(kernels.size, std::align_val_t(kernels.alignment));
        kernels.construct(memory_);
        try {
            kernels.prepare(memory_, most, channels);
        } catch (...) {
            release();
            throw;
        }
    }
    Sections(const Sections&) = delete;
    Sections& operator=(const Sections&) = delete;
    ~Sections() { release(); }

    // What the instances are, one after the other, from now on; with their states, when told.
    template <class Leaves>
    void gather(Leaves& leaves, bool states) LUTHIER_REALTIME {
        int count = 0;
        for (auto* leaf : leaves) count += leaf->instance().sections(values_.data() + count);
        kernels_.arrange(memory_, values_.data(), count);
        if (states)
            carry(leaves, [](double* leaf, double* here) { std::memcpy(here, leaf, 2 * sizeof(double)); });
    }
    template <class Leaves>
    void scatter(Leaves& leaves) LUTHIER_REALTIME {
        carry(leaves, [](double* leaf, double* here) { std::memcpy(leaf, here, 2 * sizeof(double)); });
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        kernels_.process(memory_, x.data, x.stride, x.channels, x.frames);
    }
    void reset() LUTHIER_REALTIME { kernels_.reset(memory_); }
    void save() LUTHIER_REALTIME {
        each([](double* saved, double* here) { std::memcpy(saved, here, 2 * sizeof(double)); });
    }
    void restore() LUTHIER_REALTIME {
        each([](double* saved, double* here) { std::memcpy(here, saved, 2 * sizeof(double)); });
    }

  private:
    template <class Leaves, class Move>
    void carry(Leaves& leaves, Move&& move) LUTHIER_REALTIME {
        int first = 0;
        for (auto* leaf : leaves) {
            const int count = leaf->instance().sections(values_.data());
            for (int c = 0; c < channels_; ++c)
                for (int s = 0; s < count; ++s)
                    move(leaf->instance().memory(c, s), kernels_.memory(memory_, c, first + s));
            first += count;
        }
    }
    template <class Move>
    void each(Move&& move) LUTHIER_REALTIME {
        double* saved = saved_.data();
        for (int c = 0; c < channels_; ++c)
            for (std::size_t s = 0; s < values_.size(); ++s, saved += 2)
                move(saved, kernels_.memory(memory_, c, int(s)));
    }
    void release() {
        kernels_.destroy(memory_);
        ::operator delete(memory_, std::align_val_t(kernels_.alignment));
    }

    CascadeKernels<T> kernels_;
    int channels_;
    void* memory_;
    std::vector<SectionValues> values_;
    std::vector<double> saved_;
};

template <class T>
class Cascade final : public Node<T> {
  public:
    Cascade(std::vector<std::unique_ptr<Leaf<T>>> filters, const Place& place,
            const CascadeKernels<T>& kernels)
        : leaves_(pointers(filters)),
          series_(nodes(std::move(filters))),
          sections_(kernels, most(leaves_), place.channels),
          inputs_(place.inputs.size()) {}

    void process(Block<T> x, Inputs<T> inputs) LUTHIER_REALTIME override {
        for (int at = 0; at < x.frames;) {
            bool rest = true;
            for (Leaf<T>* leaf : leaves_) rest &= leaf->resting();
            const int frames = rest ? x.frames - at : kGroup;
            const Block<T> part = x.from(at, frames);
            for (int i = 0; i < inputs.count; ++i) inputs_[i] = inputs.blocks[i].from(at, frames);
            const Inputs<T> heard{inputs_.data(), inputs.count};
            if (rest) {
                bool altered = false;
                for (Leaf<T>* leaf : leaves_) altered |= leaf->altered();
                if (altered || !together_) sections_.gather(leaves_, !together_);
                sections_.process(part);
                for (Leaf<T>* leaf : leaves_) leaf->pass(frames, heard);
            } else {
                if (together_) sections_.scatter(leaves_);
                series_.process(part, heard);
            }
            together_ = rest;
            at += frames;
        }
    }

    void begin() LUTHIER_REALTIME override { series_.begin(); }
    void reset() LUTHIER_REALTIME override {
        series_.reset();
        sections_.reset();
    }
    void silence() LUTHIER_REALTIME override {
        series_.silence();
        sections_.reset();
    }
    void save() LUTHIER_REALTIME override {
        series_.save();
        sections_.save();
        saved_together_ = together_;
    }
    void restore() LUTHIER_REALTIME override {
        series_.restore();
        sections_.restore();
        together_ = saved_together_;
    }
    int latency() const override { return 0; }
    double tail(double level) const override { return series_.tail(level); }
    double gain() const override { return series_.gain(); }

  private:
    using Filters = std::vector<std::unique_ptr<Leaf<T>>>;

    static std::vector<Leaf<T>*> pointers(const Filters& filters) {
        std::vector<Leaf<T>*> leaves;
        for (const auto& filter : filters) leaves.push_back(filter.get());
        return leaves;
    }
    static std::vector<std::unique_ptr<Node<T>>> nodes(Filters filters) {
        std::vector<std::unique_ptr<Node<T>>> nodes;
        for (auto& filter : filters) nodes.push_back(std::move(filter));
        return nodes;
    }
    static int most(const std::vector<Leaf<T>*>& leaves) {
        int most = 0;
        for (const Leaf<T>* leaf : leaves) most += leaf->most_sections();
        return most;
    }

    std::vector<Leaf<T>*> leaves_;
    Series<T> series_;  // of the same leaves
    Sections<T> sections_;
    std::vector<Block<const T>> inputs_;            // cut as the block is
    bool together_ = true, saved_together_ = true;  // where the states are
};

}  // namespace luthier::effects
