// Noise: adds normally distributed noise of a level and a colour, of its own in every channel.
//
// Numbers are a function of (seed, channel, frame) alone (luthier/random.h), and floats for doubles too, so
// that both are the same noise.
#pragma once

#include "luthier/biquad.h"
#include "luthier/effect.h"
#include "luthier/random.h"
#include "noise_colour.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Noise : EffectDefaults {
    struct Params {
        double level_dbfs;
    };
    static constexpr const char* parameters[] = {"level_dbfs"};
    struct Options {
        double colour, seed;
    };
    static constexpr const char* options[] = {"colour", "seed"};

    void prepare(const Spec& spec, const Options& chosen) {
        seed_ = std::uint64_t(chosen.seed);
        const NoiseFilter filter(NoiseColour(int(chosen.colour)), spec.sample_rate);
        coloured_ = NoiseColour(int(chosen.colour)) != NoiseColour::white;
        level_ = filter.level();
        filter_.prepare(NoiseFilter::kSections, spec.channels);
        for (int i = 0; i < NoiseFilter::kSections; ++i) filter_.set(i, filter.section(i));
        numbers_ = AlignedBuffer<float>(std::size_t(spec.channels) * kBlock);
        noise_ = AlignedBuffer<T>(std::size_t(spec.channels) * kBlock);
    }

    void set(const Params& from, const Params& to) {
        gain_ = glide<T>(db_to_gain(from.level_dbfs) / level_, db_to_gain(to.level_dbfs) / level_);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Group<T> gain = gain_;
        for (int at = 0; at < x.frames;) {
            const int place = int(frame_ % kBlock);
            const int frames = x.frames - at < kBlock - place ? x.frames - at : kBlock - place;
            draw(frame_ / kBlock, x.channels);
            for (int c = 0; c < x.channels; ++c)
                for (int i = 0; i < frames; ++i) noise_[c * kBlock + i] = T(numbers_[c * kBlock + place + i]);
            const Block<T> noise{noise_.data(), kBlock, x.channels, frames};
            if (coloured_) filter_.process(noise);
            for (int c = 0; c < x.channels; ++c)
                for (int i = 0; i < frames; i += kGroup) {
                    T* y = x[c] + at + i;
                    store(y, load<Group<T>>(y) + load<Group<T>>(noise[c] + i) * gain);
                }
            frame_ += frames;
            at += frames;
        }
    }

    void reset() {
        frame_ = 0;
        filter_.reset();
    }

    template <class Visit>
    void state(Visit&& visit) {
        visit(&frame_, sizeof frame_);
        filter_.state(visit);
    }

    double tail(const Params&, double) const { return __builtin_inf(); }

  private:
    static constexpr int kBlock = Random<float>::kBlock;

    void draw(std::int64_t block, int channels) {
        if (block == drawn_) return;
        for (int c = 0; c < channels; ++c)
            Random<float>(seed_, std::uint64_t(c)).normal(std::uint64_t(block), numbers_.data() + c * kBlock);
        drawn_ = block;
    }

    std::uint64_t seed_ = 0;
    bool coloured_ = false;
    double level_ = 1;
    std::int64_t frame_ = 0, drawn_ = -1;
    BiquadCascade<T> filter_;
    AlignedBuffer<float> numbers_;  // of the present 64 frames
    AlignedBuffer<T> noise_;
    Group<T> gain_{};
};

}  // namespace luthier::inline LUTHIER_ISA
