// An effect that bends each sample by itself, at 1, 2, 4 or 8 times the rate.
//
//     template <class T>
//     struct ClippingCurve {
//         struct Params { double threshold_db; };
//         static ClippingCurve of(const Params& from, const Params& to, Part part);  // over one group
//         Group<T> operator()(Group<T> v) const;                                     // 16 samples
//     };
//     template <class T>
//     struct Clipping : CurveEffect<T, ClippingCurve<T>> {
//         static constexpr const char* parameters[] = {"threshold_db"};
//     };
#pragma once

#include "luthier/effect.h"
#include "oversampler.h"

namespace luthier::inline LUTHIER_ISA {

// The samples of 16 frames that lie `part` / `parts` of a frame behind them.
struct Part {
    int part, parts;
};

// What glide() gives at these samples: `from` at the first of the group, `to` at the last.
template <class T>
inline Group<T> glide(double from, double to, Part part) {
    Group<T> steps;
    for (int i = 0; i < kGroup; ++i) steps[i] = T(i * part.parts + part.part) / T(kGroup * part.parts - 1);
    return T(from) + T(to - from) * steps;
}

template <class T, class Curve>
struct CurveEffect : EffectDefaults {
    using Params = typename Curve::Params;
    struct Options {
        double oversample;
    };
    static constexpr const char* options[] = {"oversample"};

    void prepare(const Spec& spec, const Options& chosen) {
        over_.prepare(spec.channels, int(chosen.oversample));
    }

    void set(const Params& from, const Params& to) {
        for (int part = 0; part < over_.factor(); ++part)
            curve_[part] = Curve::of(from, to, {part, over_.factor()});
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        if (over_.factor() == 1) {
            const Curve curve = curve_[0];
            for (int c = 0; c < x.channels; ++c)
                for (int i = 0; i < x.frames; i += kGroup) store(x[c] + i, curve(load<Group<T>>(x[c] + i)));
        } else {
            over_.process(x, [this](Group<T> v, int part) LUTHIER_REALTIME { return curve_[part](v); });
        }
    }

    void reset() { over_.reset(); }
    template <class Visit>
    void state(Visit&& visit) {
        over_.state(visit);
    }
    int latency() const { return over_.latency(); }
    double tail(const Params&, double) const { return over_.latency(); }
    // The filters overshoot.
    double gain(const Params& p) const { return Curve::gain(p) * (over_.factor() == 1 ? 1 : 4); }

  private:
    Oversampler<T> over_;
    Curve curve_[Oversampler<T>::kMostFactor];
};

}  // namespace luthier::inline LUTHIER_ISA
