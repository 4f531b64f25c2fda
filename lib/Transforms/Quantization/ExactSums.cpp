//===- ExactSums.cpp - Sums of integers that f32, or i32, holds exactly ---===//
#include "ExactSums.h"

#include "Graph/IR/GraphOps.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/IntegerSums.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

/// The largest sum of magnitudes that f32 holds exactly.
constexpr int64_t largestExactSum = int64_t(1) << 24;

/// The elements of a constant; nothing if it is none, or they are not known.
std::optional<reference::HostTensor> constantOf(Value v) {
  auto constant = v.getDefiningOp<ConstantOp>();
  auto tensor = constant ? reference::constantToTensor(constant.getValue()) : FailureOr<reference::HostTensor>();
  return failed(tensor) ? std::nullopt : std::optional(std::move(*tensor));
}

/// The one zero point of all elements: 0 if there is none; nothing if it is not known.
std::optional<int64_t> commonZeroPoint(Value zero) {
  if (!zero)
    return 0;
  auto tensor = constantOf(zero);
  if (!tensor || tensor->getNumElements() == 0)
    return std::nullopt;
  for (int64_t i = 1; i < tensor->getNumElements(); ++i)
    if (tensor->getInteger(i) != tensor->getInteger(0))
      return std::nullopt;
  return tensor->getInteger(0);
}

/// The largest |q - zero point| that the type allows.
int64_t largestMagnitude(const IntegerFactor &factor) {
  auto element = cast<IntegerType>(cast<RankedTensorType>(factor.codes.getType()).getElementType());
  const int64_t steps = int64_t(1) << element.getWidth(), low = element.isUnsigned() ? 0 : -steps / 2;
  std::optional<int64_t> zero = commonZeroPoint(factor.zero);
  return zero ? std::max(std::abs(low - *zero), std::abs(low + steps - 1 - *zero)) : steps - 1;
}

/// The largest sum of |w - zero point| over what one element of the result adds up, where both are constants.
std::optional<int64_t> largestSum(const IntegerFactor &w, int64_t depth, WeightOrder order) {
  std::optional<int64_t> zero = commonZeroPoint(w.zero);
  auto tensor = zero ? constantOf(w.codes) : std::nullopt;
  if (!tensor || tensor->getNumElements() == 0)
    return std::nullopt;
  const int64_t columns = order == WeightOrder::Columns ? tensor->getDims().back() : 1;
  int64_t largest = 0;
  std::vector<int64_t> sums(static_cast<size_t>(columns));
  for (int64_t first = 0; first < tensor->getNumElements(); first += depth * columns) {
    std::fill(sums.begin(), sums.end(), 0);
    for (int64_t i = 0; i < depth * columns; ++i)
      sums[static_cast<size_t>(i % columns)] += std::abs(tensor->getInteger(first + i) - *zero);
    largest = std::max(largest, *llvm::max_element(sums));
  }
  return largest;
}

} // namespace

int64_t tenon::countExactSteps(const IntegerFactor &x, const IntegerFactor &w, int64_t depth, WeightOrder order) {
  const int64_t largestX = largestMagnitude(x), largestW = largestMagnitude(w);
  if (auto sum = depth > 0 ? largestSum(w, depth, order) : std::nullopt; sum && *sum * largestX <= largestExactSum)
    return depth;
  return largestExactSum / std::max<int64_t>(largestX * largestW, 1);
}

bool tenon::holdsInteger32(const IntegerFactor &x, const IntegerFactor &w, int64_t depth, WeightOrder order) {
  const int64_t largestX = largestMagnitude(x);
  if (holdsIntegerSum(depth, largestX, largestMagnitude(w)))
    return true; // as almost always: the weights need not be read
  if (depth < 0)
    return false;
  std::optional<int64_t> sum = largestSum(w, depth, order);
  return sum && holdsIntegerSum(1, largestX, *sum);
}
