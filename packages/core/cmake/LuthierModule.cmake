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

include("${CMAKE_CURRENT_LIST_DIR}/LuthierPolicy.cmake")

find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module
             OPTIONAL_COMPONENTS Development.SABIModule)
find_package(Threads REQUIRED)
execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
                OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE nanobind_ROOT
                COMMAND_ERROR_IS_FATAL ANY)
find_package(nanobind 3.1 CONFIG REQUIRED)

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

  if(ARG_KERNELS)
    luthier_add_kernels(${name} SOURCES ${ARG_KERNELS} INCLUDES ${ARG_INCLUDES})
  endif()

  install(TARGETS ${name} LIBRARY DESTINATION luthier/${ARG_PACKAGE}
                          RUNTIME DESTINATION luthier/${ARG_PACKAGE})
endfunction()
