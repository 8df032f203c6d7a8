// Every effect alone and all of them in a chain and a mix, in float and double, in blocks that lie askew on
// the grid, at rest and with every parameter moving. RealtimeSanitizer ends the program at the first
// allocation, lock or system call inside Item::process, and -Wfunction-effects proves most of it when
// compiling.
#include <cstdio>
#include <cstring>
#include <vector>

#include "stream.h"

namespace luthier::inline baseline {
extern const effects::EffectLibraries effect_libraries;
}

using luthier::Taper;
using namespace luthier::effects;

Source number(double value) {
    Source source;
    source.value = value;
    return source;
}

Source curve(Source::Kind kind) {
    Source source;
    source.kind = kind;
    source.frames = {0, 500, 9000};
    source.values = {0.1, 0.5, 0.2};
    source.ramp = 882;
    return source;
}

Source swing() {
    Source source;
    source.kind = Source::Kind::sine;
    source.high = 0.5;
    source.turns = 1e-3;
    return source;
}

const Source sources[] = {number(0.9), curve(Source::Kind::lines), swing(), curve(Source::Kind::steps)};

template <class T>
void run(const EffectLibrary<T>& library, const Plan& plan, const char* name) {
    constexpr int channels = 2, frames = 10000;
    Item<T> item(library, plan, 44100, channels);
    std::vector<T> x(channels * frames);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = T(i % 97) / 97 - T(0.5);
    int moves = 0;
    for (const int block : {16, 1, 7, 1000, 33, 4096, 15, 2000}) {
        static int at = 0;
        at = (at + block) % (frames - 4096);
        item.process({x.data() + at, frames, channels, block}, {x.data() + at, frames, channels, block});
        // Everything moves: to another number, along a curve, or with an oscillator.
        for (int i = 0; i < item.leaves(); ++i)
            for (int p = 0; p < item.leaf(i).parameters(); ++p) item.leaf(i).assign(p, sources[moves++ % 4]);
    }
    item.reset();
    std::printf("%s: %s\n", sizeof(T) == 4 ? "float" : "double", name);
}

template <class T>
void run_all(const EffectLibrary<T>& library) {
    Plan chain{Plan::Kind::chain, "", {}, {}, {}};
    for (int i = 0; i < library.count; ++i) {
        const EffectClass<T>& effect = library.classes[i];
        const std::size_t count = effect.parameter_count;
        const Plan plan{Plan::Kind::effect,
                        effect.name,
                        std::vector<Source>(count, number(1)),
                        std::vector<Taper>(count, Taper::log),
                        {}};
        run(library, plan, effect.name);
        chain.children.push_back(plan);
    }
    run(library, chain, "a chain of all");
    run(library, Plan{Plan::Kind::mix, "", {}, {}, {chain, chain}}, "a mix of two chains");
}

int main() {
    run_all(luthier::effect_libraries.f32);
    run_all(luthier::effect_libraries.f64);
    std::puts("no effect blocks");
}
