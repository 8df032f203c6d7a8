#include "registers.h"

namespace luthier::core {

void register_filters(nanobind::module_&) {}

}  // namespace luthier::core
