//===- ExportQuantization.cpp - Numbers of few bits -----------------------===//
#include "Graph/IR/DimExpr.h"
#include "Graph/IR/Expressions.h"
#include "Graph/IR/QuantizationOps.h"
#include "GraphWriter.h"
#include "tenon/Reference/Evaluate.h"
#include <numeric>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
Ints copy(ArrayRef<int64_t> values) { return Ints(values.begin(), values.end()); }
Name nameOf(GraphWriter &w, Value v) { return v ? w.get(v) : Name(); }

/// ONNX has integers of 2 bits from opset 25 on, and floats of 4 from 23 on.
void needType(GraphWriter &w, Type element) {
  if (element.getIntOrFloatBitWidth() < 8 && element.getIntOrFloatBitWidth() != 4)
    w.needOpset(25);
  else if (isa<Float4E2M1FNType>(element))
    w.needOpset(23);
}

SmallVector<Attribute> scalingAttributes(RankedTensorType scale, int64_t axis, int64_t block) {
  SmallVector<Attribute> attributes;
  if (scale.getRank() != 0)
    attributes.push_back({"axis", axis});
  if (scale.getRank() != 0 && block != 0)
    attributes.push_back({"block_size", block});
  return attributes;
}

/// Zeros of `element` in the shape of the scale say what the result's type is; an attribute where that is not constant.
Name exportQuantize(GraphWriter &w, QuantizeOp op) {
  auto scale = typeOf(op.getScale());
  Type element = typeOf(op.getResult()).getElementType();
  needType(w, element);
  SmallVector<Attribute> attributes = scalingAttributes(scale, op.getAxis(), op.getBlockSize());
  Name zero = nameOf(w, op.getZeroPoint());
  if (zero.empty() && scale.hasStaticShape()) {
    auto like = scalarAttribute(element, 0);
    zero = w.constant(
        DenseElementsAttr::getFromRawBuffer(RankedTensorType::get(scale.getShape(), element), like.getRawData()));
  } else if (zero.empty()) {
    attributes.push_back({"output_dtype", int64_t(getOnnxType(element))});
  }
  if (isa<FloatType>(element))
    attributes.push_back({"saturate", int64_t(op.getSaturate())});
  return w.add("QuantizeLinear", {w.get(op.getX()), w.get(op.getScale()), zero}, attributes);
}

Name exportDequantize(GraphWriter &w, DequantizeOp op) {
  needType(w, typeOf(op.getQ()).getElementType());
  return w.add("DequantizeLinear", {w.get(op.getQ()), w.get(op.getScale()), nameOf(w, op.getZeroPoint())},
               scalingAttributes(typeOf(op.getScale()), op.getAxis(), op.getBlockSize()));
}

Name exportIntegerMatMul(GraphWriter &w, IntegerMatMulOp op) {
  Name weight = w.get(op.getW()), rows = nameOf(w, op.getXZero());
  if (op.getTransposeW()) {
    Ints perm(size_t(typeOf(op.getW()).getRank()));
    std::iota(perm.begin(), perm.end(), 0);
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    weight = w.transpose(weight, perm);
  }
  if (op.getXZero() && typeOf(op.getXZero()).getRank() == 2) // ONNX has them as a vector
    rows = w.reshape(rows, {getDim(typeOf(op.getXZero()), 0)});
  return w.add("MatMulInteger", {w.get(op.getX()), weight, rows, nameOf(w, op.getWZero())});
}

Name exportIntegerConv(GraphWriter &w, IntegerConvOp op) {
  const int64_t rank = typeOf(op.getX()).getRank();
  Name x = w.get(op.getX());
  Ints first{0, rank - 1}, last{0};
  for (int64_t axis = 1; axis + 1 < rank; ++axis) {
    first.push_back(axis);
    last.push_back(axis + 1);
  }
  last.push_back(1);
  if (op.getChannelsLast())
    x = w.transpose(x, first);
  Name y = w.add("ConvInteger", {x, w.get(op.getW()), nameOf(w, op.getXZero()), nameOf(w, op.getWZero())},
                 {{"strides", copy(op.getStrides())},
                  {"pads", copy(op.getPads())},
                  {"dilations", copy(op.getDilations())},
                  {"group", int64_t(op.getGroup())}});
  return op.getChannelsLast() ? w.transpose(y, last) : y;
}

/// ONNX has no such form: constants are written dense; others have none.
Name exportUnpack(GraphWriter &w, Unpack2To4Op op) {
  SmallVector<reference::HostTensor> operands, results;
  for (Value operand : op->getOperands()) {
    auto constant = operand.getDefiningOp<ConstantOp>();
    auto tensor = constant ? reference::constantToTensor(constant.getValue()) : FailureOr<reference::HostTensor>();
    if (failed(tensor))
      return {};
    operands.push_back(std::move(*tensor));
  }
  if (failed(reference::evaluate(op.getOperation(), operands, results, {})))
    return {};
  return w.constant(reference::tensorToAttr(op.getContext(), std::move(results.front()), "dense"));
}

} // namespace

bool exportQuantization(GraphWriter &w, Operation *op) {
  if (isa<ConstantOp>(op) && !op->use_empty() &&
      llvm::all_of(op->getUsers(), [](Operation *user) { return isa<Unpack2To4Op>(user); }))
    return true; // only the dense form is written
  Name result = llvm::TypeSwitch<Operation *, Name>(op)
                    .Case([&](QuantizeOp o) { return exportQuantize(w, o); })
                    .Case([&](DequantizeOp o) { return exportDequantize(w, o); })
                    .Case([&](IntegerMatMulOp o) { return exportIntegerMatMul(w, o); })
                    .Case([&](IntegerConvOp o) { return exportIntegerConv(w, o); })
                    .Case([&](Unpack2To4Op o) { return exportUnpack(w, o); })
                    .Default([](Operation *) { return Name(); });
  return w.bindIfNamed(op->getResult(0), result);
}

} // namespace tenon::exporter
