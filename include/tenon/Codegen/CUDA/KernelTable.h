//===- KernelTable.h - The kernels of many regions, each once -------------===//
#ifndef TENON_CODEGEN_CUDA_KERNELTABLE_H
#define TENON_CODEGEN_CUDA_KERNELTABLE_H

#include "tenon/Codegen/CUDA/Codegen.h"
#include "llvm/ADT/StringMap.h"

namespace tenon::codegen::cuda {

/// Regions of equal text share a kernel, which is named after the first of them.
class KernelTable {
public:
  explicit KernelTable(CudaTarget target = {}) : target(target) {}

  /// How to launch `dispatch`: parameters and extents are its own, the name is that of its kernel. On failure a
  /// diagnostic with a TN5xxx code was emitted.
  mlir::FailureOr<KernelInfo> add(graph::DispatchOp dispatch);

  /// In the order in which they were first needed.
  llvm::ArrayRef<CudaKernel> getKernels() const { return kernels; }

private:
  CudaTarget target;
  std::vector<CudaKernel> kernels;
  llvm::StringMap<size_t> numbers; ///< of kernels, by their text under the name "kernel"
};

} // namespace tenon::codegen::cuda

#endif // TENON_CODEGEN_CUDA_KERNELTABLE_H
