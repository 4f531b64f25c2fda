//===- WeightBytes.h - The stored bytes of a constant ---------------------===//
#ifndef TENON_CONVERSION_WEIGHTBYTES_H
#define TENON_CONVERSION_WEIGHTBYTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "tenon/Plan/Writer.h"

namespace tenon {

/// The bytes of a constant as the plan stores them: row-major, booleans as bytes, or packed in a kernel's format.
class WeightBytes {
public:
  /// `value` stays alive as long as this object. `format` is one of tenon/Codegen/CPU/WeightPacking.h.
  WeightBytes(mlir::ElementsAttr value, llvm::StringRef format);
  /// Pages of a mapped model are given back: its weights are in the plan now.
  ~WeightBytes();
  WeightBytes(const WeightBytes &) = delete;
  WeightBytes &operator=(const WeightBytes &) = delete;

  uint64_t size() const;
  /// A hash of what is stored, equal for equal weights.
  uint64_t hash() const;
  /// Whether the same bytes are stored for `other`.
  bool operator==(const WeightBytes &other) const {
    return type == other.type && format == other.format && raw == other.raw;
  }
  /// Hands all bytes to `sink`, without a copy where nothing is packed.
  Status produce(const plan::ContainerWriter::Sink &sink) const;

private:
  mlir::RankedTensorType type;
  llvm::StringRef format;
  llvm::ArrayRef<char> raw;
  std::vector<char> expanded; ///< storage of splats and booleans
};

} // namespace tenon

#endif // TENON_CONVERSION_WEIGHTBYTES_H
