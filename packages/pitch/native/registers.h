// What bindings.cpp calls to fill luthier.pitch._native, one function a family of methods.
#pragma once

#include <nanobind/nanobind.h>

namespace luthier::pitch {

void register_streams(nanobind::module_& m);          // stream_bindings.cpp; before all methods
void register_front_end(nanobind::module_& m);        // front_end_bindings.cpp
void register_network(nanobind::module_& m);          // network_bindings.cpp
void register_yin(nanobind::module_& m);              // yin_bindings.cpp
void register_pyin(nanobind::module_& m);             // pyin_bindings.cpp
void register_swipe(nanobind::module_& m);            // swipe_bindings.cpp
void register_autocorrelation(nanobind::module_& m);  // autocorrelation_bindings.cpp
void register_neural(nanobind::module_& m);           // neural_bindings.cpp; after front end, network

}  // namespace luthier::pitch
