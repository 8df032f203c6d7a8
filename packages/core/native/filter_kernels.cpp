#include "filter_kernels.h"

#include <cstring>

#include "luthier/biquad.h"
#include "luthier/delay_line.h"
#include "luthier/envelope.h"
#include "luthier/math.h"
#include "luthier/smooth.h"
#include "luthier/svf.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

template <class V>
V call(int function, V x) {
    switch (function) {
        case 0: return exp2(x);
        case 1: return log2(x);
        case 2: return sin_turns(x);
        case 3: return cos_turns(x);
        case 4: return tan_half_turns(x);
        case 5: return tanh(x);
        case 6: return db_to_gain(x);
        default: return gain_to_db(x);
    }
}

template <class T>
void elementary(int function, bool vectors, const T* x, T* y, long long n) {
    using V = Vec<T, 16>;
    if (vectors)
        for (long long i = 0; i < n; i += 16) store(y + i, call(function, load<V>(x + i)));
    else
        for (long long i = 0; i < n; ++i) y[i] = call(function, x[i]);
}

Section section(const double* v) {
    return {.a11 = v[0],
            .a12 = v[1],
            .a21 = v[2],
            .a22 = v[3],
            .b1 = v[4],
            .b2 = v[5],
            .c1 = v[6],
            .c2 = v[7],
            .d = v[8]};
}

template <class T>
BiquadCascade<T>& cascade(void* p) {
    return *static_cast<BiquadCascade<T>*>(p);
}

template <class T>
void* create(int sections, int channels) {
    auto* made = new BiquadCascade<T>;
    made->prepare(sections, channels);
    return made;
}

template <class T>
void destroy(void* p) {
    delete &cascade<T>(p);
}

template <class T>
void set(void* p, int index, const double* values) {
    cascade<T>(p).set(index, section(values));
}

template <class T>
void process(void* p, T* x, long long stride, int channels, int frames) {
    cascade<T>(p).process({x, stride, channels, frames});
}

template <class T>
void reset(void* p) {
    cascade<T>(p).reset();
}

template <class T>
void* state(void* p, std::size_t* bytes) {
    void* found = nullptr;
    cascade<T>(p).state([&](void* memory, std::size_t size) {
        found = memory;
        *bytes = size;
    });
    return found;
}

template <class T>
Vec<T, kGroup> read(const DelayLine<T>& line, const double (&delays)[kGroup], int mode) {
    switch (mode) {
        case 0: return load<Vec<T, kGroup>>(line.read(0, int(delays[0])));
        case 1: return line.read_linear(0, delays[0]);
        case 2: return line.read_cubic(0, delays[0]);
        case 3: return line.read_linear(0, delays);
        default: return line.read_cubic(0, delays);
    }
}

template <class T>
void delay(const T* x, const double* delays, T* y, int frames, int max_delay, int mode, bool rerun) {
    using Group = Vec<T, kGroup>;
    DelayLine<T> line;
    line.prepare(1, max_delay);
    for (int frame = 0; frame < frames; frame += kGroup) {
        double times[kGroup];
        std::memcpy(times, delays + frame, sizeof times);
        if (rerun) {
            unsigned char saved[16];
            line.state([&](void* memory, std::size_t bytes) { std::memcpy(saved, memory, bytes); });
            line.write(0, Group{} + T(1e3));
            store(y + frame, read(line, times, mode));
            line.advance();
            line.state([&](void* memory, std::size_t bytes) { std::memcpy(memory, saved, bytes); });
        }
        line.write(0, x + frame);
        store(y + frame, read(line, times, mode));
        line.advance();
    }
}

template <class T>
void envelope(const T* x, T* y, int channels, int frames, int step, double attack_ms, double release_ms,
              double sample_rate, bool rms) {
    EnvelopeFollower<T> follower;
    follower.prepare(channels);
    follower.set(Ballistics::of(attack_ms, release_ms, sample_rate), rms ? Detector::rms : Detector::peak);
    std::memcpy(y, x, sizeof(T) * channels * frames);
    const Block<T> all{y, frames, channels, frames};
    for (int frame = 0; frame < frames; frame += step) {
        const Block<T> part = all.from(frame, frames - frame < step ? frames - frame : step);
        follower.process(part, part);
    }
}

template <class T>
constexpr FilterTable<T> table = {&elementary<T>, &create<T>, &destroy<T>, &set<T>,     &process<T>,
                                  &reset<T>,      &state<T>,  &delay<T>,   &envelope<T>};

Section designed(int kind, const double* x) {
    switch (kind) {
        case 0: return design::lowpass(x[0], x[1], x[2]);
        case 1: return design::highpass(x[0], x[1], x[2]);
        case 2: return design::bandpass(x[0], x[1], x[2]);
        case 3: return design::notch(x[0], x[1], x[2]);
        case 4: return design::allpass(x[0], x[1], x[2]);
        case 5: return design::peak(x[0], x[1], x[2], x[3]);
        case 6: return design::low_shelf(x[0], x[1], x[2], x[3]);
        case 7: return design::high_shelf(x[0], x[1], x[2], x[3]);
        case 8: return design::lowpass1(x[0], x[1]);
        case 9: return design::highpass1(x[0], x[1]);
        case 10: return design::allpass1(x[0], x[1]);
        case 11: return design::butterworth_lowpass(int(x[0]), int(x[1]), x[2], x[3]);
        case 12: return design::butterworth_highpass(int(x[0]), int(x[1]), x[2], x[3]);
        default: return design::transfer(x[0], x[1], x[2], x[3], x[4]);
    }
}

void write_design(int kind, const double* arguments, double* values) {
    const Section s = designed(kind, arguments);
    const double all[] = {s.a11, s.a12, s.a21, s.a22, s.b1, s.b2, s.c1, s.c2, s.d};
    std::memcpy(values, all, sizeof all);
}

double decay_frames(const double* values, double level_db) {
    return design::decay_frames(section(values), level_db);
}

void way(double sample_rate, const int* starts, int count, int groups, double* weights) {
    Way moving;
    moving.prepare(sample_rate);
    for (int group = 0; group < groups; ++group) {
        for (int i = 0; i < count; ++i)
            if (starts[i] == group) moving.start();
        weights[2 * group] = moving.first();
        weights[2 * group + 1] = moving.last();
        moving.advance();
    }
}

double on_scale(bool logarithmic, bool back, double x) {
    const Taper taper = logarithmic ? Taper::log : Taper::linear;
    return back ? from_scale(taper, x) : to_scale(taper, x);
}

}  // namespace

extern const FilterKernels filter_kernels;
const FilterKernels filter_kernels = {table<float>,  table<double>, &write_design,
                                      &decay_frames, &way,          &on_scale};

}  // namespace luthier::inline LUTHIER_ISA
