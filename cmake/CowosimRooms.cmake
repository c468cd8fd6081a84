# A room is a folder with two targets: cowosim_<room> (hearts: no SystemC) and, where it has *_shell.h files,
# cowosim_<room>_shells. What a target may link is what its room may know.
add_library(cowosim_options INTERFACE)
target_compile_features(cowosim_options INTERFACE cxx_std_17)
# Results must not depend on compiler or optimisation level: no contraction, no fast-math, no -march=native.
target_compile_options(cowosim_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -ffp-contract=off)

# Every library goes through here: same options, same include roots, and CowosimInstall.cmake exports it as cowosim::<name>.
function(cowosim_library target)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_compile_options(${target} PRIVATE $<BUILD_INTERFACE:$<TARGET_PROPERTY:cowosim_options,INTERFACE_COMPILE_OPTIONS>>)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_compile_features(${target} ${scope} cxx_std_17)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/models> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(${target} ${scope} ${ARG_LINK})
  set_property(GLOBAL APPEND PROPERTY COWOSIM_LIBRARIES ${target})
endfunction()

# cowosim_room(hbm HEARTS cowosim_engine cowosim_telemetry SHELLS cowosim_kernel)
function(cowosim_room room)
  cmake_parse_arguments(ARG "" "" "HEARTS;SHELLS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/*/*.cpp)
  set(shells ${sources})
  list(FILTER shells INCLUDE REGEX "_shell\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_shell\\.cpp$")
  cowosim_library(cowosim_${room} SOURCES ${sources} LINK ${ARG_HEARTS})
  file(GLOB shell_headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_shell.h)
  if(shell_headers)
    cowosim_library(cowosim_${room}_shells SOURCES ${shells} LINK cowosim_${room} ${ARG_SHELLS})
  endif()
endfunction()
