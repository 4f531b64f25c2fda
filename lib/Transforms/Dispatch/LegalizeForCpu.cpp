//===- LegalizeForCpu.cpp - Ops in the forms that CPU kernels have --------===//
//
// f16 and bf16 are stored, and computed with in f32: every op rounds its result. Products and convolutions of other
// types than f32 become sums of elementwise products; convolutions over three dimensions a sum of two-dimensional ones;
// transposed convolutions a convolution of the operand with zeros between its elements.
//
//===----------------------------------------------------------------------===//
#include "tenon/Transforms/Passes.h"

#include "Graph/IR/SpecialOps.h"
#include "llvm/ADT/Sequence.h"

namespace tenon {
#define GEN_PASS_DEF_LEGALIZEFORCPU
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

using Dims = SmallVector<DimAttr>;
using Ints = SmallVector<int64_t>;

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
Type elementOf(Value v) { return typeOf(v).getElementType(); }
Dims dimsOf(Value v) { return getDims(typeOf(v)); }
bool isHalf(Value v) { return elementOf(v).isF16() || elementOf(v).isBF16(); }
bool isF32(Value v) { return elementOf(v).isF32(); }

/// Shorthand for the ops that the forms below are made of.
struct Maker {
  OpBuilder b;
  Location loc;

  explicit Maker(Operation *op) : b(op), loc(op->getLoc()) {}

  DimAttr dim(int64_t value) { return DimAttr::constant(b.getContext(), value); }
  DenseI64ArrayAttr ints(ArrayRef<int64_t> values) { return b.getDenseI64ArrayAttr(values); }
  Value cast(Value x, Type element) {
    return elementOf(x) == element ? x : Value(CastOp::create(b, loc, getTensorType(dimsOf(x), element), x));
  }
  Value reshape(Value x, ArrayRef<DimAttr> dims) {
    auto type = getTensorType(dims, elementOf(x));
    return type == x.getType() ? x : Value(ReshapeOp::create(b, loc, type, x));
  }
  Value transpose(Value x, ArrayRef<int64_t> perm) { return TransposeOp::create(b, loc, x, ints(perm)); }
  Value add(Value x, Value y) { return x ? Value(AddOp::create(b, loc, x, y)) : y; }
  Value slice(Value x, ArrayRef<DimAttr> starts, ArrayRef<DimAttr> dims, ArrayRef<int64_t> steps) {
    auto type = getTensorType(dims, elementOf(x));
    return SliceOp::create(b, loc, type, x, ShapeAttr::get(b.getContext(), starts), ints(steps));
  }
  Value pad(Value x, ArrayRef<int64_t> begins, ArrayRef<int64_t> ends) {
    auto isZero = [](int64_t v) { return v == 0; };
    if (llvm::all_of(begins, isZero) && llvm::all_of(ends, isZero))
      return x;
    return PadOp::create(b, loc, x, ints(begins), ints(ends), b.getStringAttr("constant"), b.getF64FloatAttr(0));
  }
};

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

bool onlyMoves(Operation *op) {
  return isa<ConstantOp, TransposeOp, ReshapeOp, ExpandOp, ConcatOp, SliceOp, GatherOp, WhereOp, BitcastOp>(op);
}

/// A conversion between 16 bits and anything but f32 goes by f32.
void splitCast(CastOp op) {
  Maker m(op);
  if ((isHalf(op.getX()) || isHalf(op.getResult())) && !isF32(op.getX()) && !isF32(op.getResult()))
    op.getXMutable().assign(m.cast(op.getX(), m.b.getF32Type()));
}

/// softmax of f16  ->  e / sum e with e = exp(x - max x), each step rounded as in the body that ONNX defines
void spellSoftmax(SoftmaxOp op) {
  Maker m(op);
  Value x = op.getX(), largest = ReduceMaxOp::create(m.b, m.loc, x, m.ints({int64_t(op.getAxis())}), true);
  Value e = ExpOp::create(m.b, m.loc, SubOp::create(m.b, m.loc, x, largest));
  Value sum = ReduceSumOp::create(m.b, m.loc, e, m.ints({int64_t(op.getAxis())}), true);
  op.replaceAllUsesWith(DivOp::create(m.b, m.loc, e, sum).getResult());
  op.erase();
}

/// op on f16  ->  cast (op on f32 (cast ..))
void widenHalf(Operation *op) {
  Maker m(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isHalf(operand.get()))
      operand.set(m.cast(operand.get(), m.b.getF32Type()));
  m.b.setInsertionPointAfter(op);
  for (OpResult result : op->getResults()) {
    if (!isHalf(result))
      continue;
    Type narrow = elementOf(result);
    result.setType(getTensorType(dimsOf(result), m.b.getF32Type()));
    auto back = CastOp::create(m.b, m.loc, getTensorType(dimsOf(result), narrow), result);
    result.replaceAllUsesExcept(back, back);
  }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// x [.., m, k] * w [.., k, n]  ->  sum over k of x [.., m, k, 1] * w [.., 1, k, n]
void expandProduct(MatMulOp op) {
  Maker m(op);
  Value x = op.getX(), w = op.getW();
  // Sums of unsigned numbers have the bits of signed ones.
  Type element = elementOf(x), sum = element;
  if (element.isUnsignedInteger())
    sum = m.b.getIntegerType(element.getIntOrFloatBitWidth());
  x = m.cast(x, sum);
  w = m.cast(w, sum);
  Dims xDims = dimsOf(x), wDims = dimsOf(w);
  if (xDims.size() == 1)
    xDims.insert(xDims.begin(), m.dim(1));
  if (wDims.size() == 1)
    wDims.push_back(m.dim(1));
  bool isTransposed = op.getTransposeW();
  // [.., m, 1, k] * [.., 1, n, k], or [.., m, k, 1] * [.., 1, k, n].
  xDims.insert(isTransposed ? xDims.end() - 1 : xDims.end(), m.dim(1));
  wDims.insert(wDims.end() - 2, m.dim(1));
  int64_t rank = int64_t(std::max(xDims.size(), wDims.size())), axis = isTransposed ? rank - 1 : rank - 2;
  Value terms = MulOp::create(m.b, m.loc, m.reshape(x, xDims), m.reshape(w, wDims));
  Value y = ReduceSumOp::create(m.b, m.loc, terms, m.ints({axis}), false);
  op.replaceAllUsesWith(m.cast(m.reshape(y, dimsOf(op.getResult())), element));
  op.erase();
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

constexpr int64_t maxTaps = 1024;

/// Steps through all indices below `extents`, the last first; false after the last of them.
bool advance(Ints &index, ArrayRef<int64_t> extents) {
  for (size_t i = index.size(); i-- > 0;) {
    if (++index[i] < extents[i])
      return true;
    index[i] = 0;
  }
  return false;
}

/// The elements of x [.., D1.., Dr], padded, that tap `at` of a window meets: as many as the result has.
Value takeTap(Maker &m, Value padded, ConvOp op, ArrayRef<int64_t> at, ArrayRef<DimAttr> outputs, size_t first) {
  Dims dims = dimsOf(padded), starts(dims.size(), m.dim(0));
  Ints steps(dims.size(), 1);
  for (size_t i = 0; i < at.size(); ++i) {
    dims[first + i] = outputs[i];
    starts[first + i] = m.dim(at[i] * op.getDilations()[i]);
    steps[first + i] = op.getStrides()[i];
  }
  return m.slice(padded, starts, dims, steps);
}

/// Pads of the first `count` spatial dimensions, as begins and ends of all dimensions.
std::pair<Ints, Ints> padsOf(ConvOp op, size_t rank, size_t count) {
  Ints begins(rank, 0), ends(rank, 0);
  size_t r = op.getPads().size() / 2;
  for (size_t i = 0; i < count; ++i) {
    begins[2 + i] = op.getPads()[i];
    ends[2 + i] = op.getPads()[r + i];
  }
  return {begins, ends};
}

Value addBias(Maker &m, ConvOp op, Value y) {
  if (!op.getBias())
    return y;
  Dims dims(size_t(typeOf(y).getRank()), m.dim(1));
  dims[1] = dimsOf(y)[1];
  return m.add(y, m.reshape(op.getBias(), dims));
}

/// One sum over channels for each tap of the window: y [N, g, M/g, ..] += x [N, g, 1, C/g, ..] * w [g, M/g, C/g, 1..]
void expandConv(ConvOp op) {
  Maker m(op);
  auto w = typeOf(op.getW());
  ArrayRef<int64_t> kernel = w.getShape().drop_front(2);
  size_t rank = size_t(w.getRank()), r = kernel.size();
  Dims xDims = dimsOf(op.getX()), yDims = dimsOf(op.getResult());
  auto [begins, ends] = padsOf(op, rank, r);
  Value padded = m.pad(op.getX(), begins, ends);
  DimAttr group = m.dim(op.getGroup()), depth = dimsOf(op.getW())[1], rows = floorDiv(yDims[1], op.getGroup());
  Value sum;
  Ints at(r, 0);
  do {
    Value x = takeTap(m, padded, op, at, ArrayRef(yDims).drop_front(2), 2);
    Dims split = {xDims[0], group, m.dim(1), depth}, one = dimsOf(op.getW()), starts = {m.dim(0), m.dim(0)};
    split.append(yDims.begin() + 2, yDims.end());
    for (size_t i = 0; i < r; ++i) {
      one[2 + i] = m.dim(1);
      starts.push_back(m.dim(at[i]));
    }
    Dims weights = {group, rows, depth};
    weights.append(r, m.dim(1));
    Value tap = m.reshape(m.slice(op.getW(), starts, one, Ints(rank, 1)), weights);
    Value terms = MulOp::create(m.b, m.loc, m.reshape(x, split), tap);
    sum = m.add(sum, ReduceSumOp::create(m.b, m.loc, terms, m.ints({3}), false));
  } while (advance(at, kernel));
  op.replaceAllUsesWith(addBias(m, op, m.reshape(sum, yDims)));
  op.erase();
}

/// Three dimensions: a two-dimensional convolution for each tap of the first, whose positions join the rows.
void splitConv(ConvOp op) {
  Maker m(op);
  auto w = typeOf(op.getW());
  Dims xDims = dimsOf(op.getX()), yDims = dimsOf(op.getResult()), wDims = dimsOf(op.getW());
  auto [begins, ends] = padsOf(op, 5, 1);
  Value padded = m.pad(op.getX(), begins, ends), sum;
  Ints pads = {op.getPads()[1], op.getPads()[2], op.getPads()[4], op.getPads()[5]};
  for (int64_t tap = 0; tap < w.getDimSize(2); ++tap) {
    Value x = m.transpose(takeTap(m, padded, op, {tap}, {yDims[2]}, 2), {0, 2, 1, 3, 4});
    x = m.reshape(x, {xDims[0] * yDims[2], xDims[1], xDims[3], xDims[4]});
    Dims starts(5, m.dim(0)), one = wDims;
    starts[2] = m.dim(tap);
    one[2] = m.dim(1);
    Value weights = m.reshape(m.slice(op.getW(), starts, one, Ints(5, 1)), {wDims[0], wDims[1], wDims[3], wDims[4]});
    Value y = ConvOp::create(m.b, m.loc, x, weights, Value(), m.ints(op.getStrides().drop_front()), m.ints(pads),
                             m.ints(op.getDilations().drop_front()), op.getGroupAttr(), UnitAttr());
    sum = m.add(sum, y);
  }
  Value apart = m.reshape(sum, {yDims[0], yDims[2], yDims[1], yDims[3], yDims[4]});
  op.replaceAllUsesWith(addBias(m, op, m.transpose(apart, {0, 2, 1, 3, 4})));
  op.erase();
}

/// w [C, M/g, K..]  ->  [M, C/g, K..], each window backwards.
Value flipWeights(Maker &m, ConvTransposeOp op) {
  Value w = op.getW();
  Dims dims = dimsOf(w), starts(dims.size(), m.dim(0));
  Ints steps(dims.size(), 1);
  for (size_t i = 2; i < dims.size(); ++i) {
    starts[i] = dims[i] + -1;
    steps[i] = -1;
  }
  w = m.slice(w, starts, dims, steps);
  DimAttr depth = floorDiv(dims[0], op.getGroup());
  Dims split = {m.dim(op.getGroup()), depth};
  split.append(dims.begin() + 1, dims.end());
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, int64_t(split.size())));
  std::swap(perm[1], perm[2]);
  Dims joined = {dims[1] * op.getGroup(), depth};
  joined.append(dims.begin() + 2, dims.end());
  return m.reshape(m.transpose(m.reshape(w, split), perm), joined);
}

/// x with stride - 1 zeros after each element.
Value spread(Maker &m, ConvTransposeOp op) {
  Dims dims = dimsOf(op.getX()), apart = {dims[0], dims[1]}, joined = apart;
  Ints begins(2, 0), ends(2, 0);
  for (size_t i = 2; i < dims.size(); ++i) {
    int64_t stride = op.getStrides()[i - 2];
    apart.append({dims[i], m.dim(1)});
    begins.append({0, 0});
    ends.append({0, stride - 1});
    joined.push_back(dims[i] * stride);
  }
  return m.reshape(m.pad(m.reshape(op.getX(), apart), begins, ends), joined);
}

/// conv_transpose  ->  conv of the spread operand with the flipped weights, whose pads fill each window
void expandConvTranspose(ConvTransposeOp op) {
  Maker m(op);
  ArrayRef<int64_t> kernel = typeOf(op.getW()).getShape().drop_front(2);
  size_t r = kernel.size();
  Value x = spread(m, op);
  Dims dims = dimsOf(x), starts(dims.size(), m.dim(0));
  Ints pads(2 * r, 0);
  for (size_t i = 0; i < r; ++i) {
    int64_t reach = op.getDilations()[i] * (kernel[i] - 1);
    // The zeros after the last element are part of the padding; padding below 0 cuts.
    int64_t begin = reach - op.getPads()[i],
            end = reach - op.getPads()[r + i] + op.getOutputPadding()[i] - (op.getStrides()[i] - 1);
    starts[2 + i] = m.dim(std::max<int64_t>(-begin, 0));
    dims[2 + i] = dims[2 + i] + (std::min<int64_t>(begin, 0) + std::min<int64_t>(end, 0));
    pads[i] = std::max<int64_t>(begin, 0);
    pads[r + i] = std::max<int64_t>(end, 0);
  }
  if (dims != dimsOf(x))
    x = m.slice(x, starts, dims, Ints(dims.size(), 1));
  auto conv = ConvOp::create(m.b, m.loc, x, flipWeights(m, op), op.getBias(), m.ints(Ints(r, 1)), m.ints(pads),
                             m.ints(op.getDilations()), op.getGroupAttr(), UnitAttr());
  op.replaceAllUsesWith(m.reshape(conv, dimsOf(op.getResult())));
  op.erase();
}

bool hasSmallKernel(Value w) {
  int64_t taps = 1;
  for (int64_t extent : typeOf(w).getShape().drop_front(2))
    if (ShapedType::isDynamic(extent) || (taps *= std::min<int64_t>(extent, maxTaps + 1)) > maxTaps)
      return false;
  return true;
}

/// Windows that tile the result have a form of their own (AssignLayout).
bool tiles(ConvTransposeOp op) {
  auto isZero = [](int64_t v) { return v == 0; };
  return typeOf(op.getX()).getRank() == 4 && op.getGroup() == 1 && llvm::all_of(op.getPads(), isZero) &&
         llvm::all_of(op.getOutputPadding(), isZero) && typeOf(op.getW()).hasStaticShape() &&
         op.getStrides() == typeOf(op.getW()).getShape().drop_front(2) && isF32(op.getX());
}

struct LegalizeForCpu : tenon::impl::LegalizeForCpuBase<LegalizeForCpu> {
  void runOnOperation() override {
    auto forEach = [&](auto fn) {
      for (Operation &op : llvm::make_early_inc_range(getOperation().getBody().front().without_terminator()))
        fn(&op);
    };
    forEach([](Operation *op) {
      if (auto softmax = dyn_cast<SoftmaxOp>(op); softmax && elementOf(softmax.getX()).isF16())
        spellSoftmax(softmax);
    });
    forEach([](Operation *op) {
      if (auto cast = dyn_cast<CastOp>(op))
        splitCast(cast);
      else if (!onlyMoves(op) && (llvm::any_of(op->getOperands(), isHalf) || llvm::any_of(op->getResults(), isHalf)))
        widenHalf(op);
    });
    forEach([](Operation *op) {
      auto transposed = dyn_cast<ConvTransposeOp>(op);
      if (transposed && !tiles(transposed) && typeOf(transposed.getW()).hasStaticShape())
        expandConvTranspose(transposed);
    });
    forEach([](Operation *op) {
      if (auto product = dyn_cast<MatMulOp>(op); product && !isF32(product.getX()))
        return expandProduct(product);
      auto conv = dyn_cast<ConvOp>(op);
      if (!conv || conv.getChannelsLast() || !hasSmallKernel(conv.getW()))
        return;
      if (!isF32(conv.getX()))
        expandConv(conv);
      else if (typeOf(conv.getX()).getRank() == 5)
        splitConv(conv);
      else if (typeOf(conv.getX()).getRank() > 5)
        expandConv(conv);
    });
  }
};

} // namespace
