//===- RegionCheck.h - A CUDA kernel on the virtual GPU -------------------===//
#ifndef TENON_TEST_UNIT_CODEGEN_CUDA_REGIONCHECK_H
#define TENON_TEST_UNIT_CODEGEN_CUDA_REGIONCHECK_H

#include "../RegionData.h"
#include "mlir/IR/MLIRContext.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Runtime/Vgpu.h"
#include <memory>

namespace tenon::codegen {

/// One dispatch region, printed as CUDA C++, compiled for the virtual GPU and compared with the reference evaluator:
/// the interface of Generic/RegionCheck.h, so that its tests run here too. Failures end up in the current test.
class RegionCheck {
public:
  /// `body` is the text of the block: operands are %0, %1, .. of `operands` (tensor types), ending in graph.yield.
  /// With `packs`, operands count as constants: weights are handed to the kernel in the order that it wants.
  RegionCheck(llvm::StringRef operands, llvm::StringRef body, const cuda::CudaTarget &target = {}, bool packs = false);

  /// Launches the kernel with random operands of the extents that `symbols` give, under several schedules; values agree
  /// within `tolerance`, relative to the larger of 1 and the value (integers exactly).
  void run(const llvm::StringMap<int64_t> &symbols = {}, double tolerance = 2e-6);

  /// Random floats lie in [low, high), random integers too.
  double low = -2, high = 2;
  bool supported = false;
  cuda::CudaKernel kernel;

private:
  /// What a kernel takes as tenon::device::TensorMap.
  struct alignas(64) Map {
    char bytes[128];
  };
  Map encode(const cuda::KernelTensorMap &map, RegionData &data, const llvm::StringMap<int64_t> &symbols) const;
  void launch(RegionData &data, const llvm::StringMap<int64_t> &symbols, uint64_t seed);

  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  graph::DispatchOp dispatch;
  vgpu::Kernel compiled;
};

/// True if the region parses and has a kernel.
bool hasGenericKernel(llvm::StringRef operands, llvm::StringRef body);

} // namespace tenon::codegen

#endif // TENON_TEST_UNIT_CODEGEN_CUDA_REGIONCHECK_H
