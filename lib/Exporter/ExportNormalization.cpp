//===- ExportNormalization.cpp - Softmax, normalisation, attention ---------===//
//
// RMS normalisation, rotary embedding and attention are written as what they are made of: ONNX has them since opset 23,
// and few runtimes do.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/DimExpr.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
SmallVector<DimAttr> dimsOf(Value v) { return getDims(typeOf(v)); }

Name exportLayerNormalization(GraphWriter &w, LayerNormalizationOp op) {
  return w.add("LayerNormalization",
               {w.get(op.getX()), w.get(op.getScale()), op.getBias() ? w.get(op.getBias()) : Name()},
               {{"axis", int64_t(op.getAxis())}, {"epsilon", op.getEpsilon().convertToDouble()}});
}

Name exportBatchNormalization(GraphWriter &w, BatchNormalizationOp op) {
  SmallVector<Name> operands;
  for (Value operand : op->getOperands())
    operands.push_back(w.get(operand));
  return w.add("BatchNormalization", operands, {{"epsilon", op.getEpsilon().convertToDouble()}});
}

/// In f32 at least, as ONNX's stash_type says.
Name exportRmsNormalization(GraphWriter &w, RmsNormalizationOp op) {
  Type element = typeOf(op.getX()).getElementType();
  Type real = element.isF64() ? element : Type(Float32Type::get(w.context));
  Ints axes;
  for (int64_t axis = int64_t(op.getAxis()); axis < typeOf(op.getX()).getRank(); ++axis)
    axes.push_back(axis);
  Name x = w.cast(w.get(op.getX()), real);
  Name mean = w.add("ReduceMean", {w.add("Mul", {x, x}), w.integers(axes)}, {{"keepdims", int64_t(1)}});
  Name root = w.add("Sqrt", {w.add("Add", {mean, w.number(real, op.getEpsilon().convertToDouble())})});
  return w.add("Mul", {w.cast(w.add("Div", {x, root}), element), w.get(op.getScale())});
}

/// The halves of the first elements rotated, the rest kept.
Name exportRotaryEmbedding(GraphWriter &w, RotaryEmbeddingOp op) {
  int64_t axis = typeOf(op.getX()).getRank() - 1, size = *dimsOf(op.getX())[size_t(axis)].getConstant();
  int64_t half = *dimsOf(op.getCos()).back().getConstant();
  Name x = w.get(op.getX()), cosine = w.get(op.getCos()), sine = w.get(op.getSin());
  Name a = w.slice(x, axis, 0, half), b = w.slice(x, axis, half, 2 * half);
  SmallVector<Name> parts{w.add("Sub", {w.add("Mul", {a, cosine}), w.add("Mul", {b, sine})}),
                          w.add("Add", {w.add("Mul", {a, sine}), w.add("Mul", {b, cosine})})};
  if (2 * half < size)
    parts.push_back(w.slice(x, axis, 2 * half, size));
  return w.add("Concat", parts, {{"axis", axis}});
}

/// k or v with each head repeated for the query heads that read it.
Name repeatHeads(GraphWriter &w, Value v, DimAttr heads) {
  auto dims = dimsOf(v);
  if (dims[1] == heads)
    return w.get(v);
  DimAttr one = DimAttr::constant(w.context, 1), times = floorDiv(heads, dims[1]);
  Name split = w.reshape(w.get(v), {dims[0], dims[1], one, dims[2], dims[3]});
  Name wide = w.add("Expand", {split, w.shape({dims[0], dims[1], times, dims[2], dims[3]})});
  return w.reshape(wide, {dims[0], heads, dims[2], dims[3]});
}

/// Whether key j is behind what query i may see.
Name isHidden(GraphWriter &w, AttentionOp op) {
  Type i64 = IntegerType::get(w.context, 64);
  auto iota = [&](DimAttr count, ArrayRef<DimAttr> dims) {
    Name range = w.add("Range", {w.number(i64, 0), w.reshape(w.extent(count), {}), w.number(i64, 1)});
    return w.reshape(range, dims);
  };
  DimAttr one = DimAttr::constant(w.context, 1), queries = dimsOf(op.getQ())[2], keys = dimsOf(op.getK())[2];
  Name last = w.add("Add", {iota(queries, {queries, one}), w.extent(*op.getCausalOffset())});
  return w.add("Greater", {iota(keys, {one, keys}), last});
}

Name exportAttention(GraphWriter &w, AttentionOp op) {
  Type type = typeOf(op.getQ()).getElementType();
  DimAttr heads = dimsOf(op.getQ())[1];
  Name k = repeatHeads(w, op.getK(), heads), v = repeatHeads(w, op.getV(), heads);
  Name q = w.add("Mul", {w.get(op.getQ()), w.number(type, op.getScale().convertToDouble())});
  Name s = w.add("MatMul", {q, w.transpose(k, {0, 1, 3, 2})});
  if (double cap = op.getSoftcap().convertToDouble(); cap != 0)
    s = w.add("Mul", {w.add("Tanh", {w.add("Div", {s, w.number(type, cap)})}), w.number(type, cap)});
  Name never = w.number(type, -std::numeric_limits<double>::infinity());
  if (Value mask = op.getMask())
    s = typeOf(mask).getElementType().isInteger(1) ? w.add("Where", {w.get(mask), s, never})
                                                   : w.add("Add", {s, w.get(mask)});
  if (op.getCausalOffset())
    s = w.add("Where", {isHidden(w, op), never, s});
  Name p = w.add("Softmax", {s}, {{"axis", int64_t(-1)}});
  if (!op.getNanRows() && (op.getMask() || op.getCausalOffset())) // rows that see nothing
    p = w.add("Where", {w.add("IsNaN", {p}), w.number(type, 0), p});
  return w.add("MatMul", {p, v});
}

} // namespace

bool exportNormalization(GraphWriter &w, Operation *op) {
  auto softmax = [&](auto o, StringRef name) {
    return w.add(name, {w.get(o.getX())}, {{"axis", int64_t(o.getAxis())}});
  };
  Name result = llvm::TypeSwitch<Operation *, Name>(op)
                    .Case([&](SoftmaxOp o) { return softmax(o, "Softmax"); })
                    .Case([&](LogSoftmaxOp o) { return softmax(o, "LogSoftmax"); })
                    .Case([&](LayerNormalizationOp o) { return exportLayerNormalization(w, o); })
                    .Case([&](BatchNormalizationOp o) { return exportBatchNormalization(w, o); })
                    .Case([&](RmsNormalizationOp o) { return exportRmsNormalization(w, o); })
                    .Case([&](RotaryEmbeddingOp o) { return exportRotaryEmbedding(w, o); })
                    .Case([&](AttentionOp o) { return exportAttention(w, o); })
                    .Default([](Operation *) { return Name(); });
  return w.bindIfNamed(op->getResult(0), result);
}

} // namespace tenon::exporter
