#include "registers.h"

namespace luthier::core {

void register_fft(nanobind::module_&) {}

}  // namespace luthier::core
