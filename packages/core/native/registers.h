// What bindings.cpp calls to fill luthier.core._native, one function a topic.
#pragma once

#include <nanobind/nanobind.h>

namespace luthier::core {

void register_fft(nanobind::module_& m);  // fft_bindings.cpp
void register_filters(
    nanobind::module_& m);  // filter_bindings.cpp: biquads, delay lines, envelopes, smoothing
void register_random(nanobind::module_& m);  // random_bindings.cpp

inline void register_all(nanobind::module_& m) {
    register_fft(m);
    register_filters(m);
    register_random(m);
}

}  // namespace luthier::core
