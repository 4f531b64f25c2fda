# What another program needs: the runtime's library, its C header, and find_package(Tenon) with the target Tenon::Runtime.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_include_directories(tenon_runtime INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
                                                   $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
set_target_properties(tenon_runtime PROPERTIES EXPORT_NAME Runtime)
install(TARGETS tenon_runtime EXPORT TenonTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/tenon-c/runtime.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tenon-c)

set(tenon_package ${CMAKE_INSTALL_LIBDIR}/cmake/Tenon)
install(EXPORT TenonTargets NAMESPACE Tenon:: DESTINATION ${tenon_package} FILE TenonConfig.cmake)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/TenonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/TenonConfigVersion.cmake DESTINATION ${tenon_package})
