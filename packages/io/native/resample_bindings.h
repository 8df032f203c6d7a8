// What the sources that bind resampling share.
#pragma once

#include <nanobind/nanobind.h>

#include "luthier/pool.h"

namespace luthier::io {

// luthier.core's threads.
const luthier_pool* shared_pool();

void bind_resampling(nanobind::module_& m);
void bind_sinc(nanobind::module_& m);

}  // namespace luthier::io
