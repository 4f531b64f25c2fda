//===- Constants.cpp - Between attributes and host tensors ----------------===//
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Support/Pages.h"

#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// Elements of a dense attribute that is a splat, or whose bools are packed to bits.
static FailureOr<HostTensor> expandDense(DenseElementsAttr attr, ElementType type,
                                         std::shared_ptr<MemoryBudget> budget) {
  auto tensor = HostTensor::allocate(type, attr.getType().getShape(), std::move(budget));
  if (failed(tensor))
    return failure();
  char *bytes = tensor->mutableBytes();
  if (type == ElementType::Bool && !attr.isSplat()) {
    for (auto [i, value] : llvm::enumerate(attr.getValues<bool>()))
      bytes[i] = value;
    return tensor;
  }
  if (type == ElementType::Bool) {
    std::memset(bytes, attr.getSplatValue<bool>(), static_cast<size_t>(tensor->getNumElements()));
    return tensor;
  }
  auto size = static_cast<size_t>(elementSize(type));
  for (int64_t i = 0; i < tensor->getNumElements(); ++i)
    std::memcpy(bytes + static_cast<size_t>(i) * size, attr.getRawData().data(), size);
  return tensor;
}

FailureOr<HostTensor> reference::constantToTensor(ElementsAttr attr, std::shared_ptr<MemoryBudget> budget) {
  ShapedType shaped = attr.getShapedType();
  std::optional<ElementType> type = getElementType(shaped.getElementType());
  std::optional<int64_t> count = shaped.hasStaticShape() ? countElements(shaped.getShape()) : std::nullopt;
  int64_t numBytes;
  if (!type || !count || __builtin_mul_overflow(*count, elementSize(*type), &numBytes))
    return failure();
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    bool isRaw = *count != 0 && *type != ElementType::Bool && !(dense.isSplat() && *count != 1);
    if (!isRaw)
      return expandDense(dense, *type, std::move(budget));
    return HostTensor::borrow(*type, shaped.getShape(), dense.getRawData().data());
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || blob->getData().size() != static_cast<uint64_t>(numBytes))
    return failure();
  if (*count == 0)
    return HostTensor::allocate(*type, shaped.getShape(), std::move(budget));
  if (reinterpret_cast<uintptr_t>(blob->getData().data()) % static_cast<uintptr_t>(elementSize(*type)) == 0)
    return HostTensor::borrow(*type, shaped.getShape(), blob->getData().data());
  // Part of a file, which does not align its arrays.
  FailureOr<HostTensor> copy = HostTensor::allocate(*type, shaped.getShape(), std::move(budget));
  if (succeeded(copy)) {
    std::memcpy(copy->mutableBytes(), blob->getData().data(), static_cast<size_t>(numBytes));
    releaseFilePages(blob->getData());
  }
  return copy;
}

ElementsAttr reference::tensorToAttr(MLIRContext *context, HostTensor tensor, StringRef name) {
  constexpr int64_t maxDense = 64;
  RankedTensorType type = tensor.getTensorType(context);
  ArrayRef<char> bytes(tensor.bytes(), static_cast<size_t>(tensor.getNumBytes()));
  if (tensor.getNumElements() <= maxDense) {
    if (tensor.getType() == ElementType::Bool) {
      SmallVector<bool> values(bytes.begin(), bytes.end());
      return DenseElementsAttr::get(type, values);
    }
    if (bytes.empty())
      return DenseElementsAttr::get(type, ArrayRef<Attribute>());
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  }
  auto alignment = static_cast<size_t>(elementSize(tensor.getType()));
  if (!tensor.isOwned()) {
    AsmResourceBlob copy = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, alignment, /*dataIsMutable=*/false);
    return DenseResourceElementsAttr::get(type, name, std::move(copy));
  }
  auto release = [tensor](void *, size_t, size_t) mutable { tensor = HostTensor(); };
  return DenseResourceElementsAttr::get(type, name, AsmResourceBlob(bytes, alignment, std::move(release), false));
}
