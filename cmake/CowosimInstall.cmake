# Installation: the binary, every library made by cowosim_library() as cowosim::<room>, the headers with the include paths
# they have in the tree (root: include/cowosim), the YAML files with theirs (root: share/cowosim), and a CMake package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(COWOSIM_INCLUDE_DIR ${CMAKE_INSTALL_INCLUDEDIR}/cowosim)
set(COWOSIM_DATA_DIR ${CMAKE_INSTALL_DATADIR}/cowosim)
set(COWOSIM_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/cowosim)

get_property(libraries GLOBAL PROPERTY COWOSIM_LIBRARIES)
foreach(library ${libraries})
  string(REGEX REPLACE "^cowosim_" "" name ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name})
  add_library(cowosim::${name} ALIAS ${library})
endforeach()
install(TARGETS ${libraries} EXPORT cowosimTargets INCLUDES DESTINATION ${COWOSIM_INCLUDE_DIR})
install(EXPORT cowosimTargets NAMESPACE cowosim:: DESTINATION ${COWOSIM_CMAKE_DIR})
if(TARGET cowosim_package)
  add_library(cowosim::cowosim ALIAS cowosim_package)
endif()
if(TARGET cowosim)
  set_target_properties(cowosim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS cowosim)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ DESTINATION ${COWOSIM_INCLUDE_DIR} FILES_MATCHING PATTERN "*.h")
foreach(room traffic platforms)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${room} DESTINATION ${COWOSIM_INCLUDE_DIR} FILES_MATCHING PATTERN "*.h")
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${room} DESTINATION ${COWOSIM_DATA_DIR} FILES_MATCHING PATTERN "*.yaml")
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cowosimConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/cowosimConfig.cmake INSTALL_DESTINATION ${COWOSIM_CMAKE_DIR} PATH_VARS COWOSIM_DATA_DIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/cowosimConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cowosimConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/cowosimConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/CowosimElf.cmake ${PROJECT_SOURCE_DIR}/cmake/CowosimSystemC.cmake DESTINATION ${COWOSIM_CMAKE_DIR})
