# tandem_layer(NAME DEPS a b ... [LIBS pkg ...] [TEST_LIBS pkg ...] [EXCEPTIONS])
#
# One folder of src/ is one static library `tandem_<name>` (alias `tandem::<name>`) made of its *.cpp
# without *_test.cpp and main.cpp, and one test program `<name>_test` made of its *_test.cpp.
# NAME may hold a slash for a nested folder: store/sqlite becomes tandem_store_sqlite.
# DEPS outside the table in cmake/layers.txt are refused at configuration. A program `link_<name>`
# links every object of the archive with the declared DEPS alone, so that an undeclared use of
# another layer cannot hide behind a binary that happens to link both.
# EXCEPTIONS keeps exceptions enabled in a pure layer whose library headers need them to compile.

include_guard(GLOBAL)

set(TANDEM_LAYERS "")
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/layers.txt" layer_lines REGEX "^[a-z]")
set_property(
  DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND
  PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/layers.txt")
foreach(line IN LISTS layer_lines)
  string(REGEX MATCH "^([a-z]+)( +pure)? *: *(.*)$" matched "${line}")
  if(NOT matched)
    message(FATAL_ERROR "cmake/layers.txt: cannot read '${line}'")
  endif()
  set(layer "${CMAKE_MATCH_1}")
  set(may_use "${CMAKE_MATCH_3}")
  list(APPEND TANDEM_LAYERS ${layer})
  if(CMAKE_MATCH_2)
    list(APPEND TANDEM_PURE_LAYERS ${layer})
  endif()
  string(REGEX REPLACE " +" ";" TANDEM_ALLOWED_${layer} "${may_use}")
endforeach()

# The first component of a possibly nested name: "store/sqlite" and "store_sqlite" give "store".
function(tandem_layer_of name result)
  string(REGEX REPLACE "[/_].*$" "" top "${name}")
  set(${result} "${top}" PARENT_SCOPE)
endfunction()

function(tandem_layer raw_name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "EXCEPTIONS" "" "DEPS;LIBS;TEST_LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tandem_layer(${raw_name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  string(REPLACE "/" "_" name "${raw_name}")
  tandem_layer_of("${name}" layer)
  if(NOT layer IN_LIST TANDEM_LAYERS)
    message(FATAL_ERROR "tandem_layer(${raw_name}): '${layer}' is not in cmake/layers.txt")
  endif()
  set(dep_targets "")
  foreach(dep IN LISTS arg_DEPS)
    tandem_layer_of("${dep}" dep_layer)
    if(NOT dep_layer IN_LIST TANDEM_ALLOWED_${layer})
      message(FATAL_ERROR "tandem_layer(${raw_name}): may not depend on '${dep}'; "
                          "allowed are: ${TANDEM_ALLOWED_${layer}}")
    endif()
    string(REPLACE "/" "_" dep_name "${dep}")
    list(APPEND dep_targets "tandem::${dep_name}")
  endforeach()

  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  set(test_sources ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  list(FILTER test_sources INCLUDE REGEX "_test\\.cpp$")

  set(target "tandem_${name}")
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE tandem_warnings)
    if(layer IN_LIST TANDEM_PURE_LAYERS)
      # Interfaces in port/ are implemented outside the purity line by code that has RTTI and needs
      # their type information.
      if(NOT layer STREQUAL "port")
        target_compile_options(${target} PRIVATE -fno-rtti)
      endif()
      if(NOT arg_EXCEPTIONS)
        target_compile_options(${target} PRIVATE -fno-exceptions)
      endif()
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library("tandem::${name}" ALIAS ${target})
  target_include_directories(${target} ${scope} "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${target} ${scope} ${dep_targets} ${arg_LIBS})

  if(sources AND NOT TANDEM_FUZZ)
    add_executable("link_${name}" "${CMAKE_SOURCE_DIR}/cmake/link_main.cpp")
    target_link_libraries("link_${name}" PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${target}>")
    set_target_properties("link_${name}" PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/link")
  endif()

  if(test_sources AND TANDEM_TESTS)
    tandem_test("${name}_test" SOURCES ${test_sources} LIBS "tandem::${name}" ${arg_TEST_LIBS})
  endif()
endfunction()

# tandem_test(NAME SOURCES a.cpp ... [LIBS ...]): a GoogleTest program, run by ctest as one test.
# Its counts of cases go to <build>/test-results/NAME.json, where tools/test.py sums them.
function(tandem_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  if(NOT TANDEM_TESTS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} tandem_warnings GTest::gtest_main)
  if(TARGET tandem_rapidcheck)
    target_link_libraries(${name} PRIVATE tandem_rapidcheck)
  endif()
  if(TARGET tandem_test_pch)
    target_precompile_headers(${name} REUSE_FROM tandem_test_pch)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(
    NAME ${name}
    COMMAND ${name} "--gtest_output=json:${CMAKE_BINARY_DIR}/test-results/${name}.json"
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()
