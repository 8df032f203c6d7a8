// Reading a delay line at a delay of its own for every frame, and the way of a delay from one value to
// another.
#pragma once

#include "luthier/delay_line.h"
#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

// The delays of one group's frames as weights of what stands in the line, the same for every row that is
// read with them. Cubic interpolation (third-order Lagrange, as DelayLine's) from `least_cubic` frames on;
// below, where the cubic's newest frame is not written yet, a parabola through the three frames behind. Both
// are exact at whole delays, so that a delay may glide from one to the other, and neither amplifies anything
// (Laakso et al.: of even order N, Lagrange interpolators are passive for delays from N/2 - 1 to N/2 + 1, of
// odd order in the middle interval), so that neither makes a loop unstable.
//
// Delays of one group rarely differ by more than a frame. Then five frames of the line serve all of them,
// loaded side by side; only what runs faster is gathered frame by frame.
template <class T>
class Taps {
  public:
    void set(const Group<double>& delays, int least_cubic) {
        const double* from = reinterpret_cast<const double*>(&delays);
        alignas(64) T parts[kGroup];
        Whole lows{}, highs{};
        for (int i = 0; i < kGroup; i += kPart) {
            const Doubles d = load<Doubles>(from + i);
            const Whole whole = __builtin_convertvector(d, Whole);
            store(whole_ + i, whole);
            store(parts + i, __builtin_convertvector(d - __builtin_convertvector(whole, Doubles), Part));
            lows = i == 0 ? whole : whole < lows ? whole : lows;
            highs = i == 0 ? whole : whole > highs ? whole : highs;
        }
        int least = lows[0], most = highs[0];
        for (int i = 1; i < kPart; ++i) {
            least = lows[i] < least ? lows[i] : least;
            most = highs[i] > most ? highs[i] : most;
        }
        newest_ = least - 1;
        narrow_ = most - least <= 1;
        for (int i = 0; i < kGroup; i += kPart) weigh(i, load<Part>(parts + i), least, least_cubic);
    }

    // The newest frame that is read, as a delay; -1 when it has no weight.
    int newest() const { return newest_; }

    Group<T> read(const DelayLine<T>& line, int row) const LUTHIER_REALTIME {
        Group<T> sum;
        if (narrow_) {
            sum = weights(4) * load<Group<T>>(line.read(row, newest_ + 4));
            for (int k = 3; k >= 0; --k) sum += weights(k) * load<Group<T>>(line.read(row, newest_ + k));
        } else {
            for (int i = 0; i < kGroup; ++i) sum[i] = read(line, row, i);
        }
        return sum;
    }

    // Frame i alone, for loops shorter than a group.
    T read(const DelayLine<T>& line, int row, int i) const LUTHIER_REALTIME {
        const int first = narrow_ ? newest_ : whole_[i] - 1, taps = narrow_ ? 5 : 4;
        T sum = 0;
        for (int k = taps - 1; k >= 0; --k) sum += weights_[k][i] * *line.read(row, first + k - i);
        return sum;
    }

  private:
    // By registers: compilers take longer vectors apart where lanes choose.
    static constexpr int kPart = kLanes<double>;
    using Doubles = Vec<double, kPart>;
    using Whole = Vec<std::int32_t, kPart>;
    using Part = Vec<T, kPart>;

    void weigh(int i, Part part, int least, int least_cubic) {
        const Whole whole = load<Whole>(whole_ + i);
        const Part up = part + 1, down = part - 1, lower = part - 2;
        Part older2 = up * part * down * T(1.0 / 6), older1 = up * part * lower * T(-0.5),
             here = up * down * lower * T(0.5), newer = part * down * lower * T(-1.0 / 6);
        if (least < least_cubic) {
            const Part shorter = __builtin_convertvector(least_cubic - 1 - whole, Part);
            older2 = shorter >= 0 ? part * down * T(0.5) : older2;
            older1 = shorter >= 0 ? -part * lower : older1;
            here = shorter >= 0 ? down * lower * T(0.5) : here;
            newer = shorter >= 0 ? Part{} : newer;
        }
        const Part over = narrow_ ? __builtin_convertvector(whole - least, Part) : Part{};
        store(weights_[0] + i, over > 0 ? Part{} : newer);
        store(weights_[1] + i, over > 0 ? newer : here);
        store(weights_[2] + i, over > 0 ? here : older1);
        store(weights_[3] + i, over > 0 ? older1 : older2);
        store(weights_[4] + i, over > 0 ? older2 : Part{});
    }
    Group<T> weights(int k) const { return load<Group<T>>(weights_[k]); }

    alignas(64) std::int32_t whole_[kGroup] = {};
    alignas(64) T weights_[5][kGroup] = {};
    int newest_ = 0;
    bool narrow_ = true;
};

// A value's way through one group after the other: a parabola through the last frame before the group and the
// group's first and last ones. Straight lines would do for a gain; the corners between them are heard when it
// is a delay.
class SmoothPath {
  public:
    // At the group's first and last frame.
    void set(double from, double to) {
        from_ = from;
        to_ = to;
    }
    double from() const { return from_; }
    double to() const { return to_; }
    // At the last frame before the present group.
    double before() const { return state_.fresh ? from_ : state_.before; }

    Group<double> frames() const {
        Group<double> i;
        for (int k = 0; k < kGroup; ++k) i[k] = k;
        return from_ + i * (slope() + i * bend());
    }
    // A frame, at the group's end.
    double speed() const { return slope() + 2 * (kGroup - 1) * bend(); }

    // The change of that from one frame to the next.
    double turn() const { return 2 * bend(); }

    // The group is over.
    void advance() {
        state_.before = to_;
        state_.fresh = false;
    }

    void reset() { state_ = {}; }
    template <class Visit>
    void state(Visit&& visit) {
        visit(&state_, sizeof state_);
    }

  private:
    double bend() const {
        constexpr double last = kGroup - 1;
        return (to_ - from_ - last * (from_ - before())) / (last * kGroup);
    }
    double slope() const { return from_ - before() + bend(); }

    double from_ = 0, to_ = 0;
    struct State {
        double before = 0;
        bool fresh = true;
    } state_;
};

// A delay on its way: where its centre is, and how far it swings round that. As long as they move slowly and
// gently it is a tape whose head moves: the pitch bends. What is faster would be heard as a chirp over
// octaves; then the head comes to rest until the new place is known, 20 ms at most, and fades over to a
// second one there.
class GlidingDelay {
  public:
    static constexpr double kFastest = 0.5;  // frames a frame

    struct Path {
        Group<double> centre{}, swing{};
    };

    void prepare(double sample_rate) {
        fade_length_ = int(kFadeSeconds * sample_rate / kGroup + 1) * kGroup;
        brake_length_ = int(kBrakeSeconds * sample_rate / kGroup + 1) * kGroup;
        reset();
    }

    // In frames, at the group's first and last frame; and from which speed on it fades over.
    void set_centre(double from, double to) {
        wanted_[0].set(from, to);
        settled_ = false;
    }
    void set_swing(double from, double to) {
        wanted_[1].set(from, to);
        settled_ = false;
    }
    void set_fastest(double speed) { fastest_ = speed; }

    // By so many frames the head may go beyond where it was asked to be.
    static int overshoot(double sample_rate) {
        return int(kFastest * (kBrakeSeconds * sample_rate + kGroup)) + 1;
    }

    // To the next group.
    void step() LUTHIER_REALTIME {
        if (settled_) return;
        bool slow = true;
        for (const SmoothPath& w : wanted_)
            slow &= magnitude(w.to() - w.from()) <= fastest_ * (kGroup - 1) &&
                    magnitude(w.from() - w.before()) <= fastest_ && magnitude(w.turn()) <= kSharpest;
        if (state_.fresh) {
            state_.fresh = false;
            for (int k = 0; k < kParts; ++k) state_.now.at[k] = wanted_[k].before();
        }
        if (state_.fading) {
            state_.fade += kGroup;
            if (state_.fade >= fade_length_) {
                state_.now = state_.next;
                state_.fading = false;
            }
        }
        const bool follows = move(state_.now, slow, now_);
        if (state_.fading) {
            move(state_.next, slow, next_);
        } else if (follows) {
            state_.held = 0;
        } else {
            state_.held += kGroup;
            if (slow || state_.held > 2 * fade_length_) {
                state_.next = {};
                for (int k = 0; k < kParts; ++k)
                    state_.next.at[k] = slow ? wanted_[k].before() : wanted_[k].to();
                move(state_.next, slow, next_);
                state_.fading = true;
                state_.fade = state_.held = 0;
            }
        }
        // What stands still has stood for a group, and its path is a point.
        settled_ = still();
        for (SmoothPath& w : wanted_) {
            settled_ &= w.before() == w.to();
            w.advance();
        }
    }

    bool fading() const { return state_.fading; }
    // Whether the coming groups are like this one, until the next set().
    bool still() const {
        bool still = !state_.fading;
        for (int k = 0; k < kParts; ++k)
            still &= state_.now.speed[k] == 0 && state_.now.at[k] == wanted_[k].to() &&
                     wanted_[k].from() == wanted_[k].to();
        return still;
    }

    // Of the present group's frames; while fading those of the second head, and its weight.
    const Path& now() const { return now_; }
    const Path& next() const { return next_; }
    template <class T>
    Group<T> weight() const {
        Group<double> t;
        for (int i = 0; i < kGroup; ++i) t[i] = double(state_.fade + i) / fade_length_;
        t = t < 1 ? t : t - t + 1;
        return __builtin_convertvector(t * t * (3 - 2 * t), Group<T>);
    }

    void reset() {
        state_ = {};
        for (SmoothPath& w : wanted_) w.reset();
        settled_ = false;
    }
    template <class Visit>
    void state(Visit&& visit) {
        settled_ = false;
        visit(&state_, sizeof state_);
        for (SmoothPath& w : wanted_) w.state(visit);
    }

  private:
    static constexpr double kFadeSeconds = 0.01, kBrakeSeconds = 0.005;
    static constexpr double kSharpest = 0.004;  // how much the speed may change from one frame to the next
    static constexpr int kParts = 2;            // centre and swing

    struct Head {
        double at[kParts] = {};     // at the group's last frame
        double speed[kParts] = {};  // a frame, there; when it brakes, where that began
        double start[kParts] = {};  // where it began to brake,
        int braking = -1;           // and frames since then
    };

    static double magnitude(double x) { return x < 0 ? -x : x; }

    // Goes along with what is wanted, if it is there and that is slow; else comes to rest.
    bool move(Head& head, bool slow, Path& path) const {
        bool there = slow;
        for (int k = 0; k < kParts; ++k) there &= head.at[k] == wanted_[k].before();
        Group<double> u;
        if (!there) {
            if (head.braking < 0) head.braking = 0;
            for (int i = 0; i < kGroup; ++i) u[i] = double(head.braking + i + 1) / brake_length_;
            u = u < 1 ? u : u - u + 1;
            // Its speed falls as 1 - 3 u^2 + 2 u^3.
            u = u * brake_length_ * (1 + u * u * (u / 2 - 1));
        }
        for (int k = 0; k < kParts; ++k) {
            Group<double>& frames = k == 0 ? path.centre : path.swing;
            if (there) {
                frames = wanted_[k].frames();
                head.at[k] = wanted_[k].to();
                head.speed[k] = wanted_[k].speed();
            } else {
                if (head.braking == 0) head.start[k] = head.at[k];
                frames = head.start[k] + head.speed[k] * u;
                head.at[k] = frames[kGroup - 1];
            }
        }
        if (there)
            head.braking = -1;
        else if (head.braking < brake_length_)
            head.braking += kGroup;
        return there;
    }

    SmoothPath wanted_[kParts];
    double fastest_ = kFastest;
    int fade_length_ = kGroup, brake_length_ = kGroup;
    Path now_, next_;
    bool settled_ = false;  // nothing changes until the next set()
    struct State {
        Head now, next;
        int fade = 0, held = 0;  // frames
        bool fading = false, fresh = true;
    } state_;
};

}  // namespace luthier::inline LUTHIER_ISA
