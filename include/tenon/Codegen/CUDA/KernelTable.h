//===- KernelTable.h - The kernels of many regions, each once -------------===//
#ifndef TENON_CODEGEN_CUDA_KERNELTABLE_H
#define TENON_CODEGEN_CUDA_KERNELTABLE_H

#include "tenon/Codegen/CUDA/Codegen.h"
#include "llvm/ADT/StringMap.h"

namespace tenon::codegen::cuda {

/// Regions of equal text share a kernel, which is named after the first of them.
class KernelTable {
public:
  /// How to launch `dispatch` with the code for some architectures.
  struct Entry {
    KernelInfo info;                      ///< parameters and extents are the region's, the name is its kernel's
    llvm::SmallVector<std::string> archs; ///< empty: all
  };

  /// For architectures "sm_80", "sm_90a", "compute_80", ..; for none: what runs on each. `common` says what does not
  /// depend on the architecture; its `cost` must outlive the table.
  explicit KernelTable(llvm::ArrayRef<std::string> archs = {}, const CudaTarget &common = {});

  /// Entries for all architectures together: one, unless the text depends on the architecture. On failure a diagnostic
  /// with a TN5xxx code was emitted.
  mlir::FailureOr<llvm::SmallVector<Entry, 1>> add(graph::DispatchOp dispatch);

  /// In the order in which they were first needed.
  llvm::ArrayRef<CudaKernel> getKernels() const { return kernels; }

private:
  /// Architectures of which the strategies need to know the same.
  struct Group {
    CudaTarget target;
    llvm::SmallVector<std::string> archs;
  };

  /// A kernel that was emitted under the name "kernel", and by what it can be emitted again.
  struct Emitted {
    CudaKernel kernel;
    CudaTarget target;
    llvm::SmallVector<std::string> archs; ///< empty: all
  };

  mlir::FailureOr<Emitted> emit(graph::DispatchOp dispatch, const Group &group, bool mayCall);
  mlir::FailureOr<Entry> add(graph::DispatchOp dispatch, Emitted emitted);

  llvm::SmallVector<Group, 2> groups;
  std::vector<CudaKernel> kernels;
  llvm::StringMap<size_t> numbers; ///< of kernels, by architectures and their text under the name "kernel"
};

} // namespace tenon::codegen::cuda

#endif // TENON_CODEGEN_CUDA_KERNELTABLE_H
