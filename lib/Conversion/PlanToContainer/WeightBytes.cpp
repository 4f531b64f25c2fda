//===- WeightBytes.cpp - The stored bytes of a constant -------------------===//
#include "WeightBytes.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Codegen/CPU/WeightPacking.h"
#include "tenon/Support/Pages.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace tenon;

/// The elements of a dense attribute one by one: splats repeated, booleans as bytes.
static std::vector<char> expand(DenseElementsAttr dense) {
  std::vector<char> bytes;
  if (dense.getElementType().isInteger(1)) {
    for (bool value : dense.getValues<bool>())
      bytes.push_back(value);
    return bytes;
  }
  ArrayRef<char> element = dense.getRawData();
  bytes.reserve(element.size() * dense.getNumElements());
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    bytes.insert(bytes.end(), element.begin(), element.end());
  return bytes;
}

WeightBytes::WeightBytes(ElementsAttr value, StringRef format)
    : type(cast<RankedTensorType>(value.getType())), format(format) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    raw = resource.getRawHandle().getBlob()->getData();
    return;
  }
  auto dense = cast<DenseElementsAttr>(value);
  if (dense.isSplat() || dense.getElementType().isInteger(1)) {
    expanded = expand(dense);
    raw = expanded;
  } else {
    raw = dense.getRawData();
  }
}

WeightBytes::~WeightBytes() {
  if (expanded.empty())
    releaseFilePages(raw);
}

uint64_t WeightBytes::hash() const {
  return llvm::xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(raw.data()), raw.size()));
}

uint64_t WeightBytes::size() const {
  if (format.empty())
    return raw.size();
  return codegen::packedElements(type, format) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

Status WeightBytes::produce(const plan::ContainerWriter::Sink &sink) const {
  auto hand = [&](ArrayRef<char> bytes) {
    return sink({reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
  };
  if (format.empty())
    return hand(raw);
  std::vector<char> packed(size());
  codegen::packWeights(type, format, raw, packed);
  return hand(packed);
}
