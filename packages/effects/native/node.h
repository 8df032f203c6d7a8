// What the tree of effects is made of, and what it is made from.
#pragma once

#include <memory>
#include <vector>

#include "luthier/buffer.h"
#include "luthier/effect_class.h"
#include "motion.h"

namespace luthier::effects {

// Amplitudes below -120 dB of full scale count as silence: the end of a tail.
inline constexpr double kSilence = 1e-6;

inline constexpr int kMaxBlock = 1024;  // frames that pass through the whole tree at once, in cache
static_assert(kMaxBlock % kGroup == 0);

// An array that came with an effect: rows of equal length, one after the other.
struct Data {
    std::vector<double> values;
    int rows = 0;
};

// One leaf or branch of the tree that Python describes; what a Stream is made from.
struct Plan {
    enum class Kind { effect, chain, mix };

    Kind kind = Kind::effect;
    const EffectEntry* effect = nullptr;
    std::vector<std::vector<Source>> values;  // of its parameters: one for all items of a batch, or one each
    std::vector<Taper> tapers;
    std::vector<double> options;
    std::shared_ptr<const Data> data;
    std::shared_ptr<const void> code;  // what the effects of the engine's own host are made from
    int key = -1;                      // the input that the effect listens to, if not its own
    std::vector<Plan> children;
};

// The other signals that come with a block, cut as the block is.
template <class T>
struct Inputs {
    const Block<const T>* blocks = nullptr;
    int count = 0;
};

template <class T>
class Node {
  public:
    virtual ~Node() = default;
    // Called at a group's first frame: parameters that were assigned since start to move.
    virtual void begin() LUTHIER_REALTIME = 0;
    // In place, whole groups, at most kMaxBlock frames.
    virtual void process(Block<T> x, Inputs<T> inputs) LUTHIER_REALTIME = 0;
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

// A delay of whole frames, for signals that have to wait for others.
template <class T>
class LatencyLine {
  public:
    LatencyLine(int channels, int delay) : delay_(delay) {
        // A block is written before it is read, and a rerun of a group writes the same places again.
        if (delay > 0) length_ = std::size_t(delay) + kMaxBlock;
        memory_.resize(std::size_t(channels) * length_);
    }

    void process(Block<const T> from, Block<T> to) LUTHIER_REALTIME {
        for (int c = 0; c < from.channels; ++c) {
            if (delay_ == 0) {
                if (to[c] != from[c]) std::copy_n(from[c], from.frames, to[c]);
                continue;
            }
            T* memory = memory_.data() + c * length_;
            for (int i = 0; i < from.frames; ++i) memory[(position_ + i) % length_] = from[c][i];
            for (int i = 0; i < from.frames; ++i)
                to[c][i] = memory[(position_ + i + length_ - delay_) % length_];
        }
        position_ += from.frames;
    }

    void reset() LUTHIER_REALTIME { std::fill(memory_.begin(), memory_.end(), T(0)); }
    void save() LUTHIER_REALTIME { saved_position_ = position_; }
    void restore() LUTHIER_REALTIME { position_ = saved_position_; }

  private:
    std::size_t delay_, length_ = 0;
    std::vector<T> memory_;  // the last frames, circular, planar
    std::size_t position_ = 0, saved_position_ = 0;
};

}  // namespace luthier::effects
