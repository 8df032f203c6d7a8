# luthier_add_module(): every build policy of the project, once.
#
#   include(LuthierModule)
#   luthier_add_module(_native PACKAGE effects
#     BINDINGS native/bindings.cpp      compiled once, for the oldest CPU
#     KERNELS  native/kernels.cpp)      compiled once per instruction set
#
# Builds the nanobind extension `luthier/<PACKAGE>/_native` and installs it there.
#
# Switches (cmake -D...):
#   LUTHIER_LINKED=ON         link libnanobind into the module instead of using the nanobind-backend
#                             package at run time (free-threaded 3.14, musl)
#   LUTHIER_SANITIZE=LIST     address;undefined | thread | realtime: passed to -fsanitize=
#   LUTHIER_WERROR=OFF        keep warnings as warnings (for compilers newer than this file)

option(LUTHIER_LINKED "Link libnanobind instead of using nanobind-backend at run time" OFF)
option(LUTHIER_WERROR "Treat warnings as errors" ON)
set(LUTHIER_SANITIZE "" CACHE STRING "Sanitizers to instrument with, separated by ';'")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(LUTHIER_CORE_DIR "${CMAKE_CURRENT_LIST_DIR}/..")

find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module
             OPTIONAL_COMPONENTS Development.SABIModule)
find_package(Threads REQUIRED)
execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
                OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE nanobind_ROOT
                COMMAND_ERROR_IS_FATAL ANY)
find_package(nanobind 3.1 CONFIG REQUIRED)

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
  target_include_directories(${target} PRIVATE "${LUTHIER_CORE_DIR}/include")
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
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizer} -fno-omit-frame-pointer -g)
    target_link_options(${target} PRIVATE -fsanitize=${sanitizer})
  endforeach()
endfunction()

function(luthier_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "PACKAGE" "BINDINGS;KERNELS;INCLUDES")

  set(mode FREE_THREADED NB_DOMAIN luthier NOMINSIZE)
  if(LUTHIER_SANITIZE)
    list(APPEND mode NOSTRIP)
  endif()
  if(LUTHIER_LINKED)
    list(APPEND mode NB_STATIC STABLE_ABI)
  else()
    list(APPEND mode BACKEND_MODULE nanobind_backend)
  endif()
  nanobind_add_module(${name} ${mode} NB_SUPPRESS_WARNINGS ${ARG_BINDINGS})
  luthier_compile_policy(${name})
  target_include_directories(${name} PRIVATE ${ARG_INCLUDES})
  target_link_libraries(${name} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # A small module that needs only libstdc++ has no DT_NEEDED on libc, and auditwheel then cannot
    # tell its libc.
    target_link_options(${name} PRIVATE LINKER:--no-as-needed)
    target_link_libraries(${name} PRIVATE c)
  endif()

  luthier_instruction_sets(sets)
  foreach(isa IN LISTS sets)
    if(NOT ARG_KERNELS)
      break()
    endif()
    set(kernels ${name}_kernels_${isa})
    add_library(${kernels} OBJECT ${ARG_KERNELS})
    luthier_compile_policy(${kernels})
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
                -P "${LUTHIER_CORE_DIR}/cmake/CheckWeakSymbols.cmake")
    endif()
  endforeach()

  install(TARGETS ${name} LIBRARY DESTINATION luthier/${ARG_PACKAGE}
                          RUNTIME DESTINATION luthier/${ARG_PACKAGE})
endfunction()
