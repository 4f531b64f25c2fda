# How a room registers its tests, and the targets that run them.
#
# tenon_add_unit_test(NAME sources... [LINK libraries...] [DEPENDS targets...] [NO_PCH])
#
# A GoogleTest program, built by `check-unit` and known to ctest. It shares the compiler's precompiled header where there
# is one; NO_PCH is for a test of a library that must not see MLIR, or that needs exceptions.
#
#   check-unit   GoogleTest programs      check-lit   lit suites      check-tenon   both
#   tenon-unit-tests                      builds the programs without running them
include_guard()
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)

add_custom_target(tenon-unit-tests)

function(tenon_add_unit_test name)
  cmake_parse_arguments(ARG "NO_PCH" "" "DEPENDS;LINK" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main Threads::Threads)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit-bin)
  target_compile_definitions(${name} PRIVATE TENON_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}")
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(TARGET TenonPCH AND NOT ARG_NO_PCH)
    tenon_use_pch(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  add_dependencies(tenon-unit-tests ${name})
  set_property(GLOBAL APPEND PROPERTY TENON_UNIT_TESTS ${name})
endfunction()

# Called once, after every room has registered its tests.
function(tenon_add_check_targets)
  get_property(unit_tests GLOBAL PROPERTY TENON_UNIT_TESTS)
  list(JOIN unit_tests "\n" lines)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/test/unit-tests.txt CONTENT "${lines}\n")
  add_custom_target(check-unit
    COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${CMAKE_BINARY_DIR} --output-on-failure --no-tests=ignore
    DEPENDS tenon-unit-tests USES_TERMINAL)
  add_custom_target(check-tenon)
  add_dependencies(check-tenon check-unit)
  if(TARGET check-lit)
    add_dependencies(check-tenon check-lit)
  endif()
endfunction()

# Writes lit.site.cfg.py into the build tree. A tool that is a target of this build must be there when lit runs; a suite
# that needs a tool without a target is reported as unsupported.
function(tenon_add_lit_suite)
  find_program(TENON_LIT NAMES lit HINTS ${TENON_DEPS}/venv/bin NO_CMAKE_PATH)
  find_program(TENON_PYTHON NAMES python HINTS ${TENON_DEPS}/venv/bin NO_DEFAULT_PATH)
  if(NOT TENON_PYTHON)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    set(TENON_PYTHON ${Python3_EXECUTABLE} CACHE FILEPATH "Python with onnx and numpy" FORCE)
  endif()
  set(TENON_TOOL_TARGETS)
  foreach(tool tenon tenon-opt tenon-translate)
    if(TARGET ${tool})
      list(APPEND TENON_TOOL_TARGETS ${tool})
    endif()
  endforeach()
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/lit.site.cfg.py.in ${CMAKE_CURRENT_BINARY_DIR}/lit.site.cfg.py @ONLY)
  if(NOT TENON_LIT)
    message(WARNING "lit was not found: there is no check-lit (./dev setup installs it)")
    return()
  endif()
  add_custom_target(check-lit
    COMMAND ${TENON_LIT} -sv ${CMAKE_CURRENT_BINARY_DIR}
    DEPENDS ${TENON_TOOL_TARGETS} USES_TERMINAL)
endfunction()
