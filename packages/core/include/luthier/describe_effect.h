// From an effect's struct template to the plain data by which an engine knows it (effect_class.h). Included
// by the sources that luthier_effect_kernels() of LuthierEffects.cmake writes, one for each effect.
#pragma once

#include <cstring>
#include <new>

#include "luthier/effect.h"
#include "luthier/effect_class.h"
#include "luthier/svf.h"

namespace luthier::inline LUTHIER_ISA {

template <class Values>
inline Values read_values(const double* from) {
    Values values{};
    if constexpr (!__is_empty(Values)) std::memcpy(&values, from, sizeof values);
    return values;
}

// Null for effects that are more than sections.
template <class E>
constexpr auto describe_sections() -> int (*)(const void*, effects::SectionValues*) LUTHIER_REALTIME {
    if constexpr (E::kMostSections > 0)
        return [](const void* e, effects::SectionValues* to) LUTHIER_REALTIME {
            static_assert(sizeof(Section) == sizeof(effects::SectionValues));
            const auto& cascade = static_cast<const E*>(e)->sections();
            for (int i = 0; i < cascade.sections(); ++i)
                std::memcpy(to + i, &cascade.section(i), sizeof(Section));
            return cascade.sections();
        };
    else
        return nullptr;
}
template <class E>
constexpr auto describe_memory() -> double* (*)(void*, int, int)LUTHIER_REALTIME {
    if constexpr (E::kMostSections > 0)
        return [](void* e, int channel, int section)
                   LUTHIER_REALTIME { return static_cast<E*>(e)->sections().memory(channel, section); };
    else
        return nullptr;
}

template <class T, class E>
constexpr effects::EffectClass<T> describe_for() {
    using Params = typename E::Params;
    using Options = typename E::Options;
    return {
        .size = sizeof(E),
        .alignment = alignof(E),
        .construct = [](void* e) { new (e) E; },
        .destroy = [](void* e) { static_cast<E*>(e)->~E(); },
        .prepare =
            [](void* e, const Spec* spec, const double* options) {
                if constexpr (requires { E::options; })
                    static_cast<E*>(e)->prepare(*spec, read_values<Options>(options));
                else
                    static_cast<E*>(e)->prepare(*spec);
            },
        .set =
            [](void* e, const double* from, const double* to) LUTHIER_REALTIME {
                if constexpr (requires { E::parameters; })
                    static_cast<E*>(e)->set(read_values<Params>(from), read_values<Params>(to));
            },
        .process =
            [](void* e, T* data, std::ptrdiff_t stride, int channels, int frames,
               [[maybe_unused]] const T* key, [[maybe_unused]] std::ptrdiff_t key_stride,
               [[maybe_unused]] int key_channels) LUTHIER_REALTIME {
                const Block<T> x{data, stride, channels, frames};
                if constexpr (E::kListens)
                    static_cast<E*>(e)->process(x, Block<const T>{key, key_stride, key_channels, frames});
                else
                    static_cast<E*>(e)->process(x);
            },
        .reset = [](void* e) LUTHIER_REALTIME { static_cast<E*>(e)->reset(); },
        .join = [](void* e) LUTHIER_REALTIME { static_cast<E*>(e)->join(); },
        .save =
            [](void* e, void* memory) LUTHIER_REALTIME {
                std::size_t bytes = 0;
                static_cast<E*>(e)->state([&](void* at, std::size_t size) {
                    // A stream of no channels has nothing to copy, and null to copy it from.
                    if (memory && size) std::memcpy(static_cast<char*>(memory) + bytes, at, size);
                    bytes += size;
                });
                return bytes;
            },
        .restore =
            [](void* e, const void* memory) LUTHIER_REALTIME {
                std::size_t bytes = 0;
                static_cast<E*>(e)->state([&](void* at, std::size_t size) {
                    if (size) std::memcpy(at, static_cast<const char*>(memory) + bytes, size);
                    bytes += size;
                });
            },
        .latency = [](const void* e) { return static_cast<const E*>(e)->latency(); },
        .tail =
            [](const void* e, const double* parameters, double silence) {
                return static_cast<const E*>(e)->tail(read_values<Params>(parameters), silence);
            },
        .gain =
            [](const void* e, const double* parameters) {
                return static_cast<const E*>(e)->gain(read_values<Params>(parameters));
            },
        .reduction_db = [](const void* e)
                            LUTHIER_REALTIME { return static_cast<const E*>(e)->reduction_db(); },
        .sections = describe_sections<E>(),
        .memory = describe_memory<E>(),
    };
}

template <template <class> class Effect>
constexpr effects::EffectEntry describe_effect(const char* name) {
    using E = Effect<float>;
    effects::EffectEntry entry{.name = name,
                               .parameters = nullptr,
                               .parameter_count = 0,
                               .options = nullptr,
                               .option_count = 0,
                               .listens = E::kListens,
                               .most_sections = E::kMostSections,
                               .fades = E::kFades,
                               .f32 = describe_for<float, Effect<float>>(),
                               .f64 = describe_for<double, Effect<double>>()};
    if constexpr (requires { E::parameters; }) {
        entry.parameters = E::parameters;
        entry.parameter_count = sizeof(E::parameters) / sizeof(E::parameters[0]);
        static_assert(sizeof(typename E::Params) == sizeof(E::parameters) / sizeof(E::parameters[0]) * 8,
                      "Params holds one double per name in parameters");
    }
    if constexpr (requires { E::options; }) {
        entry.options = E::options;
        entry.option_count = sizeof(E::options) / sizeof(E::options[0]);
        static_assert(sizeof(typename E::Options) == sizeof(E::options) / sizeof(E::options[0]) * 8,
                      "Options holds one double per name in options");
    }
    return entry;
}

}  // namespace luthier::inline LUTHIER_ISA
