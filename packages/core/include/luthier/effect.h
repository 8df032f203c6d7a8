// What an effect is, in C++.
//
// One header under effects/ holds one effect: a struct template on the sample type, named as the
// Python class, in the file of the same name in snake case (CMake lists the folder; nothing else has
// to be edited):
//
//     template <class T>
//     struct Gain : EffectDefaults {
//         struct Params { double gain_db; };                              // doubles only, in the order
//         static constexpr const char* parameters[] = {"gain_db"};       // of the Python declaration
//
//         void prepare(const Spec& spec);                                 // may allocate
//         void set(const Params& from, const Params& to);                 // at a group's first frame
//         void process(Block<T> x) LUTHIER_REALTIME;                      // in place, whole groups
//         void reset();                                                   // silence behind, all else stays
//         template <class Visit> void state(Visit&& visit);               // visit(pointer, bytes)
//         int latency() const;                                            // frames
//         double tail(const Params& p, double silence) const;             // frames, or infinity
//         double gain(const Params& p) const;                             // the most it amplifies
//     };
//
// Ranges, defaults and units are the Python class's; values that arrive here are valid.
//
// What stays as it is while a stream runs (a mode, a look-ahead, an oversampling factor) is an option:
//
//         struct Options { double mode; };                                // a choice's number in its list,
//         static constexpr const char* options[] = {"mode"};             // a flag as 0 or 1
//         void prepare(const Spec& spec, const Options& options);         // in place of prepare(spec)
//
// When an option of a running stream is assigned, the engine fades over to a new instance. One that would
// answer for longer than the fade to a signal that begins all at once has void join(), called before the
// first frame of a fade, and lets its input begin gently; reset() takes that back.
//
// An effect that listens to a key signal declares it, and gets the signal that it works on when there is no
// other; the channels of the two may differ in number:
//
//         static constexpr bool kListens = true;
//         void process(Block<T> x, Block<const T> key) LUTHIER_REALTIME;  // in place of process(x)
//
// An effect that is worse on the way between two settings than at either (a compressor whose threshold passes
// the level of the sound) says so and goes there by itself: when a number is assigned while it is at rest it
// gets the new one at once, by set(p, p), and fades. What glides still comes as set(from, to).
//
//         static constexpr bool kFades = true;                            // fade.h helps
//
// One that turns down what is loud tells by how much, for meters: double reduction_db() const, at least 0, of
// the last frame.
//
// An effect that is nothing but filters of second order in series (svf.h) may let the engine run it together
// with its neighbours of that kind, at half the price:
//
//         static constexpr int kMostSections = 1;                         // that it ever has
//         BiquadCascade<T>& sections();                                   // at rest it only runs this,
//         const BiquadCascade<T>& sections() const;                       // whose state is all there is
//
// set() gives the parameters at the first and at the last frame of what follows. They differ only
// while something moves, and then process() is called for exactly one group: gains glide over its
// frames, filters have a section for each of them (section_effect.h), and what is not heard as steps takes
// `from`. When nothing moves, set(p, p) is called once and blocks may be long.
//
// tail() is the time until the answer to a full-scale impulse stays below `silence`, an amplitude; gain() is
// what a chain needs to know to ask each of its effects for a level that is silence at the chain's end.
// Estimates that are too long are allowed.
//
// state() visits all that a rerun of the last group needs put back: positions, filter and envelope
// memories. Long delay memories need no saving when their capacity is kGroup frames more than the
// longest delay, because a rerun overwrites what the first run wrote and nothing that it reads.
#pragma once

#include "luthier/buffer.h"
#include "luthier/effect_class.h"
#include "luthier/math.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

using Spec = effects::EffectSpec;

struct EffectDefaults {
    struct Params {};
    struct Options {};
    static constexpr bool kListens = false;
    static constexpr int kMostSections = 0;
    static constexpr bool kFades = false;

    void prepare(const Spec&) {}
    void reset() {}
    void join() {}
    template <class Visit>
    void state(Visit&&) {}
    int latency() const { return 0; }
    template <class Params>
    double tail(const Params&, double) const {
        return 0;
    }
    template <class Params>
    double gain(const Params&) const {
        return 1;
    }
    double reduction_db() const { return 0; }
};

// The frames of one group, one value each.
template <class T>
using Group = Vec<T, kGroup>;

// A gain's way over one group: `from` at the first frame, `to` at the last.
template <class T>
inline Group<T> glide(double from, double to) {
    Group<T> steps;
    for (int i = 0; i < kGroup; ++i) steps[i] = T(i) / T(kGroup - 1);
    return T(from) + T(to - from) * steps;
}

// Whether any parameter moves. Params holds nothing but doubles.
template <class Params>
inline bool moves(const Params& from, const Params& to) {
    return std::memcmp(&from, &to, sizeof from) != 0;
}

}  // namespace luthier::inline LUTHIER_ISA
