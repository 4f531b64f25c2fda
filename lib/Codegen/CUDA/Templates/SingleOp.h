//===- SingleOp.h - Templates of ops that fuse with nothing ---------------===//
//
// Ops that carry a state along a dimension, or more than one matrix product, fill a kernel of their own: a line that
// instantiates a template of include/tenon/cuda.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_SINGLEOP_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_SINGLEOP_H

#include "tenon/Codegen/CUDA/Codegen.h"

namespace tenon::codegen::cuda {

/// A dispatch region of one op with a template, all of whose operands are the region's and whose results it returns.
struct SingleOpRegion {
  mutable graph::DispatchOp dispatch; ///< accessors of ops are not const
  mlir::Operation *op = nullptr;

  /// The region if it has this form and types with a template; nothing otherwise.
  static std::optional<SingleOpRegion> match(graph::DispatchOp dispatch);
};

/// The kernel without its comment.
CudaKernel emitSingleOp(const SingleOpRegion &region, llvm::StringRef name, const CudaTarget &target);

/// The text of a kernel in the making: names of buffers, parameters in the order in which they are asked for.
class SingleOpText {
public:
  SingleOpText(const SingleOpRegion &region, llvm::StringRef name);

  /// The name of the buffer that holds an operand of the op; "nullptr" for an absent one.
  std::string buffer(mlir::Value operand) const;
  /// The name of the buffer of result i.
  std::string result(unsigned i = 0) const;
  /// The C++ type of a tensor's elements.
  static std::string elementType(mlir::Value tensor);
  /// `e` as an int: its digits where it is constant, else a parameter that is called `hint` if that is free.
  std::string size(graph::DimAttr e, llvm::StringRef hint);

  /// Adds a tensor map called `map` of an operand seen as [.., lines, size], of which a box has `box` elements. Extents
  /// of 0, which no map has, become 1: the kernel must not load them.
  void addMap(llvm::StringRef map, mlir::Value operand, llvm::ArrayRef<graph::DimAttr> extents,
              llvm::ArrayRef<int64_t> box);

  /// The kernel of `body` (lines, indented), in which Tile is `tile`, the template's instance: a block has `threads`
  /// threads and `sharedBytes` bytes of shared memory, which the text asserts.
  CudaKernel finish(const std::string &tile, const std::string &body, llvm::StringRef include, graph::DimAttr blocks,
                    int threads, int64_t sharedBytes);

private:
  const SingleOpRegion &region;
  llvm::SmallVector<std::string> buffers;
  llvm::MapVector<graph::DimAttr, std::string> params;
  llvm::SmallVector<KernelTensorMap> maps;
  std::string name, signature;
};

// The templates; `hasTemplate` says whether the op's types and sizes have one.
bool hasTemplate(graph::AttentionOp op);
bool hasTemplate(graph::LstmOp op);
CudaKernel emitAttention(const SingleOpRegion &region, llvm::StringRef name, const CudaTarget &target);
CudaKernel emitLstm(const SingleOpRegion &region, llvm::StringRef name);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_SINGLEOP_H
