# Defines PkgConfig::COWOSIM_ELF, libelf of elfutils, which CMake has no module for. Used by the build and, installed next
# to cowosimConfig.cmake, by every project that links cowosim.
find_package(PkgConfig REQUIRED)
pkg_check_modules(COWOSIM_ELF REQUIRED QUIET IMPORTED_TARGET libelf)
