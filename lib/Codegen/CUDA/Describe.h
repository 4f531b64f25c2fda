//===- Describe.h - Names and comments for people -------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_DESCRIBE_H
#define TENON_LIB_CODEGEN_CUDA_DESCRIBE_H

#include "Graph/IR/GraphOps.h"
#include <string>

namespace tenon::codegen::cuda {

/// Names of the buffers, by what the region does with them ("a", "weight", "indices", "out"): regions that compute the
/// same have the same names, so that their kernels are one.
llvm::SmallVector<std::string> nameBuffers(graph::DispatchOp dispatch);

/// "4 * N + 1".
std::string toText(graph::DimAttr e);

/// The comment above a kernel: fused ONNX nodes, ops, operands and results with their types and extents.
std::string describe(graph::DispatchOp dispatch, llvm::StringRef name);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_DESCRIBE_H
