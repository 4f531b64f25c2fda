//===- RegionCheck.h - A generic kernel against the reference -------------===//
#ifndef TENON_TEST_UNIT_CODEGEN_GENERIC_REGIONCHECK_H
#define TENON_TEST_UNIT_CODEGEN_GENERIC_REGIONCHECK_H

#ifdef TENON_CHECK_ON_VGPU // the same tests for the other target
#include "../CUDA/RegionCheck.h"
#else

#include "../RegionData.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Runtime/CpuKernel.h"
#include <memory>

namespace tenon::codegen {

/// One dispatch region, compiled for this processor and compared with the reference evaluator. Failures end up in the
/// current test.
class RegionCheck {
public:
  /// `body` is the text of the block: operands are %0, %1, .. of `operands` (tensor types), ending in graph.yield. For
  /// `arch` (empty: the best level of this processor); operands `constants` are packed as the kernel wants them.
  RegionCheck(llvm::StringRef operands, llvm::StringRef body, llvm::StringRef arch = "",
              llvm::ArrayRef<unsigned> constants = {});
  ~RegionCheck();

  /// Runs the kernel with random operands of the extents that `symbols` give; values agree within `tolerance`, relative
  /// to the larger of 1 and the value (integers exactly).
  void run(const llvm::StringMap<int64_t> &symbols = {}, double tolerance = 2e-6);
  /// Seconds of the fastest of `times` runs of the whole grid on one thread.
  double measure(const llvm::StringMap<int64_t> &symbols, int times);

  /// Random floats lie in [low, high), random integers too; of 256 and more, all bytes, the extreme ones often.
  double low = -2, high = 2;
  bool supported = false;
  KernelInfo info;

private:
  struct Call;
  void expectSameLaunch();

  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  graph::DispatchOp dispatch;
  void *library = nullptr;
  TenonCpuKernel kernel = nullptr;
};

/// True if the region parses and has a generic kernel.
bool hasGenericKernel(llvm::StringRef operands, llvm::StringRef body);

} // namespace tenon::codegen

#endif // TENON_CHECK_ON_VGPU

#endif // TENON_TEST_UNIT_CODEGEN_GENERIC_REGIONCHECK_H
