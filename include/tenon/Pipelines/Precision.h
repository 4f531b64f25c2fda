//===- Precision.h - What kernels compute in ------------------------------===//
#ifndef TENON_PIPELINES_PRECISION_H
#define TENON_PIPELINES_PRECISION_H

#include "llvm/ADT/StringRef.h"
#include <array>
#include <optional>

namespace tenon {

/// Full: as the model says. Tf32: products of f32 round their operands to TF32. Fp16, Bf16: products and what follows
/// them are f16 or bf16 in memory; inputs and outputs keep their types.
enum class Precision { Full, Tf32, Fp16, Bf16 };

/// Values of --precision, in the order of Precision.
constexpr std::array<llvm::StringLiteral, 4> precisionNames = {"full", "tf32", "fp16", "bf16"};

inline llvm::StringRef getName(Precision precision) { return precisionNames[static_cast<size_t>(precision)]; }

/// The precision called `name`; nothing if there is none.
inline std::optional<Precision> parsePrecision(llvm::StringRef name) {
  for (size_t i = 0; i < precisionNames.size(); ++i)
    if (name == precisionNames[i])
      return static_cast<Precision>(i);
  return std::nullopt;
}

} // namespace tenon

#endif // TENON_PIPELINES_PRECISION_H
