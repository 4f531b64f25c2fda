//===- TemplateKernel.h - The text around the instance of a template ------===//
//
// Every template's kernel has the same frame: the epilogue's struct, a signature of buffers and int64_t parameters, the
// epilogue as a local object. The template adds what it computes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_TEMPLATEKERNEL_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_TEMPLATEKERNEL_H

#include "HeavyTemplate.h"

namespace tenon::codegen::cuda {

class TemplateKernel {
public:
  /// Starts kernel `name`; `epilogue` is what emitEpilogue made for `region`.
  TemplateKernel(const HeavyRegion &region, llvm::StringRef name, const Functor &epilogue);

  /// The name of the kernel's argument that operand i of the heavy op is read from.
  std::string operand(unsigned i) const { return buffers[region.bufferOf(i)]; }
  std::string result() const { return buffers.back(); }
  /// Adds parameter `name` (unique, not of one letter of a to h), which is `value`.
  void addParam(llvm::StringRef name, graph::DimAttr value);
  /// Adds a tensor map as argument `name`.
  void addMap(llvm::StringRef name, KernelTensorMap map);
  /// Adds a line to the body, before which `epilogue` is declared.
  void line(const llvm::Twine &text) { body += "  " + text.str() + "\n"; }
  /// storeTo(..) with the printed epilogue, for a result of `rows` (text) lines of `columns` per matrix.
  std::string store(llvm::StringRef rows, llvm::StringRef columns) const;
  /// The kernel, with __launch_bounds__(threads, minBlocks).
  CudaKernel finish(graph::DimAttr blocks, int threads, int minBlocks, graph::DimAttr sharedBytes,
                    llvm::StringRef include);

private:
  const HeavyRegion &region;
  const Functor &epilogue;
  llvm::SmallVector<std::string> buffers;
  std::string maps, signature, body;
  KernelInfo info;
};

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_TEMPLATEKERNEL_H
