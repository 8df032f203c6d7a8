// The filters and what goes with them as the bindings see them: one table an instruction set.
#pragma once

#include <cstddef>

namespace luthier {

template <class T>
struct FilterTable {
    // The functions of math.h by number, on scalars or on vectors of 16; n is a multiple of 16.
    void (*elementary)(int function, bool vectors, const T* x, T* y, long long n);

    // A BiquadCascade.
    void* (*create)(int sections, int channels);
    void (*destroy)(void* cascade);
    void (*set)(void* cascade, int section, const double* values);
    void (*process)(void* cascade, T* x, long long stride, int channels, int frames);
    void (*reset)(void* cascade);
    void* (*state)(void* cascade, std::size_t* bytes);

    // A DelayLine over a whole signal. delays: one a frame, in frames; mode 0 whole, 1 linear and 2 cubic
    // with the delay of each group's first frame, 3 linear and 4 cubic with each frame's own. rerun: every
    // group is first run on other input and then done again from the saved state.
    void (*delay)(const T* x, const double* delays, T* y, int frames, int max_delay, int mode, bool rerun);

    // An EnvelopeFollower over channels of `frames`, `step` frames a call.
    void (*envelope)(const T* x, T* y, int channels, int frames, int step, double attack_ms,
                     double release_ms, double sample_rate, bool rms);
};

struct FilterKernels {
    FilterTable<float> f32;
    FilterTable<double> f64;
    // The nine numbers of a Section, by the design's number.
    void (*design)(int kind, const double* arguments, double* values);
    double (*decay_frames)(const double* values, double level_db);
    // The weights of a Way at each group's first and last frame, started anew at some of the groups.
    void (*way)(double sample_rate, const int* starts, int count, int groups, double* weights);
    // to_scale, or from_scale.
    double (*on_scale)(bool logarithmic, bool back, double x);
};

}  // namespace luthier
