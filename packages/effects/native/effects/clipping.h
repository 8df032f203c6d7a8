// Clipping: samples beyond +-10^(threshold_db / 20) are set there.
#pragma once

#include "luthier/effect.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Clipping : EffectDefaults {
    struct Params {
        double threshold_db;
    };
    static constexpr const char* parameters[] = {"threshold_db"};

    void set(const Params& from, const Params& to) {
        threshold_ = glide<T>(db_to_gain(from.threshold_db), db_to_gain(to.threshold_db));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Group<T> most = threshold_, least = -threshold_;
        for (int c = 0; c < x.channels; ++c)
            for (int i = 0; i < x.frames; i += kGroup) {
                const Group<T> v = load<Group<T>>(x[c] + i);
                store(x[c] + i, v > most ? most : v < least ? least : v);
            }
    }

  private:
    Group<T> threshold_{};
};

}  // namespace luthier::inline LUTHIER_ISA
