// NoiseGate: an expander that is steep and hears the RMS.
#pragma once

#include "effects/expander.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct NoiseGate : Expander<T> {};

}  // namespace luthier::inline LUTHIER_ISA
