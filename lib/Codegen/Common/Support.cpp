//===- Support.cpp - What the evaluator can do ----------------------------===//
#include "tenon/Codegen/Common/Evaluator.h"

#include "Graph/IR/SpecialOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

static Type elementTypeOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

/// Whole bytes (or a boolean), so that an element has an address.
static bool canMove(Type type) {
  if (!isa<IntegerType, FloatType>(type))
    return false;
  return llvm::is_contained({1u, 2u, 4u, 8u, 16u, 32u, 64u}, type.getIntOrFloatBitWidth());
}

static bool isWideFloat(Type type) { return type.isF32() || type.isF64(); }
static bool isNumber(Type type) {
  return isWideFloat(type) || (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() >= 8 && canMove(type));
}

/// Of f64 only what processors do in one instruction, and what has vector polynomials.
static bool isNative(Operation *op) {
  return !isa<math::MathDialect>(op->getDialect()) ||
         isa<math::AbsFOp, math::SqrtOp, math::FloorOp, math::CeilOp, math::RoundEvenOp, math::CopySignOp, math::FmaOp,
             math::ExpOp, math::ExpM1Op, math::LogOp, math::Log1pOp, math::PowFOp, math::SinOp, math::CosOp,
             math::TanOp, math::AsinOp, math::AcosOp, math::AtanOp, math::TanhOp, math::ErfOp>(op);
}

static bool buildsNatively(ElementwiseOpInterface op) {
  MLIRContext *context = op->getContext();
  context->loadDialect<arith::ArithDialect, math::MathDialect>();
  Block block;
  for (Value operand : op->getOperands())
    block.addArgument(elementTypeOf(operand), op->getLoc());
  OpBuilder b(context);
  b.setInsertionPointToEnd(&block);
  Value result = op.buildScalar(b, op->getLoc(), block.getArguments());
  return result && llvm::all_of(block, [](Operation &o) { return isNative(&o); });
}

static bool isEvaluableElementwise(Operation *op) {
  Type last = elementTypeOf(op->getOperands().back());
  if (auto cast = dyn_cast<CastOp>(op)) {
    Type to = elementTypeOf(cast.getResult());
    auto fits = [](Type t) { return isNumber(t) || t.isInteger(1); };
    auto isHalf = [](Type t) { return t.isF16() || t.isBF16(); };
    bool converts = (isHalf(last) && to.isF32()) || (last.isF32() && isHalf(to));
    return (fits(last) && fits(to)) || converts || (last == to && canMove(to));
  }
  if (isa<BitcastOp>(op))
    return canMove(last) && canMove(elementTypeOf(op->getResult(0)));
  bool isWhere = isa<WhereOp>(op);
  if (isWhere && !elementTypeOf(op->getOperand(0)).isInteger(1))
    return false;
  if (isWhere)
    return canMove(last) && elementTypeOf(op->getOperand(1)) == last;
  if (llvm::any_of(op->getOperands(), [&](Value v) { return elementTypeOf(v) != last; }))
    return false;
  if (isa<AndOp, OrOp, NotOp>(op))
    return last.isInteger(1);
  if (last.isInteger(1))
    return isa<EqualOp>(op);
  if (!isNumber(last))
    return false;
  if (isa<IntegerType>(last))
    return cast<ElementwiseOpInterface>(op).supportsIntegers();
  return last.isF32() || buildsNatively(cast<ElementwiseOpInterface>(op));
}

bool isEvaluable(Operation *op) {
  auto types = llvm::concat<const Value>(op->getOperands(), op->getResults());
  if (op->getNumResults() != 1 || llvm::any_of(types, [](Value v) { return !canMove(elementTypeOf(v)); }))
    return false;
  if (isa<ElementwiseOpInterface>(op))
    return isEvaluableElementwise(op);
  Type element = elementTypeOf(op->getResult(0));
  return TypeSwitch<Operation *, bool>(op)
      .Case([](ConstantOp constant) {
        auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
        return dense && dense.isSplat() && dense.getNumElements() > 0;
      })
      .Case<RangeOp, DimsOp>([&](Operation *) { return isWideFloat(element) || isa<IntegerType>(element); })
      .Case([&](PadOp pad) { return pad.getMode() != "constant" || isWideFloat(element) || isa<IntegerType>(element); })
      .Case([&](ResizeOp resize) { return resize.getMode() == "nearest" || isWideFloat(element); })
      .Case<MaxPoolOp>([&](Operation *) { return isNumber(element) || element.isUnsignedInteger(); })
      .Case<AveragePoolOp>([&](Operation *) { return isWideFloat(element); })
      .Case<TransposeOp, ExpandOp, SliceOp, ReshapeOp, ConcatOp, GatherOp>([](Operation *) { return true; })
      .Default([](Operation *) { return false; });
}

bool isSupportedReduction(Operation *op) {
  if (!isa<ReductionOpInterface>(op))
    return false;
  Type type = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  return type.isF32() || type.isF64() ||
         (type.isSignlessInteger() && llvm::is_contained({8u, 16u, 32u, 64u}, type.getIntOrFloatBitWidth()));
}

int64_t getScalarCost(Operation *op) {
  auto elementwise = dyn_cast<ElementwiseOpInterface>(op);
  if (!elementwise)
    return 1;
  OpBuilder b(op->getContext());
  Block block;
  b.setInsertionPointToEnd(&block);
  for (Value operand : op->getOperands())
    block.addArgument(registerType(cast<RankedTensorType>(operand.getType()).getElementType()), op->getLoc());
  if (!isa<CastOp>(op))
    elementwise.buildScalar(b, op->getLoc(), block.getArguments());
  int64_t cost = 1;
  for (Operation &scalar : block)
    cost +=
        isa<math::MathDialect>(scalar.getDialect()) && !isa<math::AbsFOp, math::FloorOp, math::CeilOp>(scalar) ? 16 : 1;
  return cost;
}

} // namespace tenon::codegen
