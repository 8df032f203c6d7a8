// Every effect alone and all of them in a chain and a mix, in float and double, in blocks that lie askew on
// the grid, at rest and with every parameter moving. RealtimeSanitizer ends the program at the first
// allocation, lock or system call inside Item::process, and -Wfunction-effects proves most of it when
// compiling.
#include <cstdio>
#include <cstring>
#include <vector>

#include "stream.h"

namespace luthier::inline baseline {
extern const effects::EffectLibrary effect_library;
extern const effects::BlockKernelTable block_kernels;
}  // namespace luthier::inline baseline

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

Source follower() {
    Source source = swing();
    source.kind = Source::Kind::follower;
    source.floor_db = -60;
    return source;
}

const Source sources[] = {number(0.9), curve(Source::Kind::lines), swing(), curve(Source::Kind::steps),
                          follower()};

template <class T>
void run(const Plan& plan, const char* name) {
    constexpr int channels = 2, frames = 10000;
    // One other signal, which every effect that can listens to.
    Item<T> item(luthier::block_kernels.of(T()), plan, {44100, channels, 0, false, {1}, 0});
    std::vector<T> x(channels * frames);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = T(i % 97) / 97 - T(0.5);
    const std::vector<T> key(x.begin(), x.begin() + frames);
    int moves = 0;
    for (const int block : {16, 1, 7, 1000, 33, 4096, 15, 2000}) {
        static int at = 0;
        at = (at + block) % (frames - 4096);
        const luthier::Block<const T> input{key.data() + at, frames, 1, block};
        item.process({x.data() + at, frames, channels, block}, {x.data() + at, frames, channels, block},
                     &input);
        // Everything moves: to another number, along a curve, or with an oscillator; and what was at work is
        // replaced by another of the same kind.
        for (int i = 0; i < item.leaves(); ++i) {
            auto& leaf = item.leaf(i);
            for (int p = 0; p < leaf.parameters(); ++p) leaf.assign(p, {sources[moves++ % 5]});
            if (plan.kind == Plan::Kind::effect && block > 15) leaf.replace(leaf.instance(plan));
        }
    }
    item.reset();
    std::printf("%s: %s\n", sizeof(T) == 4 ? "float" : "double", name);
}

template <class T>
void run_all() {
    Plan chain;
    chain.kind = Plan::Kind::chain;
    for (int i = 0; i < luthier::effect_library.count; ++i) {
        Plan plan;
        plan.effect = luthier::effect_library.entries[i];
        plan.values.assign(plan.effect->parameter_count, {number(1)});
        plan.tapers.assign(plan.effect->parameter_count, Taper::log);
        plan.options.assign(plan.effect->option_count, 1);
        plan.key = plan.effect->listens ? 0 : -1;
        run<T>(plan, plan.effect->name);
        chain.children.push_back(plan);
        for (int k = 0; k < plan.effect->option_count; ++k) {
            if (std::strcmp(plan.effect->options[k], "oversample") != 0) continue;
            Plan faster = plan;
            faster.options[k] = 8;
            run<T>(faster, plan.effect->name);
        }
        if (std::strcmp(plan.effect->name, "WaveShaper") == 0) {
            Plan bent = plan;
            auto points = std::make_shared<Data>();
            points->rows = 2;
            points->values = {-1, 0, 0.3, 1, -0.5, 0, 0.8, 1};
            bent.data = std::move(points);
            run<T>(bent, "WaveShaper with a curve");
        }
        if (std::strcmp(plan.effect->name, "Convolution") != 0) continue;
        // A response that is long enough for transforms of several sizes, at the stream's rate.
        auto response = std::make_shared<Data>();
        response->rows = 2;
        for (int k = 0; k < 2 * 20000; ++k) response->values.push_back((k * k % 89 - 44) * 1e-4);
        plan.data = std::move(response);
        plan.options = {0, 0};
        run<T>(plan, "Convolution with a long response");
    }
    run<T>(chain, "a chain of all");
    Plan mix;
    mix.kind = Plan::Kind::mix;
    mix.children = {chain, chain};
    run<T>(mix, "a mix of two chains");
}

int main() {
    run_all<float>();
    run_all<double>();
    std::puts("no effect blocks");
}
