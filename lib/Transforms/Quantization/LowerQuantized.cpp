//===- LowerQuantized.cpp - Spell out what is quantized in arithmetic -----===//
//
// Every op of QuantizationOps.td in terms of others, bit for bit. A conversion from few bits is made again for each of
// its uses, whose region it joins: that costs less than memory for the wider numbers.
//
//===----------------------------------------------------------------------===//
#include "ExactSums.h"
#include "Graph/IR/NarrowTypes.h"
#include "Graph/IR/SpecialOps.h"
#include "Quantization.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Transforms/QuantizationPasses.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tenon {
#define GEN_PASS_DEF_LOWERQUANTIZED
#include "tenon/Transforms/QuantizationPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

using Dims = SmallVector<DimAttr>;

Value tenon::alignScale(Expressions &c, Value v, Value x, int64_t axis, int64_t block) {
  if (!v || c.typeOf(v).getRank() == 0)
    return v;
  Dims dims(size_t(c.typeOf(x).getRank()), c.dim(1));
  if (block == 0) {
    dims[size_t(axis)] = c.dimsOf(x)[size_t(axis)]; // as v has, though it may not say so
    return c.reshape(v, dims);
  }
  Dims split = dims = c.dimsOf(v);
  split.insert(split.begin() + axis + 1, c.dim(1));
  Value blocks = c.reshape(v, split);
  split[size_t(axis) + 1] = c.dim(block);
  dims[size_t(axis)] = dims[size_t(axis)] * block;
  Value whole = c.slice(c.reshape(c.expand(blocks, split), dims), axis, c.dim(0), c.dimsOf(x)[size_t(axis)]);
  return c.reshape(whole, c.dimsOf(x));
}

namespace {

//===----------------------------------------------------------------------===//
// quantize, dequantize
//===----------------------------------------------------------------------===//

Value widen(Expressions &c, Value v) { return v && isNarrow(c.elementOf(v)) ? readNarrow(c, v) : v; }

/// saturate(round(real) + zero point); rounded once, to a float.
Value encode(Expressions &c, Value real, Value zero, Type element, bool saturates) {
  zero = widen(c, zero);
  if (isa<FloatType>(element)) {
    real = c.cast(real, c.f32());
    return writeNarrow(c, zero ? c.add(real, c.cast(zero, c.f32())) : real, element, {saturates, "up"});
  }
  auto integer = cast<IntegerType>(element);
  real = c.cast(c.make<RoundOp>(real), c.f32());
  if (zero)
    real = c.add(real, c.cast(zero, c.f32()));
  const double steps = std::ldexp(1.0, int(integer.getWidth())), low = integer.isUnsigned() ? 0 : -steps / 2;
  real = c.max(c.min(real, low + steps - 1), low);
  return isNarrow(element) ? writeNarrow(c, real, element) : c.cast(real, element);
}

/// q - zero point: in i32, or in f32 if q has floats.
Value centre(Expressions &c, Value q, Value zero) {
  q = widen(c, q);
  zero = widen(c, zero);
  if (!isa<FloatType>(c.elementOf(q)))
    q = c.cast(q, c.integer(32));
  return zero ? c.sub(q, c.cast(zero, c.elementOf(q))) : q;
}

Value lower(Expressions &c, QuantizeOp op) {
  auto align = [&](Value v) { return alignScale(c, v, op.getX(), op.getAxis(), op.getBlockSize()); };
  DenseElementsAttr scale;
  const bool isOne = matchPattern(op.getScale(), m_Constant(&scale)) && scale.isSplat() &&
                     scale.getSplatValue<APFloat>().isExactlyValue(1);
  Value real = isOne ? op.getX() : c.div(op.getX(), align(op.getScale()));
  return encode(c, real, align(op.getZeroPoint()), op.getResult().getType().getElementType(), op.getSaturate());
}

Value lower(Expressions &c, DequantizeOp op) {
  auto align = [&](Value v) { return alignScale(c, v, op.getQ(), op.getAxis(), op.getBlockSize()); };
  Value real = c.cast(centre(c, op.getQ(), align(op.getZeroPoint())), c.f32());
  Value scale = align(op.getScale());
  return c.cast(c.mul(real, c.cast(scale, c.f32())), c.elementOf(scale));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// a b in i32, by products of f32 over `steps` of the reduction each.
Value multiplyInParts(Expressions &c, Value a, Value b, bool isTransposed, int64_t depth, int64_t steps) {
  a = c.cast(a, c.f32());
  b = c.cast(b, c.f32());
  Value sum;
  for (int64_t first = 0; first < std::max<int64_t>(depth, 1); first += steps) {
    Value x = a, y = b;
    if (steps < depth) {
      DimAttr start = c.dim(first), count = c.dim(std::min(steps, depth - first));
      x = c.slice(a, c.typeOf(a).getRank() - 1, start, count);
      y = c.slice(b, c.typeOf(b).getRank() - (isTransposed ? 1 : 2), start, count);
    }
    Value part = c.cast(c.make<MatMulOp>(x, y, isTransposed), c.integer(32));
    sum = sum ? c.add(sum, part) : part;
  }
  return sum;
}

/// A zero point of the columns of w [.., K, N], for w [.., N, K].
Value transposeZero(Expressions &c, Value zero) {
  const int64_t rank = zero ? c.typeOf(zero).getRank() : 0;
  if (rank == 0)
    return zero;
  if (rank == 1)
    return c.reshape(zero, {c.dimsOf(zero)[0], c.dim(1)});
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[size_t(rank) - 1], perm[size_t(rank) - 2]);
  return c.transpose(zero, perm);
}

Value lower(Expressions &c, IntegerMatMulOp op) {
  const bool isTransposed = op.getTransposeW();
  const int64_t depth = c.dimsOf(op.getX()).back().getConstant().value_or(-1);
  const int64_t steps = depth < 0 ? 0
                                  : countExactSteps({op.getX(), op.getXZero()}, {op.getW(), op.getWZero()}, depth,
                                                    isTransposed ? WeightOrder::Runs : WeightOrder::Columns);
  Value a = centre(c, op.getX(), op.getXZero());
  Value b = centre(c, op.getW(), isTransposed ? transposeZero(c, op.getWZero()) : op.getWZero());
  if (steps == 0)
    return c.make<MatMulOp>(a, b, isTransposed);
  return multiplyInParts(c, a, b, isTransposed, depth, steps);
}

Value lower(Expressions &c, IntegerConvOp op) {
  auto weights = op.getW().getType();
  const int64_t depth = weights.hasStaticShape() && weights.getNumElements() > 0
                            ? weights.getNumElements() / weights.getDimSize(0)
                            : std::numeric_limits<int64_t>::max();
  const bool isKnown = weights.hasStaticShape() && weights.getNumElements() > 0;
  const bool isExact = isKnown && countExactSteps({op.getX(), op.getXZero()}, {op.getW(), op.getWZero()}, depth,
                                                  WeightOrder::Runs) >= depth;
  Value x = centre(c, op.getX(), op.getXZero());
  Value w = centre(c, op.getW(), alignScale(c, op.getWZero(), op.getW(), 0, 0));
  if (isExact) {
    x = c.cast(x, c.f32());
    w = c.cast(w, c.f32());
  }
  Value y = c.make<ConvOp>(x, w, Value(), op.getStridesAttr(), op.getPadsAttr(), op.getDilationsAttr(),
                           op.getGroupAttr(), op.getChannelsLastAttr());
  return c.cast(y, c.integer(32));
}

//===----------------------------------------------------------------------===//
// unpack_2to4
//===----------------------------------------------------------------------===//

/// Row r of a group is its first value where the first index is r, its second where that is, else 0.
Value lower(Expressions &c, Unpack2To4Op op) {
  Dims groups = c.dimsOf(op.getIndices());
  Value values = c.reshape(op.getValues(), {groups[0], c.dim(2), groups[1]});
  groups.insert(groups.begin() + 1, c.dim(1));
  Value pairs = c.cast(c.reshape(readNarrow(c, op.getIndices()), groups), c.integer(32));
  Value first = c.bitsAnd(pairs, 3), second = c.shiftRight(pairs, 2);
  Value one = c.slice(values, 1, c.dim(0), c.dim(1)), two = c.slice(values, 1, c.dim(1), c.dim(1));
  SmallVector<Value> rows;
  for (int row = 0; row < 4; ++row)
    rows.push_back(c.select(c.equal(first, row), one, c.select(c.equal(second, row), two, c.like(two, 0))));
  return c.reshape(c.make<ConcatOp>(rows, c.b.getI64IntegerAttr(1)), c.dimsOf(op.getResult()));
}

//===----------------------------------------------------------------------===//
// Weights that a kernel decodes
//===----------------------------------------------------------------------===//

/// The constant that v is, or the bytes of a narrow one.
ConstantOp constantOf(Value v) {
  auto bytes = v.getDefiningOp<BitcastOp>();
  return (bytes ? bytes.getX() : v).getDefiningOp<ConstantOp>();
}

/// The elements of a constant as one of another type, without a copy.
Value retype(ConstantOp op, RankedTensorType type) {
  OpBuilder b(op);
  ElementsAttr value;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getValue()))
    value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
  else
    value = DenseElementsAttr::getFromRawBuffer(type, cast<DenseElementsAttr>(op.getValue()).getRawData());
  return ConstantOp::create(b, op.getLoc(), value);
}

/// What packs weights wants constants of their own type.
void takeConstants(Operation *decoder) {
  for (OpOperand &operand : decoder->getOpOperands())
    if (operand.get().getDefiningOp<BitcastOp>())
      operand.set(retype(constantOf(operand.get()), cast<RankedTensorType>(operand.get().getType())));
}

/// conv x, (reshape (dequantize q, s))  ->  conv x, (dequantize q', s'), where the reshape adds a dimension of 1 after
/// the first two: what a convolution of one dimension became
void dequantizeWidened(ConvOp conv) {
  auto reshape = conv.getW().getDefiningOp<ReshapeOp>();
  auto op = reshape ? reshape.getX().getDefiningOp<DequantizeOp>() : DequantizeOp();
  if (!op || op.getAxis() > 1 || !llvm::all_of(op->getOperands(), constantOf))
    return;
  auto widen = [](Value v) -> Value {
    auto type = v ? cast<RankedTensorType>(v.getType()) : RankedTensorType();
    if (!v || type.getRank() < 3)
      return v;
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin() + 2, 1);
    return retype(constantOf(v), type.clone(shape));
  };
  Value q = widen(op.getQ());
  if (cast<RankedTensorType>(q.getType()).getShape() != conv.getW().getType().getShape())
    return;
  OpBuilder b(conv);
  Value wide = DequantizeOp::create(b, op.getLoc(), q, widen(op.getScale()), widen(op.getZeroPoint()), op.getAxis(),
                                    op.getBlockSize());
  conv.getWMutable().assign(wide);
}

//===----------------------------------------------------------------------===//
// What stays
//===----------------------------------------------------------------------===//

/// Integers of 8 or 16 bits from and to f32.
bool isConversion(Operation *op) {
  auto convertsTo = [](Value real, Value codes) {
    auto integer = dyn_cast<IntegerType>(Expressions::elementOf(codes));
    return integer && (integer.getWidth() == 8 || integer.getWidth() == 16) && Expressions::elementOf(real).isF32();
  };
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return convertsTo(quantize.getX(), quantize.getResult());
  auto dequantize = dyn_cast<DequantizeOp>(op);
  return dequantize && !dequantize.getQ().getDefiningOp<ConstantOp>() &&
         convertsTo(dequantize.getResult(), dequantize.getQ());
}

bool isProductOfKernel(Operation *op) {
  return isa<IntegerMatMulOp, IntegerConvOp>(op) && codegen::hasIntegerKernel(op);
}

Value lower(Operation *op, OpBuilder &builder) {
  Expressions c{builder, op->getLoc()};
  Value lowered = llvm::TypeSwitch<Operation *, Value>(op)
                      .Case<QuantizeOp, DequantizeOp, IntegerMatMulOp, IntegerConvOp, Unpack2To4Op>(
                          [&](auto quantized) { return lower(c, quantized); })
                      .Default([](Operation *) { return Value(); });
  // Extents that only a run shows to be equal may have met.
  return lowered ? c.reshape(lowered, c.dimsOf(op->getResult(0))) : lowered;
}

struct LowerQuantized : tenon::impl::LowerQuantizedBase<LowerQuantized> {
  using LowerQuantizedBase::LowerQuantizedBase;

  bool isLowered(OpOperand &use) const {
    return !keepsWeights || use.getOperandNumber() != 1 ||
           !codegen::decodesWeights(use.getOwner(), /*willBeChannelsLast=*/true);
  }

  void runOnOperation() override {
    if (keepsWeights)
      getOperation().walk([](ConvOp conv) { dequantizeWidened(conv); });
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBody().front().without_terminator())) {
      if ((keepsConversions && isConversion(&op)) || (keepsProducts && isProductOfKernel(&op)))
        continue;
      if (isa<DequantizeOp>(op) && isConversion(&op)) {
        lowerForEachUse(op);
        continue;
      }
      if (op.getNumResults() != 1)
        continue;
      if (llvm::any_of(op.getUses(), [&](OpOperand &use) { return !isLowered(use); }))
        takeConstants(&op);
      if (llvm::none_of(op.getUses(), [&](OpOperand &use) { return isLowered(use); }))
        continue;
      OpBuilder builder(&op);
      Value lowered = lower(&op, builder);
      if (!lowered)
        continue;
      op.getResult(0).replaceUsesWithIf(lowered, [&](OpOperand &use) { return isLowered(use); });
      if (op.use_empty())
        op.erase();
    }
  }

  void lowerForEachUse(Operation &op) {
    for (OpOperand &use : llvm::make_early_inc_range(op.getResult(0).getUses())) {
      OpBuilder builder(use.getOwner());
      use.set(lower(&op, builder));
    }
    op.erase();
  }
};

} // namespace
