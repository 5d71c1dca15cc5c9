# find_package(tandem): the target tandem::tandem, the C++ SDK with all that it is made of.
include(CMakeFindDependencyMacro)
find_dependency(SQLite3)
find_dependency(simdjson)
find_dependency(Threads)
find_dependency(ZLIB)
find_library(tandem_lz4 lz4 REQUIRED)
find_library(tandem_gnutls gnutls REQUIRED)

if(NOT TARGET tandem::tandem)
  get_filename_component(tandem_archives "${CMAKE_CURRENT_LIST_DIR}" ABSOLUTE)
  get_filename_component(tandem_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(tandem::tandem INTERFACE IMPORTED)
  target_compile_features(tandem::tandem INTERFACE cxx_std_20)
  target_include_directories(tandem::tandem INTERFACE "${tandem_prefix}/include")
  # In the order in which each uses those behind it.
  foreach(layer sdk client record clock wire yjs auth net base llhttp)
    target_link_libraries(tandem::tandem INTERFACE "${tandem_archives}/libtandem_${layer}.a")
  endforeach()
  target_link_libraries(tandem::tandem INTERFACE
    simdjson::simdjson SQLite::SQLite3 "${tandem_lz4}" "${tandem_gnutls}" ZLIB::ZLIB Threads::Threads)
endif()
