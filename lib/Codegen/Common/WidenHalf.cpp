//===- WidenHalf.cpp - Computing in f32 what is stored in 16 bits ---------===//
//
// A region whose operands or results are f16 or bf16 computes in f32: operands are converted where they are read,
// results are rounded once, where they are stored. A region that only moves elements keeps their type.
//
//===----------------------------------------------------------------------===//
#include "tenon/Codegen/Common/Region.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

static bool isHalf(Type type) {
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF16() || element.isBF16();
}

static Type widened(Type type) {
  return getTensorType(getDims(cast<RankedTensorType>(type)), Float32Type::get(type.getContext()));
}

static bool onlyMoves(Operation &op) {
  return isa<ConstantOp, TransposeOp, ReshapeOp, ExpandOp, ConcatOp, SliceOp, GatherOp>(op);
}

/// Replaces the uses of `value` by its f32 form, made at the insertion point.
static void widenUses(OpBuilder &b, Value value) {
  Value wide = CastOp::create(b, value.getLoc(), widened(value.getType()), value);
  value.replaceAllUsesExcept(wide, wide.getDefiningOp());
}

void widenHalf(Block &block) {
  Operation *end = block.getTerminator();
  if (llvm::all_of(block.without_terminator(), onlyMoves))
    return;
  SmallVector<Type> results(end->getOperandTypes());
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  OpBuilder b = OpBuilder::atBlockBegin(&block);
  for (BlockArgument argument : block.getArguments())
    if (isHalf(argument.getType()) && !argument.use_empty())
      widenUses(b, argument);
  for (Operation *op : ops)
    for (OpResult result : op->getResults()) {
      if (!isHalf(result.getType()))
        continue;
      b.setInsertionPointAfter(op);
      if (isa<ConstantOp>(op))
        widenUses(b, result);
      else
        result.setType(cast<RankedTensorType>(widened(result.getType())));
    }
  b.setInsertionPoint(end);
  for (auto [operand, type] : llvm::zip_equal(end->getOpOperands(), results))
    if (operand.get().getType() != type)
      operand.set(CastOp::create(b, end->getLoc(), type, operand.get()));
}

} // namespace tenon::codegen
