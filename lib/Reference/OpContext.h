//===- OpContext.h - What the evaluation of one operation works with ------===//
//
// Private to lib/Reference. Kernels take an OpContext, check the operands' extents against the result's, and append
// results. They trust the operation's verifier for what depends on attributes and ranks alone, and nothing else.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_REFERENCE_OPCONTEXT_H
#define TENON_LIB_REFERENCE_OPCONTEXT_H

#include "Graph/IR/DimExpr.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"
#include "tenon/Reference/Evaluate.h"

namespace tenon::reference {

struct OpContext {
  mlir::Operation *op;
  llvm::ArrayRef<HostTensor> operands;
  llvm::SmallVectorImpl<HostTensor> &results;
  const Environment &env;

  /// TN2302: extents do not agree.
  mlir::InFlightDiagnostic mismatch() const;
  /// TN2303: no reference evaluation.
  mlir::InFlightDiagnostic unsupported() const;
  /// TN2301: the budget refused `what`.
  mlir::InFlightDiagnostic outOfMemory(llvm::StringRef what) const;

  /// Appends result `i` with `dims`, which must be what its type says; null, and a diagnostic, if they are not or
  /// memory is refused. The pointer is good until the next result.
  HostTensor *addResult(llvm::ArrayRef<int64_t> dims, unsigned i = 0);
  /// The extents of result `i` from its type; a diagnostic if they cannot be evaluated.
  mlir::FailureOr<llvm::SmallVector<int64_t>> resultDims(unsigned i = 0) const;
  /// The value of an expression; nothing if it has none.
  std::optional<int64_t> evaluate(graph::DimAttr dim) const;
  /// The element type of result `i`, or a diagnostic.
  mlir::FailureOr<ElementType> resultType(unsigned i = 0) const;
  /// A temporary array of `count` elements, charged to the budget.
  mlir::FailureOr<HostTensor> scratch(ElementType type, int64_t count) const;
  /// Elements [begin, begin + count) as T (double, or uint64_t for integers that wrap); may borrow from `tensor`.
  template <typename T>
  mlir::FailureOr<HostTensor> toArray(const HostTensor &tensor, int64_t begin, int64_t count) const;
};

/// The elements of a tensor made by `scratch` or `toArray`.
template <typename T>
const T *elements(const HostTensor &tensor) {
  return reinterpret_cast<const T *>(tensor.bytes());
}
template <typename T>
T *mutableElements(HostTensor &tensor) {
  return reinterpret_cast<T *>(tensor.mutableBytes());
}

/// Stores a T of a contraction: rounded if double, wrapped if uint64_t.
inline void storeElement(HostTensor &tensor, int64_t index, double value) { tensor.setDouble(index, value); }
inline void storeElement(HostTensor &tensor, int64_t index, uint64_t value) {
  tensor.setInteger(index, static_cast<int64_t>(value));
}

/// Row-major strides, in elements.
llvm::SmallVector<int64_t> getStrides(llvm::ArrayRef<int64_t> dims);
/// Strides to read a tensor of extents `dims` as one of `to`: 0 where it is broadcast (from the right). Nothing if it
/// does not broadcast.
std::optional<llvm::SmallVector<int64_t>> getBroadcastStrides(llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<int64_t> to);
/// ONNX's broadcast of all shapes; nothing if they do not match.
std::optional<llvm::SmallVector<int64_t>> broadcastDims(llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes);
/// Product of extents that are known to multiply: those of a tensor in memory.
int64_t product(llvm::ArrayRef<int64_t> dims);

/// Steps through an index space in row-major order, keeping one linear offset for each list of strides.
class Odometer {
public:
  Odometer(llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<llvm::SmallVector<int64_t>> strides);
  /// False where the space is empty, and after the last index.
  bool isValid() const { return valid; }
  void next();
  int64_t offset(size_t list) const { return offsets[list]; }
  llvm::ArrayRef<int64_t> getIndex() const { return index; }

private:
  llvm::SmallVector<int64_t> dims, index, offsets;
  llvm::SmallVector<llvm::SmallVector<int64_t>> strides;
  bool valid;
};

/// Copies a box: for each index of `dims`, element dst[index . dstStrides] = src[index . srcStrides].
void copyBox(int64_t elementSize, llvm::ArrayRef<int64_t> dims, char *dst, llvm::ArrayRef<int64_t> dstStrides,
             const char *src, llvm::ArrayRef<int64_t> srcStrides);

} // namespace tenon::reference

#endif // TENON_LIB_REFERENCE_OPCONTEXT_H
