# What the compiler's side needs: MLIR 22.1 (shared libMLIR and libLLVM), lld, protobuf, and the onnx C++ library, which
# ./dev builds once from its pinned source package into TENON_DEPS.
# Debian keeps every version of LLVM in a folder of its own.
list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
find_package(MLIR 22.1 REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
set(LLVM_LINK_LLVM_DYLIB ON)
set(MLIR_LINK_MLIR_DYLIB ON)
set(LLVM_TARGET_DEFINITIONS)
set(MLIR_TABLEGEN_EXE ${LLVM_TOOLS_BINARY_DIR}/mlir-tblgen)
include(TableGen)
include(AddLLVM)
include(AddMLIR)
separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
list(FILTER LLVM_DEFINITIONS_LIST EXCLUDE REGEX "_GLIBCXX_USE_CXX11_ABI")
add_definitions(${LLVM_DEFINITIONS_LIST})
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(dialects ${CMAKE_BINARY_DIR}/dialects)

# One precompiled header for every library that includes MLIR.
file(WRITE ${CMAKE_BINARY_DIR}/pch/pch.cpp "")
add_library(TenonPCH OBJECT ${CMAKE_BINARY_DIR}/pch/pch.cpp)
target_compile_options(TenonPCH PRIVATE -fno-exceptions)
target_precompile_headers(TenonPCH PRIVATE
  <mlir/IR/Builders.h> <mlir/IR/BuiltinAttributes.h> <mlir/IR/BuiltinOps.h> <mlir/IR/BuiltinTypes.h>
  <mlir/IR/PatternMatch.h> <mlir/IR/OpImplementation.h> <mlir/Pass/Pass.h>
  <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Dialect/Math/IR/Math.h>
  <mlir/Dialect/SCF/IR/SCF.h> <mlir/Dialect/MemRef/IR/MemRef.h> <mlir/Dialect/Vector/IR/VectorOps.h>
  <llvm/ADT/SmallVector.h> <llvm/ADT/STLExtras.h> <llvm/Support/FormatVariadic.h>)

find_package(Protobuf 3.21 REQUIRED)
set(TENON_DEPS $ENV{HOME}/.cache/tenon CACHE PATH "Where ./dev keeps the onnx library and the Python environment")
list(APPEND CMAKE_PREFIX_PATH ${TENON_DEPS}/onnx)
find_package(ONNX 1.23.2 REQUIRED CONFIG)
