//===- Reduction.cpp - Reductions over axes -------------------------------===//
//
// Floats are combined in double by ReductionOpInterface; integers in 64 bits, so that they stay exact.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// The total so far of every result element, in one of two types. The first element is taken as it is, so that no
/// neutral element has to stand in for infinities.
struct Totals {
  double *floats = nullptr;
  int64_t *integers = nullptr;
};

int64_t combineIntegers(Operation *op, int64_t x, int64_t total) {
  if (isa<graph::ReduceMaxOp>(op))
    return std::max(x, total);
  if (isa<graph::ReduceMinOp>(op))
    return std::min(x, total);
  auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(total);
  return static_cast<int64_t>(isa<graph::ReduceProdOp>(op) ? a * b : a + b);
}

/// The result of a reduction over no elements.
double emptyTotal(Operation *op, ElementType type) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (isa<graph::ReduceProdOp>(op))
    return 1;
  if (isa<graph::ReduceMeanOp>(op))
    return std::numeric_limits<double>::quiet_NaN();
  if (isa<graph::ReduceMaxOp>(op))
    return type == ElementType::Bool ? 0 : -infinity;
  if (isa<graph::ReduceMinOp>(op))
    return infinity;
  return 0;
}

/// The extents that stay (1 where reduced), and as the result has them.
std::pair<SmallVector<int64_t>, SmallVector<int64_t>> reducedDims(graph::ReductionOpInterface op,
                                                                  ArrayRef<int64_t> dims) {
  SmallVector<int64_t> kept(dims), result;
  for (int64_t axis : op.getReducedAxes())
    kept[static_cast<size_t>(axis)] = 1;
  for (auto [axis, extent] : llvm::enumerate(kept))
    if (op.keepsDims() || !llvm::is_contained(op.getReducedAxes(), static_cast<int64_t>(axis)))
      result.push_back(extent);
  return {kept, result};
}

} // namespace

static void accumulate(graph::ReductionOpInterface op, const HostTensor &x, ArrayRef<int64_t> kept, Totals totals) {
  SmallVector<int64_t> strides = *getBroadcastStrides(kept, x.getDims());
  SmallVector<int64_t> isReduced(kept.size(), 0);
  for (int64_t axis : op.getReducedAxes())
    isReduced[static_cast<size_t>(axis)] = 1;
  int64_t i = 0;
  // The second list of strides counts reduced coordinates: 0 marks the first element of a total.
  for (Odometer it(x.getDims(), {strides, isReduced}); it.isValid(); it.next(), ++i) {
    int64_t o = it.offset(0);
    bool isFirst = it.offset(1) == 0;
    if (totals.floats)
      totals.floats[o] = isFirst ? x.getDouble(i) : op.evaluateCombine(x.getDouble(i), totals.floats[o]);
    else
      totals.integers[o] = isFirst ? x.getInteger(i) : combineIntegers(op, x.getInteger(i), totals.integers[o]);
  }
}

LogicalResult reference::evaluateReduction(OpContext &c) {
  auto op = cast<graph::ReductionOpInterface>(c.op);
  const HostTensor &x = c.operands[0];
  auto [kept, dims] = reducedDims(op, x.getDims());
  HostTensor *result = c.addResult(dims);
  if (!result)
    return failure();
  int64_t count = result->getNumElements();
  if (x.getNumElements() == 0) {
    for (int64_t i = 0; i < count; ++i)
      result->setDouble(i, emptyTotal(c.op, result->getType()));
    return success();
  }
  bool isFloatOp = isFloat(x.getType());
  FailureOr<HostTensor> storage = c.scratch(isFloatOp ? ElementType::F64 : ElementType::I64, count);
  if (failed(storage))
    return failure();
  Totals totals;
  if (isFloatOp)
    totals.floats = mutableElements<double>(*storage);
  else
    totals.integers = mutableElements<int64_t>(*storage);
  accumulate(op, x, kept, totals);
  int64_t divisor = op.isMean() ? x.getNumElements() / count : 1;
  for (int64_t i = 0; i < count; ++i) {
    if (isFloatOp)
      result->setDouble(i, totals.floats[i] / static_cast<double>(divisor));
    else
      result->setInteger(i, totals.integers[i] / divisor);
  }
  return success();
}

LogicalResult reference::evaluateCumSum(OpContext &c) {
  auto op = cast<graph::CumSumOp>(c.op);
  const HostTensor &x = c.operands[0];
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  if (x.getNumElements() == 0)
    return success();
  bool isFloatOp = isFloat(x.getType());
  auto axis = static_cast<size_t>(op.getAxis());
  int64_t count = x.getDims()[axis], inner = product(x.getDims().drop_front(axis + 1));
  for (int64_t row = 0; row < x.getNumElements() / count; ++row) {
    int64_t base = row / inner * count * inner + row % inner;
    double sum = 0;
    uint64_t whole = 0;
    for (int64_t j = 0; j < count; ++j) {
      int64_t i = base + (op.getReverse() ? count - 1 - j : j) * inner;
      double before = sum;
      uint64_t wholeBefore = whole;
      sum += isFloatOp ? x.getDouble(i) : 0;
      whole += isFloatOp ? 0 : static_cast<uint64_t>(x.getInteger(i));
      if (isFloatOp)
        result->setDouble(i, op.getExclusive() ? before : sum);
      else
        result->setInteger(i, static_cast<int64_t>(op.getExclusive() ? wholeBefore : whole));
    }
  }
  return success();
}
