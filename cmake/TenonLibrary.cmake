# tenon_add_library(NAME sources... [DEPENDS targets...] [LINK libraries...])
#
# A static library of the compiler's side. Shares one precompiled header, so that a file that includes MLIR compiles in
# seconds. DEPENDS names targets that generate headers (TableGen, flatc).
function(tenon_add_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(NOT ARG_NO_PCH)
    tenon_use_pch(${name})
  endif()
endfunction()

function(tenon_use_pch name)
  if(TARGET TenonPCH)
    # The header was compiled with -fPIC; CMake gives programs -fPIE, and the compiler refuses to mix them.
    get_target_property(type ${name} TYPE)
    if(type STREQUAL EXECUTABLE)
      set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${name} PRIVATE -fPIC -fno-exceptions)
    endif()
    target_precompile_headers(${name} REUSE_FROM TenonPCH)
  endif()
endfunction()
