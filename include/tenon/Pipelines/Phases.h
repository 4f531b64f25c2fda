//===- Phases.h - The phases of a compilation -----------------------------===//
#ifndef TENON_PIPELINES_PHASES_H
#define TENON_PIPELINES_PHASES_H

#include "llvm/ADT/StringRef.h"
#include <array>
#include <optional>

namespace tenon {

/// In the order in which they run.
enum class Phase { Import, Simplify, Compress, Partition, Dispatch, Codegen, Plan };

constexpr std::array<llvm::StringLiteral, 7> phaseNames = {"import",   "simplify", "compress", "partition",
                                                           "dispatch", "codegen",  "plan"};

inline llvm::StringRef getName(Phase phase) { return phaseNames[static_cast<size_t>(phase)]; }

/// The phase called `name`; nothing if there is none.
inline std::optional<Phase> parsePhase(llvm::StringRef name) {
  for (size_t i = 0; i < phaseNames.size(); ++i)
    if (name == phaseNames[i])
      return static_cast<Phase>(i);
  return std::nullopt;
}

} // namespace tenon

#endif // TENON_PIPELINES_PHASES_H
