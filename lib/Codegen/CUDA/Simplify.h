//===- Simplify.h - Kernel IR before it is printed ------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_SIMPLIFY_H
#define TENON_LIB_CODEGEN_CUDA_SIMPLIFY_H

#include "Graph/IR/DimExpr.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace tenon::codegen::cuda {

/// Replaces vectors of one lane by scalars, throughout a kernel.
void scalarizeKernel(mlir::func::FuncOp kernel);

/// Folds, shares and removes what a person would not write.
mlir::LogicalResult simplifyKernels(mlir::ModuleOp module);

/// Removes the arguments after the first `buffers` that nothing uses, and their expressions in `params`.
void dropUnusedParams(mlir::func::FuncOp kernel, unsigned buffers, llvm::SmallVectorImpl<graph::DimAttr> &params);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_SIMPLIFY_H
