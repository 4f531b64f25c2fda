//===- MoveQuantization.cpp - Move data in few bits -----------------------===//
//
// What only moves data, or takes the largest of it, does so on the smaller numbers.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Quantization.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
bool isOneNumber(Value v) { return typeOf(v).getRank() == 0; }

/// The constant number `v`; nothing if it is none.
std::optional<double> numberOf(Value v) {
  DenseElementsAttr value;
  if (!isOneNumber(v) || !matchPattern(v, m_Constant(&value)) || !isa<FloatType>(value.getElementType()))
    return std::nullopt;
  return value.getSplatValue<APFloat>().convertToDouble();
}

bool isPositive(Value scale) { return numberOf(scale).value_or(0) > 0; }

/// Codes are compared as the numbers they stand for, and are of a type that can be.
bool isOrdered(Type codes, Value scale) {
  auto integer = dyn_cast<IntegerType>(codes);
  return integer && integer.getWidth() >= 8 && isPositive(scale);
}

/// Operand 0 of `op` is all that it reads but for indices, and its elements are those of the result; the order of
/// numbers is kept where `isMonotone`.
bool movesOperand(Operation *op, bool isMonotone) {
  return op->getNumResults() == 1 &&
         (isa<ReshapeOp, TransposeOp, SliceOp, GatherOp>(op) || (isMonotone && isa<MaxPoolOp>(op)));
}

/// `op` on another first operand.
Value cloneOn(PatternRewriter &rewriter, Operation *op, Value x) {
  SmallVector<Value> operands(op->getOperands());
  operands[0] = x;
  Type type = getTensorType(getDims(typeOf(op->getResult(0))), typeOf(x).getElementType());
  OperationState state(op->getLoc(), op->getName(), operands, {type}, op->getAttrs());
  return rewriter.create(state)->getResult(0);
}

/// move (dequantize q)  ->  dequantize (move q)
struct SinkDequantize : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DequantizeOp op, PatternRewriter &rewriter) const override {
    bool hasMoved = false;
    for (OpOperand &use : llvm::make_early_inc_range(op.getResult().getUses())) {
      Operation *user = use.getOwner();
      auto transpose = dyn_cast<TransposeOp>(user);
      const bool isPerAxis = !isOneNumber(op.getScale());
      if (use.getOperandNumber() != 0 ||
          !movesOperand(user, isOrdered(typeOf(op.getQ()).getElementType(), op.getScale())) ||
          (isPerAxis && (!transpose || op.getBlockSize() != 0)))
        continue;
      int64_t axis = op.getAxis();
      if (isPerAxis)
        axis = llvm::find(transpose.getPerm(), axis) - transpose.getPerm().begin();
      rewriter.setInsertionPoint(user);
      Value moved = cloneOn(rewriter, user, op.getQ());
      rewriter.replaceOpWithNewOp<DequantizeOp>(user, user->getResultTypes(), moved, op.getScale(), op.getZeroPoint(),
                                                axis, op.getBlockSize());
      hasMoved = true;
    }
    return success(hasMoved);
  }
};

/// quantize (move x)  ->  move (quantize x)
struct RaiseQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    Operation *move = op.getX().getDefiningOp();
    if (!move || !move->hasOneUse() || !isOneNumber(op.getScale()))
      return rewriter.notifyMatchFailure(op, "operand is not moved for it alone, or scaled along an axis");
    auto quantize = [&](Value x) -> Value {
      Type type = getTensorType(getDims(typeOf(x)), op.getResult().getType().getElementType());
      return QuantizeOp::create(rewriter, op.getLoc(), type, x, op.getScale(), op.getZeroPoint(), op.getAxis(), 0,
                                op.getSaturate());
    };
    if (auto concat = dyn_cast<ConcatOp>(move)) {
      SmallVector<Value> parts;
      for (Value input : concat.getInputs())
        parts.push_back(quantize(input));
      rewriter.replaceOpWithNewOp<ConcatOp>(op, parts, concat.getAxisAttr());
      return success();
    }
    if (!movesOperand(move, isOrdered(op.getResult().getType().getElementType(), op.getScale())))
      return rewriter.notifyMatchFailure(op, "operand is not moved");
    rewriter.replaceOp(op, cloneOn(rewriter, move, quantize(move->getOperand(0))));
    return success();
  }
};

/// quantize (relu x) to unsigned numbers with zero point 0, which saturates there  ->  quantize x
struct DropRelu : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto relu = op.getX().getDefiningOp<ReluOp>();
    const bool isZero = !op.getZeroPoint() || matchPattern(op.getZeroPoint(), m_Zero());
    if (!relu || !isZero || !op.getResult().getType().getElementType().isUnsignedInteger() ||
        !isPositive(op.getScale()))
      return rewriter.notifyMatchFailure(op, "operand is no relu, or its zero is not the smallest number");
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(relu.getX()); });
    return success();
  }
};

Attribute constantOf(Value v) {
  ElementsAttr value;
  return v && matchPattern(v, m_Constant(&value)) ? Attribute(value) : Attribute();
}

/// quantize (dequantize q) with one scale and zero point  ->  q: two roundings of f32 are below half a step of 16 bits
struct CancelQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto dequantize = op.getX().getDefiningOp<DequantizeOp>();
    auto sameConstant = [](Value a, Value b) {
      return a == b || (a && b && constantOf(a) && constantOf(a) == constantOf(b));
    };
    constexpr double smallest = 0x1p-100, largest = 0x1p100;
    if (!dequantize || dequantize.getQ().getType() != op.getResult().getType() || !isOneNumber(op.getScale()) ||
        !isa<IntegerType>(op.getResult().getType().getElementType()) || !typeOf(op.getX()).getElementType().isF32() ||
        !sameConstant(op.getScale(), dequantize.getScale()) ||
        !sameConstant(op.getZeroPoint(), dequantize.getZeroPoint()))
      return rewriter.notifyMatchFailure(op, "operand is not what would come out");
    const double scale = numberOf(op.getScale()).value_or(0);
    if (scale < smallest || scale > largest)
      return rewriter.notifyMatchFailure(op, "the product with the scale may not be normal");
    rewriter.replaceOp(op, dequantize.getQ());
    return success();
  }
};

} // namespace

void tenon::populateMoveQuantizationPatterns(RewritePatternSet &patterns) {
  patterns.add<SinkDequantize, RaiseQuantize, DropRelu, CancelQuantize>(patterns.getContext());
}
