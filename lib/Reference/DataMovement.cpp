//===- DataMovement.cpp - Shapes, copies, selection, generators -----------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// The values of `dims`; a diagnostic if one cannot be evaluated.
static FailureOr<SmallVector<int64_t>> evaluateAll(OpContext &c, ArrayRef<graph::DimAttr> dims) {
  SmallVector<int64_t> values;
  for (graph::DimAttr dim : dims) {
    std::optional<int64_t> value = c.evaluate(dim);
    if (!value) {
      c.mismatch() << "the expression " << dim << " cannot be evaluated";
      return failure();
    }
    values.push_back(*value);
  }
  return values;
}

LogicalResult reference::evaluateConstant(OpContext &c) {
  FailureOr<HostTensor> tensor = constantToTensor(cast<graph::ConstantOp>(c.op).getValue(), c.env.budget);
  if (failed(tensor))
    return c.unsupported() << "the value cannot be read, or exceeds the memory budget";
  c.results.push_back(std::move(*tensor));
  return success();
}

LogicalResult reference::evaluateRange(OpContext &c) {
  auto op = cast<graph::RangeOp>(c.op);
  FailureOr<SmallVector<int64_t>> start = evaluateAll(c, op.getStart());
  FailureOr<SmallVector<int64_t>> dims = c.resultDims();
  if (failed(start) || failed(dims))
    return failure();
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();
  auto value = static_cast<uint64_t>(start->front());
  for (int64_t i = 0; i < result->getNumElements(); ++i, value += static_cast<uint64_t>(op.getStep()))
    result->setInteger(i, static_cast<int64_t>(value));
  return success();
}

LogicalResult reference::evaluateDimsOp(OpContext &c) {
  FailureOr<SmallVector<int64_t>> values = evaluateAll(c, cast<graph::DimsOp>(c.op).getValues().getDims());
  FailureOr<SmallVector<int64_t>> dims = c.resultDims();
  if (failed(values) || failed(dims))
    return failure();
  if (countElements(*dims) != static_cast<int64_t>(values->size()))
    return c.mismatch() << values->size() << " values for extents [" << ArrayRef(*dims) << "]";
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();
  for (auto [i, value] : llvm::enumerate(*values))
    result->setInteger(static_cast<int64_t>(i), value);
  return success();
}

LogicalResult reference::evaluateReshape(OpContext &c) {
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> dims = c.resultDims();
  if (failed(dims))
    return failure();
  if (countElements(*dims) != x.getNumElements())
    return c.mismatch() << "[" << x.getDims() << "] and [" << ArrayRef(*dims) << "] differ in their number of elements";
  c.results.push_back(x.reshaped(*dims));
  return success();
}

LogicalResult reference::evaluateTranspose(OpContext &c) {
  const HostTensor &x = c.operands[0];
  SmallVector<int64_t> dims, strides, xStrides = getStrides(x.getDims());
  for (int64_t axis : cast<graph::TransposeOp>(c.op).getPerm()) {
    dims.push_back(x.getDims()[static_cast<size_t>(axis)]);
    strides.push_back(xStrides[static_cast<size_t>(axis)]);
  }
  HostTensor *result = c.addResult(dims);
  if (!result)
    return failure();
  copyBox(elementSize(x.getType()), dims, result->mutableBytes(), getStrides(dims), x.bytes(), strides);
  return success();
}

LogicalResult reference::evaluateExpand(OpContext &c) {
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> dims = c.resultDims();
  if (failed(dims))
    return failure();
  std::optional<SmallVector<int64_t>> strides = getBroadcastStrides(x.getDims(), *dims);
  if (!strides)
    return c.mismatch() << "[" << x.getDims() << "] does not broadcast to [" << ArrayRef(*dims) << "]";
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();
  copyBox(elementSize(x.getType()), *dims, result->mutableBytes(), getStrides(*dims), x.bytes(), *strides);
  return success();
}

LogicalResult reference::evaluateConcat(OpContext &c) {
  auto axis = static_cast<size_t>(cast<graph::ConcatOp>(c.op).getAxis());
  if (c.operands.empty())
    return c.unsupported() << "no inputs";
  SmallVector<int64_t> dims(c.operands[0].getDims());
  dims[axis] = 0;
  for (const HostTensor &input : c.operands) {
    SmallVector<int64_t> rest(input.getDims());
    rest[axis] = dims[axis];
    if (rest != dims || __builtin_add_overflow(dims[axis], input.getDims()[axis], &dims[axis]))
      return c.mismatch() << "inputs of extents [" << c.operands[0].getDims() << "] and [" << input.getDims()
                          << "] along axis " << axis;
  }
  HostTensor *result = c.addResult(dims);
  if (!result)
    return failure();
  SmallVector<int64_t> strides = getStrides(dims);
  int64_t size = elementSize(result->getType()), position = 0;
  for (const HostTensor &input : c.operands) {
    if (input.getNumElements() != 0)
      copyBox(size, input.getDims(), result->mutableBytes() + position * strides[axis] * size, strides, input.bytes(),
              getStrides(input.getDims()));
    position += input.getDims()[axis];
  }
  return success();
}

LogicalResult reference::evaluateSlice(OpContext &c) {
  auto op = cast<graph::SliceOp>(c.op);
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> dims = c.resultDims(), starts = evaluateAll(c, op.getStarts().getDims());
  if (failed(dims) || failed(starts))
    return failure();
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();
  if (result->getNumElements() == 0)
    return success();
  SmallVector<int64_t> strides = getStrides(x.getDims());
  int64_t offset = 0;
  for (size_t axis = 0; axis < dims->size(); ++axis) {
    int64_t start = (*starts)[axis], step = op.getSteps()[axis], extent = x.getDims()[axis];
    __int128 last = start + __int128((*dims)[axis] - 1) * step;
    if (start < 0 || start >= extent || last < 0 || last >= extent)
      return c.mismatch() << (*dims)[axis] << " elements from " << start << " in steps of " << step << " leave axis "
                          << axis << " of extent " << extent;
    offset += start * strides[axis];
    // A step is never taken along an axis of one element, so it may be anything there.
    strides[axis] = (*dims)[axis] == 1 ? 0 : strides[axis] * step;
  }
  int64_t size = elementSize(x.getType());
  copyBox(size, *dims, result->mutableBytes(), getStrides(*dims), x.bytes() + offset * size, strides);
  return success();
}

/// Where coordinate `i` of the padded axis is read from: an index into the axis, or -1 for the constant.
static int64_t paddedSource(StringRef mode, int64_t i, int64_t extent) {
  if (i >= 0 && i < extent)
    return i;
  if (mode == "constant")
    return -1;
  if (mode == "edge" || extent == 1)
    return i < 0 ? 0 : extent - 1;
  int64_t period = 2 * (extent - 1), phase = ((i % period) + period) % period;
  return phase < extent ? phase : period - phase;
}

/// Extents of graph.pad's result; a diagnostic if they overflow, or there is nothing to repeat.
static FailureOr<SmallVector<int64_t>> paddedDims(OpContext &c, graph::PadOp op, ArrayRef<int64_t> in) {
  SmallVector<int64_t> dims;
  for (auto [axis, extent] : llvm::enumerate(in)) {
    __int128 padded = __int128(extent) + op.getBegins()[axis] + op.getEnds()[axis];
    bool isEmpty = extent == 0 && padded != 0 && op.getMode() != "constant";
    if (padded < 0 || padded > (__int128(1) << 60) || isEmpty) {
      c.mismatch() << "axis " << axis << " of extent " << extent << " cannot be padded";
      return failure();
    }
    dims.push_back(static_cast<int64_t>(padded));
  }
  return dims;
}

LogicalResult reference::evaluatePad(OpContext &c) {
  auto op = cast<graph::PadOp>(c.op);
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> dims = paddedDims(c, op, x.getDims());
  if (failed(dims))
    return failure();
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();
  int64_t size = elementSize(x.getType());
  auto bytes = static_cast<size_t>(size);
  SmallVector<int64_t> strides = getStrides(x.getDims());
  char fill[8], *target = result->mutableBytes();
  storeDouble(x.getType(), fill, 0, op.getValue().convertToDouble());
  for (Odometer it(*dims, {}); it.isValid(); it.next(), target += size) {
    int64_t offset = 0;
    for (size_t axis = 0; axis < dims->size() && offset >= 0; ++axis) {
      int64_t source = paddedSource(op.getMode(), it.getIndex()[axis] - op.getBegins()[axis], x.getDims()[axis]);
      offset = source < 0 ? -1 : offset + source * strides[axis];
    }
    std::memcpy(target, offset < 0 ? fill : x.bytes() + offset * size, bytes);
  }
  return success();
}

LogicalResult reference::evaluateGather(OpContext &c) {
  const HostTensor &x = c.operands[0], &indices = c.operands[1];
  auto axis = static_cast<size_t>(cast<graph::GatherOp>(c.op).getAxis());
  SmallVector<int64_t> dims(x.getDims().take_front(axis));
  llvm::append_range(dims, indices.getDims());
  llvm::append_range(dims, x.getDims().drop_front(axis + 1));
  HostTensor *result = c.addResult(dims);
  if (!result)
    return failure();
  if (result->getNumElements() == 0)
    return success();
  int64_t extent = x.getDims()[axis], outer = product(x.getDims().take_front(axis));
  if (extent == 0)
    return c.mismatch() << "the table is empty";
  int64_t row = product(x.getDims().drop_front(axis + 1)) * elementSize(x.getType());
  char *target = result->mutableBytes();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < indices.getNumElements(); ++i, target += row) {
      int64_t index = indices.getInteger(i);
      index = std::clamp<int64_t>(index < 0 ? index + extent : index, 0, extent - 1);
      std::memcpy(target, x.bytes() + (o * extent + index) * row, static_cast<size_t>(row));
    }
  }
  return success();
}
