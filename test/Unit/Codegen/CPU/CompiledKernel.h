//===- CompiledKernel.h - A dispatch region, compiled and called ----------===//
#ifndef TENON_TEST_UNIT_CODEGEN_CPU_COMPILEDKERNEL_H
#define TENON_TEST_UNIT_CODEGEN_CPU_COMPILEDKERNEL_H

#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Runtime/CpuKernel.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <vector>

namespace tenon::codegen {

using Floats = std::vector<float>;
using Bytes = std::vector<char>;

Bytes toBytes(const Floats &values);

/// `count` values in [-1, 1) that depend on `seed` alone.
Floats randomFloats(size_t count, unsigned seed);

/// True if this processor runs code for `arch`.
bool canRun(llvm::StringRef arch);

/// The one graph.dispatch of an MLIR module, compiled for an arch and loaded.
class CompiledKernel {
public:
  /// `constants` are the operands whose values are known when the model is compiled: they are packed as the kernel
  /// wants. Fails the current test and returns null on errors.
  static std::unique_ptr<CompiledKernel> create(llvm::StringRef text, llvm::StringRef arch,
                                                llvm::ArrayRef<unsigned> constants);
  ~CompiledKernel();

  /// Runs all work groups, one by one from the last to the first or all at once, and returns the result. Scratch and
  /// result start as NaN.
  Floats run(llvm::ArrayRef<Floats> inputs, const llvm::StringMap<int64_t> &symbols, bool oneByOne = true);
  /// As above, with the bytes of operands of any type.
  Floats runBytes(llvm::ArrayRef<Bytes> inputs, const llvm::StringMap<int64_t> &symbols, bool oneByOne = true);
  /// Seconds of the fastest of `times` runs.
  double measure(llvm::ArrayRef<Floats> inputs, const llvm::StringMap<int64_t> &symbols, int times);
  double measureBytes(llvm::ArrayRef<Bytes> inputs, const llvm::StringMap<int64_t> &symbols, int times);

  /// The same with random operands of any element types; shapes are static.
  double measureRandom(int times);

  KernelInfo info;
  double compileSeconds = 0;

private:
  struct Call;
  double measure(Call &call, int times);
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  graph::DispatchOp dispatch;
  void *library = nullptr;
  TenonCpuKernel kernel = nullptr;
};

} // namespace tenon::codegen

#endif // TENON_TEST_UNIT_CODEGEN_CPU_COMPILEDKERNEL_H
