// How values change places between the lanes of the vectors that the passes of fft_passes.h work on.
#pragma once

#include "luthier/fft_small.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA::fft {

// Lane patterns for vectors of W lanes in two halves of B; a and b are the operands of shuffle().
template <int W>
struct SwapHalves {
    static constexpr int at(int j) { return j ^ (W / 2); }
};
// Within groups of E lanes: a0 b0 a1 b1 ... of the lower (High = 0) or upper half of each group.
template <int W, int E, int High>
struct Zip {
    static constexpr int at(int j) {
        const int group = j & ~(E - 1), i = j & (E - 1);
        return group + High * (E / 2) + i / 2 + (i & 1) * W;
    }
};
// Exchanges blocks of D lanes: a's even blocks with b's even blocks behind them, or the odd ones.
template <int W, int D, int High>
struct Exchange {
    static constexpr int at(int j) { return ((j & ~D) | (High * D)) + ((j & D) ? W : 0); }
};
// a = re, b = im: interleaved complex numbers of one half, in order or reversed.
template <int W, int Half, bool Reversed>
struct Interleave {
    static constexpr int at(int j) {
        const int i = Reversed ? W / 2 - 1 - j / 2 : j / 2;
        return Half * (W / 2) + i + (j & 1) * W;
    }
};
// a and b = two runs of W/2 interleaved numbers: all re (Part = 0) or im (1), one run a half.
template <int W, int Part, bool Reversed>
struct Deinterleave {
    static constexpr int at(int j) {
        const int half = j / (W / 2), i = j & (W / 2 - 1);
        return half * W + 2 * (Reversed ? W / 2 - 1 - i : i) + Part;
    }
};

// Transposes the two B x B matrices that B vectors hold in their lower and upper halves.
template <int W, int E, int S, class V>
LUTHIER_REGISTERS inline void zip_stages(V* v) {
    // log2(E) perfect shuffles of E rows transpose E x E.
    if constexpr (S < E) {
        V t[W / 2];
        unroll<W / 2>([&](auto i) LUTHIER_REGISTERS {
            constexpr int group = i & ~(E - 1), r = i & (E - 1);
            t[i] = shuffle<Zip<W, E, (r & 1)>>(v[group + r / 2], v[group + r / 2 + E / 2]);
        });
        unroll<W / 2>([&](auto i) LUTHIER_REGISTERS { v[i] = t[i]; });
        zip_stages<W, E, 2 * S>(v);
    }
}
template <int W, int D, class V>
LUTHIER_REGISTERS inline void exchange_stages(V* v) {
    if constexpr (D < W / 2) {
        unroll<W / 2>([&](auto i) LUTHIER_REGISTERS {
            if constexpr ((i & D) == 0) {
                const V a = v[i], b = v[i + D];
                v[i] = shuffle<Exchange<W, D, 0>>(a, b);
                v[i + D] = shuffle<Exchange<W, D, 1>>(a, b);
            }
        });
        exchange_stages<W, 2 * D>(v);
    }
}
template <int W, class V>
LUTHIER_REGISTERS inline void transpose_halves(V* v) {
    // Shuffles within 16 bytes are single cheap instructions; larger blocks are then exchanged.
    constexpr int kSmall = 16 / int(sizeof(v[0][0]));
    constexpr int E = kSmall < W / 2 ? kSmall : W / 2;
    zip_stages<W, E, 1>(v);
    exchange_stages<W, E>(v);
}

}  // namespace luthier::inline LUTHIER_ISA::fft
