//===- QuantizationOps.cpp - Types, rules and spaces of quantization ops --===//
#include "Graph/IR/QuantizationOps.h"

#include "Graph/IR/Contractions.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/QuantizationOps.cpp.inc"

namespace tenon::graph {

namespace {

RankedTensorType typeOrNull(Value v) { return v ? tensorType(v.getType()) : RankedTensorType(); }
bool isByte(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  return integer && integer.getWidth() == 8;
}
bool mayDiffer(DimAttr a, DimAttr b) { return a.getConstant() && b.getConstant() && a != b; }

/// Integers of at most `mostBits`, or floats of 8 and 4 bits that have a fraction.
bool isCode(Type element, unsigned mostBits) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return integer.getWidth() > 1 && integer.getWidth() <= mostBits;
  return isa<FloatType>(element) && element.getIntOrFloatBitWidth() <= 8 && !isa<Float8E8M0FNUType>(element);
}

LogicalResult verifyScale(Operation *op, RankedTensorType x, RankedTensorType scale, RankedTensorType zero,
                          Type zeroElement, int64_t axis, int64_t block) {
  // C3
  if (zero && zero.getElementType() != zeroElement)
    return op->emitOpError() << "zero point must have elements of " << zeroElement << ", got " << zero.getElementType();
  if (zero && getDims(zero) != getDims(scale))
    return op->emitOpError() << "zero point must have the shape of the scale, got " << zero << " and " << scale;
  // C4
  if (scale.getRank() == 0)
    return success();
  if (axis < 0 || axis >= x.getRank())
    return op->emitOpError() << "axis must be in [0, " << x.getRank() << "), got " << axis;
  if (block < 0 || block > INT32_MAX)
    return op->emitOpError() << "block_size must be between 0 and 2^31 - 1, got " << block;
  auto dims = getDims(x), scales = getDims(scale);
  if (block == 0) {
    if (scales.size() != 1 || mayDiffer(scales[0], dims[axis]))
      return op->emitOpError() << "scale must be one number or one for each index of axis " << axis << ", got " << scale
                               << " for " << x;
    return success();
  }
  dims[axis] = ceilDiv(dims[axis], block);
  if (scales.size() != dims.size() || llvm::any_of(llvm::zip_equal(scales, dims), [](auto pair) {
        return mayDiffer(std::get<0>(pair), std::get<1>(pair));
      }))
    return op->emitOpError() << "scale must have one number for each block of " << block << " along axis " << axis
                             << ", got " << scale << " for " << x;
  return success();
}

/// Elementwise over the coded tensor; scale and zero point by axis or block.
IterationSpace getScaledSpace(RankedTensorType x, RankedTensorType scale, bool hasZero, int64_t axis, int64_t block) {
  MLIRContext *context = x.getContext();
  const unsigned rank = x.getRank();
  IterationSpace space;
  space.extents = getDims(x);
  space.iterators.assign(rank, utils::IteratorType::parallel);
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, context);
  SmallVector<AffineExpr> exprs;
  if (scale.getRank() == 1 && block == 0)
    exprs.push_back(getAffineDimExpr(axis, context));
  else if (scale.getRank() != 0)
    for (unsigned i = 0; i < rank; ++i)
      exprs.push_back(i == axis ? getAffineDimExpr(i, context).floorDiv(block) : getAffineDimExpr(i, context));
  space.maps = {identity};
  space.maps.append(hasZero ? 2 : 1, AffineMap::get(rank, 0, exprs, context));
  space.maps.push_back(identity);
  return space;
}

/// An operand of an integer product and its zero point, which `fits`.
LogicalResult verifyFactor(Operation *op, StringRef name, RankedTensorType type, RankedTensorType zero,
                           llvm::function_ref<bool(ArrayRef<DimAttr>)> fits, StringRef shapes) {
  // C1
  if (!isByte(type.getElementType()))
    return op->emitOpError() << name << " must have elements of i8 or ui8, got " << type.getElementType();
  // C3
  if (zero && zero.getElementType() != type.getElementType())
    return op->emitOpError() << name << "_zero must have elements of " << type.getElementType() << ", got "
                             << zero.getElementType();
  if (zero && zero.getRank() != 0 && !fits(getDims(zero)))
    return op->emitOpError() << name << "_zero must be one number" << shapes << ", got " << zero;
  return success();
}

/// Whether `dims`, aligned to the right, are 1 or those of `to`.
bool broadcastsTo(ArrayRef<DimAttr> dims, ArrayRef<DimAttr> to) {
  return dims.size() <= to.size() && llvm::all_of(llvm::zip_equal(dims, to.take_back(dims.size())), [](auto pair) {
           auto [a, b] = pair;
           return a.isConstant(1) || !mayDiffer(a, b);
         });
}

/// x [.., i, j] -> what a zero point of shape `dims`, aligned to the right, is read at.
AffineMap zeroMap(ArrayRef<AffineExpr> exprs, RankedTensorType zero, unsigned loops) {
  SmallVector<AffineExpr> at(exprs.take_back(zero.getRank()));
  for (auto [i, extent] : llvm::enumerate(zero.getShape()))
    if (extent == 1)
      at[i] = getAffineConstantExpr(0, zero.getContext());
  return AffineMap::get(loops, 0, at, zero.getContext());
}

} // namespace

//===----------------------------------------------------------------------===//
// quantize, dequantize
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  auto x = getX().getType(), scale = getScale().getType(), y = getResult().getType();
  // C1
  if (!isa<FloatType>(x.getElementType()) || x.getElementType() != scale.getElementType())
    return emitOpError() << "x and scale must have one floating-point type, got " << x << " and " << scale;
  // C2
  if (getDims(x) != getDims(y))
    return emitOpError() << "must keep the shape, got " << x << " and " << y;
  if (!isCode(y.getElementType(), 16))
    return emitOpError() << "result must have integers of at most 16 bits or floats of at most 8, got "
                         << y.getElementType();
  return verifyScale(*this, x, scale, typeOrNull(getZeroPoint()), y.getElementType(), getAxis(), getBlockSize());
}

IterationSpace QuantizeOp::getIterationSpace() {
  return getScaledSpace(getX().getType(), getScale().getType(), bool(getZeroPoint()), getAxis(), getBlockSize());
}

LogicalResult DequantizeOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(getTensorType(getDims(tensorType(adaptor.getQ().getType())),
                                tensorType(adaptor.getScale().getType()).getElementType()));
  return success();
}

LogicalResult DequantizeOp::verify() {
  auto q = getQ().getType(), scale = getScale().getType();
  // C1
  if (!isa<FloatType>(scale.getElementType()))
    return emitOpError() << "scale must be floating point, got " << scale;
  // C2
  if (!isCode(q.getElementType(), 32))
    return emitOpError() << "q must have integers of at most 32 bits or floats of at most 8, got "
                         << q.getElementType();
  return verifyScale(*this, q, scale, typeOrNull(getZeroPoint()), q.getElementType(), getAxis(), getBlockSize());
}

IterationSpace DequantizeOp::getIterationSpace() {
  return getScaledSpace(getQ().getType(), getScale().getType(), bool(getZeroPoint()), getAxis(), getBlockSize());
}

//===----------------------------------------------------------------------===//
// integer_matmul
//===----------------------------------------------------------------------===//

LogicalResult IntegerMatMulOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType()), w = tensorType(adaptor.getW().getType());
  if (x.getRank() < 2 || w.getRank() < 2)
    return inferenceError(loc, "integer_matmul needs operands of rank 2 or more");
  auto dims = inferProduct(loc, x, w, adaptor.getTransposeW()); // C2
  if (failed(dims))
    return failure();
  types.push_back(getTensorType(*dims, IntegerType::get(context, 32)));
  return success();
}

LogicalResult IntegerMatMulOp::verify() {
  auto x = getX().getType(), w = getW().getType();
  // C1
  if (x.getRank() < 2 || w.getRank() < 2)
    return emitOpError() << "needs operands of rank 2 or more, got " << x.getRank() << " and " << w.getRank();
  auto rows = getDims(x), columns = getDims(w);
  const DimAttr one = DimAttr::constant(getContext(), 1);
  if (getTransposeW())
    std::swap(columns[columns.size() - 1], columns[columns.size() - 2]);
  rows.back() = one;
  columns[columns.size() - 2] = one;
  auto fitsRows = [&](ArrayRef<DimAttr> dims) { return dims.back().isConstant(1) && broadcastsTo(dims, rows); };
  auto fitsColumns = [&](ArrayRef<DimAttr> dims) { return broadcastsTo(dims, columns); };
  return success(succeeded(verifyFactor(*this, "x", x, typeOrNull(getXZero()), fitsRows, " or [.., m, 1]")) &&
                 succeeded(verifyFactor(*this, "w", w, typeOrNull(getWZero()), fitsColumns,
                                        " or one for each column, [.., 1, n]")));
}

IterationSpace IntegerMatMulOp::getIterationSpace() {
  auto w = getW().getType();
  IterationSpace space = getProductSpace(getX().getType(), w, getResult().getType(), getTransposeW());
  const unsigned loops = space.extents.size();
  SmallVector<AffineMap> zeros;
  if (auto zero = typeOrNull(getXZero()))
    zeros.push_back(zeroMap(space.maps[0].getResults(), zero, loops));
  if (auto zero = typeOrNull(getWZero())) {
    SmallVector<AffineExpr> exprs(space.maps[1].getResults());
    if (getTransposeW())
      std::swap(exprs[exprs.size() - 1], exprs[exprs.size() - 2]);
    zeros.push_back(zeroMap(exprs, zero, loops));
  }
  space.maps.insert(space.maps.begin() + 2, zeros.begin(), zeros.end());
  return space;
}

double IntegerMatMulOp::getFlopsPerPoint() { return 2; }

//===----------------------------------------------------------------------===//
// integer_conv
//===----------------------------------------------------------------------===//

static WindowOf windowOf(IntegerConvOp op) {
  return {op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroup()), op.getChannelsLast()};
}

LogicalResult IntegerConvOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  auto dims = inferConvolution(loc, tensorType(adaptor.getX().getType()), tensorType(adaptor.getW().getType()),
                               {adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations(),
                                int64_t(adaptor.getGroup()), adaptor.getChannelsLast()});
  if (failed(dims))
    return failure();
  types.push_back(getTensorType(*dims, IntegerType::get(context, 32)));
  return success();
}

LogicalResult IntegerConvOp::verify() {
  auto x = getX().getType(), w = getW().getType();
  auto none = [](ArrayRef<DimAttr>) { return false; };
  auto fitsRows = [&](ArrayRef<DimAttr> dims) { return dims.size() == 1 && !mayDiffer(dims[0], getDim(w, 0)); };
  return success(
      succeeded(verifyConvolution(*this, x, w, windowOf(*this))) && // C2
      succeeded(verifyFactor(*this, "x", x, typeOrNull(getXZero()), none, "")) &&
      succeeded(verifyFactor(*this, "w", w, typeOrNull(getWZero()), fitsRows, " or one for each channel, [M]")));
}

IterationSpace IntegerConvOp::getIterationSpace() {
  IterationSpace space = getConvolutionSpace(getResult().getType(), getW().getType(), windowOf(*this));
  const AffineMap channel = space.maps[2], none = AffineMap::get(channel.getNumDims(), 0, getContext());
  space.maps.erase(space.maps.begin() + 2);
  if (auto zero = typeOrNull(getWZero()))
    space.maps.insert(space.maps.begin() + 2, zero.getRank() ? channel : none);
  if (getXZero())
    space.maps.insert(space.maps.begin() + 2, none);
  return space;
}

double IntegerConvOp::getFlopsPerPoint() { return 2; }

//===----------------------------------------------------------------------===//
// unpack_2to4
//===----------------------------------------------------------------------===//

LogicalResult Unpack2To4Op::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto values = tensorType(adaptor.getValues().getType()), indices = tensorType(adaptor.getIndices().getType());
  if (values.getRank() != 2 || indices.getRank() != 2)
    return inferenceError(loc, "unpack_2to4 needs operands of rank 2");
  auto dims = getDims(values);
  dims[0] = dims[0] * 2;
  types.push_back(getTensorType(dims, values.getElementType()));
  return success();
}

LogicalResult Unpack2To4Op::verify() {
  auto values = getValues().getType(), indices = getIndices().getType();
  // C1
  if (values.getRank() != 2 || indices.getRank() != 2)
    return emitOpError() << "operands must have rank 2, got " << values.getRank() << " and " << indices.getRank();
  if (!values.getElementType().isF32() || !indices.getElementType().isUnsignedInteger(4))
    return emitOpError() << "operands must have elements of f32 and ui4, got " << values << " and " << indices;
  // C2
  if (mayDiffer(getDim(values, 0), getDim(indices, 0) * 2) || mayDiffer(getDim(values, 1), getDim(indices, 1)))
    return emitOpError() << "must have two values for each index, got " << values << " and " << indices;
  return success();
}

} // namespace tenon::graph
