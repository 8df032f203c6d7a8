// The weights of voicing.h as they come from Python. For bindings.
#pragma once

#include <nanobind/stl/array.h>

#include <array>

#include "voicing.h"

namespace luthier::pitch {

using Weights = std::array<double, 4>;

inline Voicing voicing_of(const Weights& weights) { return {weights[0], weights[1], weights[2], weights[3]}; }

}  // namespace luthier::pitch
