// The process's thread pool, from luthier.core. For binding sources.
#pragma once

#include <nanobind/nanobind.h>

#include "luthier/pool.h"

namespace luthier::effects {

inline const luthier_pool* shared_pool() {
    static const luthier_pool* pool = [] {
        namespace nb = nanobind;
        const nb::object capsule = nb::module_::import_("luthier.core._native").attr("pool")();
        return static_cast<const luthier_pool*>(nb::cast<nb::capsule>(capsule).data(kPoolCapsule));
    }();
    return pool;
}

}  // namespace luthier::effects
