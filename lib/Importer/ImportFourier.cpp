//===- ImportFourier.cpp - Discrete Fourier transforms ---------------------===//
//
// y[k] = sum over n of x[n] e^(-2 pi i k n / N), as products with a table of N cosines and sines that is read at
// k n mod N, summed in f64. Quadratic in the length. Where only a run knows the length, there is no table.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

constexpr int64_t maxLength = 1 << 16;

/// The transform along one axis of a tensor whose last dimension holds the real and imaginary part, or the real one.
class Transform {
public:
  /// Without `length`: that of the axis.
  Transform(NodeImporter &n, DimAttr length, bool inverse, bool onesided)
      : n(n), c{n}, stated(length), inverse(inverse), onesided(onesided), f64(Float64Type::get(n.context)) {}
  Value run(Value x, int64_t axis);

private:
  LogicalResult setLength(DimAttr extent);
  Value table(bool isSine);
  Value project(Value v, Value factors);
  Value component(Value x, int64_t i);
  Value countTwice(Value part);
  SmallVector<Value> transform(Value x);

  NodeImporter &n;
  Compose c;
  const DimAttr stated;
  const bool inverse, onesided;
  const Type f64;
  int64_t rank = 0;
  DimAttr length, used, outputs; ///< of the transform, and how many elements it reads and writes
};

LogicalResult Transform::setLength(DimAttr extent) {
  const bool isHalf = onesided && inverse;
  length = stated ? stated : isHalf ? (extent - 1) * 2 : extent;
  auto constant = length.getConstant();
  if (constant && (*constant < 1 || *constant > maxLength))
    return n.error(Code::UnsupportedForm, "transforms have lengths of 1 to " + Twine(maxLength) + ": split it by rows")
           << "a transform of length " << *constant;
  if (!constant)
    length = max(length, n.dim(1));
  DimAttr half = floorDiv(length, 2) + 1;
  outputs = onesided && !inverse ? half : length;
  used = min(extent, isHalf ? half : length);
  return success();
}

/// cos or sin of 2 pi k m / N, [K, L].
Value Transform::table(bool isSine) {
  Value at = c.mul(c.iota(outputs, c.i64(), 2, 0), c.iota(used, c.i64(), 2, 1));
  at = at ? n.create<ModOp>(at, c.extent(length, c.i64()), true) : Value();
  if (!length.getConstant()) {
    Value angle = c.div(c.mul(c.cast(at, f64), 2 * M_PI), c.extent(length, f64));
    return isSine ? c.make<SinOp>(angle) : c.make<CosOp>(angle);
  }
  SmallVector<double> values;
  for (int64_t i = 0, count = *length.getConstant(); i < count; ++i) {
    // The sine of M_PI is 1e-16, as with other transforms: of exact zeros, windowed constants have parts that are both
    // 0 in some places, and vocoders divide one by the other.
    double angle = 2 * M_PI * double(i) / double(count);
    values.push_back(isSine ? std::sin(angle) : std::cos(angle));
  }
  auto type = RankedTensorType::get({int64_t(values.size())}, f64);
  Value all = n.constant(DenseElementsAttr::get(type, ArrayRef<double>(values)));
  return all && at ? n.create<GatherOp>(all, at, 0) : Value();
}

/// Sums of `v` [.., L] times the table, [.., K].
Value Transform::project(Value v, Value factors) { return c.reduce<ReduceSumOp>(c.mul(v, factors), {rank - 1}, false); }

/// The real or imaginary parts of the elements that are read, [.., 1, L] in f64.
Value Transform::component(Value x, int64_t i) {
  Value part = c.cast(c.pick(c.slice(x, rank - 2, n.dim(0), used), rank - 1, i), f64);
  if (!part)
    return {};
  Dims dims = dimsOf(part);
  dims.insert(dims.end() - 1, n.dim(1));
  return n.reshape(part, dims);
}

/// The other half is the conjugate: all but the first (and, of an even length, the last) count twice.
Value Transform::countTwice(Value part) {
  Value k = c.iota(used, c.i64(), rank, rank - 1);
  Value isSingle = c.make<OrOp>(c.equal(k, 0), c.equal(c.mul(k, 2), c.extent(length, c.i64())));
  return c.mul(part, c.select(isSingle, n.scalar(f64, 1), n.scalar(f64, 2)));
}

/// The real and imaginary parts of the result, [.., K]; of an inverse one-sided transform the real one.
SmallVector<Value> Transform::transform(Value x) {
  const bool isHalf = onesided && inverse;
  Value cosine = table(false), sine = table(true), re = component(x, 0);
  Value im = dimsOf(x).back().isConstant(2) ? component(x, 1) : Value();
  if (isHalf) {
    re = countTwice(re);
    im = im ? countTwice(im) : Value();
  }
  if (inverse)
    sine = c.make<NegOp>(sine);
  Value real = project(re, cosine);
  if (im)
    real = c.add(real, project(im, sine));
  if (isHalf)
    return {real};
  Value imaginary = c.make<NegOp>(project(re, sine));
  return {real, im ? c.add(imaginary, project(im, cosine)) : imaginary};
}

Value Transform::run(Value x, int64_t axis) {
  if (!x)
    return {};
  rank = rankOf(x);
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[size_t(axis)], perm[size_t(rank) - 2]);
  x = c.transpose(x, perm);
  if (!x || failed(setLength(dimsOf(x)[size_t(rank) - 2])))
    return {};
  Dims dims = dimsOf(x);
  dims[dims.size() - 2] = outputs;
  dims.back() = n.dim(1);
  SmallVector<Value> parts;
  for (Value part : transform(x)) {
    if (part && inverse)
      part = c.div(part, c.extent(length, f64));
    if (!parts.emplace_back(n.reshape(part, dims)))
      return {};
  }
  Value y = parts.size() == 1 ? parts[0] : n.create<ConcatOp>(parts, rank - 1);
  return c.transpose(c.cast(y, typeOf(x).getElementType()), perm);
}

/// Operand 0, with a last dimension of 1 or 2; null with an error. STFT also takes a batch of real signals without one.
Value readSignal(NodeImporter &n) {
  Value x = n.input(0);
  if (x && rankOf(x) == 2 && n.node.op_type() == "STFT") {
    Dims dims = dimsOf(x);
    dims.push_back(n.dim(1));
    x = n.reshape(x, dims);
  }
  if (x && (rankOf(x) < 2 || !isa<FloatType>(typeOf(x).getElementType()) ||
            (!dimsOf(x).back().isConstant(1) && !dimsOf(x).back().isConstant(2)))) {
    n.error(Code::WrongOperands) << "the operand must be floating point, its last extent 1 or 2";
    return {};
  }
  return x;
}

/// Operand `i`, a number; nothing if it is absent.
FailureOr<DimAttr> readNumber(NodeImporter &n, size_t i) {
  if (!n.hasInput(i))
    return DimAttr();
  auto values = n.shapeOperand(i);
  if (failed(values))
    return failure();
  if (values->size() != 1)
    return n.error(Code::WrongOperands) << "operand " << i << " must be one number";
  return values->front();
}

/// Along an axis that only a run knows: the dimensions before it are one, and those behind it.
Value transformAtRunTime(NodeImporter &n, Transform &transform, Value x, DimAttr axis) {
  Dims dims = dimsOf(x), outer(dims.begin(), dims.end() - 1);
  n.requireEqual(isEqual(axis, n.dim(-1)), n.dim(0), "an axis other than the last");
  // Counted from the end, the dimension of the parts counts too.
  AxisFlags flags(n, {axis + isLess(axis, n.dim(0))}, int64_t(outer.size()));
  Dims split = flags.split(outer);
  split.push_back(dims.back());
  Value y = transform.run(n.reshape(x, split), 1);
  if (!y)
    return {};
  for (auto [i, dim] : llvm::enumerate(outer))
    dim = chooseExtent(flags.isNamed(i), dimsOf(y)[1], dim);
  outer.push_back(dimsOf(y).back());
  return n.reshape(y, outer);
}

LogicalResult importDft(NodeImporter &n) {
  Value x = readSignal(n);
  auto length = x ? readNumber(n, 1) : FailureOr<DimAttr>(failure());
  auto axis = n.opset < 20 || failed(length) ? FailureOr<DimAttr>(DimAttr()) : readNumber(n, 2);
  if (failed(length) || failed(axis))
    return failure();
  Transform transform(n, *length, n.intAttr("inverse", 0) != 0, n.intAttr("onesided", 0) != 0);
  if (*axis && !axis->getConstant())
    return n.setOutput(transformAtRunTime(n, transform, x, *axis));
  int64_t stated = *axis ? *axis->getConstant() : n.opset < 20 ? n.intAttr("axis", 1) : -2;
  auto normal = n.normalizeAxis(stated, rankOf(x));
  if (failed(normal))
    return failure();
  if (*normal == rankOf(x) - 1)
    return n.error(Code::WrongAttribute) << "the axis must not be the last";
  return n.setOutput(transform.run(x, *normal));
}

/// The transforms of frames of the signal, frame_step apart: [B, F, K, 2].
LogicalResult importStft(NodeImporter &n) {
  Value x = readSignal(n), window = n.optionalInput(2);
  if (!x || (n.hasInput(2) && !window))
    return failure();
  auto step = readNumber(n, 1), stated = readNumber(n, 3);
  if (failed(step) || failed(stated))
    return failure();
  if (rankOf(x) != 3 || !*step || step->getConstant().value_or(1) < 1 || (window && rankOf(window) != 1))
    return n.error(Code::WrongOperands) << "the signal must be [B, L, 1] or [B, L, 2], frame_step positive, and the "
                                           "window a vector";
  Compose c{n};
  DimAttr total = dimsOf(x)[1], length = *stated ? *stated : window ? dimsOf(window)[0] : total;
  DimAttr count = max(floorDiv(total - length, *step) + 1, n.dim(0));
  Value index = c.add(c.mul(c.iota(count, c.i64(), 2, 0), c.extent(*step, c.i64())), c.iota(length, c.i64(), 2, 1));
  Value frames = index ? n.create<GatherOp>(x, index, 1) : Value();
  if (window) {
    n.requireEqual(dimsOf(window)[0], length, "a window as long as a frame");
    frames = c.mul(frames, n.reshape(c.cast(window, typeOf(x).getElementType()), {length, n.dim(1)}));
  }
  return n.setOutput(Transform(n, length, false, n.intAttr("onesided", 1) != 0).run(frames, 2));
}

} // namespace

void addFourierRules(Registry &r) {
  r.add("DFT", 17, importDft);
  r.add("STFT", 17, importStft);
}

} // namespace tenon::importer
