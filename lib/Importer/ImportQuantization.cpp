//===- ImportQuantization.cpp - Quantised numbers --------------------------===//
//
// Real number = (q - zero point) * scale. Scales and zero points of every legal shape become those that
// QuantizationOps.td has.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/NarrowTypes.h"
#include "Graph/IR/QuantizationOps.h"
#include "Registry.h"
#include "Window.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// A scale and a zero point (or null) of one shape, as graph.quantize and graph.dequantize take them.
struct Scaling {
  Value scale, zero;
  int64_t axis = 0, block = 0;
};

struct Quantization {
  NodeImporter &n;
  Compose c{n};

  Type i32() { return IntegerType::get(n.context, 32); }
  bool isOne(Value v) { return rankOf(v) == 0 || (rankOf(v) == 1 && dimsOf(v)[0].isConstant(1)); }
  FailureOr<Scaling> readScaling(Value x);
  FailureOr<Scaling> alignRows(Value x, Value scale, Value zero);
  Value quantize(Value real, const Scaling &scaling, Type type);
  Value dequantize(Value q, const Scaling &scaling, Type type);
};

/// Operands 1 and 2, for x.
FailureOr<Scaling> Quantization::readScaling(Value x) {
  Value scale = n.input(1), zero = n.optionalInput(2);
  if (!x || !scale || (n.hasInput(2) && !zero))
    return failure();
  Scaling result{scale, zero, n.intAttr("axis", 1), n.intAttr("block_size", 0)};
  if (result.block == 0 && isOne(scale) && (!zero || isOne(zero))) {
    result.axis = 1;
    result.scale = n.reshape(scale, {});
    result.zero = zero ? n.reshape(zero, {}) : Value();
    return result;
  }
  auto axis = n.normalizeAxis(result.axis, rankOf(x));
  if (failed(axis))
    return failure();
  result.axis = *axis;
  if (result.block < 0 || rankOf(scale) != (result.block == 0 ? 1 : rankOf(x)))
    return n.error(Code::ShapeMismatch) << "a scale of rank " << rankOf(scale) << " for an operand of rank "
                                        << rankOf(x);
  if (zero && result.block == 0 && isOne(zero)) // one zero point for scales along an axis
    result.zero = c.expand(n.reshape(zero, {}), dimsOf(scale));
  return result;
}

Value Quantization::quantize(Value real, const Scaling &s, Type type) {
  if (!real || !s.scale)
    return {};
  auto integer = dyn_cast<IntegerType>(type);
  const bool isCode =
      integer ? integer.getWidth() > 1 && integer.getWidth() <= 16 : isNarrow(type) && !isa<Float8E8M0FNUType>(type);
  if (!isCode) {
    n.error(Code::UnsupportedElementType, "the nearest types are int16 and uint16") << "cannot quantise to " << type;
    return {};
  }
  return n.createTyped<QuantizeOp>(getTensorType(dimsOf(real), type), real, s.scale, s.zero, s.axis, s.block,
                                   n.intAttr("saturate", 1) != 0);
}

/// In the type of the scale, or in f32 before a conversion to `type`.
Value Quantization::dequantize(Value q, const Scaling &s, Type type) {
  if (!q || !s.scale)
    return {};
  Value scale = typeOf(s.scale).getElementType() == type ? s.scale : c.cast(s.scale, c.f32());
  return c.cast(n.create<DequantizeOp>(q, scale, s.zero, s.axis, s.block), type);
}

LogicalResult importQuantizeLinear(NodeImporter &n) {
  Quantization q{n};
  Value x = n.input(0);
  auto scaling = q.readScaling(x);
  if (failed(scaling))
    return failure();
  const int64_t code = n.intAttr("output_dtype", 0);
  Type type = scaling->zero ? typeOf(scaling->zero).getElementType()
              : code        ? getElementType(n.context, int32_t(code))
                            : IntegerType::get(n.context, 8, IntegerType::Unsigned);
  if (!type)
    return n.typeError(code) << "cannot quantise to element type " << code;
  Type real =
      isa<FloatType>(typeOf(x).getElementType()) ? typeOf(x).getElementType() : typeOf(scaling->scale).getElementType();
  scaling->scale = q.c.cast(scaling->scale, real);
  return n.setOutput(q.quantize(q.c.cast(x, real), *scaling, type));
}

LogicalResult importDequantizeLinear(NodeImporter &n) {
  Quantization q{n};
  Value x = n.input(0);
  auto scaling = q.readScaling(x);
  if (failed(scaling))
    return failure();
  const int64_t code = n.intAttr("output_dtype", 0);
  Type type = code ? getElementType(n.context, int32_t(code)) : typeOf(scaling->scale).getElementType();
  if (!type || !isa<FloatType>(type))
    return n.error(Code::UnsupportedElementType) << "cannot dequantise to element type " << code;
  return n.setOutput(q.dequantize(x, *scaling, type));
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
  return success(succeeded(n.setOutput(0, q.quantize(x, {divisor, zeroPoint}, u8))) &&
                 succeeded(n.setOutput(1, scale)) && succeeded(n.setOutput(2, zeroPoint)));
}

//===----------------------------------------------------------------------===//
// Products of integers
//===----------------------------------------------------------------------===//

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

/// Scale and zero point of each row of the matrices x, or of all.
FailureOr<Scaling> Quantization::alignRows(Value x, Value scale, Value zero) {
  if (isOne(scale) && isOne(zero))
    return Scaling{n.reshape(scale, {}), n.reshape(zero, {})};
  Dims rows = dimsOf(x);
  auto columns = rows.back().getConstant();
  if (!columns)
    return n.error(Code::UnsupportedForm, "fix the shape of the operands")
           << "a scale of rows needs a constant number of columns";
  rows.back() = n.dim(1);
  return Scaling{c.expand(alignMatrix(n, scale, true), rows), c.expand(alignMatrix(n, zero, true), rows), rankOf(x) - 1,
                 *columns};
}

/// An operand of an integer product by its position in the node.
struct Factor {
  Value codes, zero;
};

/// Whether `v` is a constant of integers that are all 0.
bool isZero(Value v) {
  auto constant = v.getDefiningOp<ConstantOp>();
  ArrayRef<char> bytes;
  if (auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr())
    bytes = dense.getRawData();
  else if (auto resource = constant ? dyn_cast<DenseResourceElementsAttr>(constant.getValue()) : nullptr)
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      bytes = blob->getData();
  return !bytes.empty() && llvm::all_of(bytes, [](char byte) { return byte == 0; });
}

/// A zero point of nothing but zeros, of whatever shape, is none.
Value dropZero(Value zero) { return zero && isZero(zero) ? Value() : zero; }

FailureOr<Factor> readFactor(NodeImporter &n, size_t codes, size_t zero) {
  Factor factor{n.input(codes), n.optionalInput(zero)};
  if (!factor.codes || (n.hasInput(zero) && !factor.zero))
    return failure();
  factor.zero = dropZero(factor.zero);
  return factor;
}

/// The product of narrow floats: in f32.
Value multiplyFloats(Quantization &q, Factor a, Factor b) {
  Expressions e{q.n.getBuilder(), q.n.loc};
  auto centre = [&](const Factor &f) {
    Value x = readNarrow(e, f.codes);
    return f.zero ? q.c.sub(x, readNarrow(e, f.zero)) : x;
  };
  Value x = centre(a), w = centre(b);
  return x && w ? q.n.create<MatMulOp>(x, w, false) : Value();
}

/// a b, without rows and columns of operands of rank 1.
Value multiply(Quantization &q, Factor a, Factor b) {
  NodeImporter &n = q.n;
  a.zero = alignMatrix(n, a.zero, true);
  b.zero = alignMatrix(n, b.zero, false);
  auto isNarrowFloat = [](Value v) {
    return isa<FloatType>(typeOf(v).getElementType()) && isNarrow(typeOf(v).getElementType());
  };
  if (isNarrowFloat(a.codes) && isNarrowFloat(b.codes))
    return multiplyFloats(q, a, b);
  const bool isRow = rankOf(a.codes) == 1, isColumn = rankOf(b.codes) == 1;
  if (isRow)
    a.codes = n.reshape(a.codes, {n.dim(1), dimsOf(a.codes)[0]});
  if (isColumn)
    b.codes = n.reshape(b.codes, {dimsOf(b.codes)[0], n.dim(1)});
  Value y = a.codes && b.codes ? n.create<IntegerMatMulOp>(a.codes, b.codes, a.zero, b.zero, false) : Value();
  if (!y || (!isRow && !isColumn))
    return y;
  Dims dims = dimsOf(y);
  if (isColumn)
    dims.pop_back();
  if (isRow)
    dims.erase(dims.end() - (isColumn ? 1 : 2));
  return n.reshape(y, dims);
}

LogicalResult importMatMulInteger(NodeImporter &n) {
  Quantization q{n};
  auto a = readFactor(n, 0, 2), b = readFactor(n, 1, 3);
  if (failed(a) || failed(b))
    return failure();
  if (rankOf(a->codes) < 1 || rankOf(b->codes) < 1)
    return n.error(Code::WrongOperands) << "operands need at least one dimension";
  return n.setOutput(multiply(q, *a, *b));
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
  Value product = c.cast(multiply(q, {v[0], dropZero(v[2])}, {v[3], dropZero(v[5])}), c.f32());
  Value scale = c.mul(c.cast(alignMatrix(n, v[1], true), c.f32()), c.cast(alignMatrix(n, v[4], false), c.f32()));
  Value real = c.mul(product, scale);
  auto scaling = real ? q.alignRows(real, c.cast(v[6], c.f32()), v[7]) : FailureOr<Scaling>(failure());
  return failed(scaling) ? failure() : n.setOutput(q.quantize(real, *scaling, typeOf(v[7]).getElementType()));
}

/// A parameter of the channels of x [N, C, ..] (of weights [M, ..] if `axis` is 0): one number, or one for each.
Value alignChannels(Quantization &q, Value v, Value x, size_t axis) {
  NodeImporter &n = q.n;
  if (!v || !x)
    return {};
  if (q.isOne(v))
    return n.reshape(v, {});
  if (rankOf(v) != 1) {
    n.error(Code::ShapeMismatch) << "a scale or zero point of rank " << rankOf(v);
    return {};
  }
  Dims dims(size_t(rankOf(x)), n.dim(1));
  dims[axis] = dimsOf(v)[0];
  n.requireEqual(dims[axis], dimsOf(x)[axis]);
  return n.reshape(v, dims);
}

/// A convolution in i32, without bias. The zero point of the weights may be one per output channel.
Value convolve(Quantization &q, const Factor &x, const Factor &w) {
  NodeImporter &n = q.n;
  if (rankOf(x.codes) < 3 || rankOf(w.codes) != rankOf(x.codes)) {
    n.error(Code::WrongOperands) << "operand and weights have ranks " << rankOf(x.codes) << " and " << rankOf(w.codes);
    return {};
  }
  if (n.intAttr("group", 1) < 1) {
    n.error(Code::WrongAttribute) << "group is " << n.intAttr("group", 1);
    return {};
  }
  auto kernel = readKernel(n, typeOf(w.codes));
  Dims extents = dimsOf(x.codes);
  auto window = failed(kernel) ? FailureOr<Window>(failure()) : readWindow(n, ArrayRef(extents).drop_front(2), *kernel);
  if (failed(window))
    return {};
  auto align = [&](Value zero) { return zero && q.isOne(zero) ? n.reshape(zero, {}) : zero; };
  return n.create<IntegerConvOp>(x.codes, w.codes, align(x.zero), align(w.zero), window->strides, window->pads,
                                 window->dilations, n.intAttr("group", 1), false);
}

LogicalResult importConvInteger(NodeImporter &n) {
  Quantization q{n};
  auto x = readFactor(n, 0, 2), w = readFactor(n, 1, 3);
  return failed(x) || failed(w) ? failure() : n.setOutput(convolve(q, *x, *w));
}

LogicalResult importQLinearConv(NodeImporter &n) {
  Quantization q{n};
  SmallVector<Value> v;
  for (size_t i = 0; i < 8; ++i)
    if (!v.emplace_back(n.input(i)))
      return failure();
  Compose &c = q.c;
  Value bias = n.optionalInput(8), products = convolve(q, {v[0], dropZero(v[2])}, {v[3], dropZero(v[5])});
  if (!products || (n.hasInput(8) && !bias))
    return failure();
  if (bias && rankOf(bias) != 1)
    return n.error(Code::WrongOperands) << "the bias has rank " << rankOf(bias);
  Value sum = c.cast(bias ? c.add(products, alignChannels(q, bias, products, 1)) : products, c.f32());
  Value scale =
      c.div(c.mul(alignChannels(q, v[1], sum, 1), alignChannels(q, v[4], sum, 1)), alignChannels(q, v[6], sum, 1));
  if (!sum || !scale || !q.isOne(v[7]))
    return sum && scale
               ? LogicalResult(n.error(Code::WrongOperands) << "the zero point of the result is not one number")
               : failure();
  // Scaled by a product, not a quotient.
  return n.setOutput(
      q.quantize(c.mul(sum, scale), {c.like(sum, 1), n.reshape(v[7], {})}, typeOf(v[7]).getElementType()));
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
