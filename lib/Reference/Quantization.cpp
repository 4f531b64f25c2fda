//===- Quantization.cpp - Numbers of few bits -----------------------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Kernels.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// Scale and zero point of each element of a tensor.
class Scaling {
public:
  Scaling(OpContext &c, ArrayRef<int64_t> dims, int64_t axis, int64_t block)
      : scale(c.operands[1]), zero(c.operands.size() > 2 ? &c.operands[2] : nullptr), block(block) {
    if (scale.getRank() == 0)
      return;
    isScaled = true;
    inner = product(dims.drop_front(static_cast<size_t>(axis) + 1));
    extent = dims[static_cast<size_t>(axis)];
    const int64_t blocks = block == 0 ? extent : (extent + block - 1) / block;
    fits = scale.getNumElements() ==
               (block == 0 ? blocks : product(dims.take_front(static_cast<size_t>(axis))) * blocks * inner) &&
           (!zero || zero->getNumElements() == scale.getNumElements());
  }

  bool isValid() const { return fits; }

  double getScale(int64_t i) const { return scale.getDouble(indexOf(i)); }
  double getZero(int64_t i) const { return zero ? zero->getDouble(indexOf(i)) : 0; }

private:
  int64_t indexOf(int64_t i) const {
    if (!isScaled)
      return 0;
    const int64_t at = i / inner % extent;
    if (block == 0)
      return at;
    return (i / inner / extent * ((extent + block - 1) / block) + at / block) * inner + i % inner;
  }

  const HostTensor &scale, *zero;
  int64_t block, inner = 1, extent = 1;
  bool isScaled = false, fits = true;
};

/// `value` rounded to a type of floats.
double roundTo(ElementType type, double value) {
  char bytes[8];
  storeDouble(type, bytes, 0, value);
  return loadDouble(type, bytes, 0);
}

/// Stores `value` in a float of 8 or 4 bits.
void storeNarrow(HostTensor &result, int64_t i, double value, const llvm::fltSemantics &format, bool saturates) {
  const double largest = APFloat::getLargest(format).convertToDouble();
  result.setDouble(i, value);
  const double stored = result.getDouble(i);
  if (saturates && !std::isnan(value) && !(std::fabs(stored) <= largest))
    result.setDouble(i, std::copysign(largest, value));
}

/// `tensor` - `zero` in i32, where element i of the zero point is read at `strides` . i; `zero` may be null.
FailureOr<HostTensor> centre(OpContext &c, const HostTensor &tensor, const HostTensor *zero,
                             SmallVector<int64_t> strides) {
  auto result = c.scratch(ElementType::I32, tensor.getNumElements());
  if (failed(result))
    return failure();
  int64_t i = 0;
  for (Odometer it(tensor.getDims(), {std::move(strides)}); it.isValid(); it.next(), ++i)
    result->setInteger(i, tensor.getInteger(i) - (zero ? zero->getInteger(it.offset(0)) : 0));
  return result->reshaped(tensor.getDims());
}

} // namespace

LogicalResult reference::evaluateQuantize(OpContext &c) {
  auto op = cast<graph::QuantizeOp>(c.op);
  const HostTensor &x = c.operands[0];
  const Scaling scaling(c, x.getDims(), static_cast<int64_t>(op.getAxis()), static_cast<int64_t>(op.getBlockSize()));
  if (!scaling.isValid())
    return c.mismatch() << "the scale does not fit";
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  Type element = op.getResult().getType().getElementType();
  for (int64_t i = 0; i < x.getNumElements(); ++i) {
    double real = roundTo(x.getType(), x.getDouble(i) / scaling.getScale(i));
    if (auto narrow = dyn_cast<FloatType>(element)) {
      real = roundTo(ElementType::F32, real) + scaling.getZero(i);
      storeNarrow(*result, i, roundTo(ElementType::F32, real), narrow.getFloatSemantics(), op.getSaturate());
    } else {
      result->setDouble(i, std::nearbyint(real) + scaling.getZero(i)); // saturates; NaN gives 0
    }
  }
  return success();
}

LogicalResult reference::evaluateDequantize(OpContext &c) {
  auto op = cast<graph::DequantizeOp>(c.op);
  const HostTensor &q = c.operands[0];
  const Scaling scaling(c, q.getDims(), static_cast<int64_t>(op.getAxis()), static_cast<int64_t>(op.getBlockSize()));
  if (!scaling.isValid())
    return c.mismatch() << "the scale does not fit";
  HostTensor *result = c.addResult(q.getDims());
  if (!result)
    return failure();
  for (int64_t i = 0; i < q.getNumElements(); ++i) {
    const double centred = roundTo(ElementType::F32, q.getDouble(i) - scaling.getZero(i));
    result->setDouble(i, roundTo(ElementType::F32, centred * roundTo(ElementType::F32, scaling.getScale(i))));
  }
  return success();
}

LogicalResult reference::evaluateIntegerMatMul(OpContext &c) {
  auto op = cast<graph::IntegerMatMulOp>(c.op);
  const HostTensor *xZero = op.getXZero() ? &c.operands[2] : nullptr,
                   *wZero = op.getWZero() ? &c.operands.back() : nullptr;
  const HostTensor &x = c.operands[0], &w = c.operands[1];
  auto stridesOf = [](const HostTensor *zero, ArrayRef<int64_t> dims) {
    return zero ? getBroadcastStrides(zero->getDims(), dims) : SmallVector<int64_t>(dims.size(), 0);
  };
  SmallVector<int64_t> columns(w.getDims());
  if (op.getTransposeW())
    std::swap(columns[columns.size() - 1], columns[columns.size() - 2]);
  auto xStrides = stridesOf(xZero, x.getDims()), wStrides = stridesOf(wZero, columns);
  if (!xStrides || !wStrides)
    return c.mismatch() << "zero points do not fit";
  if (op.getTransposeW())
    std::swap((*wStrides)[columns.size() - 1], (*wStrides)[columns.size() - 2]);
  auto a = centre(c, x, xZero, *xStrides), b = centre(c, w, wZero, *wStrides);
  if (failed(a) || failed(b))
    return failure();
  HostTensor factors[] = {*a, *b};
  OpContext centred{c.op, factors, c.results, c.env};
  return evaluateProduct(centred, op.getTransposeW());
}

LogicalResult reference::evaluateIntegerConv(OpContext &c) {
  auto op = cast<graph::IntegerConvOp>(c.op);
  const HostTensor *xZero = op.getXZero() ? &c.operands[2] : nullptr,
                   *wZero = op.getWZero() ? &c.operands.back() : nullptr;
  const HostTensor &x = c.operands[0], &w = c.operands[1];
  SmallVector<int64_t> wStrides(w.getDims().size(), 0);
  if (wZero && wZero->getRank() == 1) {
    if (wZero->getNumElements() != w.getDims()[0])
      return c.mismatch() << "zero points do not fit";
    wStrides[0] = 1;
  }
  auto a = centre(c, x, xZero, SmallVector<int64_t>(x.getDims().size(), 0)), b = centre(c, w, wZero, wStrides);
  if (failed(a) || failed(b))
    return failure();
  HostTensor factors[] = {*a, *b};
  OpContext centred{c.op, factors, c.results, c.env};
  return evaluateConvolution(centred, {op.getStrides(), op.getPads(), op.getDilations(),
                                       static_cast<int64_t>(op.getGroup()), op.getChannelsLast()});
}

LogicalResult reference::evaluateUnpack2To4(OpContext &c) {
  const HostTensor &values = c.operands[0], &indices = c.operands[1];
  const int64_t rows = indices.getDims()[0], columns = indices.getDims()[1];
  if (values.getDims() != ArrayRef<int64_t>{2 * rows, columns})
    return c.mismatch() << "[" << values.getDims() << "] values for [" << indices.getDims() << "] indices";
  HostTensor *result = c.addResult({4 * rows, columns});
  if (!result)
    return failure();
  for (int64_t g = 0; g < rows; ++g)
    for (int64_t n = 0; n < columns; ++n) {
      const int64_t pair = indices.getInteger(g * columns + n), first = pair & 3, second = pair >> 2;
      result->setDouble((4 * g + first) * columns + n, values.getDouble(2 * g * columns + n));
      result->setDouble((4 * g + second) * columns + n, values.getDouble((2 * g + 1) * columns + n));
    }
  return success();
}
