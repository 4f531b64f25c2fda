# What another program needs. find_package(Tenon) gives
#
#   Tenon::Runtime    libtenon_runtime.so and tenon-c/runtime.h: loads and runs plans
#   Tenon::Compiler   libtenon_compiler.so and tenon-c/compiler.h: compiles models in process; absent from a build with
#                     TENON_RUNTIME_ONLY. Headers of LLVM are not needed, its shared libraries are.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(tenon_install_library target name header)
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
                                                 $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS ${target} EXPORT TenonTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES include/tenon-c/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tenon-c)
endfunction()

tenon_install_library(tenon_runtime Runtime runtime.h)
# Devices in libraries of their own, which the runtime looks for beside itself.
foreach(device cuda vgpu)
  if(TARGET tenon_device_${device})
    install(TARGETS tenon_device_${device} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()
install(FILES include/tenon-c/device.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tenon-c)
if(TARGET tenon_compiler)
  tenon_install_library(tenon_compiler Compiler compiler.h)
  set_target_properties(tenon PROPERTIES INSTALL_RPATH "${LLVM_LIBRARY_DIR}")
  install(TARGETS tenon RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(tenon_package ${CMAKE_INSTALL_LIBDIR}/cmake/Tenon)
install(EXPORT TenonTargets NAMESPACE Tenon:: DESTINATION ${tenon_package} FILE TenonConfig.cmake)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/TenonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/TenonConfigVersion.cmake DESTINATION ${tenon_package})
