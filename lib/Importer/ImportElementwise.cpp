//===- ImportElementwise.cpp - Operators with a row in ElementwiseOps.td ---===//
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
    return n.error(Code::UnsupportedElementType) << "not supported for element type " << type;
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

/// Integer powers go through double; an exponent of another type is cast to the base's.
LogicalResult importPow(NodeImporter &n) {
  Value x = n.input(0);
  Value y = alignLegacyBroadcast(n, x, n.input(1));
  if (!x || !y)
    return failure();
  Type type = typeOf(x).getElementType();
  Type computeType = isa<FloatType>(type) ? type : Type(Float64Type::get(n.context));
  x = n.cast(x, computeType);
  y = n.cast(y, computeType);
  return n.setOutput(n.cast(x && y ? n.create<PowOp>(x, y) : Value(), type));
}

LogicalResult importXor(NodeImporter &n) {
  Value x = n.input(0);
  Value y = alignLegacyBroadcast(n, x, n.input(1));
  if (!y || failed(checkElementType<AndOp>(n, x)))
    return failure();
  Value equal = n.create<EqualOp>(x, y);
  return n.setOutput(equal ? n.create<NotOp>(equal) : Value());
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
           ReluOp, SigmoidOp, NotOp>(r);
  addBinary<AddOp, SubOp, MulOp, DivOp, AndOp, OrOp, EqualOp, LessOp, GreaterOp>(r);
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
