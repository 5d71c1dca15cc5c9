# find_package(tandem-yjs): the target tandem::yjs, Yjs documents in C++20 (yjs/document.hpp), with
# their C interface (tandem/yjs.h).
include(CMakeFindDependencyMacro)
find_dependency(simdjson)
find_library(tandem_yjs_lz4 lz4 REQUIRED)

if(NOT TARGET tandem::yjs)
  get_filename_component(yjs_archives "${CMAKE_CURRENT_LIST_DIR}" ABSOLUTE)
  get_filename_component(yjs_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(tandem::yjs INTERFACE IMPORTED)
  target_include_directories(tandem::yjs INTERFACE
    "${yjs_prefix}/include" "${yjs_prefix}/include/tandem-yjs")
  # The library is C++ inside; a program in C is linked with its runtime.
  target_link_libraries(tandem::yjs INTERFACE
    "${yjs_archives}/libtandem_yjs.a" "${yjs_archives}/libtandem_base.a" simdjson::simdjson "${tandem_yjs_lz4}" stdc++)
endif()
