//===- Tuning.h - What decides between tactics ----------------------------===//
#ifndef TENON_COST_TUNING_H
#define TENON_COST_TUNING_H

#include "tenon/Cost/Timings.h"

#include <array>
#include <optional>

namespace tenon::cost {

/// Whose kernels a plan may hold. Own: what Tenon writes. Libraries: a call wherever cuBLASLt or cuDNN computes the
/// region. Auto: what was measured to be faster; without timings, own.
enum class Tactics { Own, Libraries, Auto };

/// Values of --tactics, in the order of Tactics.
inline constexpr std::array<std::string_view, 3> tacticsNames = {"own", "libraries", "auto"};

inline std::optional<Tactics> parseTactics(std::string_view name) {
  for (size_t i = 0; i < tacticsNames.size(); ++i)
    if (name == tacticsNames[i])
      return static_cast<Tactics>(i);
  return std::nullopt;
}

/// What decides between tactics that compute the same.
struct Tuning {
  const Timings *timings = nullptr; ///< null = nothing was measured
  /// For measuring: on a CPU "rows=168"; on a GPU "tile=2", the third of a kernel's own tactics, or the name of a
  /// library. Kernels without this choice take what they would take anyway.
  std::string forced;
  Tactics tactics = Tactics::Auto;
};

} // namespace tenon::cost

#endif // TENON_COST_TUNING_H
