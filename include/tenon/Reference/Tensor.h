//===- Tensor.h - Tensors of the reference evaluator ----------------------===//
//
// Dense row-major tensors in host memory, with the element types of the graph dialect: f32 f64 f16 bf16, signless
// integers of 8 to 64 bits (signed), ui8 to ui64, and i1 kept as a byte. Every allocation is charged to a budget, so
// that a hostile extent ends in an error, not in a kill.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_REFERENCE_TENSOR_H
#define TENON_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "tenon/Plan/ElementType.h"

#include <atomic>
#include <memory>
#include <optional>

namespace tenon::reference {

/// Bytes that evaluation may hold at one time. Shared by the tensors charged to it; thread-safe.
class MemoryBudget {
public:
  explicit MemoryBudget(uint64_t limit) : limit(limit) {}

  /// Charges `bytes`; false, and nothing charged, where that would exceed the limit.
  bool charge(uint64_t bytes);
  /// Gives back what `charge` took.
  void release(uint64_t bytes) { used -= bytes; }

  uint64_t getLimit() const { return limit; }
  uint64_t getUsed() const { return used; }
  /// The most bytes held at one time so far.
  uint64_t getPeak() const { return peak; }

private:
  const uint64_t limit;
  std::atomic<uint64_t> used = 0, peak = 0;
};

/// The element type of the plan for an MLIR element type; nothing if the dialect does not have it.
std::optional<ElementType> getElementType(mlir::Type type);
/// The inverse: signless iN for signed integers, uiN for unsigned ones, i1 for bool.
mlir::Type getMLIRType(mlir::MLIRContext *context, ElementType type);
/// True for f16, bf16, f32 and f64.
constexpr bool isFloat(ElementType type) { return type <= ElementType::BF16; }

/// Product of `dims`; nothing if one is negative or the product overflows.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> dims);

/// Element `index` of `data`, as a double (bool: 0 or 1).
double loadDouble(ElementType type, const char *data, int64_t index);
/// Element `index` of `data`, as an integer: floats truncate, u64 keeps its bits.
int64_t loadInteger(ElementType type, const char *data, int64_t index);
/// Stores `value` rounded once to the element type, to nearest even; integers truncate and saturate, NaN becomes 0;
/// bool: value != 0.
void storeDouble(ElementType type, char *data, int64_t index, double value);
/// Stores `value` wrapped to the width of an integer type, converted to a float type, or as value != 0 in a bool.
void storeInteger(ElementType type, char *data, int64_t index, int64_t value);

/// A dense tensor. Copies share the bytes. Bytes borrowed from elsewhere must outlive every copy.
class HostTensor {
public:
  HostTensor() = default;

  /// Owns zeroed bytes, charged to `budget` (may be null) until the last copy dies. Fails, without a diagnostic, if the
  /// size overflows, the budget refuses it, or memory is not to be had.
  static mlir::FailureOr<HostTensor> allocate(ElementType type, llvm::ArrayRef<int64_t> dims,
                                              std::shared_ptr<MemoryBudget> budget = {});
  /// Reads `data`, elementCount * elementSize bytes, without owning them.
  static HostTensor borrow(ElementType type, llvm::ArrayRef<int64_t> dims, const void *data);

  explicit operator bool() const { return data != nullptr; }
  /// Whether the bytes live as long as a copy of this tensor does.
  bool isOwned() const { return owner != nullptr; }
  ElementType getType() const { return type; }
  llvm::ArrayRef<int64_t> getDims() const { return dims; }
  int64_t getRank() const { return static_cast<int64_t>(dims.size()); }
  int64_t getNumElements() const { return count; }
  int64_t getNumBytes() const { return count * elementSize(type); }

  const char *bytes() const { return data; }
  /// The bytes, for the one who allocated them; not for a borrowed tensor.
  char *mutableBytes() {
    assert(owner && "borrowed bytes are constant");
    return const_cast<char *>(data);
  }

  double getDouble(int64_t index) const { return loadDouble(type, data, index); }
  int64_t getInteger(int64_t index) const { return loadInteger(type, data, index); }
  void setDouble(int64_t index, double value) { storeDouble(type, mutableBytes(), index, value); }
  void setInteger(int64_t index, int64_t value) { storeInteger(type, mutableBytes(), index, value); }

  /// The same bytes under other extents of the same product.
  HostTensor reshaped(llvm::ArrayRef<int64_t> newDims) const;

  /// The static tensor type.
  mlir::RankedTensorType getTensorType(mlir::MLIRContext *context) const;

private:
  ElementType type = ElementType::F32;
  llvm::SmallVector<int64_t, 4> dims;
  int64_t count = 0;
  const char *data = nullptr;
  std::shared_ptr<void> owner;
};

/// The elements of a constant. Borrows the bytes of dense and dense_resource attributes, which live as long as the
/// context; splats and packed bools are expanded, charged to `budget`. Fails without a diagnostic on another kind of
/// attribute or element type, a resource of the wrong size, or a refused allocation.
mlir::FailureOr<HostTensor> constantToTensor(mlir::ElementsAttr attr, std::shared_ptr<MemoryBudget> budget = {});

/// A constant with the elements of `tensor`: dense up to 64 elements, else a dense_resource named after `name`, whose
/// blob shares the tensor's bytes (copies them if they are borrowed).
mlir::ElementsAttr tensorToAttr(mlir::MLIRContext *context, HostTensor tensor, llvm::StringRef name);

} // namespace tenon::reference

#endif // TENON_REFERENCE_TENSOR_H
