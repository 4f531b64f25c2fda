//===- ImportQuantization.cpp - Quantised numbers --------------------------===//
//
// Real number = (q - zero point) * scale. Integer products are of i32, with the zero points subtracted first, as ONNX
// defines them.
//
//===----------------------------------------------------------------------===//
#include "NarrowTypes.h"
#include "Registry.h"
#include "Window.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

struct Quantization {
  NodeImporter &n;
  Compose c{n};

  Type i32() { return IntegerType::get(n.context, 32); }
  Value align(Value v, Value x, int64_t axis, int64_t block);
  FailureOr<int64_t> readAxis(Value x);
  Value quantize(Value real, Value zeroPoint, Type type);
  Value centre(Value q, Value zeroPoint);
};

/// A parameter of x as a tensor that broadcasts with it: one number, one per element of `axis`, or one per `block`.
Value Quantization::align(Value v, Value x, int64_t axis, int64_t block) {
  if (!v || !x)
    return {};
  int64_t rank = rankOf(x);
  if (rankOf(v) == 0 || (rankOf(v) == 1 && dimsOf(v)[0].isConstant(1) && block == 0))
    return n.reshape(v, {});
  if (rankOf(v) == 1 && block == 0) {
    Dims dims(size_t(rank), n.dim(1));
    dims[size_t(axis)] = dimsOf(v)[0];
    n.requireEqual(dims[size_t(axis)], dimsOf(x)[size_t(axis)]);
    return n.reshape(v, dims);
  }
  if (rankOf(v) != rank || block < 1) {
    n.error(Code::ShapeMismatch) << "a scale or zero point of rank " << rankOf(v) << " for an operand of rank " << rank;
    return {};
  }
  Dims dims = dimsOf(v), split = dims;
  split.insert(split.begin() + axis + 1, n.dim(1));
  Value blocks = n.reshape(v, split);
  split[size_t(axis) + 1] = n.dim(block);
  dims[size_t(axis)] = dims[size_t(axis)] * block;
  return c.slice(n.reshape(c.expand(blocks, split), dims), axis, n.dim(0), dimsOf(x)[size_t(axis)]);
}

FailureOr<int64_t> Quantization::readAxis(Value x) {
  int64_t axis = n.intAttr("axis", 1);
  // Without meaning where there is one scale: operands of rank 0 and 1 have no axis 1.
  return axis >= rankOf(x) ? FailureOr<int64_t>(0) : n.normalizeAxis(axis, rankOf(x));
}

/// round(real) + zero point, saturated to `type`.
Value Quantization::quantize(Value real, Value zeroPoint, Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (real && isa<FloatType>(type) && isNarrow(type)) {
    real = c.cast(real, c.f32());
    if (zeroPoint)
      real = c.add(real, c.cast(readNarrow(c, zeroPoint), c.f32()));
    return writeNarrow(c, real, type, {n.intAttr("saturate", 1) != 0, "up"});
  }
  if (!real || !integer || integer.getWidth() > 16) {
    if (real)
      n.error(Code::UnsupportedElementType) << "cannot quantise to " << type;
    return {};
  }
  real = c.cast(c.make<RoundOp>(real), c.f32());
  if (zeroPoint)
    real = c.add(real, c.cast(isNarrow(type) ? readNarrow(c, zeroPoint) : zeroPoint, c.f32()));
  double steps = std::ldexp(1.0, int(integer.getWidth())), low = integer.isUnsigned() ? 0 : -steps / 2;
  real = c.max(c.min(real, low + steps - 1), low);
  return isNarrow(type) ? writeNarrow(c, real, type) : c.cast(real, type);
}

/// q - zero point in i32.
Value Quantization::centre(Value q, Value zeroPoint) {
  if (q && isNarrow(typeOf(q).getElementType())) {
    q = readNarrow(c, q);
    zeroPoint = zeroPoint ? readNarrow(c, zeroPoint) : Value();
  }
  if (q && isa<FloatType>(typeOf(q).getElementType()))
    return zeroPoint ? c.sub(q, zeroPoint) : q;
  q = c.cast(q, i32());
  return zeroPoint ? c.sub(q, c.cast(zeroPoint, i32())) : q;
}

LogicalResult importQuantizeLinear(NodeImporter &n) {
  Quantization q{n};
  Value x = n.input(0), scale = n.input(1), zeroPoint = n.optionalInput(2);
  if (!x || !scale || (n.hasInput(2) && !zeroPoint))
    return failure();
  auto axis = q.readAxis(x);
  if (failed(axis))
    return failure();
  int64_t block = n.intAttr("block_size", 0), code = n.intAttr("output_dtype", 0);
  Type type = zeroPoint ? typeOf(zeroPoint).getElementType()
              : code    ? getElementType(n.context, int32_t(code))
                        : IntegerType::get(n.context, 8, IntegerType::Unsigned);
  if (!type)
    return n.error(Code::UnsupportedElementType) << "cannot quantise to element type " << code;
  Type real = isa<FloatType>(typeOf(x).getElementType()) ? typeOf(x).getElementType() : typeOf(scale).getElementType();
  scale = q.c.cast(q.align(scale, x, *axis, block), real);
  zeroPoint = zeroPoint ? q.align(zeroPoint, x, *axis, block) : Value();
  return n.setOutput(q.quantize(q.c.div(q.c.cast(x, real), scale), zeroPoint, type));
}

LogicalResult importDequantizeLinear(NodeImporter &n) {
  Quantization q{n};
  Value x = n.input(0), scale = n.input(1), zeroPoint = n.optionalInput(2);
  if (!x || !scale || (n.hasInput(2) && !zeroPoint))
    return failure();
  auto axis = q.readAxis(x);
  if (failed(axis))
    return failure();
  int64_t block = n.intAttr("block_size", 0), code = n.intAttr("output_dtype", 0);
  Type type = code ? getElementType(n.context, int32_t(code)) : typeOf(scale).getElementType();
  if (!type || !isa<FloatType>(type))
    return n.error(Code::UnsupportedElementType) << "cannot dequantise to element type " << code;
  scale = q.align(scale, x, *axis, block);
  zeroPoint = zeroPoint ? q.align(zeroPoint, x, *axis, block) : Value();
  Value real = q.c.cast(q.centre(x, zeroPoint), q.c.f32());
  return n.setOutput(q.c.cast(q.c.mul(real, q.c.cast(scale, q.c.f32())), type));
}

/// y = max - min over 255, with 0 in between.
LogicalResult importDynamicQuantizeLinear(NodeImporter &n) {
  Quantization q{n};
  Value x = n.input(0);
  if (!x)
    return failure();
  Compose &c = q.c;
  auto axes = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x)));
  Value low = c.min(axes.empty() ? x : c.reduce<ReduceMinOp>(x, axes, false), 0),
        high = c.max(axes.empty() ? x : c.reduce<ReduceMaxOp>(x, axes, false), 0);
  Value scale = c.div(c.sub(high, low), 255);
  // All zeros: any scale will do, but 0 / 0 will not.
  Value divisor = c.select(c.equal(scale, 0), c.like(scale, 1), scale);
  Type u8 = IntegerType::get(n.context, 8, IntegerType::Unsigned);
  Value zeroPoint = c.cast(c.make<RoundOp>(c.max(c.min(c.div(c.sub(c.like(low, 0), low), divisor), 255), 0)), u8);
  return success(succeeded(n.setOutput(0, q.quantize(c.div(x, divisor), zeroPoint, u8))) &&
                 succeeded(n.setOutput(1, scale)) && succeeded(n.setOutput(2, zeroPoint)));
}

/// One number, or one per row of a (`isRow`) or column of b, to broadcast with a matrix.
Value alignMatrix(NodeImporter &n, Value v, bool isRow) {
  if (!v)
    return {};
  if (rankOf(v) == 0 || (rankOf(v) == 1 && dimsOf(v)[0].isConstant(1)))
    return n.reshape(v, {});
  if (rankOf(v) > 1 || !isRow)
    return v;
  return n.reshape(v, {dimsOf(v)[0], n.dim(1)});
}

Value multiply(Quantization &q, Value a, Value aZero, Value b, Value bZero) {
  a = q.centre(a, alignMatrix(q.n, aZero, true));
  b = q.centre(b, alignMatrix(q.n, bZero, false));
  return a && b ? q.n.create<MatMulOp>(a, b, false) : Value();
}

LogicalResult importMatMulInteger(NodeImporter &n) {
  Quantization q{n};
  Value a = n.input(0), b = n.input(1), aZero = n.optionalInput(2), bZero = n.optionalInput(3);
  if (!a || !b || rankOf(a) < 1 || rankOf(b) < 1)
    return a && b ? LogicalResult(n.error(Code::WrongOperands) << "operands need at least one dimension") : failure();
  return n.setOutput(multiply(q, a, aZero, b, bZero));
}

LogicalResult importQLinearMatMul(NodeImporter &n) {
  Quantization q{n};
  SmallVector<Value> v;
  for (size_t i = 0; i < 8; ++i)
    if (!v.emplace_back(n.input(i)))
      return failure();
  if (rankOf(v[0]) < 2 || rankOf(v[3]) < 2)
    return n.error(Code::WrongOperands) << "operands need at least two dimensions";
  Compose &c = q.c;
  Value product = c.cast(multiply(q, v[0], v[2], v[3], v[5]), c.f32());
  Value scale = c.mul(c.cast(alignMatrix(n, v[1], true), c.f32()), c.cast(alignMatrix(n, v[4], false), c.f32()));
  Value real = c.div(c.mul(product, scale), c.cast(alignMatrix(n, v[6], true), c.f32()));
  return n.setOutput(q.quantize(real, alignMatrix(n, v[7], true), typeOf(v[7]).getElementType()));
}

/// A convolution of i32. `wZero` may be one per output channel.
Value convolve(Quantization &q, Value x, Value xZero, Value w, Value wZero, Value bias) {
  NodeImporter &n = q.n;
  if (rankOf(x) < 3 || rankOf(w) != rankOf(x)) {
    n.error(Code::WrongOperands) << "operand and weights have ranks " << rankOf(x) << " and " << rankOf(w);
    return {};
  }
  if (n.intAttr("group", 1) < 1) {
    n.error(Code::WrongAttribute) << "group is " << n.intAttr("group", 1);
    return {};
  }
  auto kernel = readKernel(n, typeOf(w));
  Dims extents = dimsOf(x);
  auto window = failed(kernel) ? FailureOr<Window>(failure()) : readWindow(n, ArrayRef(extents).drop_front(2), *kernel);
  if (failed(window))
    return {};
  x = q.centre(x, xZero ? q.align(xZero, x, 1, 0) : Value());
  w = q.centre(w, wZero ? q.align(wZero, w, 0, 0) : Value());
  return x && w ? n.create<ConvOp>(x, w, bias, window->strides, window->pads, window->dilations, n.intAttr("group", 1),
                                   false)
                : Value();
}

LogicalResult importConvInteger(NodeImporter &n) {
  Quantization q{n};
  Value x = n.input(0), w = n.input(1);
  return x && w ? n.setOutput(convolve(q, x, n.optionalInput(2), w, n.optionalInput(3), {})) : failure();
}

LogicalResult importQLinearConv(NodeImporter &n) {
  Quantization q{n};
  SmallVector<Value> v;
  for (size_t i = 0; i < 8; ++i)
    if (!v.emplace_back(n.input(i)))
      return failure();
  Compose &c = q.c;
  Value bias = n.optionalInput(8);
  Value sum = c.cast(convolve(q, v[0], v[2], v[3], v[5], bias), c.f32());
  if (!sum)
    return failure();
  Value scale = c.div(c.mul(q.align(v[1], sum, 1, 0), q.align(v[4], sum, 1, 0)), q.align(v[6], sum, 1, 0));
  return n.setOutput(q.quantize(c.mul(sum, scale), q.align(v[7], sum, 1, 0), typeOf(v[7]).getElementType()));
}

} // namespace

void addQuantizationRules(Registry &r) {
  r.add("QuantizeLinear", 10, importQuantizeLinear);
  r.add("DequantizeLinear", 10, importDequantizeLinear);
  r.add("DynamicQuantizeLinear", 11, importDynamicQuantizeLinear);
  r.add("MatMulInteger", 10, importMatMulInteger);
  r.add("QLinearMatMul", 10, importQLinearMatMul);
  r.add("ConvInteger", 10, importConvInteger);
  r.add("QLinearConv", 10, importQLinearConv);
}

} // namespace tenon::importer
