# What `cmake --install` brings. Component `library`: wattline::energy and wattline::probe for other
# projects, see energy/README.md. Component `programs`: bench as wattline-bench, and its like.
#
# Headers lie in include/wattline/ and include each other from the root of wattline, so that folder
# is in the search path too: <wattline/energy/window.h> and "energy/window.h" are the same file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(include_dir ${CMAKE_INSTALL_INCLUDEDIR})
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wattline)

target_include_directories(energy PUBLIC
  $<INSTALL_INTERFACE:${include_dir}> $<INSTALL_INTERFACE:${include_dir}/wattline>)
install(TARGETS energy EXPORT wattline_energy ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  COMPONENT library)
set_target_properties(energy PROPERTIES OUTPUT_NAME wattline_energy)
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/energy/*.h)
install(FILES ${headers} DESTINATION ${include_dir}/wattline/energy COMPONENT library)
install(EXPORT wattline_energy NAMESPACE wattline:: FILE wattlineEnergy.cmake
  DESTINATION ${package_dir} COMPONENT library)

# The probe is headers only. It is a target of its own: who measures without Google Benchmark does
# not need that.
add_library(probe INTERFACE)
add_library(wattline::probe ALIAS probe)
target_link_libraries(probe INTERFACE energy benchmark::benchmark)
install(TARGETS probe EXPORT wattline_probe COMPONENT library)
install(FILES ${PROJECT_SOURCE_DIR}/benchmarks/probe.h
  DESTINATION ${include_dir}/wattline/benchmarks COMPONENT library)
install(EXPORT wattline_probe NAMESPACE wattline:: FILE wattlineProbe.cmake
  DESTINATION ${package_dir} COMPONENT library)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/wattlineConfig.cmake.in
  ${PROJECT_BINARY_DIR}/wattlineConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 every minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wattlineConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wattlineConfig.cmake
  ${PROJECT_BINARY_DIR}/wattlineConfigVersion.cmake DESTINATION ${package_dir} COMPONENT library)

foreach(program bench compare logits make_gguf roofline_program)
  string(REPLACE "_program" "" name ${program})
  install(PROGRAMS $<TARGET_FILE:${program}> DESTINATION ${CMAKE_INSTALL_BINDIR}
    RENAME wattline-${name} COMPONENT programs)
endforeach()
