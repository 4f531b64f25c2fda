//===- ImportComposition.cpp - Activations made of other operators ---------===//
//
// Operators without an op of their own whose body ONNX does not define for every opset, or defines in a form that
// overflows. The rest is inlined from the standard's function bodies.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// The only operand, of a floating-point type.
Value floatInput(NodeImporter &n) {
  Value x = n.input(0);
  if (x && !isa<FloatType>(typeOf(x).getElementType())) {
    n.error(Code::WrongOperands) << "the operand must be floating point";
    return {};
  }
  return x;
}

template <Value (*body)(Compose &, Value)>
LogicalResult importActivation(NodeImporter &n) {
  Value x = floatInput(n);
  if (!x)
    return failure();
  // In 16 bits every step would round: ln(1 + e^x) is then off by 3 % at -4.5.
  Type type = typeOf(x).getElementType();
  Type computed = type.getIntOrFloatBitWidth() < 32 ? Type(Float32Type::get(n.context)) : type;
  Compose c{n};
  Value result = body(c, n.cast(x, computed));
  return n.setOutput(result ? n.cast(result, type) : Value());
}

Value buildHardSwish(Compose &c, Value x) {
  return c.mul(x, c.n.create<HardSigmoidOp>(x, APFloat(1.0 / 6), APFloat(0.5)));
}

/// x where it is positive, else alpha (e^(x / scale) - 1).
Value buildExponential(Compose &c, Value x, double alpha, double scale = 1) {
  Value decay = c.expm1(scale == 1 ? x : c.div(x, scale));
  return c.select(c.less(x, 0.0), c.mul(decay, alpha), x);
}
Value buildElu(Compose &c, Value x) { return buildExponential(c, x, c.n.floatAttr("alpha", 1)); }
Value buildCelu(Compose &c, Value x) {
  double alpha = c.n.floatAttr("alpha", 1);
  return buildExponential(c, x, alpha, alpha);
}
Value buildSelu(Compose &c, Value x) {
  double alpha = c.n.floatAttr("alpha", 1.67326319217681884765625f);
  return c.mul(buildExponential(c, x, alpha), c.n.floatAttr("gamma", 1.05070102214813232421875f));
}

Value buildSoftplus(Compose &c, Value x) { return c.softplus(x); }

/// x tanh(ln(1 + e^x)) = x (e^2x + 2 e^x) / (e^2x + 2 e^x + 2), where nothing cancels; beyond 40 the quotient is 1.
Value buildMish(Compose &c, Value x) {
  Value growth = c.make<ExpOp>(c.min(x, 40)), numerator = c.mul(growth, c.add(growth, 2));
  return c.mul(x, c.div(numerator, c.add(numerator, 2)));
}

Value buildThresholdedRelu(Compose &c, Value x) {
  return c.select(c.make<GreaterOp>(x, c.like(x, c.n.floatAttr("alpha", 1))), x, c.like(x, 0));
}

Value buildSwish(Compose &c, Value x) { return c.mul(x, c.make<SigmoidOp>(c.mul(x, c.n.floatAttr("alpha", 1)))); }

Value buildGelu(Compose &c, Value x) {
  Value inner;
  if (c.n.stringAttr("approximate", "none") == "tanh") {
    Value cube = c.mul(c.mul(x, x), x);
    inner = c.make<TanhOp>(c.mul(c.add(x, c.mul(cube, 0.044715)), 0.7978845608028654));
  } else {
    inner = c.make<ErfOp>(c.mul(x, 0.7071067811865476));
  }
  return c.mul(c.mul(x, c.add(inner, 1)), 0.5);
}

/// x moved towards 0 by `bias` where it is further from 0 than `lambd`, else 0.
Value buildShrink(Compose &c, Value x) {
  double bias = c.n.floatAttr("bias", 0), threshold = c.n.floatAttr("lambd", 0.5f);
  Value above = c.make<GreaterOp>(x, c.like(x, threshold)), below = c.less(x, -threshold);
  return c.select(above, c.sub(x, bias), c.select(below, c.add(x, bias), c.like(x, 0)));
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
  Compose c{n};
  return n.setOutput(c.select(c.less(x, 0.0), c.mul(x, slope), x));
}

} // namespace

void addCompositionRules(Registry &r) {
  r.add("HardSwish", 14, importActivation<buildHardSwish>);
  r.add("Elu", 1, importActivation<buildElu>);
  r.add("Selu", 1, importActivation<buildSelu>);
  r.add("Celu", 12, importActivation<buildCelu>);
  r.add("Softplus", 1, importActivation<buildSoftplus>);
  r.add("Mish", 18, importActivation<buildMish>);
  r.add("ThresholdedRelu", 10, importActivation<buildThresholdedRelu>);
  r.add("Swish", 24, importActivation<buildSwish>);
  r.add("Gelu", 20, importActivation<buildGelu>);
  r.add("Shrink", 9, importActivation<buildShrink>);
  r.add("Clip", 1, importClip);
  r.add("PRelu", 1, importPRelu);
}

} // namespace tenon::importer
