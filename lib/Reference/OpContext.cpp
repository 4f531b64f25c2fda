//===- OpContext.cpp - What the evaluation of one operation works with ----===//
#include "OpContext.h"

#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

std::optional<SmallVector<int64_t>> reference::evaluateDims(RankedTensorType type,
                                                            const llvm::StringMap<int64_t> &symbols) {
  auto lookup = [&](StringRef name) -> std::optional<int64_t> {
    auto it = symbols.find(name);
    return it == symbols.end() ? std::nullopt : std::optional(it->second);
  };
  if (!type.hasStaticShape() && !isa_and_nonnull<graph::ShapeAttr>(type.getEncoding()))
    return std::nullopt;
  SmallVector<int64_t> extents;
  for (graph::DimAttr dim : graph::getDims(type)) {
    std::optional<int64_t> extent = dim.evaluate(lookup);
    if (!extent || *extent < 0)
      return std::nullopt;
    extents.push_back(*extent);
  }
  return extents;
}

InFlightDiagnostic OpContext::mismatch() const {
  return emitError(op->getLoc()) << "TN2302: " << op->getName() << ": ";
}

InFlightDiagnostic OpContext::unsupported() const {
  return emitError(op->getLoc()) << "TN2303: " << op->getName() << ": ";
}

InFlightDiagnostic OpContext::outOfMemory(StringRef what) const {
  auto diagnostic = emitError(op->getLoc()) << "TN2301: " << op->getName() << ": " << what << " exceeds the memory";
  if (env.budget)
    diagnostic << " budget of " << env.budget->getLimit() << " bytes (" << env.budget->getUsed() << " in use)";
  return diagnostic;
}

FailureOr<SmallVector<int64_t>> OpContext::resultDims(unsigned i) const {
  auto dims = evaluateDims(cast<RankedTensorType>(op->getResult(i).getType()), env.symbols);
  if (dims)
    return *dims;
  mismatch() << "the extents of " << op->getResult(i).getType() << " cannot be evaluated";
  return failure();
}

std::optional<int64_t> OpContext::evaluate(graph::DimAttr dim) const {
  return dim.evaluate([&](StringRef name) -> std::optional<int64_t> {
    auto it = env.symbols.find(name);
    return it == env.symbols.end() ? std::nullopt : std::optional(it->second);
  });
}

FailureOr<ElementType> OpContext::resultType(unsigned i) const {
  Type type = cast<RankedTensorType>(op->getResult(i).getType()).getElementType();
  if (std::optional<ElementType> elementType = getElementType(type))
    return *elementType;
  unsupported() << "element type " << type;
  return failure();
}

HostTensor *OpContext::addResult(ArrayRef<int64_t> dims, unsigned i) {
  FailureOr<SmallVector<int64_t>> expected = resultDims(i);
  FailureOr<ElementType> type = resultType(i);
  if (failed(expected) || failed(type))
    return nullptr;
  if (ArrayRef(*expected) != dims) {
    mismatch() << "the operands give extents [" << dims << "], the result type [" << ArrayRef(*expected) << "]";
    return nullptr;
  }
  FailureOr<HostTensor> tensor = HostTensor::allocate(*type, dims, env.budget);
  if (failed(tensor)) {
    outOfMemory("the result");
    return nullptr;
  }
  results.push_back(std::move(*tensor));
  return &results.back();
}

FailureOr<HostTensor> OpContext::scratch(ElementType type, int64_t count) const {
  FailureOr<HostTensor> tensor = HostTensor::allocate(type, count, env.budget);
  if (failed(tensor))
    outOfMemory("a temporary array");
  return tensor;
}

template <>
FailureOr<HostTensor> OpContext::toArray<double>(const HostTensor &tensor, int64_t begin, int64_t count) const {
  if (tensor.getType() == ElementType::F64)
    return HostTensor::borrow(ElementType::F64, count, tensor.bytes() + begin * 8);
  FailureOr<HostTensor> array = scratch(ElementType::F64, count);
  if (failed(array))
    return failure();
  auto *out = mutableElements<double>(*array);
  if (tensor.getType() == ElementType::F32) {
    const auto *in = elements<float>(tensor) + begin;
    std::copy(in, in + count, out);
    return array;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = tensor.getDouble(begin + i);
  return array;
}

template <>
FailureOr<HostTensor> OpContext::toArray<uint64_t>(const HostTensor &tensor, int64_t begin, int64_t count) const {
  FailureOr<HostTensor> array = scratch(ElementType::U64, count);
  if (failed(array))
    return failure();
  auto *out = mutableElements<uint64_t>(*array);
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<uint64_t>(tensor.getInteger(begin + i));
  return array;
}

SmallVector<int64_t> reference::getStrides(ArrayRef<int64_t> dims) {
  SmallVector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;)
    strides[i - 1] = strides[i] * dims[i];
  return strides;
}

std::optional<SmallVector<int64_t>> reference::getBroadcastStrides(ArrayRef<int64_t> dims, ArrayRef<int64_t> to) {
  if (dims.size() > to.size())
    return std::nullopt;
  SmallVector<int64_t> strides(to.size(), 0), own = getStrides(dims);
  size_t lead = to.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1 && dims[i] != to[lead + i])
      return std::nullopt;
    strides[lead + i] = dims[i] == 1 ? 0 : own[i];
  }
  return strides;
}

std::optional<SmallVector<int64_t>> reference::broadcastDims(ArrayRef<ArrayRef<int64_t>> shapes) {
  SmallVector<int64_t> result;
  for (ArrayRef<int64_t> shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
    size_t lead = result.size() - shape.size();
    for (auto [i, extent] : llvm::enumerate(shape)) {
      int64_t &merged = result[lead + i];
      if (merged != extent && merged != 1 && extent != 1)
        return std::nullopt;
      merged = merged == 1 ? extent : merged;
    }
  }
  return result;
}

int64_t reference::product(ArrayRef<int64_t> dims) {
  int64_t result = 1;
  for (int64_t extent : dims)
    result *= extent;
  return result;
}

Odometer::Odometer(ArrayRef<int64_t> dims, ArrayRef<SmallVector<int64_t>> strides)
    : dims(dims), index(dims.size(), 0), offsets(strides.size(), 0), strides(strides.begin(), strides.end()),
      valid(!llvm::is_contained(dims, 0)) {}

void Odometer::next() {
  for (size_t axis = dims.size(); axis-- > 0;) {
    bool carries = ++index[axis] == dims[axis];
    for (auto [offset, stride] : llvm::zip_equal(offsets, strides))
      offset += carries ? -stride[axis] * (dims[axis] - 1) : stride[axis];
    if (!carries)
      return;
    index[axis] = 0;
  }
  valid = false;
}

template <typename Word>
static void copyRow(int64_t count, char *dst, int64_t dstStride, const char *src, int64_t srcStride) {
  constexpr auto size = static_cast<int64_t>(sizeof(Word));
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(dst + i * dstStride * size, src + i * srcStride * size, sizeof(Word));
}

void reference::copyBox(int64_t elementSize, ArrayRef<int64_t> dims, char *dst, ArrayRef<int64_t> dstStrides,
                        const char *src, ArrayRef<int64_t> srcStrides) {
  if (dims.empty()) {
    std::memcpy(dst, src, static_cast<size_t>(elementSize));
    return;
  }
  int64_t count = dims.back(), dstStride = dstStrides.back(), srcStride = srcStrides.back();
  if (count == 0)
    return;
  SmallVector<int64_t> strides[] = {SmallVector<int64_t>(dstStrides.drop_back()),
                                    SmallVector<int64_t>(srcStrides.drop_back())};
  for (Odometer it(dims.drop_back(), strides); it.isValid(); it.next()) {
    char *to = dst + it.offset(0) * elementSize;
    const char *from = src + it.offset(1) * elementSize;
    if (dstStride == 1 && srcStride == 1)
      std::memcpy(to, from, static_cast<size_t>(count * elementSize));
    else if (elementSize == 1)
      copyRow<uint8_t>(count, to, dstStride, from, srcStride);
    else if (elementSize == 2)
      copyRow<uint16_t>(count, to, dstStride, from, srcStride);
    else if (elementSize == 4)
      copyRow<uint32_t>(count, to, dstStride, from, srcStride);
    else
      copyRow<uint64_t>(count, to, dstStride, from, srcStride);
  }
}
