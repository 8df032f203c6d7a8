// Which of a signal's channels are left and which are right.
#pragma once

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// For up to 8 channels in the order of WAVE files: L R C LFE, back, side, as loudness() reads them. More are
// taken for pairs.
struct Sides {
    int channels;

    // Whether `channel` is a left one, whose right one is the next.
    bool left(int channel) const {
        switch (channels) {
            case 1: return false;
            case 2:
            case 4: return channel % 2 == 0;
            case 3: return channel == 0;
            case 5: return channel == 0 || channel == 3;
            case 6: return channel == 0 || channel == 4;
            case 7: return channel == 0 || channel == 5;
            case 8: return channel == 0 || channel == 4 || channel == 6;
            default: return channel % 2 == 0 && channel + 1 < channels;
        }
    }
};

}  // namespace luthier::inline LUTHIER_ISA
