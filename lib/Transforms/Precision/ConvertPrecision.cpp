//===- ConvertPrecision.cpp - Compute in f16 or bf16 ----------------------===//
//
// Values become narrow at products, and in f16 at tables that are looked up, and stay so through ops that keep the size
// of what they get. What sums or grows (reductions, powers, exponentials) takes f32, and so does what no narrow value
// reaches: masks, positions and the like are exact. Kernels of narrow values compute in f32, so a fused chain rounds
// once.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/Placement.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/Passes.h"
#include <algorithm>
#include <cmath>

namespace tenon {
#define GEN_PASS_DEF_CONVERTPRECISION
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

bool isF32(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isF32();
}

/// True if sums of many narrow values are near enough. The eight bits of bfloat16 are too few for the sum that runs
/// through a transformer: what it starts from, tables and normalisations, is f32 then.
bool isFine(FloatType narrow) { return narrow.isF16(); }

/// True of a product of integers, computed in f32 because that is exact.
bool isExactProduct(Operation *op) {
  return !op->use_empty() && llvm::all_of(op->getUsers(), [](Operation *user) {
    auto cast = dyn_cast<CastOp>(user);
    return cast && isa<IntegerType>(cast.getType().getElementType());
  });
}

/// Ops whose values are narrow whatever their operands are.
bool startsNarrow(Operation *op, FloatType narrow) {
  if (auto gather = dyn_cast<GatherOp>(op))
    return isFine(narrow) && gather.getX().getDefiningOp<ConstantOp>();
  return isa<MatMulOp, ConvOp, ConvTransposeOp, AttentionOp>(op) && !isExactProduct(op);
}

/// Ops whose values are narrow where an operand is. Softmax is not one: an exponential turns the rounding of a large
/// score into a relative error, and the casts around it become part of the kernels before and after.
bool keepsNarrow(Operation *op, FloatType narrow) {
  if (isa<CastOp, ExpOp, PowOp, LogOp, SinhOp, CoshOp>(op))
    return false;
  if (isa<LayerNormalizationOp, RmsNormalizationOp>(op))
    return isFine(narrow);
  return isa<ElementwiseOpInterface>(op) ||
         isa<AveragePoolOp, ConcatOp, ExpandOp, GatherOp, MaxPoolOp, PadOp, ReduceMaxOp, ReduceMinOp, ReshapeOp,
             ResizeOp, RotaryEmbeddingOp, SliceOp, TransposeOp>(op);
}

class Converter {
public:
  Converter(func::FuncOp function, FloatType narrow) : function(function), narrow(narrow) {}

  LogicalResult run();

private:
  LogicalResult convert(Operation *op);
  bool becomesNarrow(Operation *op) const;
  bool isNarrowed(Value v) const { return narrowed.contains(v); }
  /// `v`, an f32 tensor, in the narrow type; null if it is a constant that cannot be read.
  Value toNarrow(Value v);
  Value narrowConstant(ConstantOp constant);
  /// A narrowed value as f32.
  Value toWide(Value v);
  Value castAfter(Value v, Type element);

  func::FuncOp function;
  FloatType narrow;
  llvm::DenseSet<Value> narrowed; ///< values that this pass made narrow
  llvm::DenseMap<Value, Value> narrowOf, wideOf;
};

} // namespace

Value Converter::castAfter(Value v, Type element) {
  OpBuilder b(v.getContext());
  b.setInsertionPointAfterValue(v);
  Type type = getTensorType(getDims(cast<RankedTensorType>(v.getType())), element);
  return CastOp::create(b, v.getLoc(), type, v);
}

/// Rounded, but never to infinity: models mask with the lowest f32, and 0 times infinity is not a number.
Value Converter::narrowConstant(ConstantOp constant) {
  auto from = reference::constantToTensor(constant.getValue());
  auto type = reference::getElementType(narrow);
  if (failed(from) || !type)
    return {};
  auto to = reference::HostTensor::allocate(*type, from->getDims());
  if (failed(to))
    return {};
  const double largest = APFloat::getLargest(narrow.getFloatSemantics()).convertToDouble();
  for (int64_t i = 0; i < from->getNumElements(); ++i) {
    double value = from->getDouble(i);
    to->setDouble(i, std::isfinite(value) ? std::clamp(value, -largest, largest) : value);
  }
  OpBuilder b(constant);
  return ConstantOp::create(b, constant.getLoc(),
                            reference::tensorToAttr(narrow.getContext(), std::move(*to), "narrow"));
}

Value Converter::toNarrow(Value v) {
  Value &known = narrowOf[v];
  if (known)
    return known;
  if (auto constant = v.getDefiningOp<ConstantOp>())
    return known = narrowConstant(constant);
  return known = castAfter(v, narrow);
}

Value Converter::toWide(Value v) {
  Value &known = wideOf[v];
  if (!known) {
    known = castAfter(v, Float32Type::get(v.getContext()));
    narrowOf[known] = v;
  }
  return known;
}

bool Converter::becomesNarrow(Operation *op) const {
  auto narrows = [&](Value v) { return isNarrowed(v); };
  auto isWide = [](Value v) { return isF32(v.getType()) && !v.getDefiningOp<ConstantOp>(); };
  bool isReached = llvm::any_of(op->getOperands(), narrows);
  if (op->hasAttr(fullPrecisionAttr) || op->getNumResults() != 1 ||
      !(isReached || llvm::any_of(op->getOperandTypes(), isF32)))
    return false;
  if (startsNarrow(op, narrow))
    return true;
  // What meets f32 in an elementwise op becomes f32: a mask, a statistic, a sum that is kept exact.
  bool isMixed = isa<ElementwiseOpInterface>(op) && llvm::any_of(op->getOperands(), isWide);
  return isReached && !isMixed && keepsNarrow(op, narrow);
}

LogicalResult Converter::convert(Operation *op) {
  bool toBeNarrow = becomesNarrow(op);
  for (OpOperand &operand : op->getOpOperands()) {
    Value v = operand.get();
    if (toBeNarrow && isF32(v.getType()))
      v = toNarrow(v);
    else if (!toBeNarrow && isNarrowed(v))
      v = toWide(v);
    if (!v) {
      InFlightDiagnostic error = op->emitError("TN3001: a constant of this node cannot be read");
      error.attachNote() << "remedy: compile without --precision";
      return error;
    }
    operand.set(v);
  }
  if (!toBeNarrow || !isF32(op->getResult(0).getType()))
    return success();
  Value result = op->getResult(0);
  result.setType(getTensorType(getDims(cast<RankedTensorType>(result.getType())), narrow));
  narrowed.insert(result);
  return success();
}

LogicalResult Converter::run() {
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front())
    ops.push_back(&op);
  for (Operation *op : ops)
    if (failed(convert(op)))
      return failure();
  return success();
}

namespace {
struct ConvertPrecision : tenon::impl::ConvertPrecisionBase<ConvertPrecision> {
  using ConvertPrecisionBase::ConvertPrecisionBase;
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    FloatType narrow = to == "bf16" ? FloatType(BFloat16Type::get(context)) : FloatType(Float16Type::get(context));
    if (failed(Converter(getOperation(), narrow).run()))
      return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(getOperation().getBody().front())))
      if (isOpTriviallyDead(&op)) // constants that have a narrow form now
        op.erase();
  }
};
} // namespace
