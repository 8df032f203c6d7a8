// One effect in the tree: its instance for this CPU, its parameters on their ways, and the fade from one
// instance to the next when an option was assigned.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lane.h"
#include "luthier/svf.h"
#include "node.h"

namespace luthier::effects {

// An effect's memory, and a copy of its small state.
template <class T>
class Instance {
  public:
    Instance(const EffectClass<T>& effect, const EffectSpec& spec, const double* options) : effect_(effect) {
        memory_ = ::operator new(effect.size, std::align_val_t(effect.alignment));
        effect.construct(memory_);
        try {
            effect.prepare(memory_, &spec, options);
            saved_.resize(effect.save(memory_, nullptr));
        } catch (...) {
            release();
            throw;
        }
    }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    ~Instance() { release(); }

    void set(const double* from, const double* to) LUTHIER_REALTIME { effect_.set(memory_, from, to); }
    void process(Block<T> x, Block<const T> key) LUTHIER_REALTIME {
        effect_.process(memory_, x.data, x.stride, x.channels, x.frames, key.data, key.stride, key.channels);
    }
    void reset() LUTHIER_REALTIME { effect_.reset(memory_); }
    void join() LUTHIER_REALTIME { effect_.join(memory_); }
    void save() LUTHIER_REALTIME { effect_.save(memory_, saved_.data()); }
    void restore() LUTHIER_REALTIME { effect_.restore(memory_, saved_.data()); }
    int latency() const { return effect_.latency(memory_); }
    double tail(const double* values, double silence) const { return effect_.tail(memory_, values, silence); }
    double gain(const double* values) const { return effect_.gain(memory_, values); }
    double reduction_db() const LUTHIER_REALTIME { return effect_.reduction_db(memory_); }
    // Of an effect that is nothing but sections: those of now, and the state of one.
    int sections(SectionValues* to) const LUTHIER_REALTIME { return effect_.sections(memory_, to); }
    double* memory(int channel, int section) LUTHIER_REALTIME {
        return effect_.memory(memory_, channel, section);
    }

  private:
    void release() {
        effect_.destroy(memory_);
        ::operator delete(memory_, std::align_val_t(effect_.alignment));
    }

    const EffectClass<T>& effect_;
    void* memory_;
    std::vector<char> saved_;
};

inline constexpr double kBoundless = 1e300;

// What a leaf is built for.
struct Place {
    double rate;
    int channels;
    int item = 0;  // of the batch
    bool offline = false;
    std::vector<int> inputs;  // channels of each
    int upstream = 0;         // latency of what comes before it
};

template <class T>
class Leaf final : public Node<T> {
  public:
    Leaf(const Plan& plan, const Place& place)
        : place_(place),
          key_(plan.effect->listens ? plan.key : -1),
          most_sections_(plan.effect->most_sections),
          fades_(plan.effect->fades) {
        instances_.push_back(instance(plan));
        current_ = instances_.back().get();
        for (std::size_t i = 0; i < plan.values.size(); ++i) {
            assigned_.push_back(keep(pick(plan.values[i])));
            const bool cutoff = int(i) < plan.effect->parameter_count &&
                                std::strcmp(plan.effect->parameters[i], "cutoff_hz") == 0;
            motions_.emplace_back(assigned_[i], plan.tapers[i], place.rate,
                                  cutoff ? design::kHighestCutoff * place.rate : kBoundless);
        }
        lanes_.resize(motions_.size());
        from_.resize(motions_.size());
        to_.resize(motions_.size());
        saved_motions_ = motions_;
        const double groups = Way::kSeconds * place.rate / kGroup;
        fade_length_ = std::max(1, int(groups + 1)) * kGroup;
        scratch_.resize(std::size_t(place.channels) * kGroup);
        for (const int channels : place.inputs) {
            lines_.emplace_back(channels, place.upstream);
            delayed_.emplace_back(place.upstream > 0 ? std::size_t(channels) * kMaxBlock : 0);
        }
        heard_.resize(lines_.size());
        settle();
    }

    int parameters() const { return int(motions_.size()); }

    // Takes effect at the next group. Allocates.
    void assign(int parameter, const std::vector<Source>& sources) {
        assigned_[parameter] = keep(pick(sources));
        pending_ = true;
    }

    // An instance with the options and the data of `plan`, for replace(). Allocates, and may take a while.
    std::unique_ptr<Instance<T>> instance(const Plan& plan) const {
        EffectSpec spec;
        spec.sample_rate = place_.rate;
        spec.channels = place_.channels;
        spec.offline = place_.offline;
        if (key_ >= 0) spec.key_channels = place_.inputs.at(key_);
        if (plan.data && plan.data->rows > 0) {
            spec.data = plan.data->values.data();
            spec.rows = plan.data->rows;
            spec.frames = std::ptrdiff_t(plan.data->values.size()) / plan.data->rows;
        }
        spec.code = plan.code.get();
        return std::make_unique<Instance<T>>(plan.effect->of(T()), spec, plan.options.data());
    }

    // Fades over to the instance, from the next group on. Frees what earlier ones left.
    void replace(std::unique_ptr<Instance<T>> instance) {
        queued_ = instance.get();
        instances_.push_back(std::move(instance));
        std::erase_if(instances_, [this](const std::unique_ptr<Instance<T>>& kept) {
            return kept.get() != current_ && kept.get() != incoming_ && kept.get() != queued_;
        });
    }

    // Where the parameter's values come from that come with the samples. Has to be read anew, by begin(),
    // when it starts or ceases to have any.
    void follow(int parameter, const Lane& lane) {
        lanes_[parameter] = &lane;
        follows_ = true;
    }
    int upstream() const { return place_.upstream; }

    void begin() LUTHIER_REALTIME override {
        if (incoming_ && fade_ >= fade_length_) advance(incoming_);
        if (queued_ && !incoming_) {
            if (!moving_) queued_->set(to_.data(), to_.data());
            if (frame_ == 0) {
                advance(queued_);
            } else {
                incoming_ = std::exchange(queued_, nullptr);
                incoming_->join();
            }
            fade_ = 0;
        }
        if (!pending_ && !follows_) return;
        const bool assigned = std::exchange(pending_, false);
        const bool at_once = assigned && fades_ && fading_alone();
        for (std::size_t i = 0; assigned && i < motions_.size(); ++i)
            motions_[i].assign(assigned_[i], now(), at_once);
        follow();
        bool moving = false;
        for (const Motion& motion : motions_) moving |= motion.moving(now());
        if (moving)
            moving_ = true;
        else if (moving_ || assigned)
            settle();
    }

    void process(Block<T> x, Inputs<T> inputs) LUTHIER_REALTIME override {
        for (int i = 0; i < inputs.count; ++i) heard_[i] = align(i, inputs.blocks[i]);
        int at = 0;
        for (; moving_ && at < x.frames; at += kGroup) {
            follow();
            for (std::size_t i = 0; i < motions_.size(); ++i) {
                const std::pair<double, double> ends = motions_[i].next(now());
                from_[i] = ends.first;
                to_[i] = ends.second;
                if (const int input = motions_[i].input(); input >= 0)
                    motions_[i].hear(heard_[input].from(at, kGroup));
            }
            current_->set(from_.data(), to_.data());
            if (incoming_) incoming_->set(from_.data(), to_.data());
            run(x, at, kGroup);
            bool moving = false;
            for (const Motion& motion : motions_) moving |= motion.moving(now());
            if (!moving) settle();
        }
        while (incoming_ && at < x.frames) {
            run(x, at, kGroup);
            at += kGroup;
        }
        if (at < x.frames) run(x, at, x.frames - at);
    }

    // ---- for the cascade that runs it together with its neighbours ----

    int most_sections() const { return most_sections_; }
    // Whether its parameters rest and nothing fades.
    bool resting() const LUTHIER_REALTIME { return !moving_ && !(incoming_ && fade_ < fade_length_); }
    // What was heard when it last rested.
    Instance<T>& instance() LUTHIER_REALTIME {
        return incoming_ && fade_ >= fade_length_ ? *incoming_ : *current_;
    }
    // Whether that is another, or set in another way, since the last time.
    bool altered() LUTHIER_REALTIME { return std::exchange(altered_, false); }
    // In place of process(), when the cascade has run it.
    void pass(int frames, Inputs<T> inputs) LUTHIER_REALTIME {
        for (int i = 0; i < inputs.count; ++i) align(i, inputs.blocks[i]);
        frame_ += frames;
    }

    void reset() LUTHIER_REALTIME override {
        if (incoming_) advance(incoming_);
        if (queued_) advance(queued_);
        current_->reset();
        for (auto& line : lines_) line.reset();
        for (std::size_t i = 0; i < motions_.size(); ++i) motions_[i].jump(assigned_[i]);
        pending_ = false;
        frame_ = faded_ = 0;
        settle();
    }

    void silence() LUTHIER_REALTIME override {
        current_->reset();
        if (incoming_) incoming_->reset();
        for (auto& line : lines_) line.reset();
    }

    void save() LUTHIER_REALTIME override {
        current_->save();
        if (incoming_) incoming_->save();
        for (auto& line : lines_) line.save();
        std::copy(motions_.begin(), motions_.end(), saved_motions_.begin());
        saved_moving_ = moving_;
        saved_frame_ = frame_;
        saved_fade_ = fade_;
    }

    void restore() LUTHIER_REALTIME override {
        current_->restore();
        if (incoming_) incoming_->restore();
        for (auto& line : lines_) line.restore();
        std::copy(saved_motions_.begin(), saved_motions_.end(), motions_.begin());
        // While nothing moves, the effect's settings are those of the saved moment already.
        moving_ = saved_moving_;
        frame_ = saved_frame_;
        fade_ = saved_fade_;
    }

    int latency() const override { return current_->latency(); }
    double tail(double level) const override {
        return most(
            [&](const Instance<T>& instance, const double* values) { return instance.tail(values, level); });
    }
    double gain() const override {
        return most([&](const Instance<T>& instance, const double* values) { return instance.gain(values); });
    }
    double reduction_db() const LUTHIER_REALTIME { return current_->reduction_db(); }

  private:
    void advance(Instance<T>*& next) LUTHIER_REALTIME {
        current_ = next;
        next = nullptr;
        altered_ = true;
    }

    // The item's own value, or the one for all.
    const Source& pick(const std::vector<Source>& sources) const {
        return sources.at(sources.size() > 1 ? place_.item : 0);
    }

    // The frame of the stream's signal that comes in at frame_.
    std::int64_t now() const LUTHIER_REALTIME { return frame_ - place_.upstream; }

    void follow() LUTHIER_REALTIME {
        if (!follows_) return;
        for (std::size_t i = 0; i < motions_.size(); ++i)
            if (lanes_[i]) motions_[i].follow(lanes_[i]->at(frame_), now());
    }

    // Whether the effect shall fade to what was assigned: to constants, from rest, and not before it has come
    // through its last fade.
    bool fading_alone() LUTHIER_REALTIME {
        if (moving_ || frame_ < faded_) return false;
        for (const Lane* lane : lanes_)
            if (lane && lane->has(frame_)) return false;
        bool changes = false;
        for (std::size_t i = 0; i < motions_.size(); ++i) {
            if (assigned_[i]->kind != Source::Kind::constant) return false;
            changes |= *assigned_[i] != *motions_[i].source() || motions_[i].follows();
        }
        if (changes) faded_ = frame_ + fade_length_;
        return changes;
    }

    Block<const T> align(int input, Block<const T> block) LUTHIER_REALTIME {
        if (place_.upstream == 0) return block;
        const Block<T> to{delayed_[input].data(), kMaxBlock, block.channels, block.frames};
        lines_[input].process(block, to);
        return {to.data, to.stride, to.channels, to.frames};
    }

    void run(Block<T> x, int at, int frames) LUTHIER_REALTIME {
        const Block<T> part = x.from(at, frames);
        const Block<const T> key = key_ >= 0 ? heard_[key_].from(at, frames)
                                             : Block<const T>{part.data, part.stride, part.channels, frames};
        if (incoming_) {
            const Block<T> old{scratch_.data(), kGroup, part.channels, kGroup};
            for (int c = 0; c < part.channels; ++c) std::copy_n(part[c], kGroup, old[c]);
            // What listens to its own signal has to hear it before it is overwritten.
            current_->process(old, key_ >= 0 ? key : Block<const T>{old.data, kGroup, old.channels, kGroup});
            incoming_->process(part, key);
            for (int i = 0; i < kGroup; ++i) {
                if (fade_ + i >= fade_length_) break;
                const T weight = T(ease(double(fade_ + i) / fade_length_));
                for (int c = 0; c < part.channels; ++c)
                    part[c][i] = old[c][i] + weight * (part[c][i] - old[c][i]);
            }
            fade_ += kGroup;
        } else {
            current_->process(part, key);
        }
        frame_ += frames;
    }

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
            for (const Instance<T>* instance : {current_, incoming_, queued_})
                if (instance) result = std::max(result, f(*instance, values.data()));
        }
        return result;
    }

    // Moves on with nothing moving, or with what moves from here on.
    void settle() LUTHIER_REALTIME {
        moving_ = false;
        for (std::size_t i = 0; i < motions_.size(); ++i) {
            to_[i] = motions_[i].value(now());
            moving_ |= motions_[i].moving(now());
        }
        current_->set(to_.data(), to_.data());
        if (incoming_) incoming_->set(to_.data(), to_.data());
        altered_ = true;
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

    Place place_;
    int key_;
    int most_sections_;
    bool altered_ = false;
    // The ones at work, and those that have faded out, which replace() frees: that may take time.
    std::vector<std::unique_ptr<Instance<T>>> instances_;
    Instance<T>* current_ = nullptr;
    Instance<T>* incoming_ = nullptr;  // fades in
    Instance<T>* queued_ = nullptr;    // will, from a coming group on
    int fade_ = 0, saved_fade_ = 0, fade_length_;
    bool fades_;              // from one setting to another, without us
    std::int64_t faded_ = 0;  // when it has done so
    std::vector<T> scratch_;
    std::vector<LatencyLine<T>> lines_;  // of the inputs
    std::vector<std::vector<T>> delayed_;
    std::vector<Block<const T>> heard_;
    std::vector<std::unique_ptr<const Source>> sources_;
    std::vector<const Source*> assigned_;  // the latest of each parameter
    std::vector<const Lane*> lanes_;       // of each parameter, if it ever had one
    std::vector<Motion> motions_, saved_motions_;
    std::vector<double> from_, to_;
    std::int64_t frame_ = 0, saved_frame_ = 0;
    bool pending_ = false, follows_ = false, moving_ = false, saved_moving_ = false;
};

}  // namespace luthier::effects
