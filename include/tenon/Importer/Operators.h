//===- Operators.h - Which operators an import knows ----------------------===//
#ifndef TENON_IMPORTER_OPERATORS_H
#define TENON_IMPORTER_OPERATORS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenon {

/// An operator that ONNX defines or the import has a rule for.
struct OperatorInfo {
  std::string domain; ///< "" is ai.onnx
  std::string name;
  /// Versions of the domain that are supported in some form, first and last of each range; the last of the last range
  /// is the newest version there is.
  std::vector<std::pair<int64_t, int64_t>> opsets;
};

/// All operators of ai.onnx and those of other domains that are supported, by domain and name. Computed once, from the
/// table of import rules and the bodies that ONNX defines. Thread-safe.
const std::vector<OperatorInfo> &listOperators();

} // namespace tenon

#endif // TENON_IMPORTER_OPERATORS_H
