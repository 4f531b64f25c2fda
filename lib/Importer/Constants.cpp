//===- Constants.cpp - Tensors of the model as attributes -----------------===//
//
// Large tensors stay where they are: a resource blob points at the parsed message or the mapped file and holds a
// reference to it. Only fields that protobuf stores wider than the element (int32_data of narrow types) are copied.
//
//===----------------------------------------------------------------------===//
#include "GraphImporter.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace tenon::importer {

Type getElementType(MLIRContext *context, int32_t dataType) {
  using T = onnx::TensorProto;
  Builder b(context);
  switch (dataType) {
  case T::FLOAT:
    return b.getF32Type();
  case T::DOUBLE:
    return b.getF64Type();
  case T::FLOAT16:
    return b.getF16Type();
  case T::BFLOAT16:
    return b.getBF16Type();
  case T::BOOL:
    return b.getI1Type();
  case T::INT8:
    return b.getI8Type();
  case T::INT16:
    return b.getI16Type();
  case T::INT32:
    return b.getI32Type();
  case T::INT64:
    return b.getI64Type();
  case T::UINT8:
    return b.getIntegerType(8, false);
  case T::UINT16:
    return b.getIntegerType(16, false);
  case T::UINT32:
    return b.getIntegerType(32, false);
  case T::UINT64:
    return b.getIntegerType(64, false);
  case T::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case T::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case T::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case T::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case T::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case T::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case T::UINT4:
    return b.getIntegerType(4, false);
  case T::INT4:
    return b.getIntegerType(4);
  case T::UINT2:
    return b.getIntegerType(2, false);
  case T::INT2:
    return b.getIntegerType(2);
  default:
    return {};
  }
}

int32_t getOnnxType(Type type) {
  using T = onnx::TensorProto;
  for (int32_t candidate :
       {T::FLOAT,          T::DOUBLE,     T::FLOAT16,        T::BFLOAT16,   T::BOOL,       T::INT8,   T::INT16,
        T::INT32,          T::INT64,      T::UINT8,          T::UINT16,     T::UINT32,     T::UINT64, T::FLOAT8E4M3FN,
        T::FLOAT8E4M3FNUZ, T::FLOAT8E5M2, T::FLOAT8E5M2FNUZ, T::FLOAT8E8M0, T::FLOAT4E2M1, T::UINT4,  T::INT4,
        T::UINT2,          T::INT2})
    if (getElementType(type.getContext(), candidate) == type)
      return candidate;
  return 0;
}

namespace {

template <typename T>
ArrayRef<char> asBytes(const google::protobuf::RepeatedField<T> &field) {
  return {reinterpret_cast<const char *>(field.data()), size_t(field.size()) * sizeof(T)};
}

/// int32_data and uint64_data narrowed to `width` bytes an element.
template <typename T>
std::vector<char> narrow(const google::protobuf::RepeatedField<T> &field, size_t width) {
  std::vector<char> bytes(size_t(field.size()) * width);
  for (auto [i, value] : llvm::enumerate(field))
    std::memcpy(bytes.data() + i * width, &value, width); // little endian, as the host
  return bytes;
}

/// The tensor's elements as raw little-endian bytes, in `storage` if they had to be converted.
FailureOr<ArrayRef<char>> getBytes(ModelFile &file, const onnx::TensorProto &t, int64_t size,
                                   std::vector<char> &storage, Location loc) {
  using T = onnx::TensorProto;
  if (t.data_location() == T::EXTERNAL)
    return file.getExternalData(t, size, loc);
  if (t.has_raw_data())
    return file.getRawData(t);
  switch (t.data_type()) {
  case T::FLOAT:
    return asBytes(t.float_data());
  case T::DOUBLE:
    return asBytes(t.double_data());
  case T::INT32:
    return asBytes(t.int32_data());
  case T::INT64:
    return asBytes(t.int64_data());
  case T::UINT64:
    return asBytes(t.uint64_data());
  case T::UINT32:
    storage = narrow(t.uint64_data(), 4);
    return ArrayRef<char>(storage);
  default:
    storage = narrow(t.int32_data(), std::max<size_t>(size_t(getBitsPerElement(t.data_type()) / 8), 1));
    return ArrayRef<char>(storage);
  }
}

DenseElementsAttr makeDense(RankedTensorType type, ArrayRef<char> bytes) {
  if (type.getNumElements() == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (!type.getElementType().isInteger(1))
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  SmallVector<bool> bits(llvm::map_range(bytes, [](char c) { return c != 0; }));
  return DenseElementsAttr::get(type, bits);
}

/// A resource key that needs no quoting in printed IR.
std::string getResourceName(StringRef name) {
  std::string key = "w_";
  for (char c : name.take_front(80))
    key += llvm::isAlnum(c) || c == '_' ? c : '_';
  return key;
}

} // namespace

ElementsAttr makeNarrowConstant(ModelFile &file, const onnx::TensorProto &tensor, RankedTensorType type, Location loc) {
  auto size = getTensorBytes(tensor, loc);
  std::vector<char> storage;
  auto bytes = failed(size) ? FailureOr<ArrayRef<char>>(failure()) : getBytes(file, tensor, *size, storage, loc);
  if (failed(bytes))
    return {};
  int64_t bits = getBitsPerElement(tensor.data_type()), count = type.getNumElements();
  if (int64_t(bytes->size()) != *size) {
    emitError(loc, Code::TensorData) << "the tensor holds " << bytes->size() << " bytes, its shape needs " << *size;
    return {};
  }
  std::vector<char> codes(size_t(count), 0);
  for (int64_t i = 0; i < count; ++i)
    codes[size_t(i)] = char((uint8_t((*bytes)[size_t(i * bits / 8)]) >> (i * bits % 8)) & ((1 << bits) - 1));
  if (count <= maxKnownElements)
    return makeDense(type, codes);
  return DenseResourceElementsAttr::get(
      type, getResourceName(tensor.name()),
      HeapAsmResourceBlob::allocateAndCopyWithAlign(codes, /*align=*/1, /*dataIsMutable=*/false));
}

ElementsAttr makeConstant(const std::shared_ptr<ModelFile> &file, const onnx::TensorProto &tensor,
                          RankedTensorType type, Location loc) {
  auto size = getTensorBytes(tensor, loc);
  std::vector<char> storage;
  auto bytes = failed(size) ? FailureOr<ArrayRef<char>>(failure()) : getBytes(*file, tensor, *size, storage, loc);
  if (failed(bytes))
    return {};
  if (int64_t(bytes->size()) != *size) {
    emitError(loc, Code::TensorData) << "the tensor holds " << bytes->size() << " bytes, its shape needs " << *size;
    return {};
  }
  if (type.getNumElements() <= maxKnownElements)
    return makeDense(type, *bytes);
  // Raw data lie where the file has them, at any address: who reads elements copies those that are not aligned.
  const size_t width = size_t(getBitsPerElement(tensor.data_type()) / 8);
  const size_t align = reinterpret_cast<uintptr_t>(bytes->data()) % width == 0 ? width : 1;
  AsmResourceBlob blob =
      storage.empty() ? UnmanagedAsmResourceBlob::allocateWithAlign(*bytes, align, [file](void *, size_t, size_t) {})
                      : HeapAsmResourceBlob::allocateAndCopyWithAlign(*bytes, width, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, getResourceName(tensor.name()), std::move(blob));
}

std::optional<Dims> getKnownElements(ElementsAttr constant) {
  auto dense = dyn_cast<DenseElementsAttr>(constant);
  if (!dense || dense.getNumElements() > maxKnownElements)
    return std::nullopt;
  MLIRContext *context = constant.getContext();
  Dims elements;
  if (auto type = dyn_cast<IntegerType>(dense.getElementType())) {
    for (const APInt &value : dense.getValues<APInt>()) {
      // An unsigned number above the signed range is no extent.
      if (type.isUnsigned() && value.isNegative() && type.getWidth() == 64)
        return std::nullopt;
      bool isZeroExtended = type.isUnsigned() || type.getWidth() == 1;
      elements.push_back(
          DimAttr::constant(context, isZeroExtended ? int64_t(value.getZExtValue()) : value.getSExtValue()));
    }
    return elements;
  }
  for (const APFloat &value : dense.getValues<APFloat>()) {
    llvm::APSInt integer(64, /*isUnsigned=*/false);
    bool isExact = false;
    if (value.isNegZero() ||
        value.convertToInteger(integer, llvm::RoundingMode::TowardZero, &isExact) != APFloat::opOK || !isExact)
      return std::nullopt;
    elements.push_back(DimAttr::constant(context, integer.getSExtValue()));
  }
  return elements;
}

} // namespace tenon::importer
