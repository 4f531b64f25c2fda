//===- ImportQuantization.cpp - Quantised numbers --------------------------===//
//
// Real number = (q - zero point) * scale. Integer products are of i32, with the zero points subtracted first, as ONNX
// defines them. A sum of integers within 2^24 is exact in f32, in any order and fused or not: where that can be proven,
// the products are of f32, and run by its kernels.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/NarrowTypes.h"
#include "Registry.h"
#include "Window.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

struct Quantization {
  NodeImporter &n;
  Compose c{n};
  Expressions e{n.getBuilder(), n.loc};

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
      real = c.add(real, c.cast(readNarrow(e, zeroPoint), c.f32()));
    return writeNarrow(e, real, type, {n.intAttr("saturate", 1) != 0, "up"});
  }
  if (!real || !integer || integer.getWidth() > 16) {
    if (real)
      n.error(Code::UnsupportedElementType, "the nearest types are int16 and uint16") << "cannot quantise to " << type;
    return {};
  }
  real = c.cast(c.make<RoundOp>(real), c.f32());
  if (zeroPoint)
    real = c.add(real, c.cast(isNarrow(type) ? readNarrow(e, zeroPoint) : zeroPoint, c.f32()));
  double steps = std::ldexp(1.0, int(integer.getWidth())), low = integer.isUnsigned() ? 0 : -steps / 2;
  real = c.max(c.min(real, low + steps - 1), low);
  return isNarrow(type) ? writeNarrow(e, real, type) : c.cast(real, type);
}

/// q - zero point in i32.
Value Quantization::centre(Value q, Value zeroPoint) {
  if (q && isNarrow(typeOf(q).getElementType())) {
    q = readNarrow(e, q);
    zeroPoint = zeroPoint ? readNarrow(e, zeroPoint) : Value();
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
    return n.typeError(code) << "cannot quantise to element type " << code;
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

//===----------------------------------------------------------------------===//
// Products of integers
//===----------------------------------------------------------------------===//

/// The largest sum of magnitudes that f32 holds exactly.
constexpr int64_t largestExactSum = int64_t(1) << 24;

/// The bytes of a constant of 8-bit integers; empty if it is none.
ArrayRef<char> bytesOf(const ModelValue &value) {
  auto integer = dyn_cast<IntegerType>(value.type.getElementType());
  if (!value.constant || !integer || integer.getWidth() != 8)
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(value.constant))
    return dense.isSplat() && dense.getNumElements() != 1 ? ArrayRef<char>() : dense.getRawData();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value.constant))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

bool isUnsigned(const ModelValue &value) { return value.type.getElementType().isUnsignedInteger(); }

int64_t elementOf(ArrayRef<char> bytes, bool isUnsigned, size_t i) {
  return isUnsigned ? int64_t(uint8_t(bytes[i])) : int64_t(int8_t(bytes[i]));
}

/// The one zero point of all elements: 0 if there is none; nothing if it is not known.
std::optional<int64_t> commonZeroPoint(const ModelValue *zeroPoint) {
  if (!zeroPoint)
    return 0;
  ArrayRef<char> bytes = bytesOf(*zeroPoint);
  if (bytes.empty() || !llvm::all_equal(bytes))
    return std::nullopt;
  return elementOf(bytes, isUnsigned(*zeroPoint), 0);
}

/// The largest |q - zero point| of an operand of at most 8 bits; nothing for wider ones. `zeroPoint` may be null.
std::optional<int64_t> largestMagnitude(const ModelValue &q, const ModelValue *zeroPoint) {
  auto integer = dyn_cast<IntegerType>(q.type.getElementType());
  if (!integer || integer.getWidth() > 8)
    return std::nullopt;
  const int64_t steps = int64_t(1) << integer.getWidth(), low = isUnsigned(q) ? 0 : -steps / 2;
  std::optional<int64_t> zero = commonZeroPoint(zeroPoint);
  return zero ? std::max(std::abs(low - *zero), std::abs(low + steps - 1 - *zero)) : steps - 1;
}

/// The largest sum of |w - zero point| over what one element of the result adds up, where both are constants: columns
/// of matrices [.., K, N], or rows of convolution weights [M, ..] with `isRows`. Nothing if they are not, or not of 8
/// bits.
std::optional<int64_t> largestSum(const ModelValue &w, const ModelValue *zeroPoint, bool isRows) {
  ArrayRef<char> bytes = bytesOf(w);
  std::optional<int64_t> zero = commonZeroPoint(zeroPoint);
  const int64_t rank = w.type.getRank();
  if (!zero || rank < 2 || bytes.empty() || int64_t(bytes.size()) != w.type.getNumElements())
    return std::nullopt;
  const int64_t elements = w.type.getNumElements();
  const bool hasSign = !isUnsigned(w);
  const int64_t columns = isRows ? 1 : w.type.getDimSize(rank - 1),
                depth = isRows ? elements / w.type.getDimSize(0) : w.type.getDimSize(rank - 2);
  int64_t largest = 0;
  std::vector<int64_t> sums(static_cast<size_t>(columns));
  for (int64_t first = 0; first < elements; first += depth * columns) {
    std::fill(sums.begin(), sums.end(), 0);
    for (int64_t i = 0; i < depth * columns; ++i)
      sums[size_t(i % columns)] += std::abs(elementOf(bytes, !hasSign, size_t(first + i)) - *zero);
    largest = std::max(largest, *llvm::max_element(sums));
  }
  return largest;
}

/// Operands of an integer product by their positions in the node.
struct Factors {
  size_t a, aZero, b, bZero;
};

/// The largest number of steps along the reduction whose sum is exact in f32: `depth` (or more) if all are, 0 if f32
/// will not do.
int64_t countExactSteps(NodeImporter &n, const Factors &f, int64_t depth, bool isConvolution) {
  ModelValue *a = n.getInput(f.a), *aZero = n.getInput(f.aZero), *b = n.getInput(f.b), *bZero = n.getInput(f.bZero);
  auto largestA = largestMagnitude(*a, aZero), largestB = largestMagnitude(*b, bZero);
  if (!largestA || !largestB)
    return 0;
  if (auto sum = largestSum(*b, bZero, isConvolution); sum && *sum * *largestA <= largestExactSum)
    return depth;
  return largestExactSum / std::max<int64_t>(*largestA * *largestB, 1);
}

/// a b in i32, by products of f32 over `steps` of the reduction each.
Value multiplyInParts(Compose &c, Value a, Value b, int64_t depth, int64_t steps) {
  Type i32 = IntegerType::get(c.n.context, 32);
  Value sum;
  for (int64_t first = 0; first < std::max<int64_t>(depth, 1); first += steps) {
    Value x = a, y = b;
    if (steps < depth) {
      DimAttr start = c.n.dim(first), count = c.n.dim(std::min(steps, depth - first));
      x = c.slice(a, rankOf(a) - 1, start, count);
      y = c.slice(b, std::max<int64_t>(rankOf(b) - 2, 0), start, count);
    }
    Value part = x && y ? c.cast(c.n.create<MatMulOp>(x, y, false), i32) : Value();
    sum = sum ? c.add(sum, part) : part;
    if (!sum)
      return {};
  }
  return sum;
}

Value multiply(Quantization &q, const Factors &f) {
  NodeImporter &n = q.n;
  Value a = n.input(f.a), aZero = n.optionalInput(f.aZero), b = n.input(f.b), bZero = n.optionalInput(f.bZero);
  if (!a || !b || (n.hasInput(f.aZero) && !aZero) || (n.hasInput(f.bZero) && !bZero))
    return {};
  const int64_t depth = dimsOf(b)[size_t(std::max<int64_t>(rankOf(b) - 2, 0))].getConstant().value_or(-1);
  const int64_t steps = depth < 0 ? 0 : countExactSteps(n, f, depth, false);
  a = q.centre(a, alignMatrix(n, aZero, true));
  b = q.centre(b, alignMatrix(n, bZero, false));
  if (!a || !b || steps == 0)
    return a && b ? n.create<MatMulOp>(a, b, false) : Value();
  n.requireEqual(dimsOf(a).back(), n.dim(depth));
  return multiplyInParts(q.c, q.c.cast(a, q.c.f32()), q.c.cast(b, q.c.f32()), depth, steps);
}

LogicalResult importMatMulInteger(NodeImporter &n) {
  Quantization q{n};
  RankedTensorType a = n.inputType(0), b = n.inputType(1);
  if (!a || !b || a.getRank() < 1 || b.getRank() < 1)
    return a && b ? LogicalResult(n.error(Code::WrongOperands) << "operands need at least one dimension") : failure();
  return n.setOutput(multiply(q, {0, 2, 1, 3}));
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
  Value product = c.cast(multiply(q, {0, 2, 3, 5}), c.f32());
  Value scale = c.mul(c.cast(alignMatrix(n, v[1], true), c.f32()), c.cast(alignMatrix(n, v[4], false), c.f32()));
  Value real = c.div(c.mul(product, scale), c.cast(alignMatrix(n, v[6], true), c.f32()));
  return n.setOutput(q.quantize(real, alignMatrix(n, v[7], true), typeOf(v[7]).getElementType()));
}

/// A convolution in i32, without bias. The zero point of the weights may be one per output channel.
Value convolve(Quantization &q, const Factors &f) {
  NodeImporter &n = q.n;
  Value x = n.input(f.a), xZero = n.optionalInput(f.aZero), w = n.input(f.b), wZero = n.optionalInput(f.bZero);
  if (!x || !w || (n.hasInput(f.aZero) && !xZero) || (n.hasInput(f.bZero) && !wZero))
    return {};
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
  auto weights = typeOf(w);
  const int64_t depth = weights.hasStaticShape() && weights.getNumElements() > 0
                            ? weights.getNumElements() / weights.getDimSize(0)
                            : std::numeric_limits<int64_t>::max();
  const bool isExact = countExactSteps(n, f, depth, true) >= depth;
  x = q.centre(x, xZero ? q.align(xZero, x, 1, 0) : Value());
  w = q.centre(w, wZero ? q.align(wZero, w, 0, 0) : Value());
  if (isExact) {
    x = q.c.cast(x, q.c.f32());
    w = q.c.cast(w, q.c.f32());
  }
  return x && w ? q.c.cast(n.create<ConvOp>(x, w, Value(), window->strides, window->pads, window->dilations,
                                            n.intAttr("group", 1), false),
                           q.i32())
                : Value();
}

LogicalResult importConvInteger(NodeImporter &n) {
  Quantization q{n};
  return n.setOutput(convolve(q, {0, 2, 1, 3}));
}

LogicalResult importQLinearConv(NodeImporter &n) {
  Quantization q{n};
  SmallVector<Value> v;
  for (size_t i = 0; i < 8; ++i)
    if (!v.emplace_back(n.input(i)))
      return failure();
  Compose &c = q.c;
  Value bias = n.optionalInput(8), products = convolve(q, {0, 2, 3, 5});
  if (!products || (n.hasInput(8) && !bias))
    return failure();
  if (bias && rankOf(bias) != 1)
    return n.error(Code::WrongOperands) << "the bias has rank " << rankOf(bias);
  Value sum = c.cast(bias ? c.add(products, q.align(bias, products, 1, 0)) : products, c.f32());
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
