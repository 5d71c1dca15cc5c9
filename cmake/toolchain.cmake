# Compiler cache, linker, warnings and sanitizers.

include_guard(GLOBAL)

# Precompiled headers defeat ccache unless it is told to look past their macros and time stamps. Paths
# below the base directory are hashed as relative ones, so that checkouts share what they compiled.
find_program(TANDEM_CCACHE ccache)
if(TANDEM_CCACHE AND (NOT CMAKE_CXX_COMPILER_LAUNCHER OR CMAKE_CXX_COMPILER_LAUNCHER STREQUAL "ccache"))
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env "CCACHE_SLOPPINESS=pch_defines,time_macros"
    "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" ${TANDEM_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

find_program(TANDEM_MOLD mold)
find_program(TANDEM_LLD ld.lld)
if(TANDEM_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(TANDEM_LLD)
  add_link_options(-fuse-ld=lld)
endif()

if(NOT CMAKE_CXX_FLAGS_DEBUG OR CMAKE_CXX_FLAGS_DEBUG STREQUAL "-g")
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1 -D_GLIBCXX_ASSERTIONS")
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
add_compile_options(-fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)

if(TANDEM_SANITIZE)
  # The vptr check needs RTTI, which the pure layers are compiled without.
  add_compile_options(-fsanitize=${TANDEM_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TANDEM_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND TANDEM_SANITIZE MATCHES "undefined")
    # A third of the compile time. The address sanitizer sees what the first three would, but for
    # pointers that nobody follows; the fuzz preset, where clang makes them cheap, has them all.
    add_compile_options(-fno-sanitize=null,object-size,pointer-overflow,alignment)
  endif()
endif()
if(TANDEM_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TANDEM_FUZZ needs clang")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(TANDEM_COVERAGE)
  # Several processes of the simulator write the same counters.
  add_compile_options(--coverage -fprofile-update=atomic)
  add_compile_definitions(TANDEM_COVERAGE)
  add_link_options(--coverage)
endif()

add_library(tandem_warnings INTERFACE)
target_compile_options(tandem_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these for correct uses of std::string and std::variant once it inlines them.
  target_compile_options(tandem_warnings INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds
    -Wno-free-nonheap-object)
else()
  target_compile_options(tandem_warnings INTERFACE -Wno-sign-conversion -Wno-implicit-int-float-conversion)
endif()
if(TANDEM_WERROR)
  target_compile_options(tandem_warnings INTERFACE -Werror)
endif()
