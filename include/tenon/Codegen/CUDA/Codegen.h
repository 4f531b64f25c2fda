//===- Codegen.h - From dispatch regions to CUDA C++ ----------------------===//
//
// Every dispatch region becomes the text of one `extern "C" __global__` function, which a person can read, NVRTC can
// compile for any architecture, and a host compiler can compile for the virtual GPU.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_CUDA_CODEGEN_H
#define TENON_CODEGEN_CUDA_CODEGEN_H

#include "Graph/IR/GraphOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Cost/DispatchCost.h"
#include "tenon/Cost/Tactic.h"
#include "tenon/Cost/Tuning.h"
#include <string>

namespace tenon::codegen::cuda {

/// What strategies need to know of the GPUs that one text serves: the least of what they offer.
struct CudaTarget {
  const cost::Context *cost = nullptr;  ///< what tactics are ranked for; null: an H100, and extents of 16 for symbols
  bool allowTf32 = false;               ///< products of f32 may round their operands to TF32
  bool lineDirectives = false;          ///< write #line with the numbers of the kernel's own text
  bool hasTensorMaps = false;           ///< all of them are sm_90a: TMA, mbarrier and wgmma
  const cost::Tuning *tuning = nullptr; ///< what KernelTable chooses tactics by; null: the cost model alone
  std::string tactic; ///< the one to take, by name ("gemm_mma 64x64x32", "cublaslt"), where a region has it; empty: any

  /// For one architecture, as in "sm_90a" or "compute_80".
  static CudaTarget forArch(llvm::StringRef arch);
};

/// A buffer that a kernel copies by boxes (TMA); see TensorMap in plan.fbs.
struct KernelTensorMap {
  unsigned buffer; ///< of the region: operands, then results
  mlir::Type element;
  llvm::SmallVector<graph::DimAttr> extents; ///< elements, from the contiguous dimension
  llvm::SmallVector<graph::DimAttr> strides; ///< bytes, of all dimensions but that; multiples of 16
  llvm::SmallVector<int64_t> box;            ///< elements
  unsigned swizzle = 128;                    ///< bytes
};

/// A kernel that a library computes: result = activation(x * w + residual + bias); see LibraryCall in plan.fbs.
struct LibraryCall {
  enum Library { CublasLt, Cudnn } library = CublasLt;
  enum Activation { None, Relu, Gelu } activation = None;
  mlir::Type element;                   ///< of all operands
  bool tf32 = false;                    ///< f32 may be rounded to TF32
  bool transposed = false;              ///< of a product: w is [batch, n, k]
  int64_t x = 0, w = 0, result = 0;     ///< buffers of the region: operands, then results
  int64_t bias = -1, residual = -1;     ///< -1: none
  llvm::SmallVector<int64_t, 9> window; ///< of a convolution: kernel, strides, pads, dilations, of y and x; groups
  int64_t workspace = 0;                ///< bytes

  bool isConv() const { return library == Cudnn; }
  /// "cublaslt", "cudnn": the tactic.
  llvm::StringRef name() const;
};

/// What the plan must know of a kernel. The function takes one `const __grid_constant__ TensorMap` per tensor map, one
/// pointer per buffer (16-byte aligned), then one int64 per parameter. Expressions are over the symbols of the graph
/// function. Nothing is launched where `blocks` is 0.
struct KernelInfo {
  std::string name;                          ///< the function
  llvm::SmallVector<mlir::Type> bufferTypes; ///< element types: the region's operands, then its results
  llvm::SmallVector<graph::DimAttr> params;  ///< values to pass, in order
  graph::DimAttr blocks;                     ///< grid.x; grid.y = grid.z = 1
  int threads = 256;                         ///< block.x, a multiple of 32
  graph::DimAttr sharedBytes;                ///< dynamic shared memory, constant 0 if none
  llvm::SmallVector<KernelTensorMap> maps;
  cost::Tactic tactic;             ///< how it was chosen
  int64_t size = 0;                ///< with tactic.key: elements of the result at the extents of the compilation
  std::optional<LibraryCall> call; ///< no code: a library computes it; `threads` is 0
};

/// The text of one kernel. Equal `source` means equal kernels: the comment is kept apart.
struct CudaKernel {
  std::string comment; ///< `//` lines: the ONNX nodes, operands and results with shapes
  std::string source;  ///< the function, without includes
  KernelInfo info;
  llvm::SmallVector<std::string> includes; ///< headers that `source` needs, as in #include "..."
  bool isTemplate = false;                 ///< an instance of a template, not generated from the ops
  llvm::SmallVector<std::string> archs;    ///< it is compiled for; empty: all that are asked for

  /// A whole translation unit with this kernel alone.
  std::string text() const;
};

/// Emits the kernel of one dispatch region as function `name`. On failure a diagnostic with a TN5xxx code was emitted.
/// The text depends on the region and `target` only.
mlir::FailureOr<CudaKernel> emitKernel(graph::DispatchOp dispatch, llvm::StringRef name, const CudaTarget &target);

/// The same before printing: appends the function in kernel IR to `module`.
mlir::FailureOr<KernelInfo> emitKernelIR(graph::DispatchOp dispatch, llvm::StringRef name, const CudaTarget &target,
                                         mlir::ModuleOp module);

/// True if emitKernel handles the region.
bool isSupportedDispatch(graph::DispatchOp dispatch);

/// True if attention of these types and sizes has a kernel of its own.
bool hasAttentionKernel(graph::AttentionOp op);

/// How operand i of the region, if it is a constant, is to be packed (a format of WeightPacking.h); "" = as it is. A
/// region whose `formats` says so is emitted for packed operands.
llvm::StringRef getOperandFormat(graph::DispatchOp dispatch, unsigned i);

/// Registers `tenon-translate --graph-to-cuda` (the text of every dispatch region) and `--graph-to-cuda-ir`.
void registerGraphToCudaTranslation();

} // namespace tenon::codegen::cuda

#endif // TENON_CODEGEN_CUDA_CODEGEN_H
