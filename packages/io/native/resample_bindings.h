#pragma once

#include <nanobind/nanobind.h>

namespace luthier::io {

void bind_resampling(nanobind::module_& m);

}  // namespace luthier::io
