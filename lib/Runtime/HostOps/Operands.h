//===- Operands.h - What operators on values share ------------------------===//
//
// Private to HostOps. Reads operands that nothing vouches for, and makes results. A refusal is TN7018 and says what was
// expected and found; the script names the node.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_HOSTOPS_OPERANDS_H
#define TENON_LIB_RUNTIME_HOSTOPS_OPERANDS_H

#include "HostOps.h"

#include <optional>
#include <string>

namespace tenon::runtime {

using HostResult = Expected<std::vector<Value>>;

/// TN7018 with this reason.
Status refuse(std::string reason);

/// Operand `index`, or null where it is absent.
const Value *operand(const HostOpCall &call, size_t index);
/// The tensor that operand `index` is: its extents are not negative, their product fits, its bytes are there.
Expected<const Tensor *> tensorOperand(const HostOpCall &call, size_t index);
/// The sequence that operand `index` is: each element is such a tensor, of its element type.
Expected<const Value *> sequenceOperand(const HostOpCall &call, size_t index);
/// The only element of a tensor of I32 or I64; nothing where the operand is absent.
Expected<std::optional<int64_t>> integerOperand(const HostOpCall &call, size_t index);
/// The only element of a tensor of F32; nothing where the operand is absent.
Expected<std::optional<float>> floatOperand(const HostOpCall &call, size_t index);

/// `axis`, counted from the end where negative, of `rank` dimensions.
Expected<size_t> normalizeAxis(int64_t axis, size_t rank);
/// `position`, counted from the end where negative, among 0 .. count - 1.
Expected<size_t> normalizePosition(int64_t position, size_t count);

/// New memory. TN7011 where there is not enough, or the extents do not fit.
Expected<Tensor> allocateResult(ElementType type, std::vector<int64_t> dims);
Expected<Value> integerScalar(int64_t number);
/// The same, as the only result.
HostResult onlyInteger(int64_t number);
HostResult only(Value value);

/// A tensor as `outer` blocks of `extent` slices of `inner` bytes each, along one of its axes.
struct Slices {
  size_t outer, extent, inner;
};
/// All are products of the tensor's extents; of an empty tensor, of those that are not zero, too.
Slices slicesAlong(const Tensor &tensor, size_t axis);

/// "[2, 3]".
std::string printDims(const std::vector<int64_t> &dims);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_HOSTOPS_OPERANDS_H
