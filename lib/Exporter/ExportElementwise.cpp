//===- ExportElementwise.cpp - Elementwise operators and reductions --------===//
#include "Graph/IR/SpecialOps.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

Type elementOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

/// The operator for bools where ONNX has another one for integers.
StringRef forBools(StringRef name) {
  return llvm::StringSwitch<StringRef>(name)
      .Case("BitwiseAnd", "And")
      .Case("BitwiseOr", "Or")
      .Case("BitwiseXor", "Xor")
      .Case("BitwiseNot", "Not")
      .Default(name);
}

/// ONNX shifts unsigned integers; the others by a product, and by a quotient that rounds down.
Name exportShift(GraphWriter &w, BitShiftOp op, ArrayRef<Name> operands) {
  Type type = elementOf(op.getX());
  if (type.isUnsignedInteger())
    return w.add("BitShift", operands, {{"direction", std::string(op.getLeft() ? "LEFT" : "RIGHT")}});
  Type wide = IntegerType::get(op.getContext(), 64);
  Name x = w.cast(operands[0], wide), power = w.add("Pow", {w.number(wide, 2), w.cast(operands[1], wide)});
  Name moved =
      op.getLeft() ? w.add("Mul", {x, power}) : w.add("Div", {w.add("Sub", {x, w.add("Mod", {x, power})}), power});
  return w.cast(moved, type);
}

Name exportMod(GraphWriter &w, ModOp op, ArrayRef<Name> operands) {
  bool isFloat = isa<FloatType>(elementOf(op.getX()));
  if (!isFloat || op.getFmod())
    return w.add("Mod", operands, {{"fmod", int64_t(op.getFmod())}});
  // x - y * floor(x / y): ONNX's Mod of floats has the sign of x.
  Name turns = w.add("Floor", {w.add("Div", operands)});
  return w.add("Sub", {operands[0], w.add("Mul", {operands[1], turns})});
}

/// Between integers of fewer than 8 bits and bytes that hold their bits at the low end; empty for floats.
Name exportCodes(GraphWriter &w, Name x, Type from, Type to) {
  const bool isRead = from.getIntOrFloatBitWidth() < 8;
  auto narrow = dyn_cast<IntegerType>(isRead ? from : to);
  if (!narrow)
    return {};
  if (narrow.isUnsigned())
    return w.cast(x, to);
  // A negative number has the code that is 2^width more.
  Type i32 = IntegerType::get(w.context, 32);
  const double codes = double(1 << narrow.getWidth());
  Name y = w.cast(x, i32), end = w.number(i32, isRead ? 0 : codes / 2);
  Name isNegative = w.add(isRead ? "Less" : "GreaterOrEqual", {y, end});
  return w.cast(w.add("Where", {isNegative, w.add(isRead ? "Add" : "Sub", {y, w.number(i32, codes)}), y}), to);
}

Name exportNamed(GraphWriter &w, Operation *op, StringRef name, ArrayRef<Name> operands) {
  Type type = elementOf(op->getOperand(0));
  if (isa<ReluOp>(op) && type.isUnsignedInteger())
    return operands[0];
  return w.add(type.isInteger(1) ? forBools(name) : name, operands);
}

} // namespace

bool exportElementwise(GraphWriter &w, Operation *op) {
  if (!isa<ElementwiseOpInterface, ReductionOpInterface>(op))
    return false;
  SmallVector<Name> operands;
  for (Value operand : op->getOperands())
    operands.push_back(w.get(operand));
  Name result;
  if (auto reduction = dyn_cast<ReductionOpInterface>(op)) {
    ArrayRef<int64_t> axes = reduction.getReducedAxes();
    result = axes.empty() ? operands[0]
                          : w.add(reduction.getOnnxName(), {operands[0], w.integers(Ints(axes.begin(), axes.end()))},
                                  {{"keepdims", int64_t(reduction.keepsDims())}});
  } else if (auto shift = dyn_cast<BitShiftOp>(op)) {
    result = exportShift(w, shift, operands);
  } else if (auto mod = dyn_cast<ModOp>(op)) {
    result = exportMod(w, mod, operands);
  } else if (auto isInf = dyn_cast<IsInfOp>(op)) {
    result = w.add("IsInf", operands,
                   {{"detect_negative", int64_t(isInf.getDetectNegative())},
                    {"detect_positive", int64_t(isInf.getDetectPositive())}});
  } else if (auto hard = dyn_cast<HardSigmoidOp>(op)) {
    result = w.add("HardSigmoid", operands,
                   {{"alpha", hard.getAlpha().convertToDouble()}, {"beta", hard.getBeta().convertToDouble()}});
  } else if (auto leaky = dyn_cast<LeakyReluOp>(op)) {
    result = w.add("LeakyRelu", operands, {{"alpha", leaky.getAlpha().convertToDouble()}});
  } else if (isa<CastOp>(op)) {
    result = w.cast(operands[0], elementOf(op->getResult(0)));
  } else if (isa<graph::BitcastOp>(op)) {
    Type from = elementOf(op->getOperand(0)), to = elementOf(op->getResult(0));
    if (from.isInteger(1) || to.isInteger(1)) {
      result = w.cast(operands[0], to); // bytes that are 0 or 1
    } else if (from.getIntOrFloatBitWidth() != to.getIntOrFloatBitWidth()) {
      result = exportCodes(w, operands[0], from, to);
      if (result.empty())
        return false;
    } else {
      w.needOpset(26);
      result = w.add("BitCast", operands, {{"to", int64_t(getOnnxType(to))}});
    }
  } else {
    result = exportNamed(w, op, cast<ElementwiseOpInterface>(op).getOnnxName(), operands);
  }
  w.bind(op->getResult(0), result);
  return true;
}

} // namespace tenon::exporter
