# Defines cowosim_systemc, the one target through which anything reaches SystemC. Used by the build and, installed next to
# cowosimConfig.cmake, by every project that links cowosim.
#
# libsystemc contains a `main` that calls `sc_main`: a program that links this target defines sc_main, not main, and
# a test program must not link GTest::gtest_main beside it (whichever library comes first on the link line would win).
if(TARGET cowosim_systemc)
  return()
endif()

# Of what pkg-config and what CMake finds, the newer one: Debian's package and SystemC's own autotools build install a systemc.pc,
# SystemC's own CMake build a SystemCLanguageConfig.cmake.
find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(COWOSIM_SYSTEMC QUIET systemc>=2.3.4)
endif()
find_package(SystemCLanguage 2.3.4 CONFIG QUIET)
if(SystemCLanguage_FOUND AND (NOT COWOSIM_SYSTEMC_FOUND OR SystemCLanguage_VERSION VERSION_GREATER COWOSIM_SYSTEMC_VERSION))
  set(COWOSIM_SYSTEMC_VERSION ${SystemCLanguage_VERSION})
  set(COWOSIM_SYSTEMC_INCLUDE_DIRS "")
  set(COWOSIM_SYSTEMC_LINK_LIBRARIES SystemC::systemc)
  set(cowosim_systemc_from ${SystemCLanguage_DIR})
elseif(COWOSIM_SYSTEMC_FOUND)
  set(cowosim_systemc_from ${COWOSIM_SYSTEMC_LINK_LIBRARIES})
else()
  message(FATAL_ERROR "cowosim needs SystemC >= 2.3.4; neither pkg-config nor CMake finds one.\n"
    "  Debian, Ubuntu: apt-get install libsystemc-dev pkg-config   (scripts/run and scripts/test do that)\n"
    "  your own build: configure SystemC for C++17 (CMake: -DCMAKE_CXX_STANDARD=17), install it and set CMAKE_PREFIX_PATH=<prefix>,\n"
    "                  or for an autotools build PKG_CONFIG_PATH=<prefix>/lib/pkgconfig; delete the build directory's CMakeCache.txt\n"
    "                  and try again")
endif()
string(REGEX MATCH "^[0-9]+\\.[0-9]+\\.[0-9]+" COWOSIM_SYSTEMC_VERSION "${COWOSIM_SYSTEMC_VERSION}")  # without its date
if(COWOSIM_BUILT_WITH_SYSTEMC AND NOT COWOSIM_BUILT_WITH_SYSTEMC STREQUAL COWOSIM_SYSTEMC_VERSION)
  message(FATAL_ERROR "this cowosim was built with SystemC ${COWOSIM_BUILT_WITH_SYSTEMC}, found here is ${COWOSIM_SYSTEMC_VERSION} "
    "(${cowosim_systemc_from}): its ABI is another one. Point CMAKE_PREFIX_PATH or PKG_CONFIG_PATH at ${COWOSIM_BUILT_WITH_SYSTEMC}, or build "
    "cowosim again.")
endif()
message(STATUS "SystemC ${COWOSIM_SYSTEMC_VERSION} (${cowosim_systemc_from})")

# Imported, so that an export names it instead of repeating this machine's paths: whoever uses the export finds their own.
add_library(cowosim_systemc INTERFACE IMPORTED GLOBAL)
target_include_directories(cowosim_systemc SYSTEM INTERFACE ${COWOSIM_SYSTEMC_INCLUDE_DIRS})
target_link_libraries(cowosim_systemc INTERFACE ${COWOSIM_SYSTEMC_LINK_LIBRARIES} Threads::Threads)
target_compile_definitions(cowosim_systemc INTERFACE SC_INCLUDE_DYNAMIC_PROCESSES)

# SystemC's ABI depends on the C++ standard it was built with, and its headers check that at link time through a symbol
# (sc_api_version_<version>_cxx201703L). Found out here, it can be said in words.
set(cowosim_systemc_checked "${COWOSIM_SYSTEMC_LINK_LIBRARIES} ${COWOSIM_SYSTEMC_VERSION} ${CMAKE_CXX_COMPILER} ${CMAKE_CXX_FLAGS}")
if(NOT "${COWOSIM_SYSTEMC_WORKS}" STREQUAL "${cowosim_systemc_checked}")
  message(STATUS "SystemC ${COWOSIM_SYSTEMC_VERSION}: checking that C++17 programs link")
  set(probe ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/cowosim_systemc_probe.cpp)
  file(WRITE ${probe} "#include <systemc>\nint sc_main(int, char**) { return sc_core::sc_time_stamp().value() != 0; }\n")
  try_compile(probe_links ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/cowosim_systemc_probe SOURCES ${probe}
    LINK_LIBRARIES cowosim_systemc CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF OUTPUT_VARIABLE probe_output)
  if(NOT probe_links)
    if(probe_output MATCHES "sc_api_version_[0-9_]+cxx[0-9]+L")
      string(CONCAT reason "was built with another C++ standard than C++17 (its ABI check symbol ${CMAKE_MATCH_0} is missing).\n"
        "  Debian's libsystemc-dev is C++17. Configure a build of your own with -DCMAKE_CXX_STANDARD=17.")
    else()
      set(reason "was found, but a minimal program does not build against it:\n${probe_output}")
    endif()
    message(FATAL_ERROR "SystemC ${COWOSIM_SYSTEMC_VERSION} (${COWOSIM_SYSTEMC_LINK_LIBRARIES}) ${reason}")
  endif()
  set(COWOSIM_SYSTEMC_WORKS "${cowosim_systemc_checked}" CACHE INTERNAL "the SystemC for which the check above passed")
endif()
