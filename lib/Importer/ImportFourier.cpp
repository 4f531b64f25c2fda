//===- ImportFourier.cpp - Discrete Fourier transforms ---------------------===//
//
// y[k] = sum over n of x[n] e^(-2 pi i k n / N), as products with a table of N cosines and sines that is read at
// k n mod N, summed in f64. Quadratic in the length, which must be a constant.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

constexpr int64_t maxLength = 1 << 16;

class Transform {
public:
  explicit Transform(NodeImporter &n) : n(n), c{n} {}
  LogicalResult run();

private:
  FailureOr<int64_t> readAxis();
  LogicalResult readLength();
  Value table(bool isSine);
  /// Sums of `v` [.., L] times the table, [.., K].
  Value project(Value v, Value factors);
  Value component(Value x, int64_t i);

  NodeImporter &n;
  Compose c;
  int64_t rank = 0, length = 0, used = 0, outputs = 0;
  bool inverse = false, onesided = false, isComplex = false;
  Type f64;
};

FailureOr<int64_t> Transform::readAxis() {
  int64_t axis = n.intAttr("axis", 1);
  if (n.opset >= 20) {
    axis = -2;
    if (n.hasInput(2)) {
      auto stated = n.constantOperand(2);
      if (failed(stated) || stated->size() != 1)
        return failure();
      axis = stated->front();
    }
  }
  auto normal = n.normalizeAxis(axis, rank);
  if (succeeded(normal) && *normal == rank - 1)
    return n.error(Code::WrongAttribute) << "the axis must not be the last";
  return normal;
}

/// A value [.., L, C] with the transformed axis next to last: how many elements are read and written.
LogicalResult Transform::readLength() {
  inverse = n.intAttr("inverse", 0) != 0;
  onesided = n.intAttr("onesided", 0) != 0;
  if (n.hasInput(1)) {
    auto stated = n.constantOperand(1);
    if (failed(stated) || stated->size() != 1)
      return failure();
    length = stated->front();
  } else {
    length = inverse && onesided ? 2 * (used - 1) : used;
  }
  if (length < 1 || length > maxLength)
    return n.error(Code::UnsupportedForm) << "a transform of length " << length;
  outputs = onesided && !inverse ? length / 2 + 1 : length;
  used = std::min(used, onesided && inverse ? length / 2 + 1 : length);
  return success();
}

/// cos or sin of 2 pi k m / N, [K, L].
Value Transform::table(bool isSine) {
  SmallVector<double> values;
  for (int64_t i = 0; i < length; ++i) {
    // By quarters, so that zeros and ones are exact.
    int64_t quarter = 4 * i / length, rest = 4 * i % length;
    double angle = M_PI_2 * double(rest) / double(length), cosine = std::cos(angle), sine = std::sin(angle);
    const double around[] = {cosine, 0 - sine, 0 - cosine, sine};
    values.push_back(around[(quarter + (isSine ? 3 : 0)) % 4]);
  }
  Value all = n.constant(DenseElementsAttr::get(RankedTensorType::get({length}, f64), ArrayRef<double>(values)));
  Value at = c.mul(c.iota(n.dim(outputs), c.i64(), 2, 0), c.iota(n.dim(used), c.i64(), 2, 1));
  at = at ? n.create<ModOp>(at, c.like(at, double(length)), true) : Value();
  return all && at ? n.create<GatherOp>(all, at, 0) : Value();
}

Value Transform::project(Value v, Value factors) { return c.reduce<ReduceSumOp>(c.mul(v, factors), {rank - 1}, false); }

/// The real or imaginary parts of the elements that are read, [.., 1, L] in f64.
Value Transform::component(Value x, int64_t i) {
  Value part = c.cast(c.pick(c.slice(x, rank - 2, n.dim(0), n.dim(used)), rank - 1, i), f64);
  if (!part)
    return {};
  Dims dims = dimsOf(part);
  dims.insert(dims.end() - 1, n.dim(1));
  return n.reshape(part, dims);
}

LogicalResult Transform::run() {
  Value x = n.input(0);
  if (!x)
    return failure();
  rank = rankOf(x);
  f64 = Float64Type::get(n.context);
  if (rank < 2 || !isa<FloatType>(typeOf(x).getElementType()) ||
      (!dimsOf(x).back().isConstant(1) && !dimsOf(x).back().isConstant(2)))
    return n.error(Code::WrongOperands) << "the operand must be floating point, its last extent 1 or 2";
  auto axis = readAxis();
  if (failed(axis))
    return failure();
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[size_t(*axis)], perm[size_t(rank) - 2]);
  x = c.transpose(x, perm);
  auto extent = x ? dimsOf(x)[size_t(rank) - 2].getConstant() : std::nullopt;
  if (!extent)
    return n.error(Code::UnsupportedForm) << "the transformed extent must be a constant";
  used = *extent;
  if (failed(readLength()))
    return failure();
  isComplex = dimsOf(x).back().isConstant(2);
  Value cosine = table(false), sine = table(true), re = component(x, 0), im = isComplex ? component(x, 1) : Value();
  if (onesided && inverse) {
    // The other half is the conjugate: all but the first (and, of an even length, the last) count twice.
    Value k = c.iota(n.dim(used), f64, rank, rank - 1);
    Value isSingle = c.equal(k, 0);
    if (length % 2 == 0)
      isSingle = c.make<OrOp>(isSingle, c.equal(k, double(length / 2)));
    Value weight = c.select(isSingle, n.scalar(f64, 1), n.scalar(f64, 2));
    re = c.mul(re, weight);
    im = im ? c.mul(im, weight) : Value();
  }
  if (inverse)
    sine = c.make<NegOp>(sine);
  Value real = project(re, cosine), imaginary = onesided && inverse ? Value() : c.make<NegOp>(project(re, sine));
  if (im) {
    real = c.add(real, project(im, sine));
    if (imaginary)
      imaginary = c.add(imaginary, project(im, cosine));
  }
  Dims dims = dimsOf(x);
  dims[dims.size() - 2] = n.dim(outputs);
  dims.back() = n.dim(1);
  SmallVector<Value> parts;
  for (Value part : {real, imaginary}) {
    if (!part && !(onesided && inverse))
      return failure();
    if (part)
      parts.push_back(n.reshape(inverse ? c.mul(part, 1 / double(length)) : part, dims));
  }
  Value y = parts.size() == 1 ? parts[0] : parts[0] && parts[1] ? n.create<ConcatOp>(parts, rank - 1) : Value();
  return n.setOutput(c.transpose(c.cast(y, typeOf(x).getElementType()), perm));
}

LogicalResult importDft(NodeImporter &n) { return Transform(n).run(); }

} // namespace

void addFourierRules(Registry &r) { r.add("DFT", 17, importDft); }

} // namespace tenon::importer
