//===- Codegen.h - From dispatch regions to CPU code objects --------------===//
#ifndef TENON_CODEGEN_CPU_CODEGEN_H
#define TENON_CODEGEN_CPU_CODEGEN_H

#include "Graph/IR/GraphOps.h"
#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "tenon/Cost/Tactic.h"
#include <functional>
#include <vector>

namespace tenon::codegen {

/// Emits the kernel of one dispatch region into `kernels`, for `target`. Its buffers are the region's operands, then
/// its results, each dense and row-major in the order of its type. On failure a diagnostic with a TN5xxx code was
/// emitted. For the same region every target must return the same KernelInfo (grid and parameters): one plan serves all
/// targets.
mlir::FailureOr<KernelInfo> emitKernel(graph::DispatchOp dispatch, llvm::StringRef name, const CpuTarget &target,
                                       mlir::ModuleOp kernels);

/// How emitKernel computes the region.
cost::Tactic describeTactic(graph::DispatchOp dispatch);

/// Integer attribute of graph.dispatch: rows of a work group of the product in it, one of getProductRows. Any of them
/// gives the same numbers.
constexpr llvm::StringLiteral productRowsAttr = "graph.product_rows";
/// What the attribute may be, the default first; empty where the region has no such choice.
llvm::SmallVector<int64_t> getProductRows(graph::DispatchOp dispatch);
/// What it may be anywhere.
llvm::ArrayRef<int64_t> getAllProductRows();

/// The packed format in which the kernel of `dispatch` wants operand i if that operand is a constant ("" = as it is).
llvm::StringRef getOperandFormat(graph::DispatchOp dispatch, unsigned i);

/// True if a dispatch region with these ops has a kernel: what the dispatch pass asks before it forms one.
bool isSupportedDispatch(graph::DispatchOp dispatch);

/// True if the kernel of `heavy`, a graph.matmul or graph.conv, takes its constant weights in the form that a
/// graph.dequantize or graph.unpack_2to4 has, and decodes them itself: the two then go into one region. A convolution
/// has to have channels last, unless it is said that it will.
bool decodesWeights(mlir::Operation *heavy, bool willBeChannelsLast = false);

/// True if graph.integer_matmul or graph.integer_conv has a fast kernel, once it is alone in a region or with what
/// follows it, and channels last: its weights are a constant and its zero points of a form that kernels read.
bool hasIntegerKernel(mlir::Operation *op);

/// True if graph.attention has a kernel of its own.
bool hasAttentionKernel(graph::AttentionOp op);

/// Lowers a module of kernels (as emitKernel leaves it) to the LLVM dialect, in place.
mlir::LogicalResult lowerKernels(mlir::ModuleOp kernels);

/// Optimises and compiles modules of kernels (textually independent, one or more kernels each) to one
/// position-independent ELF shared object that imports at most memset, memcpy, memmove and functions of the runtime
/// (tenon/Runtime/CpuKernel.h). Modules are compiled by `jobs` threads; the result does not depend on `jobs`.
/// Thread-safe; linking is serialised inside.
mlir::FailureOr<std::vector<char>> compileKernels(llvm::ArrayRef<mlir::ModuleOp> modules, const CpuTarget &target,
                                                  int jobs);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_CPU_CODEGEN_H
