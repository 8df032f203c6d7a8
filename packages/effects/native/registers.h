// The parts of luthier.effects._native, one a binding source.
#pragma once

#include <nanobind/nanobind.h>

namespace luthier::effects {

void register_measures(nanobind::module_& m);
void register_stretch(nanobind::module_& m);

}  // namespace luthier::effects
