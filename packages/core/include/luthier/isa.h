// The namespace of an instruction set.
//
// Kernel sources are compiled several times, once per instruction set, with LUTHIER_ISA defined as
// `baseline`, `v3` or `v4`. Every header of ours opens
//
//     namespace luthier::inline LUTHIER_ISA {
//
// so that each copy of an inline function or a template is a symbol of its own. Without that the
// linker would keep one copy of each for all callers, possibly the AVX-512 one, and the module would
// die on an older CPU. For the same reason kernel files use no std containers or algorithms.
#pragma once

#ifndef LUTHIER_ISA
#define LUTHIER_ISA baseline
#endif

// RealtimeSanitizer's promise: no allocation, lock, system call or exception in this function. Clang
// checks it at compile time (-Wfunction-effects) and at run time (-fsanitize=realtime).
#if defined(__clang__) && __has_cpp_attribute(clang::nonblocking)
#define LUTHIER_REALTIME [[clang::nonblocking]]
#else
#define LUTHIER_REALTIME
#endif
