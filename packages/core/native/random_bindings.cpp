#include "registers.h"

namespace luthier::core {

void register_random(nanobind::module_&) {}

}  // namespace luthier::core
