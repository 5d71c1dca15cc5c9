# Packages that many folders use. A folder with a need of its own finds it in its own CMakeLists.txt.

include_guard(GLOBAL)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

if(TANDEM_TESTS)
  find_package(GTest REQUIRED)
  find_library(TANDEM_RAPIDCHECK_LIBRARY rapidcheck)
  if(TANDEM_RAPIDCHECK_LIBRARY)
    add_library(tandem_rapidcheck INTERFACE)
    target_link_libraries(tandem_rapidcheck INTERFACE "${TANDEM_RAPIDCHECK_LIBRARY}")
    target_compile_definitions(tandem_rapidcheck INTERFACE TANDEM_HAS_RAPIDCHECK=1)
  endif()

  # gtest and rapidcheck cost more to parse than most tests; all tests share one precompiled header.
  add_library(tandem_test_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/test_pch.cpp")
  target_link_libraries(tandem_test_pch PRIVATE tandem_warnings GTest::gtest)
  if(TARGET tandem_rapidcheck)
    target_link_libraries(tandem_test_pch PRIVATE tandem_rapidcheck)
    set(rapidcheck_headers <rapidcheck.h> <rapidcheck/gtest.h>)
  endif()
  target_precompile_headers(tandem_test_pch PRIVATE
    <gtest/gtest.h> ${rapidcheck_headers} <algorithm> <cstdint> <map> <optional> <string>
    <string_view> <vector>)
endif()
