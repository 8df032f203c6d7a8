// An effect behind plain function pointers: how an engine, compiled once, calls the copy of an effect that
// was compiled for this CPU, in this library or in somebody else's. Nothing here but plain C data, so that
// it may cross from one shared library to another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::effects {

// What an effect gets to know before its first frame.
struct EffectSpec {
    double sample_rate = 44100;
    int channels = 1;
    int key_channels = 0;  // of the signal that it listens to, when that is another than its own
    bool offline = false;  // a call on a whole signal, where latency costs nothing
    // An array that came with the effect (an impulse response, the points of a curve): rows of `frames`
    // numbers, which live as long as prepare() takes. Null when there is none.
    const double* data = nullptr;
    int rows = 0;
    std::ptrdiff_t frames = 0;
    const void* code = nullptr;  // of an effect that the engine's own host brings; nothing to a library's
};

// A filter of second order: state' = A state + B u, y = C state + d u.
struct SectionValues {
    double a11, a12, a21, a22;
    double b1, b2;
    double c1, c2, d;
};

template <class T>
struct EffectClass {
    std::size_t size, alignment;

    void (*construct)(void* effect);
    void (*destroy)(void* effect);
    void (*prepare)(void* effect, const EffectSpec* spec, const double* options);
    void (*set)(void* effect, const double* from, const double* to) LUTHIER_REALTIME;
    // In place. `key` is what the effect listens to: another signal, or `data` again.
    void (*process)(void* effect, T* data, std::ptrdiff_t stride, int channels, int frames, const T* key,
                    std::ptrdiff_t key_stride, int key_channels) LUTHIER_REALTIME;
    void (*reset)(void* effect) LUTHIER_REALTIME;
    void (*join)(void* effect) LUTHIER_REALTIME;
    // Copies the small state to or from `memory`; returns its bytes. Null memory only counts.
    std::size_t (*save)(void* effect, void* memory) LUTHIER_REALTIME;
    void (*restore)(void* effect, const void* memory) LUTHIER_REALTIME;
    int (*latency)(const void* effect);
    double (*tail)(const void* effect, const double* parameters, double silence);
    double (*gain)(const void* effect, const double* parameters);
    double (*reduction_db)(const void* effect) LUTHIER_REALTIME;
    // Of an effect that is nothing but sections in series, so that an engine may run it and its neighbours in
    // one pass; null in all others. The sections that were set last, of which it returns the number; and the
    // two numbers of a section's state, which mean the same in whatever runs the section.
    int (*sections)(const void* effect, SectionValues* to) LUTHIER_REALTIME;
    double* (*memory)(void* effect, int channel, int section)LUTHIER_REALTIME;
};

// One effect, on both types of samples.
struct EffectEntry {
    const char* name;
    const char* const* parameters;
    int parameter_count;
    const char* const* options;
    int option_count;
    bool listens;
    int most_sections;   // that it ever has, if it is nothing but sections; or 0
    bool fades = false;  // from one setting to another by itself
    EffectClass<float> f32;
    EffectClass<double> f64;

    const EffectClass<float>& of(float) const { return f32; }
    const EffectClass<double>& of(double) const { return f64; }
};

// Raised whenever anything above changes.
inline constexpr std::uint32_t kEffectVersion = 1;

// What a library of effects shows to an engine.
struct EffectLibrary {
    std::uint32_t version;      // kEffectVersion
    std::uint32_t entry_bytes;  // sizeof(EffectEntry)
    std::uint32_t spec_bytes;   // sizeof(EffectSpec)
    const EffectEntry* const* entries;
    int count;
};

}  // namespace luthier::effects
