// Choosing the copy of a kernel table that this CPU can run. For binding sources, which are compiled
// once and for the oldest CPU; kernel sources never include it.
//
// A kernel source defines a table of plain function pointers in its instruction set's namespace:
//
//     namespace luthier::inline LUTHIER_ISA { extern const FftKernels fft_kernels = {...}; }
//
// and a binding source reads the right one:
//
//     LUTHIER_DISPATCH(FftKernels, fft_kernels)       // at global scope; Table is a type in luthier::
//     const luthier::FftKernels& k = luthier::select_fft_kernels();
#pragma once

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "luthier/isa.h"

namespace luthier {

enum class Isa { baseline, v3, v4 };

inline const char* isa_name(Isa isa) { return isa == Isa::v4 ? "v4" : isa == Isa::v3 ? "v3" : "baseline"; }

// The newest instruction set that both the CPU and the operating system support.
inline Isa cpu_isa() {
#if LUTHIER_X86
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    return v4 ? Isa::v4 : v3 ? Isa::v3 : Isa::baseline;
#else
    return Isa::baseline;
#endif
}

// The instruction set in use: the CPU's newest, or the one that the environment variable LUTHIER_ISA
// forces. Throws std::runtime_error when that is unknown or more than the CPU can run.
inline Isa selected_isa() {
    static const Isa selected = [] {
        const Isa newest = cpu_isa();
        const char* forced = std::getenv("LUTHIER_ISA");
        if (!forced || !*forced) return newest;
        for (Isa isa : {Isa::baseline, Isa::v3, Isa::v4}) {
            if (std::strcmp(forced, isa_name(isa)) != 0) continue;
            if (isa > newest)
                throw std::runtime_error(std::string("LUTHIER_ISA=") + forced +
                                         " asks for more than this CPU can run (" + isa_name(newest) +
                                         "); unset it or choose an older instruction set");
            return isa;
        }
        throw std::runtime_error(std::string("LUTHIER_ISA=") + forced +
                                 " is not an instruction set; use baseline, v3 or v4, or unset it");
    }();
    return selected;
}

}  // namespace luthier

#if LUTHIER_X86
#define LUTHIER_DISPATCH(Table, name)                \
    namespace luthier::inline baseline {             \
    extern const Table name;                         \
    }                                                \
    namespace luthier::v3 {                          \
    extern const Table name;                         \
    }                                                \
    namespace luthier::v4 {                          \
    extern const Table name;                         \
    }                                                \
    namespace luthier {                              \
    inline const Table& select_##name() {            \
        switch (selected_isa()) {                    \
            case Isa::v4: return luthier::v4::name;  \
            case Isa::v3: return luthier::v3::name;  \
            default: return luthier::baseline::name; \
        }                                            \
    }                                                \
    }
#else
#define LUTHIER_DISPATCH(Table, name)                              \
    namespace luthier::inline baseline {                           \
    extern const Table name;                                       \
    }                                                              \
    namespace luthier {                                            \
    inline const Table& select_##name() { return baseline::name; } \
    }
#endif
