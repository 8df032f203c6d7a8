# Fails when an object compiled for a newer instruction set defines a weak symbol outside its own
# namespace luthier::<ISA>: the linker may keep that copy for every caller, and a CPU without the
# instruction set then dies in code that looks like the baseline's.
#   cmake -DNM=nm -DISA=v3 "-DOBJECTS=a.o|b.o" -P CheckWeakSymbols.cmake
string(REPLACE "|" ";" objects "${OBJECTS}")
string(LENGTH "${ISA}" length)
foreach(object IN LISTS objects)
  execute_process(COMMAND "${NM}" --defined-only "${object}"
                  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  # Weak and unique symbols of C++ whose mangled name lacks the namespace component, e.g. "2v3".
  string(REGEX MATCHALL " [WVu] [^\n]+" weak "${symbols}")
  foreach(symbol IN LISTS weak)
    if(NOT symbol MATCHES "7luthier${length}${ISA}")
      message(FATAL_ERROR "${object} defines${symbol} outside luthier::${ISA}. Keep std containers, "
              "algorithms and anything shared out of kernel sources.")
    endif()
  endforeach()
endforeach()
