//===- RegionData.h - What a tested region reads and has to give ----------===//
#ifndef TENON_TEST_UNIT_CODEGEN_REGIONDATA_H
#define TENON_TEST_UNIT_CODEGEN_REGIONDATA_H

#include "Graph/IR/GraphOps.h"
#include "tenon/Reference/Evaluate.h"
#include "llvm/ADT/StringMap.h"
#include <utility>
#include <vector>

namespace tenon::codegen {

/// Bytes aligned as the runtime aligns them on any device, with a guard of 64 bytes or more behind.
struct GuardedBytes {
  static constexpr int64_t alignment = 256;

  explicit GuardedBytes(int64_t size);
  GuardedBytes(GuardedBytes &&other) : size(other.size), data(std::exchange(other.data, nullptr)) {}
  ~GuardedBytes() { std::free(data); }
  int64_t padded() const { return (size + 64 + alignment - 1) / alignment * alignment; }
  bool isGuardIntact() const;

  int64_t size;
  char *data;
};

/// The value of `e`; a failure of the current test, and 0, where a symbol is missing.
int64_t evaluate(graph::DimAttr e, const llvm::StringMap<int64_t> &symbols);

/// Buffers of one call: random operands, then results, and what the reference evaluator says of these.
struct RegionData {
  /// Floats lie in [low, high), integers too; the same at each call.
  RegionData(graph::DispatchOp dispatch, const llvm::StringMap<int64_t> &symbols, double low, double high);

  /// The current test fails unless guards are intact and results agree within `tolerance`, relative to the larger of 1
  /// and the value (integers exactly).
  void check(double tolerance) const;

  std::vector<GuardedBytes> buffers;
  size_t numOperands = 0;
  llvm::SmallVector<reference::HostTensor> expected;
};

} // namespace tenon::codegen

#endif // TENON_TEST_UNIT_CODEGEN_REGIONDATA_H
