// Gain: every sample times 10^(gain_db / 20); at -120 dB and below, silence.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Gain : EffectDefaults {
    struct Params {
        double gain_db;
    };
    static constexpr const char* parameters[] = {"gain_db"};

    void set(const Params& from, const Params& to) {
        from_ = amplitude(from.gain_db);
        to_ = amplitude(to.gain_db);
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Group<T> gain = glide<T>(from_, to_);
        for (int c = 0; c < x.channels; ++c)
            for (int i = 0; i < x.frames; i += kGroup) store(x[c] + i, load<Group<T>>(x[c] + i) * gain);
    }

    double gain(const Params& p) const { return amplitude(p.gain_db); }

  private:
    static double amplitude(double db) { return db <= -120 ? 0 : db_to_gain(db); }

    double from_ = 1, to_ = 1;
};

}  // namespace luthier::inline LUTHIER_ISA
