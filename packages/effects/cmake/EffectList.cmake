# Writes effect_list.h: every header in native/effects, and the class that its file name stands for.
# Sets EFFECT_LIST_DIR, the folder to include it from.
file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_LIST_DIR}/../native"
     "${CMAKE_CURRENT_LIST_DIR}/../native/effects/*.h")
set(includes "")
set(names "")
set(classes "")
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
  string(APPEND includes "#include \"${header}\"\n")
  string(APPEND names "template <>\nstruct EffectName<${class}> {\n    static constexpr const char* value = \"${class}\";\n};\n")
  list(APPEND classes ${class})
endforeach()
list(JOIN classes ", " classes)
set(EFFECT_LIST_DIR "${CMAKE_CURRENT_BINARY_DIR}/generated")
file(CONFIGURE OUTPUT "${EFFECT_LIST_DIR}/effect_list.h" @ONLY CONTENT [[
#pragma once
@includes@
namespace luthier::inline LUTHIER_ISA {
template <template <class> class Effect>
struct EffectName;
@names@
template <template <class, template <class> class...> class Of, class T>
using EffectList = Of<T, @classes@>;
}
]])
