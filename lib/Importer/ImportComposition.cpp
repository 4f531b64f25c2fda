//===- ImportComposition.cpp - Activations made of other operators ---------===//
//
// Operators without an op of their own whose body ONNX does not define for every opset, or defines in a form that
// overflows. The rest is inlined from the standard's function bodies.
//
//===----------------------------------------------------------------------===//
#include "NodeImporter.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// Expressions over values of one element type; a null operand makes a null result (its error was emitted).
struct Expression {
  NodeImporter &n;
  Type type;

  Value number(double value) { return n.scalar(type, value); }
  template <typename OpTy, typename... Values>
  Value make(Values... operands) {
    return (... && operands) ? n.create<OpTy>(operands...) : Value();
  }
  Value add(Value x, double y) { return make<AddOp>(x, number(y)); }
  Value mul(Value x, double y) { return make<MulOp>(x, number(y)); }
  /// x where it is positive, else y.
  Value whenPositive(Value x, Value positive, Value other) {
    return make<WhereOp>(make<GreaterOp>(x, number(0)), positive, other);
  }
  /// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), which cannot overflow.
  Value softplus(Value x) {
    Value decay = make<ExpOp>(make<NegOp>(make<AbsOp>(x)));
    return make<AddOp>(make<ReluOp>(x), make<LogOp>(add(decay, 1)));
  }
};

/// The only operand, of a floating-point type.
Value floatInput(NodeImporter &n) {
  Value x = n.input(0);
  if (x && !isa<FloatType>(typeOf(x).getElementType())) {
    n.error(Code::WrongOperands) << "the operand must be floating point";
    return {};
  }
  return x;
}

template <Value (*body)(Expression &, Value)>
LogicalResult importActivation(NodeImporter &n) {
  Value x = floatInput(n);
  if (!x)
    return failure();
  // In 16 bits every step would round: ln(1 + e^x) is then off by 3 % at -4.5.
  Type type = typeOf(x).getElementType();
  Type computed = type.getIntOrFloatBitWidth() < 32 ? Type(Float32Type::get(n.context)) : type;
  Expression e{n, computed};
  Value result = body(e, n.cast(x, computed));
  return n.setOutput(result ? n.cast(result, type) : Value());
}

Value buildHardSwish(Expression &e, Value x) {
  Value gate = e.n.create<HardSigmoidOp>(x, APFloat(1.0 / 6), APFloat(0.5));
  return e.make<MulOp>(x, gate);
}

Value buildElu(Expression &e, Value x) {
  double alpha = e.n.floatAttr("alpha", 1);
  return e.whenPositive(x, x, e.mul(e.add(e.make<ExpOp>(x), -1), alpha));
}

Value buildSelu(Expression &e, Value x) {
  double alpha = e.n.floatAttr("alpha", 1.67326319217681884765625f),
         gamma = e.n.floatAttr("gamma", 1.05070102214813232421875f);
  return e.mul(e.whenPositive(x, x, e.mul(e.add(e.make<ExpOp>(x), -1), alpha)), gamma);
}

Value buildCelu(Expression &e, Value x) {
  double alpha = e.n.floatAttr("alpha", 1);
  return e.whenPositive(x, x, e.mul(e.add(e.make<ExpOp>(e.mul(x, 1 / alpha)), -1), alpha));
}

Value buildSoftplus(Expression &e, Value x) { return e.softplus(x); }
Value buildSoftsign(Expression &e, Value x) { return e.make<DivOp>(x, e.add(e.make<AbsOp>(x), 1)); }
Value buildMish(Expression &e, Value x) { return e.make<MulOp>(x, e.make<TanhOp>(e.softplus(x))); }

Value buildThresholdedRelu(Expression &e, Value x) {
  return e.make<WhereOp>(e.make<GreaterOp>(x, e.number(e.n.floatAttr("alpha", 1))), x, e.number(0));
}

Value buildSwish(Expression &e, Value x) {
  return e.make<MulOp>(x, e.make<SigmoidOp>(e.mul(x, e.n.floatAttr("alpha", 1))));
}

Value buildGelu(Expression &e, Value x) {
  Value inner;
  if (e.n.stringAttr("approximate", "none") == "tanh") {
    Value cube = e.make<MulOp>(e.make<MulOp>(x, x), x);
    inner = e.make<TanhOp>(e.mul(e.make<AddOp>(x, e.mul(cube, 0.044715)), 0.7978845608028654));
  } else {
    inner = e.make<ErfOp>(e.mul(x, 0.7071067811865476));
  }
  return e.mul(e.make<MulOp>(x, e.add(inner, 1)), 0.5);
}

/// x moved towards 0 by `bias` where it is further from 0 than `lambd`, else 0.
Value buildShrink(Expression &e, Value x) {
  double bias = e.n.floatAttr("bias", 0), threshold = e.n.floatAttr("lambd", 0.5f);
  Value above = e.make<GreaterOp>(x, e.number(threshold)), below = e.make<LessOp>(x, e.number(-threshold));
  return e.make<WhereOp>(above, e.add(x, -bias), e.make<WhereOp>(below, e.add(x, bias), e.number(0)));
}

/// min(max(x, low), high); the bounds are attributes before opset 11.
LogicalResult importClip(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  Type type = typeOf(x).getElementType();
  Value low = n.optionalInput(1), high = n.optionalInput(2);
  if (n.opset < 11) {
    low = n.hasAttr("min") ? n.scalar(type, n.floatAttr("min", 0)) : Value();
    high = n.hasAttr("max") ? n.scalar(type, n.floatAttr("max", 0)) : Value();
  }
  for (Value bound : {low, high})
    if (bound && (!typeOf(bound).hasStaticShape() || typeOf(bound).getNumElements() != 1 || rankOf(bound) > 1))
      return n.error(Code::WrongOperands) << "the bounds must be scalars";
  for (Value *bound : {&low, &high})
    if (*bound && !(*bound = n.reshape(*bound, {})))
      return failure();
  if (low)
    x = n.create<MaxOp>(x, low);
  if (x && high)
    x = n.create<MinOp>(x, high);
  return n.setOutput(x);
}

/// x where it is not negative, else slope * x; before opset 7 the slope is per channel.
LogicalResult importPRelu(NodeImporter &n) {
  Value x = n.input(0), slope = n.input(1);
  if (!x || !slope)
    return failure();
  if (n.opset < 7 && rankOf(slope) == 1 && rankOf(x) > 2) {
    Dims dims = dimsOf(slope);
    dims.append(size_t(rankOf(x) - 2), n.dim(1));
    slope = n.reshape(slope, dims);
  }
  Expression e{n, typeOf(x).getElementType()};
  return n.setOutput(e.make<WhereOp>(e.make<LessOp>(x, e.number(0)), e.make<MulOp>(x, slope), x));
}

} // namespace

void addCompositionRules(Registry &r) {
  r.add("HardSwish", 14, importActivation<buildHardSwish>);
  r.add("Elu", 1, importActivation<buildElu>);
  r.add("Selu", 1, importActivation<buildSelu>);
  r.add("Celu", 12, importActivation<buildCelu>);
  r.add("Softplus", 1, importActivation<buildSoftplus>);
  r.add("Softsign", 1, importActivation<buildSoftsign>);
  r.add("Mish", 18, importActivation<buildMish>);
  r.add("ThresholdedRelu", 10, importActivation<buildThresholdedRelu>);
  r.add("Swish", 24, importActivation<buildSwish>);
  r.add("Gelu", 20, importActivation<buildGelu>);
  r.add("Shrink", 9, importActivation<buildShrink>);
  r.add("Clip", 1, importClip);
  r.add("PRelu", 1, importPRelu);
}

} // namespace tenon::importer
