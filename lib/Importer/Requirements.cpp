//===- Requirements.cpp - What must hold at run time -----------------------===//
#include "Requirements.h"
#include "Graph/IR/QuantizationOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

static SmallVector<DimAttr> dimsOfValue(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }

void Requirements::requireEqual(DimAttr a, DimAttr b, Location loc, StringRef what) {
  // broadcast(a, b) = a holds where a = b: state that, once for both operands.
  for (auto [whole, part] : {std::pair(a, b), std::pair(b, a)}) {
    auto parts = llvm::to_vector(whole.dims());
    if (whole.getKind() == DimKind::Broadcast && llvm::is_contained(parts, part)) {
      a = parts[0], b = parts[1];
      break;
    }
  }
  insert(a, b, loc, what);
}

void Requirements::insert(DimAttr a, DimAttr b, Location loc, StringRef what) {
  if (a != b && !(a.getConstant() && b.getConstant()) && !equal.contains({b, a}))
    equal.insert({{a, b}, {loc, what.str()}});
}

/// Where the shape says 1 the operand keeps its extent, so that nothing has to agree with it.
void Requirements::collectExpand(ExpandOp op) {
  auto from = dimsOfValue(op.getX()), to = dimsOfValue(op.getResult());
  for (auto [own, whole] : llvm::zip(llvm::reverse(from), llvm::reverse(to)))
    if (!own.isConstant(1))
      insert(own, whole, op.getLoc(), "equal extents");
}

void Requirements::collectConcat(ConcatOp op) {
  auto first = dimsOfValue(op.getInputs().front());
  for (Value input : op.getInputs().drop_front())
    for (auto [axis, extents] : llvm::enumerate(llvm::zip(first, dimsOfValue(input))))
      if (int64_t(axis) != int64_t(op.getAxis()))
        requireEqual(std::get<0>(extents), std::get<1>(extents), op.getLoc());
}

/// An operand dimension that a loop indexes directly has the loop's extent.
void Requirements::collectMapped(IterationSpaceOpInterface op) {
  IterationSpace space = op.getIterationSpace();
  for (auto [operand, map] : llvm::zip(op->getOperands(), space.maps)) {
    if (!map || map.getNumResults() != unsigned(cast<RankedTensorType>(operand.getType()).getRank()))
      continue;
    for (auto [extent, expression] : llvm::zip(dimsOfValue(operand), map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expression))
        requireEqual(extent, space.extents[loop.getPosition()], op.getLoc());
  }
}

void Requirements::collect(Operation *op) {
  auto isStatic = [](Type type) { return cast<RankedTensorType>(type).hasStaticShape(); };
  if (llvm::all_of(op->getOperandTypes(), isStatic) && llvm::all_of(op->getResultTypes(), isStatic))
    return;
  MLIRContext *context = op->getContext();
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    requireEqual(product(context, dimsOfValue(reshape.getX())), product(context, dimsOfValue(reshape.getResult())),
                 op->getLoc());
  else if (auto concat = dyn_cast<ConcatOp>(op))
    collectConcat(concat);
  else if (auto expand = dyn_cast<ExpandOp>(op))
    collectExpand(expand);
  else if (isa<ElementwiseOpInterface, MatMulOp, IntegerMatMulOp, QuantizeOp, DequantizeOp, LayerNormalizationOp,
               RmsNormalizationOp>(op))
    collectMapped(cast<IterationSpaceOpInterface>(op));
}

ArrayAttr Requirements::toAttribute(MLIRContext *context) const {
  SmallVector<Attribute> rows;
  for (const auto &[pair, need] : equal) {
    const auto &[loc, what] = need;
    std::string node = isa<NameLoc>(loc) ? cast<NameLoc>(loc).getName().str() : std::string("a node");
    rows.push_back(ArrayAttr::get(context, {ShapeAttr::get(context, {pair.first, pair.second}),
                                            StringAttr::get(context, "node '" + node + "' needs " + what)}));
  }
  return rows.empty() ? ArrayAttr() : ArrayAttr::get(context, rows);
}

} // namespace tenon::importer
