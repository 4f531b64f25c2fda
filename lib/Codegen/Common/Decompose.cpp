//===- Decompose.cpp - Normalisations as reductions -----------------------===//
#include "tenon/Codegen/Common/Decompose.h"
#include "Graph/IR/GraphOps.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

Value scalarConstant(OpBuilder &b, Location loc, Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  return ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getFloatAttr(elementType, value)));
}

/// 1 / sqrt(variance + epsilon)
Value inverseDeviation(OpBuilder &b, Location loc, Value variance, double epsilon) {
  Value shifted = AddOp::create(b, loc, variance, scalarConstant(b, loc, tensorOf(variance).getElementType(), epsilon));
  return ReciprocalOp::create(b, loc, SqrtOp::create(b, loc, shifted));
}

/// A NaN in x reaches the result through x - max x, so the maximum may drop it.
Value findLargest(OpBuilder &b, Location loc, Value x, int64_t axis) {
  auto largest = ReduceMaxOp::create(b, loc, x, ArrayRef<int64_t>(axis), true);
  largest->setAttr(dropsNaN, b.getUnitAttr());
  return largest;
}

Value decompose(OpBuilder &b, SoftmaxOp op) {
  Location loc = op.getLoc();
  int64_t axis = op.getAxis();
  Value largest = findLargest(b, loc, op.getX(), axis);
  Value e = ExpOp::create(b, loc, SubOp::create(b, loc, op.getX(), largest));
  Value sum = ReduceSumOp::create(b, loc, e, ArrayRef<int64_t>(axis), true);
  return MulOp::create(b, loc, e, ReciprocalOp::create(b, loc, sum));
}

Value decompose(OpBuilder &b, LogSoftmaxOp op) {
  Location loc = op.getLoc();
  int64_t axis = op.getAxis();
  Value largest = findLargest(b, loc, op.getX(), axis);
  Value shifted = SubOp::create(b, loc, op.getX(), largest);
  Value sum = ReduceSumOp::create(b, loc, ExpOp::create(b, loc, shifted), ArrayRef<int64_t>(axis), true);
  return SubOp::create(b, loc, shifted, LogOp::create(b, loc, sum));
}

Value decompose(OpBuilder &b, LayerNormalizationOp op) {
  Location loc = op.getLoc();
  auto axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), tensorOf(op.getX()).getRank()));
  Value mean = ReduceMeanOp::create(b, loc, op.getX(), axes, true);
  Value centred = SubOp::create(b, loc, op.getX(), mean);
  Value variance = ReduceMeanOp::create(b, loc, MulOp::create(b, loc, centred, centred), axes, true);
  Value inverse = inverseDeviation(b, loc, variance, op.getEpsilon().convertToDouble());
  Value y = MulOp::create(b, loc, MulOp::create(b, loc, centred, inverse), op.getScale());
  return op.getBias() ? Value(AddOp::create(b, loc, y, op.getBias())) : y;
}

Value decompose(OpBuilder &b, RmsNormalizationOp op) {
  Location loc = op.getLoc();
  auto axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), tensorOf(op.getX()).getRank()));
  Value square = MulOp::create(b, loc, op.getX(), op.getX());
  Value mean = ReduceMeanOp::create(b, loc, square, axes, true);
  Value inverse = inverseDeviation(b, loc, mean, op.getEpsilon().convertToDouble());
  return MulOp::create(b, loc, MulOp::create(b, loc, op.getX(), inverse), op.getScale());
}

/// [C] as [C, 1, .., 1], to broadcast along dimension 1 of x.
Value perChannel(OpBuilder &b, BatchNormalizationOp op, Value v) {
  SmallVector<DimAttr> dims(tensorOf(op.getX()).getRank() - 1, DimAttr::constant(op.getContext(), 1));
  dims[0] = getDim(tensorOf(v), 0);
  return ReshapeOp::create(b, op.getLoc(), getTensorType(dims, tensorOf(v).getElementType()), v);
}

Value decompose(OpBuilder &b, BatchNormalizationOp op) {
  Location loc = op.getLoc();
  if (tensorOf(op.getX()).getRank() < 2)
    return {};
  Value inverse = inverseDeviation(b, loc, perChannel(b, op, op.getVar()), op.getEpsilon().convertToDouble());
  Value factor = MulOp::create(b, loc, inverse, perChannel(b, op, op.getScale()));
  Value centred = SubOp::create(b, loc, op.getX(), perChannel(b, op, op.getMean()));
  return AddOp::create(b, loc, MulOp::create(b, loc, centred, factor), perChannel(b, op, op.getBias()));
}

/// Elements [start, start + count) of the last dimension.
Value slice(OpBuilder &b, Location loc, Value x, int64_t start, int64_t count) {
  auto dims = getDims(tensorOf(x));
  dims.back() = DimAttr::constant(b.getContext(), count);
  SmallVector<DimAttr> starts(dims.size(), DimAttr::constant(b.getContext(), 0));
  starts.back() = DimAttr::constant(b.getContext(), start);
  return SliceOp::create(b, loc, getTensorType(dims, tensorOf(x).getElementType()), x,
                         ShapeAttr::get(b.getContext(), starts), SmallVector<int64_t>(dims.size(), 1));
}

Value decompose(OpBuilder &b, RotaryEmbeddingOp op) {
  Location loc = op.getLoc();
  Value x = op.getX();
  int64_t half = tensorOf(op.getCos()).getShape().back(), size = tensorOf(x).getShape().back();
  Value first = slice(b, loc, x, 0, half), second = slice(b, loc, x, half, half);
  auto mul = [&](Value v, Value w) -> Value { return MulOp::create(b, loc, v, w); };
  SmallVector<Value> parts = {SubOp::create(b, loc, mul(first, op.getCos()), mul(second, op.getSin())),
                              AddOp::create(b, loc, mul(first, op.getSin()), mul(second, op.getCos()))};
  if (2 * half < size)
    parts.push_back(slice(b, loc, x, 2 * half, size - 2 * half));
  return ConcatOp::create(b, loc, parts, tensorOf(x).getRank() - 1);
}

} // namespace

void decomposeNormalizations(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    OpBuilder b(&op);
    // Integer or other odd element types are left for the caller to refuse.
    if (op.getNumOperands() == 0 || !isa<FloatType>(tensorOf(op.getOperand(0)).getElementType()))
      continue;
    Value replacement =
        TypeSwitch<Operation *, Value>(&op)
            .Case<SoftmaxOp, LogSoftmaxOp, LayerNormalizationOp, RmsNormalizationOp, BatchNormalizationOp,
                  RotaryEmbeddingOp>([&](auto normalization) { return decompose(b, normalization); })
            .Default([](Operation *) { return Value(); });
    if (!replacement)
      continue;
    op.getResult(0).replaceAllUsesWith(replacement);
    op.erase();
  }
}

} // namespace tenon::codegen
