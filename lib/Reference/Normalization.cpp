//===- Normalization.cpp - Softmax and normalisations ---------------------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// Softmax, or its logarithm, of `count` elements that are `stride` apart.
static void softmaxRow(const HostTensor &x, HostTensor &y, int64_t base, int64_t count, int64_t stride, bool isLog) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, x.getDouble(base + i * stride));
  for (int64_t i = 0; i < count; ++i)
    sum += std::exp(x.getDouble(base + i * stride) - largest);
  for (int64_t i = 0; i < count; ++i) {
    double shifted = x.getDouble(base + i * stride) - largest;
    y.setDouble(base + i * stride, isLog ? shifted - std::log(sum) : std::exp(shifted) / sum);
  }
}

LogicalResult reference::evaluateSoftmax(OpContext &c) {
  bool isLog = isa<graph::LogSoftmaxOp>(c.op);
  auto axis =
      static_cast<size_t>(isLog ? cast<graph::LogSoftmaxOp>(c.op).getAxis() : cast<graph::SoftmaxOp>(c.op).getAxis());
  const HostTensor &x = c.operands[0];
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  int64_t count = x.getDims()[axis], inner = product(x.getDims().drop_front(axis + 1));
  if (x.getNumElements() == 0)
    return success();
  for (int64_t row = 0; row < x.getNumElements() / count; ++row)
    softmaxRow(x, *result, row / inner * count * inner + row % inner, count, inner, isLog);
  return success();
}

/// Mean of `count` elements from `begin`, and one over the square root of their variance plus epsilon.
static std::pair<double, double> statistics(const HostTensor &x, int64_t begin, int64_t count, double epsilon) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < count; ++i)
    mean += x.getDouble(begin + i);
  mean /= static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) {
    double difference = x.getDouble(begin + i) - mean;
    variance += difference * difference;
  }
  return {mean, 1 / std::sqrt(variance / static_cast<double>(count) + epsilon)};
}

LogicalResult reference::evaluateLayerNormalization(OpContext &c) {
  auto op = cast<graph::LayerNormalizationOp>(c.op);
  const HostTensor &x = c.operands[0], &scale = c.operands[1];
  const HostTensor *bias = c.operands.size() > 2 ? &c.operands[2] : nullptr;
  std::optional<SmallVector<int64_t>> scaleStrides = getBroadcastStrides(scale.getDims(), x.getDims());
  std::optional<SmallVector<int64_t>> biasStrides =
      bias ? getBroadcastStrides(bias->getDims(), x.getDims()) : SmallVector<int64_t>(x.getDims().size(), 0);
  if (!scaleStrides || !biasStrides)
    return c.mismatch() << "scale or bias does not broadcast to [" << x.getDims() << "]";
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  int64_t count = product(x.getDims().drop_front(static_cast<size_t>(op.getAxis()))), i = 0;
  double epsilon = op.getEpsilon().convertToDouble();
  std::pair<double, double> row;
  for (Odometer it(x.getDims(), {*scaleStrides, *biasStrides}); it.isValid(); it.next(), ++i) {
    if (i % count == 0)
      row = statistics(x, i, count, epsilon);
    double value = (x.getDouble(i) - row.first) * row.second * scale.getDouble(it.offset(0));
    result->setDouble(i, value + (bias ? bias->getDouble(it.offset(1)) : 0));
  }
  return success();
}

LogicalResult reference::evaluateRmsNormalization(OpContext &c) {
  auto op = cast<graph::RmsNormalizationOp>(c.op);
  const HostTensor &x = c.operands[0], &scale = c.operands[1];
  std::optional<SmallVector<int64_t>> strides = getBroadcastStrides(scale.getDims(), x.getDims());
  if (!strides)
    return c.mismatch() << "scale does not broadcast to [" << x.getDims() << "]";
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  int64_t count = product(x.getDims().drop_front(static_cast<size_t>(op.getAxis()))), i = 0;
  double factor = 0;
  for (Odometer it(x.getDims(), {*strides}); it.isValid(); it.next(), ++i) {
    if (i % count == 0) {
      double squares = 0;
      for (int64_t j = 0; j < count; ++j)
        squares += x.getDouble(i + j) * x.getDouble(i + j);
      factor = 1 / std::sqrt(squares / static_cast<double>(count) + op.getEpsilon().convertToDouble());
    }
    result->setDouble(i, x.getDouble(i) * factor * scale.getDouble(it.offset(0)));
  }
  return success();
}

LogicalResult reference::evaluateBatchNormalization(OpContext &c) {
  auto op = cast<graph::BatchNormalizationOp>(c.op);
  const HostTensor &x = c.operands[0], &scale = c.operands[1], &bias = c.operands[2], &mean = c.operands[3],
                   &variance = c.operands[4];
  int64_t channels = x.getRank() > 1 ? x.getDims()[1] : 1;
  for (const HostTensor &vector : c.operands.drop_front())
    if (vector.getDims() != ArrayRef(channels))
      return c.mismatch() << "a vector has extents [" << vector.getDims() << "], expected [" << channels << "]";
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  int64_t inner = x.getRank() > 2 ? product(x.getDims().drop_front(2)) : 1;
  double epsilon = op.getEpsilon().convertToDouble();
  for (int64_t i = 0; i < x.getNumElements(); ++i) {
    int64_t k = i / inner % channels;
    double factor = scale.getDouble(k) / std::sqrt(variance.getDouble(k) + epsilon);
    result->setDouble(i, (x.getDouble(i) - mean.getDouble(k)) * factor + bias.getDouble(k));
  }
  return success();
}
