// Distortion: y = tanh(x 10^(drive_db / 20)).
#pragma once

#include "luthier/effect.h"
#include "quick_tanh.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Distortion : EffectDefaults {
    struct Params {
        double drive_db;
    };
    static constexpr const char* parameters[] = {"drive_db"};

    void set(const Params& from, const Params& to) {
        drive_ = glide<T>(db_to_gain(from.drive_db), db_to_gain(to.drive_db));
    }

    void process(Block<T> x) LUTHIER_REALTIME {
        const Group<T> drive = drive_;
        for (int c = 0; c < x.channels; ++c)
            for (int i = 0; i < x.frames; i += kGroup)
                store(x[c] + i, quick_tanh(load<Group<T>>(x[c] + i) * drive));
    }

    double gain(const Params& p) const { return db_to_gain(p.drive_db); }

  private:
    Group<T> drive_{};
};

}  // namespace luthier::inline LUTHIER_ISA
