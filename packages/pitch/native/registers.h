// What bindings.cpp calls to fill luthier.pitch._native, one function a method.
#pragma once

#include <nanobind/nanobind.h>

namespace luthier::pitch {

void register_yin(nanobind::module_& m);  // yin_bindings.cpp

}  // namespace luthier::pitch
