//===- Elementwise.cpp - Elementwise operations and casts -----------------===//
//
// The meaning of an operation comes from ElementwiseOpInterface; this file only broadcasts.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

static bool isUnsignedInteger(ElementType type) {
  return type == ElementType::U8 || type == ElementType::U16 || type == ElementType::U32 || type == ElementType::U64;
}

/// Calls `body(result index, operand indices)` for every element of a tensor of extents `dims`.
template <typename Body>
static void forEachElement(ArrayRef<int64_t> dims, ArrayRef<SmallVector<int64_t>> strides, Body body) {
  SmallVector<int64_t> indices(strides.size());
  int64_t i = 0;
  for (Odometer it(dims, strides); it.isValid(); it.next()) {
    for (size_t operand = 0; operand < strides.size(); ++operand)
      indices[operand] = it.offset(operand);
    body(i++, indices);
  }
}

LogicalResult reference::evaluateElementwise(OpContext &c) {
  auto op = cast<graph::ElementwiseOpInterface>(c.op);
  SmallVector<ArrayRef<int64_t>> shapes;
  bool isFloatOp = false, isUnsigned = false;
  for (const HostTensor &operand : c.operands) {
    shapes.push_back(operand.getDims());
    isFloatOp |= isFloat(operand.getType());
    isUnsigned |= isUnsignedInteger(operand.getType());
  }
  if (!isFloatOp && !op.supportsIntegers())
    return c.unsupported() << "integer operands";
  std::optional<SmallVector<int64_t>> dims = broadcastDims(shapes);
  if (!dims)
    return c.mismatch() << "the operands do not broadcast";
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();

  // One flat row where nothing but scalars is broadcast: the common case.
  bool isFlat = llvm::all_of(c.operands, [&](const HostTensor &operand) {
    return operand.getNumElements() == 1 || operand.getDims() == ArrayRef(*dims);
  });
  SmallVector<SmallVector<int64_t>> strides;
  for (const HostTensor &operand : c.operands)
    strides.push_back(isFlat ? SmallVector<int64_t>{operand.getNumElements() == 1 ? 0 : 1}
                             : *getBroadcastStrides(operand.getDims(), *dims));
  if (isFlat)
    *dims = {result->getNumElements()};

  size_t arity = c.operands.size();
  SmallVector<double> floats(arity);
  SmallVector<int64_t> integers(arity);
  SmallVector<uint64_t> naturals(arity);
  forEachElement(*dims, strides, [&](int64_t i, ArrayRef<int64_t> indices) {
    for (size_t k = 0; k < arity; ++k) {
      if (isFloatOp)
        floats[k] = c.operands[k].getDouble(indices[k]);
      else if (isUnsigned)
        naturals[k] = static_cast<uint64_t>(c.operands[k].getInteger(indices[k]));
      else
        integers[k] = c.operands[k].getInteger(indices[k]);
    }
    if (isFloatOp)
      result->setDouble(i, op.evaluateFloat(floats));
    else if (isUnsigned)
      result->setInteger(i, static_cast<int64_t>(op.evaluateUnsigned(naturals)));
    else
      result->setInteger(i, op.evaluateInteger(integers));
  });
  return success();
}

LogicalResult reference::evaluateCast(OpContext &c) {
  const HostTensor &x = c.operands[0];
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  bool viaDouble = isFloat(x.getType()) || (x.getType() == ElementType::U64 && isFloat(result->getType()));
  for (int64_t i = 0; i < x.getNumElements(); ++i) {
    if (viaDouble)
      result->setDouble(i, x.getDouble(i));
    else
      result->setInteger(i, x.getInteger(i));
  }
  return success();
}
