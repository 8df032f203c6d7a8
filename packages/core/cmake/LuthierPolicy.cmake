# How all of luthier's native code is compiled, and what is compiled for each instruction set; for modules
# (LuthierModule) and for libraries of effects outside the tree (LuthierEffects).
#
#   LUTHIER_SANITIZE=LIST     address;undefined | thread | realtime: passed to -fsanitize=
#   LUTHIER_SANITIZE_ISA=v4   the instruction set whose kernels are instrumented; all when empty
#   LUTHIER_WERROR=ON         treat warnings as errors

include_guard(GLOBAL)

set(LUTHIER_SANITIZE "" CACHE STRING "Sanitizers to instrument with, separated by ';'")
set(LUTHIER_SANITIZE_ISA "" CACHE STRING "Instruction set whose kernels are instrumented, all when empty")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

if(MSVC AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "The kernels use GCC/Clang vector types: configure with clang-cl "
                      "(-T ClangCL, or -DCMAKE_CXX_COMPILER=clang-cl).")
endif()

# The instruction sets that kernels are compiled for on this processor, the baseline first.
# x86-64-v2 is SSE4.2 (2009 and later); v3 is AVX2 and FMA; v4 is AVX-512. NEON is arm64's baseline.
function(luthier_instruction_sets result)
  if(CMAKE_OSX_ARCHITECTURES)
    set(processor "${CMAKE_OSX_ARCHITECTURES}")
  else()
    set(processor "${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  if(processor MATCHES "^(x86_64|AMD64|amd64)$")
    set(${result} baseline v3 v4 PARENT_SCOPE)
  else()
    set(${result} baseline PARENT_SCOPE)
  endif()
endfunction()

# Compiler flags that every source of a module gets.
function(luthier_compile_policy target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../include")
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  luthier_instruction_sets(sets)
  if("v3" IN_LIST sets)
    target_compile_options(${target} PRIVATE -march=x86-64-v2)
    target_compile_definitions(${target} PRIVATE LUTHIER_X86=1)
  endif()
  # psabi: vectors wider than the baseline's registers are passed in memory; nothing of ours passes
  # them across a library boundary. array-bounds and friends stay on.
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wno-psabi -ffp-contract=off -fno-math-errno)
  if(LUTHIER_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  foreach(sanitizer IN LISTS LUTHIER_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizer} -fno-omit-frame-pointer -g1)
    target_link_options(${target} PRIVATE -fsanitize=${sanitizer})
  endforeach()
endfunction()

# luthier_add_kernels(<target> SOURCES ... [INCLUDES ...]): adds to the target what is compiled once for each
# instruction set.
function(luthier_add_kernels name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;INCLUDES")
  luthier_instruction_sets(sets)
  foreach(isa IN LISTS sets)
    set(kernels ${name}_kernels_${isa})
    add_library(${kernels} OBJECT ${ARG_SOURCES})
    # Instrumented kernels take long to compile, and a machine runs those of one instruction set.
    set(sanitize "${LUTHIER_SANITIZE}")
    if(LUTHIER_SANITIZE_ISA AND NOT isa STREQUAL LUTHIER_SANITIZE_ISA)
      set(LUTHIER_SANITIZE "")
    endif()
    luthier_compile_policy(${kernels})
    set(LUTHIER_SANITIZE "${sanitize}")
    target_include_directories(${kernels} PRIVATE ${ARG_INCLUDES})
    target_compile_definitions(${kernels} PRIVATE LUTHIER_ISA=${isa})
    # -O3 for the vectoriser; no exceptions, because a kernel may not throw and because the unwinder's
    # helpers are shared weak symbols.
    target_compile_options(${kernels} PRIVATE
      $<$<NOT:$<CONFIG:Debug>>:-O3> -fno-exceptions -fno-rtti -fno-trapping-math)
    if(isa STREQUAL "v3")
      target_compile_options(${kernels} PRIVATE -march=x86-64-v3 -ffp-contract=fast)
    elseif(isa STREQUAL "v4")
      target_compile_options(${kernels} PRIVATE
        -march=x86-64-v4 -mprefer-vector-width=512 -ffp-contract=fast)
    endif()
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${kernels}>)
    if(CMAKE_NM AND CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT isa STREQUAL "baseline"
       AND NOT LUTHIER_SANITIZE)
      # A shared weak symbol compiled for a newer CPU may be the copy that the linker keeps for all.
      add_custom_command(TARGET ${name} PRE_LINK VERBATIM COMMAND_EXPAND_LISTS
        COMMAND "${CMAKE_COMMAND}" -DNM=${CMAKE_NM} -DISA=${isa}
                "-DOBJECTS=$<JOIN:$<TARGET_OBJECTS:${kernels}>,|>"
                -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/CheckWeakSymbols.cmake")
    endif()
  endforeach()
endfunction()
