//===- ImportFourier.cpp - Discrete Fourier transforms ---------------------===//
//
// Transforms are graph.dft, but for those of short frames: these are products with a table of N cosines and sines that
// is read at k n mod N, summed in f64, in one kernel with the frames and their window.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/SpecialOps.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

constexpr int64_t maxLength = 1 << 20, maxTable = 64;

//===----------------------------------------------------------------------===//
// By a table
//===----------------------------------------------------------------------===//

/// Transforms of frames [B, F, L, p].
class TableTransform {
public:
  TableTransform(NodeImporter &n, int64_t length, bool onesided)
      : n(n), c{n}, length(length), outputs(n.dim(onesided ? length / 2 + 1 : length)),
        f64(Float64Type::get(n.context)) {}
  Value run(Value frames);

private:
  Value table(bool isSine);
  /// Sums of the real or imaginary part of the frames, `part`, times the table: [B, F, K].
  Value project(Value part, Value factors) { return c.reduce<ReduceSumOp>(c.mul(part, factors), {3}, false); }
  Value component(Value frames, int64_t i);

  NodeImporter &n;
  Compose c;
  const int64_t length;
  const DimAttr outputs;
  const Type f64;
};

/// cos or sin of 2 pi k m / N, [K, N].
Value TableTransform::table(bool isSine) {
  Value at = c.mul(c.iota(outputs, c.i64(), 2, 0), c.iota(n.dim(length), c.i64(), 2, 1));
  at = at ? n.create<ModOp>(at, c.extent(n.dim(length), c.i64()), true) : Value();
  SmallVector<double> values;
  for (int64_t i = 0; i < length; ++i) {
    // The sine of M_PI is 1e-16, as with other transforms: of exact zeros, windowed constants have parts that are both
    // 0 in some places, and vocoders divide one by the other.
    double angle = 2 * M_PI * double(i) / double(length);
    values.push_back(isSine ? std::sin(angle) : std::cos(angle));
  }
  auto type = RankedTensorType::get({length}, f64);
  Value all = n.constant(DenseElementsAttr::get(type, ArrayRef<double>(values)));
  return all && at ? n.create<GatherOp>(all, at, 0) : Value();
}

/// [B, F, 1, L] in f64.
Value TableTransform::component(Value frames, int64_t i) {
  Value part = c.cast(c.pick(frames, 3, i), f64);
  if (!part)
    return {};
  Dims dims = dimsOf(part);
  dims.insert(dims.end() - 1, n.dim(1));
  return n.reshape(part, dims);
}

Value TableTransform::run(Value frames) {
  if (!frames)
    return {};
  Dims dims = dimsOf(frames);
  Value cosine = table(false), sine = table(true), re = component(frames, 0);
  Value real = project(re, cosine), imaginary = c.make<NegOp>(project(re, sine));
  if (dims.back().isConstant(2)) {
    Value im = component(frames, 1);
    real = c.add(real, project(im, sine));
    imaginary = c.add(imaginary, project(im, cosine));
  }
  dims[2] = outputs;
  dims[3] = n.dim(1);
  real = n.reshape(real, dims);
  imaginary = n.reshape(imaginary, dims);
  return real && imaginary ? c.cast(n.create<ConcatOp>(ValueRange{real, imaginary}, 3), typeOf(frames).getElementType())
                           : Value();
}

//===----------------------------------------------------------------------===//
// By graph.dft
//===----------------------------------------------------------------------===//

struct Form {
  DimAttr length; ///< null: that of the axis
  bool inverse, onesided;
};

Value transform(NodeImporter &n, const Form &form, Value x, int64_t axis) {
  if (!x)
    return {};
  DimAttr extent = dimsOf(x)[size_t(axis)];
  DimAttr length = form.length ? form.length : form.onesided && form.inverse ? (extent - 1) * 2 : extent;
  auto constant = length.getConstant();
  if (!constant) {
    length = max(length, n.dim(1));
  } else if (*constant < 1 || *constant > maxLength) {
    n.error(Code::UnsupportedForm, "transforms have lengths of 1 to " + Twine(maxLength) + ": split it by rows")
        << "a transform of length " << *constant;
    return {};
  }
  Type type = typeOf(x).getElementType();
  x = n.cast(x, type.isF64() ? type : Float32Type::get(n.context));
  Value y = x ? n.create<DftOp>(x, axis, length, form.inverse, form.onesided) : Value();
  return y ? n.cast(y, type) : Value();
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
Value transformAtRunTime(NodeImporter &n, const Form &form, Value x, DimAttr axis) {
  Dims dims = dimsOf(x), outer(dims.begin(), dims.end() - 1);
  n.requireEqual(isEqual(axis, n.dim(-1)), n.dim(0), "an axis other than the last");
  // Counted from the end, the dimension of the parts counts too.
  AxisFlags flags(n, {axis + isLess(axis, n.dim(0))}, int64_t(outer.size()));
  Dims split = flags.split(outer);
  split.push_back(dims.back());
  Value y = transform(n, form, n.reshape(x, split), 1);
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
  const Form form = {*length, n.intAttr("inverse", 0) != 0, n.intAttr("onesided", 0) != 0};
  if (*axis && !axis->getConstant())
    return n.setOutput(transformAtRunTime(n, form, x, *axis));
  int64_t stated = *axis ? *axis->getConstant() : n.opset < 20 ? n.intAttr("axis", 1) : -2;
  auto normal = n.normalizeAxis(stated, rankOf(x));
  if (failed(normal))
    return failure();
  if (*normal == rankOf(x) - 1)
    return n.error(Code::WrongAttribute) << "the axis must not be the last";
  return n.setOutput(transform(n, form, x, *normal));
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
  const bool onesided = n.intAttr("onesided", 1) != 0;
  if (auto known = length.getConstant(); known && *known >= 1 && *known <= maxTable)
    return n.setOutput(TableTransform(n, *known, onesided).run(frames));
  return n.setOutput(transform(n, {length, false, onesided}, frames, 2));
}

} // namespace

void addFourierRules(Registry &r) {
  r.add("DFT", 17, importDft);
  r.add("STFT", 17, importStft);
}

} // namespace tenon::importer
