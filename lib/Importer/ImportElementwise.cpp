//===- ImportElementwise.cpp - Operators with a row in a table ------------===//
//
// Registered by the ONNX name the op itself states. Before opset 7 binary operators broadcast only on request, along an
// axis; that becomes a reshape.
//
//===----------------------------------------------------------------------===//
#include "NodeImporter.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

template <typename OpTy>
LogicalResult checkElementType(NodeImporter &n, Value x) {
  if (!x)
    return failure();
  Type type = typeOf(x).getElementType();
  if (isa<IntegerType>(type) && !OpTy::supportsIntegers())
    return n.typeError(type, /*takesFloats=*/true);
  constexpr bool isLogical = std::is_same_v<OpTy, AndOp> || std::is_same_v<OpTy, OrOp> || std::is_same_v<OpTy, NotOp>;
  if (isLogical && !type.isInteger(1))
    return n.error(Code::WrongOperands) << "operands must be bool, got " << type;
  return success();
}

template <typename OpTy>
LogicalResult importUnary(NodeImporter &n) {
  Value x = n.input(0);
  if (failed(checkElementType<OpTy>(n, x)))
    return failure();
  return n.setOutput(n.create<OpTy>(x));
}

/// `y` with trailing 1s, so that it lines up with `axis` of x.
Value alignLegacyBroadcast(NodeImporter &n, Value x, Value y) {
  if (!x || !y || n.opset >= 7 || n.intAttr("broadcast", 0) == 0 || !n.hasAttr("axis"))
    return y;
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  if (failed(axis))
    return {};
  Dims dims = dimsOf(y);
  while (*axis + int64_t(dims.size()) < rankOf(x))
    dims.push_back(n.dim(1));
  return n.reshape(y, dims);
}

template <typename OpTy>
LogicalResult importBinary(NodeImporter &n) {
  Value x = n.input(0);
  Value y = alignLegacyBroadcast(n, x, n.input(1));
  if (!y || failed(checkElementType<OpTy>(n, x)))
    return failure();
  return n.setOutput(n.create<OpTy>(x, y));
}

template <typename OpTy>
LogicalResult importVariadic(NodeImporter &n) {
  Value result = n.input(0);
  for (size_t i = 1; result && i < n.getNumInputs(); ++i) {
    Value next = n.input(i);
    result = next ? n.create<OpTy>(result, next) : Value();
  }
  return n.setOutput(result);
}

LogicalResult importMean(NodeImporter &n) {
  Value sum = n.input(0);
  for (size_t i = 1; sum && i < n.getNumInputs(); ++i) {
    Value next = n.input(i);
    sum = next ? n.create<AddOp>(sum, next) : Value();
  }
  if (!sum || n.getNumInputs() == 1)
    return n.setOutput(sum);
  return n.setOutput(n.create<DivOp>(sum, n.scalar(typeOf(sum).getElementType(), double(n.getNumInputs()))));
}

LogicalResult importWhere(NodeImporter &n) {
  Value condition = n.input(0), x = n.input(1), y = n.input(2);
  if (!condition || !x || !y)
    return failure();
  if (!typeOf(condition).getElementType().isInteger(1))
    return n.error(Code::WrongOperands) << "the condition must be bool";
  return n.setOutput(n.create<WhereOp>(condition, x, y));
}

/// An exponent of another type is cast to the base's; but an integer to a fractional (or unknown) power is computed in
/// floats, where a result that is an integer but for rounding must not truncate to the one below.
LogicalResult importPow(NodeImporter &n) {
  Value x = n.input(0);
  Value y = alignLegacyBroadcast(n, x, n.input(1));
  if (!x || !y)
    return failure();
  Type type = typeOf(x).getElementType(), exponent = typeOf(y).getElementType();
  auto known = n.knownFloats(1);
  bool isWhole = isa<IntegerType>(exponent) ||
                 (known && llvm::all_of(*known, [](double e) { return e == std::trunc(e) && std::abs(e) < 1e6; }));
  if (isa<FloatType>(type) || isWhole) {
    y = n.cast(y, type);
    return n.setOutput(y ? n.create<PowOp>(x, y) : Value());
  }
  x = n.cast(x, exponent);
  Value power = x ? n.create<PowOp>(x, y) : Value(), slack = n.scalar(exponent, 1 + 0x1p-18);
  power = power && slack ? n.create<MulOp>(power, slack) : Value();
  return n.setOutput(n.cast(power, type));
}

LogicalResult importXor(NodeImporter &n) {
  Value x = n.input(0);
  Value y = alignLegacyBroadcast(n, x, n.input(1));
  if (!y || failed(checkElementType<AndOp>(n, x)))
    return failure();
  Value equal = n.create<EqualOp>(x, y);
  return n.setOutput(equal ? n.create<NotOp>(equal) : Value());
}

/// Integers, or floats with `fmod`, without which ONNX does not define them before opset 28.
LogicalResult importMod(NodeImporter &n) {
  Value x = n.input(0), y = n.input(1);
  if (!x || !y)
    return failure();
  bool hasSignOfX = n.intAttr("fmod", 0) != 0;
  if (isa<FloatType>(typeOf(x).getElementType()) && !hasSignOfX && n.opset < 28)
    return n.error(Code::WrongAttribute) << "fmod must be 1 for floating-point operands";
  return n.setOutput(n.create<ModOp>(x, y, hasSignOfX));
}

LogicalResult importBitShift(NodeImporter &n) {
  Value x = n.input(0), y = n.input(1);
  if (!x || !y)
    return failure();
  if (!isa<IntegerType>(typeOf(x).getElementType()))
    return n.typeError(typeOf(x).getElementType(), /*takesFloats=*/false);
  auto direction = n.choiceAttr("direction", "", {"LEFT", "RIGHT"});
  return failed(direction) ? failure() : n.setOutput(n.create<BitShiftOp>(x, y, *direction == "LEFT"));
}

LogicalResult importIsInf(NodeImporter &n) {
  Value x = n.input(0);
  if (failed(checkElementType<IsInfOp>(n, x)))
    return failure();
  return n.setOutput(n.create<IsInfOp>(x, n.intAttr("detect_negative", 1) != 0, n.intAttr("detect_positive", 1) != 0));
}

template <typename OpTy>
LogicalResult importBits(NodeImporter &n) {
  Value x = n.input(0);
  if (x && !isa<IntegerType>(typeOf(x).getElementType()))
    return n.typeError(typeOf(x).getElementType(), /*takesFloats=*/false);
  if constexpr (std::is_same_v<OpTy, BitNotOp>)
    return n.setOutput(x ? n.create<OpTy>(x) : Value());
  Value y = x ? n.input(1) : Value();
  if constexpr (!std::is_same_v<OpTy, BitNotOp>)
    return n.setOutput(y ? n.create<OpTy>(x, y) : Value());
}

LogicalResult importHardSigmoid(NodeImporter &n) {
  Value x = n.input(0);
  if (failed(checkElementType<HardSigmoidOp>(n, x)))
    return failure();
  return n.setOutput(
      n.create<HardSigmoidOp>(x, APFloat(n.floatAttr("alpha", 0.2f)), APFloat(n.floatAttr("beta", 0.5f))));
}

LogicalResult importLeakyRelu(NodeImporter &n) {
  Value x = n.input(0);
  if (failed(checkElementType<LeakyReluOp>(n, x)))
    return failure();
  return n.setOutput(n.create<LeakyReluOp>(x, APFloat(n.floatAttr("alpha", 0.01f))));
}

template <typename... Ops>
void addUnary(Registry &r) {
  (r.add(Ops::getOnnxName(), 1, importUnary<Ops>), ...);
}

template <typename... Ops>
void addBinary(Registry &r) {
  (r.add(Ops::getOnnxName(), 1, importBinary<Ops>), ...);
}

} // namespace

void addElementwiseRules(Registry &r) {
  addUnary<AbsOp, NegOp, ExpOp, LogOp, SqrtOp, ReciprocalOp, ErfOp, TanhOp, SinOp, CosOp, FloorOp, CeilOp, RoundOp,
           ReluOp, SigmoidOp, NotOp, TanOp, AsinOp, AcosOp, AtanOp, SinhOp, CoshOp, AsinhOp, AcoshOp, AtanhOp, SignOp,
           IsNaNOp, SoftsignOp>(r);
  addBinary<AddOp, SubOp, MulOp, DivOp, AndOp, OrOp, EqualOp, LessOp, GreaterOp, LessOrEqualOp, GreaterOrEqualOp>(r);
  r.add("BitwiseAnd", 18, importBits<BitAndOp>);
  r.add("BitwiseOr", 18, importBits<BitOrOp>);
  r.add("BitwiseXor", 18, importBits<BitXorOp>);
  r.add("BitwiseNot", 18, importBits<BitNotOp>);
  r.add("BitShift", 11, importBitShift);
  r.add("Mod", 10, importMod);
  r.add("IsInf", 10, importIsInf);
  r.add("Min", 1, importVariadic<MinOp>);
  r.add("Max", 1, importVariadic<MaxOp>);
  r.add("Sum", 1, importVariadic<AddOp>);
  r.add("Mean", 1, importMean);
  r.add("Where", 9, importWhere);
  r.add("Pow", 1, importPow);
  r.add("Xor", 1, importXor);
  r.add("HardSigmoid", 1, importHardSigmoid);
  r.add("LeakyRelu", 1, importLeakyRelu);
}

} // namespace tenon::importer
