//===- ExportMovement.cpp - Constants, shapes, copies, selection -----------===//
#include "Graph/IR/DimExpr.h"
#include "Graph/IR/SpecialOps.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
Type i64(GraphWriter &w) { return IntegerType::get(w.context, 64); }

/// start, start + step, ..: in i64, then converted.
Name exportRange(GraphWriter &w, RangeOp op) {
  DimAttr start = op.getStart(), count = getDim(typeOf(op.getResult()), 0);
  SmallVector<Name> bounds;
  for (DimAttr bound : {start, start + count * op.getStep(), DimAttr::constant(w.context, op.getStep())})
    bounds.push_back(w.reshape(w.extent(bound), {}));
  return w.cast(w.add("Range", bounds), typeOf(op.getResult()).getElementType());
}

Name exportDims(GraphWriter &w, DimsOp op) {
  Name values = w.shape(op.getValues().getDims());
  if (typeOf(op.getResult()).getRank() == 0)
    values = w.reshape(values, {});
  return w.cast(values, typeOf(op.getResult()).getElementType());
}

Name exportSlice(GraphWriter &w, SliceOp op) {
  Ints axes, steps(op.getSteps().begin(), op.getSteps().end());
  SmallVector<DimAttr> starts, ends;
  for (auto [i, step] : llvm::enumerate(steps)) {
    DimAttr start = op.getStarts()[i], count = getDim(typeOf(op.getResult()), unsigned(i));
    if (step < 0) // counted from the end: before the first element is no index from the start
      start = start - getDim(typeOf(op.getX()), unsigned(i));
    axes.push_back(int64_t(i));
    starts.push_back(start);
    ends.push_back(start + count * step);
  }
  if (axes.empty())
    return w.get(op.getX());
  return w.add("Slice", {w.get(op.getX()), w.shape(starts), w.shape(ends), w.integers(axes), w.integers(steps)});
}

Name exportPad(GraphWriter &w, PadOp op) {
  Ints pads(op.getBegins().begin(), op.getBegins().end());
  pads.insert(pads.end(), op.getEnds().begin(), op.getEnds().end());
  SmallVector<Name> operands{w.get(op.getX()), w.integers(pads)};
  if (op.getMode() == "constant")
    operands.push_back(w.number(typeOf(op.getX()).getElementType(), op.getValue().convertToDouble()));
  return w.add("Pad", operands, {{"mode", op.getMode().str()}});
}

/// ScatterND. What is outside x goes to a row of its own.
Name exportScatter(GraphWriter &w, ScatterOp op) {
  RankedTensorType type = typeOf(op.getX());
  SmallVector<DimAttr> dims = getDims(type);
  DimAttr one = DimAttr::constant(w.context, 1);
  Name spare = w.add("Expand", {w.number(type.getElementType(), 0), w.shape({one, dims[1]})});
  Name table = w.add("Concat", {w.get(op.getX()), spare}, {{"axis", int64_t(0)}});
  Name index = w.get(op.getIndices()), rows = w.extent(dims[0]);
  Name isInside = w.add("And", {w.add("GreaterOrEqual", {index, w.number(i64(w), 0)}), w.add("Less", {index, rows})});
  index = w.add("Where", {isInside, index, rows});
  Name written = w.add("ScatterND", {table, w.add("Unsqueeze", {index, w.integer(-1)}), w.get(op.getUpdates())},
                       {{"reduction", op.getReduction().str()}});
  return w.add("Slice", {written, w.integer(0), rows, w.integer(0)});
}

Name exportConcat(GraphWriter &w, ConcatOp op) {
  SmallVector<Name> operands;
  for (Value operand : op.getInputs())
    operands.push_back(w.get(operand));
  return w.add("Concat", operands, {{"axis", int64_t(op.getAxis())}});
}

template <typename OpTy>
Name exportRunning(GraphWriter &w, OpTy op, StringRef name) {
  return w.add(name, {w.get(op.getX()), w.number(i64(w), double(op.getAxis()))},
               {{"exclusive", int64_t(op.getExclusive())}, {"reverse", int64_t(op.getReverse())}});
}

} // namespace

bool exportMovement(GraphWriter &w, Operation *op) {
  Name result =
      llvm::TypeSwitch<Operation *, Name>(op)
          .Case([&](ConstantOp o) { return w.constant(o.getValue()); })
          .Case([&](RangeOp o) { return exportRange(w, o); })
          .Case([&](DimsOp o) { return exportDims(w, o); })
          .Case([&](ReshapeOp o) { return w.reshape(w.get(o.getX()), getDims(typeOf(o.getResult()))); })
          .Case([&](ExpandOp o) { return w.add("Expand", {w.get(o.getX()), w.shape(getDims(typeOf(o.getResult())))}); })
          .Case(
              [&](TransposeOp o) { return w.transpose(w.get(o.getX()), Ints(o.getPerm().begin(), o.getPerm().end())); })
          .Case([&](ConcatOp o) { return exportConcat(w, o); })
          .Case([&](SliceOp o) { return exportSlice(w, o); })
          .Case([&](PadOp o) { return exportPad(w, o); })
          .Case([&](GatherOp o) {
            return w.add("Gather", {w.get(o.getX()), w.get(o.getIndices())}, {{"axis", int64_t(o.getAxis())}});
          })
          .Case([&](ScatterOp o) { return exportScatter(w, o); })
          .Case([&](CumSumOp o) { return exportRunning(w, o, "CumSum"); })
          .Case([&](CumProdOp o) {
            w.needOpset(26);
            return exportRunning(w, o, "CumProd");
          })
          .Case([&](DftOp o) {
            w.needOpset(20);
            Name length = w.reshape(w.extent(o.getLength()), {});
            return w.add("DFT", {w.get(o.getX()), length, w.number(i64(w), double(o.getAxis()))},
                         {{"inverse", int64_t(o.getInverse())}, {"onesided", int64_t(o.getOnesided())}});
          })
          .Default([](Operation *) { return Name(); });
  return w.bindIfNamed(op->getResult(0), result);
}

} // namespace tenon::exporter
