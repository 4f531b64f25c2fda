//===- Tensor.cpp - Tensors of the reference evaluator --------------------===//
#include "tenon/Reference/Tensor.h"

#include <cstdlib>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

bool MemoryBudget::charge(uint64_t bytes) {
  uint64_t before = used;
  do {
    if (bytes > limit || before > limit - bytes)
      return false;
  } while (!used.compare_exchange_weak(before, before + bytes));
  uint64_t highest = peak;
  while (highest < before + bytes && !peak.compare_exchange_weak(highest, before + bytes)) {
  }
  return true;
}

std::optional<ElementType> reference::getElementType(Type type) {
  if (type.isF32())
    return ElementType::F32;
  if (type.isF64())
    return ElementType::F64;
  if (type.isF16())
    return ElementType::F16;
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isSignlessInteger(1))
    return ElementType::Bool;
  for (ElementType narrow : {ElementType::F8E4M3FN, ElementType::F8E4M3FNUZ, ElementType::F8E5M2,
                             ElementType::F8E5M2FNUZ, ElementType::F4E2M1, ElementType::F8E8M0})
    if (isa<FloatType>(type) && type == getMLIRType(type.getContext(), narrow))
      return narrow;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 2:
    return integer.isUnsigned() ? ElementType::U2 : ElementType::I2;
  case 4:
    return integer.isUnsigned() ? ElementType::U4 : ElementType::I4;
  case 8:
    return integer.isUnsigned() ? ElementType::U8 : ElementType::I8;
  case 16:
    return integer.isUnsigned() ? ElementType::U16 : ElementType::I16;
  case 32:
    return integer.isUnsigned() ? ElementType::U32 : ElementType::I32;
  case 64:
    return integer.isUnsigned() ? ElementType::U64 : ElementType::I64;
  default:
    return std::nullopt;
  }
}

Type reference::getMLIRType(MLIRContext *context, ElementType type) {
  auto integer = [&](IntegerType::SignednessSemantics signedness) -> Type {
    return IntegerType::get(context, static_cast<unsigned>(8 * elementSize(type)), signedness);
  };
  switch (type) {
  case ElementType::F32:
    return Float32Type::get(context);
  case ElementType::F64:
    return Float64Type::get(context);
  case ElementType::F16:
    return Float16Type::get(context);
  case ElementType::BF16:
    return BFloat16Type::get(context);
  case ElementType::F8E4M3FN:
    return Float8E4M3FNType::get(context);
  case ElementType::F8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case ElementType::F8E5M2:
    return Float8E5M2Type::get(context);
  case ElementType::F8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case ElementType::F4E2M1:
    return Float4E2M1FNType::get(context);
  case ElementType::F8E8M0:
    return Float8E8M0FNUType::get(context);
  case ElementType::I2:
    return IntegerType::get(context, 2);
  case ElementType::I4:
    return IntegerType::get(context, 4);
  case ElementType::U2:
    return IntegerType::get(context, 2, IntegerType::Unsigned);
  case ElementType::U4:
    return IntegerType::get(context, 4, IntegerType::Unsigned);
  case ElementType::Bool:
    return IntegerType::get(context, 1);
  case ElementType::I8:
  case ElementType::I16:
  case ElementType::I32:
  case ElementType::I64:
    return integer(IntegerType::Signless);
  default:
    return integer(IntegerType::Unsigned);
  }
}

std::optional<int64_t> reference::countElements(ArrayRef<int64_t> dims) {
  int64_t count = 1;
  bool overflow = false;
  for (int64_t extent : dims) {
    if (extent < 0)
      return std::nullopt;
    overflow |= __builtin_mul_overflow(count, extent, &count);
  }
  if (llvm::is_contained(dims, 0))
    return 0;
  return overflow ? std::nullopt : std::optional(count);
}

FailureOr<HostTensor> HostTensor::allocate(ElementType type, ArrayRef<int64_t> dims,
                                           std::shared_ptr<MemoryBudget> budget) {
  std::optional<int64_t> count = countElements(dims);
  int64_t numBytes;
  if (!count || __builtin_mul_overflow(*count, elementSize(type), &numBytes))
    return failure();
  if (budget && !budget->charge(static_cast<uint64_t>(numBytes)))
    return failure();
  // One byte more than nothing, so that an empty tensor has an address too.
  void *memory = std::calloc(static_cast<size_t>(std::max<int64_t>(numBytes, 1)), 1);
  if (!memory) {
    if (budget)
      budget->release(static_cast<uint64_t>(numBytes));
    return failure();
  }
  HostTensor tensor = borrow(type, dims, memory);
  tensor.owner = std::shared_ptr<void>(memory, [budget = std::move(budget), numBytes](void *pointer) {
    std::free(pointer);
    if (budget)
      budget->release(static_cast<uint64_t>(numBytes));
  });
  return tensor;
}

HostTensor HostTensor::borrow(ElementType type, ArrayRef<int64_t> dims, const void *data) {
  HostTensor tensor;
  tensor.type = type;
  tensor.dims.assign(dims.begin(), dims.end());
  std::optional<int64_t> count = countElements(dims);
  assert(count && "extents of a tensor in memory multiply");
  tensor.count = *count;
  tensor.data = static_cast<const char *>(data);
  return tensor;
}

HostTensor HostTensor::reshaped(ArrayRef<int64_t> newDims) const {
  assert(countElements(newDims) == count && "a reshape keeps the number of elements");
  HostTensor tensor = *this;
  tensor.dims.assign(newDims.begin(), newDims.end());
  return tensor;
}

RankedTensorType HostTensor::getTensorType(MLIRContext *context) const {
  return RankedTensorType::get(dims, getMLIRType(context, type));
}
