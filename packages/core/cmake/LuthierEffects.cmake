# Effects of one header each (luthier/effect.h).

include_guard(GLOBAL)

# luthier_effect_kernels(<folder> <result>): a kernel source for each effect header in the folder, named as
# its class in snake case, and one that lists them all as `effect_library`; their paths come in <result>. A
# source an effect, so that a change to one compiles one.
function(luthier_effect_kernels folder result)
  file(GLOB headers CONFIGURE_DEPENDS "${folder}/*.h")
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/generated")
  set(sources "")
  set(declarations "")
  set(entries "")
  foreach(header IN LISTS headers)
    get_filename_component(snake "${header}" NAME_WE)
    string(REPLACE "_" ";" words "${snake}")
    set(class "")
    foreach(word IN LISTS words)
      string(SUBSTRING "${word}" 0 1 first)
      string(SUBSTRING "${word}" 1 -1 rest)
      string(TOUPPER "${first}" first)
      string(APPEND class "${first}${rest}")
    endforeach()
    set(source "${generated}/${snake}_effect.cpp")
    file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
#include "luthier/describe_effect.h"
#include "@header@"

namespace luthier::inline LUTHIER_ISA {
extern const effects::EffectEntry @snake@_entry;
const effects::EffectEntry @snake@_entry = describe_effect<@class@>("@class@");
}  // namespace luthier::inline LUTHIER_ISA
]])
    list(APPEND sources "${source}")
    string(APPEND declarations "extern const effects::EffectEntry ${snake}_entry;\n")
    string(APPEND entries "    &${snake}_entry,\n")
  endforeach()
  file(CONFIGURE OUTPUT "${generated}/effect_library.cpp" @ONLY CONTENT [[
#include "luthier/effect_class.h"

namespace luthier::inline LUTHIER_ISA {
@declarations@
namespace {
const effects::EffectEntry* const entries[] = {
@entries@};
}

extern const effects::EffectLibrary effect_library;
const effects::EffectLibrary effect_library = {
    effects::kEffectVersion, sizeof(effects::EffectEntry), sizeof(effects::EffectSpec), entries,
    sizeof(entries) / sizeof(entries[0])};
}  // namespace luthier::inline LUTHIER_ISA
]])
  set(${result} "${sources};${generated}/effect_library.cpp" PARENT_SCOPE)
endfunction()

# luthier_add_effect_library(<name> FOLDER <folder> [DESTINATION <folder>]): a shared library with the effects of
# the folder's headers, in all instruction sets, for luthier.effects.load_library(). Needs no Python.
function(luthier_add_effect_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "FOLDER;DESTINATION" "")
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/LuthierPolicy.cmake")
  get_filename_component(folder "${ARG_FOLDER}" ABSOLUTE)
  luthier_effect_kernels("${folder}" kernels)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/generated/${name}_library.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
#include "luthier/dispatch.h"
#include "luthier/effect_class.h"

LUTHIER_DISPATCH(effects::EffectLibrary, effect_library)

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

extern "C" EXPORTED const luthier::effects::EffectLibrary* luthier_effects() {
    return &luthier::select_effect_library();
}
]])
  add_library(${name} MODULE "${source}")
  luthier_compile_policy(${name})
  set_target_properties(${name} PROPERTIES PREFIX "")
  luthier_add_kernels(${name} SOURCES ${kernels})
  if(ARG_DESTINATION)
    install(TARGETS ${name} LIBRARY DESTINATION "${ARG_DESTINATION}"
                            RUNTIME DESTINATION "${ARG_DESTINATION}")
  endif()
endfunction()
