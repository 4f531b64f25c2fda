//===- Special.cpp - Scatter, running products, bit casts -----------------===//
#include "Graph/IR/SpecialOps.h"
#include "Kernels.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// f(old, update); NaN stays NaN in minima and maxima.
template <typename T>
static T combine(StringRef reduction, T old, T update) {
  if (reduction == "min")
    return old != old || old < update ? old : update;
  if (reduction == "max")
    return old != old || old > update ? old : update;
  return reduction == "none" ? update : old;
}

static double combineFloat(StringRef reduction, double old, double update) {
  return reduction == "add" ? old + update : reduction == "mul" ? old * update : combine(reduction, old, update);
}

static int64_t combineInteger(StringRef reduction, int64_t old, int64_t update, bool isUnsigned) {
  auto a = static_cast<uint64_t>(old), b = static_cast<uint64_t>(update);
  if (reduction == "add" || reduction == "mul")
    return static_cast<int64_t>(reduction == "add" ? a + b : a * b);
  return isUnsigned ? static_cast<int64_t>(combine(reduction, a, b)) : combine(reduction, old, update);
}

LogicalResult reference::evaluateScatter(OpContext &c) {
  auto op = cast<graph::ScatterOp>(c.op);
  const HostTensor &x = c.operands[0], &indices = c.operands[1], &updates = c.operands[2];
  int64_t count = indices.getNumElements(), width = x.getDims()[1];
  if (updates.getDims() != ArrayRef<int64_t>{count, width})
    return c.mismatch() << "updates must be [" << count << ", " << width << "]";
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  std::memcpy(result->mutableBytes(), x.bytes(), static_cast<size_t>(x.getNumBytes()));
  bool isUnsigned = op.getX().getType().getElementType().isUnsignedInteger();
  for (int64_t i = 0; i < count * width; ++i) {
    int64_t row = indices.getInteger(i / width), at = row * width + i % width;
    if (row < 0 || row >= x.getDims()[0])
      continue;
    if (isFloat(x.getType()))
      result->setDouble(at, combineFloat(op.getReduction(), result->getDouble(at), updates.getDouble(i)));
    else
      result->setInteger(at,
                         combineInteger(op.getReduction(), result->getInteger(at), updates.getInteger(i), isUnsigned));
  }
  return success();
}

LogicalResult reference::evaluateCumProd(OpContext &c) {
  auto op = cast<graph::CumProdOp>(c.op);
  const HostTensor &x = c.operands[0];
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  if (x.getNumElements() == 0)
    return success();
  auto axis = static_cast<size_t>(op.getAxis());
  int64_t count = x.getDims()[axis], inner = product(x.getDims().drop_front(axis + 1));
  for (int64_t row = 0; row < x.getNumElements() / count; ++row) {
    int64_t base = row / inner * count * inner + row % inner;
    double real = 1;
    uint64_t whole = 1;
    for (int64_t j = 0; j < count; ++j) {
      int64_t i = base + (op.getReverse() ? count - 1 - j : j) * inner;
      if (isFloat(x.getType())) {
        double next = real * x.getDouble(i);
        result->setDouble(i, op.getExclusive() ? real : next);
        real = next;
      } else {
        uint64_t next = whole * static_cast<uint64_t>(x.getInteger(i));
        result->setInteger(i, static_cast<int64_t>(op.getExclusive() ? whole : next));
        whole = next;
      }
    }
  }
  return success();
}

LogicalResult reference::evaluateBitcast(OpContext &c) {
  const HostTensor &x = c.operands[0];
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  if (x.getNumBytes() != result->getNumBytes())
    return c.mismatch() << x.getNumBytes() << " bytes become " << result->getNumBytes();
  std::memcpy(result->mutableBytes(), x.bytes(), static_cast<size_t>(x.getNumBytes()));
  if (cast<graph::BitcastOp>(c.op).getResult().getType().getElementType().isInteger(1))
    for (int64_t i = 0; i < result->getNumBytes(); ++i)
      result->mutableBytes()[i] = result->mutableBytes()[i] != 0;
  return success();
}
