//===- ContractionOps.cpp - Types, rules and spaces of contractions -------===//
#include "Graph/IR/Contractions.h"
#include "Graph/IR/QuantizationOps.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/ContractionOps.cpp.inc"

void tenon::graph::GraphDialect::registerContractionOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/ContractionOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/QuantizationOps.cpp.inc"
      >();
}

namespace tenon::graph {

static bool disagree(DimAttr a, DimAttr b) { return a.getConstant() && b.getConstant() && a != b; }

//===----------------------------------------------------------------------===//
// matmul
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<DimAttr>> inferProduct(std::optional<Location> loc, RankedTensorType x, RankedTensorType w,
                                             bool isTransposed) {
  MLIRContext *context = x.getContext();
  auto xDims = getDims(x), wDims = getDims(w);
  bool row = x.getRank() == 1, column = w.getRank() == 1;
  if (row)
    xDims.insert(xDims.begin(), DimAttr::constant(context, 1));
  if (column)
    wDims.push_back(DimAttr::constant(context, 1));
  if (isTransposed)
    std::swap(wDims[wDims.size() - 1], wDims[wDims.size() - 2]);
  DimAttr m = xDims[xDims.size() - 2], kx = xDims.back(), kw = wDims[wDims.size() - 2], n = wDims.back();
  // C1
  if (disagree(kx, kw)) {
    (void)inferenceError(loc, "inner extents must agree, got " + Twine(*kx.getConstant()) + " and " +
                                  Twine(*kw.getConstant()));
    return failure();
  }
  xDims.pop_back_n(2);
  wDims.pop_back_n(2);
  auto batch = broadcastShapes(loc, context, {xDims, wDims});
  if (failed(batch))
    return failure();
  if (!row)
    batch->push_back(m);
  if (!column)
    batch->push_back(n);
  return *batch;
}

LogicalResult MatMulOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType()), w = tensorType(adaptor.getW().getType());
  if (x.getRank() == 0 || w.getRank() == 0 || (adaptor.getTransposeW() && w.getRank() < 2))
    return inferenceError(loc, "matmul needs operands of rank 1 or more, and rank 2 or more to transpose w");
  if (x.getElementType() != w.getElementType())
    return inferenceError(loc, "matmul needs operands of one element type");
  auto dims = inferProduct(loc, x, w, adaptor.getTransposeW());
  if (failed(dims))
    return failure();
  types.push_back(getTensorType(*dims, x.getElementType()));
  return success();
}

IterationSpace MatMulOp::getIterationSpace() {
  return getProductSpace(getX().getType(), getW().getType(), getResult().getType(), getTransposeW());
}

IterationSpace getProductSpace(RankedTensorType x, RankedTensorType w, RankedTensorType y, bool isTransposed) {
  MLIRContext *context = x.getContext();
  IterationSpace space;
  space.extents = getDims(y);
  bool row = x.getRank() == 1, column = w.getRank() == 1;
  unsigned k = space.extents.size(), batch = k - !row - !column;
  space.extents.push_back(getDims(x).back());
  space.iterators.assign(k, utils::IteratorType::parallel);
  space.iterators.push_back(utils::IteratorType::reduction);
  auto batchExprs = [&](RankedTensorType type, unsigned matrixRank) {
    SmallVector<AffineExpr> exprs;
    int64_t count = type.getRank() - matrixRank;
    for (int64_t i = 0; i < count; ++i) {
      unsigned d = batch - count + i;
      bool repeated = type.getDimSize(i) == 1 && !space.extents[d].isConstant(1);
      exprs.push_back(repeated ? getAffineConstantExpr(0, context) : getAffineDimExpr(d, context));
    }
    return exprs;
  };
  auto dim = [&](unsigned i) { return getAffineDimExpr(i, context); };
  auto xExprs = batchExprs(x, row ? 1 : 2), wExprs = batchExprs(w, column ? 1 : 2);
  if (!row)
    xExprs.push_back(dim(batch));
  xExprs.push_back(dim(k));
  wExprs.push_back(dim(k));
  if (!column)
    wExprs.push_back(dim(k - 1));
  if (isTransposed)
    std::swap(wExprs[wExprs.size() - 1], wExprs[wExprs.size() - 2]);
  SmallVector<AffineExpr> yExprs;
  for (unsigned i = 0; i < k; ++i)
    yExprs.push_back(dim(i));
  for (ArrayRef<AffineExpr> exprs : {ArrayRef(xExprs), ArrayRef(wExprs), ArrayRef(yExprs)})
    space.maps.push_back(AffineMap::get(k + 1, 0, exprs, context));
  return space;
}

double MatMulOp::getFlopsPerPoint() { return 2; }

//===----------------------------------------------------------------------===//
// conv
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<DimAttr>> inferConvolution(std::optional<Location> loc, RankedTensorType x, RankedTensorType w,
                                                 const WindowOf &window) {
  int64_t rank = x.getRank() - 2;
  auto has = [](ArrayRef<int64_t> values, int64_t count) { return static_cast<int64_t>(values.size()) == count; };
  // C3
  if (rank < 1 || w.getRank() != x.getRank() || !has(window.strides, rank) || !has(window.pads, 2 * rank) ||
      !has(window.dilations, rank)) {
    (void)inferenceError(loc, "conv needs x and w of one rank of 3 or more, and attributes of matching length");
    return failure();
  }
  if (llvm::any_of(window.strides, [](int64_t s) { return s < 1; })) {
    (void)inferenceError(loc, "conv needs positive strides");
    return failure();
  }
  auto xDims = getDims(x), wDims = getDims(w);
  bool last = window.channelsLast;
  SmallVector<DimAttr> dims = {xDims[0]};
  if (!last)
    dims.push_back(wDims[0]);
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(windowExtent(xDims[last ? 1 + i : 2 + i], wDims[2 + i], window.strides[i], window.pads[i],
                                window.pads[rank + i], window.dilations[i], false));
  if (last)
    dims.push_back(wDims[0]);
  return dims;
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType()), w = tensorType(adaptor.getW().getType());
  auto dims = inferConvolution(loc, x, w,
                               {adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations(),
                                int64_t(adaptor.getGroup()), adaptor.getChannelsLast()});
  if (failed(dims))
    return failure();
  types.push_back(getTensorType(*dims, x.getElementType()));
  return success();
}

LogicalResult verifyConvolution(Operation *op, RankedTensorType x, RankedTensorType w, const WindowOf &window) {
  int64_t rank = x.getRank() - 2, group = window.group;
  if (rank < 1 || w.getRank() != x.getRank())
    return op->emitOpError() << "needs x and w of one rank of 3 or more, got " << x.getRank() << " and " << w.getRank();
  SmallVector<int64_t> kernel;
  for (int64_t k : w.getShape().drop_front(2))
    kernel.push_back(ShapedType::isDynamic(k) ? 1 : k);
  // C3
  if (failed(verifyWindow(op, rank, kernel, window.strides, window.pads, window.dilations)))
    return failure();
  if (group < 1)
    return op->emitOpError() << "group must be positive, got " << group;
  int64_t c = x.getDimSize(window.channelsLast ? rank + 1 : 1), wc = w.getDimSize(1), m = w.getDimSize(0);
  // C1
  if (!ShapedType::isDynamic(c) && !ShapedType::isDynamic(wc) && (wc > INT32_MAX || c != group * wc))
    return op->emitOpError() << "input channels must be group * weight channels, got " << c << " != " << group << " * "
                             << wc;
  // C2
  if (!ShapedType::isDynamic(m) && m % group != 0)
    return op->emitOpError() << "group must divide the output channels, got " << group << " and " << m;
  return success();
}

LogicalResult ConvOp::verify() {
  auto w = getW().getType();
  if (failed(verifyConvolution(*this, getX().getType(), w,
                               {getStrides(), getPads(), getDilations(), int64_t(getGroup()), getChannelsLast()})))
    return failure();
  if (getBias() && (tensorType(getBias().getType()).getRank() != 1 ||
                    disagree(getDim(tensorType(getBias().getType()), 0), getDim(w, 0))))
    return emitOpError() << "bias must have one value for each of " << w.getDimSize(0) << " output channels";
  return success();
}

IterationSpace getConvolutionSpace(RankedTensorType y, RankedTensorType w, const WindowOf &window) {
  MLIRContext *context = y.getContext();
  IterationSpace space;
  space.extents = getDims(y);
  unsigned resultRank = space.extents.size(), rank = resultRank - 2, total = 2 * rank + 3;
  for (unsigned i = 1; i < resultRank; ++i)
    space.extents.push_back(getDim(w, i));
  space.iterators.assign(resultRank, utils::IteratorType::parallel);
  space.iterators.append(rank + 1, utils::IteratorType::reduction);
  auto dim = [&](unsigned i) { return getAffineDimExpr(i, context); };
  bool last = window.channelsLast;
  unsigned m = last ? rank + 1 : 1, firstSpatial = last ? 1 : 2, c = resultRank;
  SmallVector<AffineExpr> x = {dim(0)}, weights = {dim(m), dim(c)}, spatial;
  for (unsigned i = 0; i < rank; ++i) {
    spatial.push_back(dim(firstSpatial + i) * window.strides[i] + dim(c + 1 + i) * window.dilations[i] -
                      window.pads[i]);
    weights.push_back(dim(c + 1 + i));
  }
  if (!last)
    x.push_back(dim(c));
  llvm::append_range(x, spatial);
  if (last)
    x.push_back(dim(c));
  space.maps = {AffineMap::get(total, 0, x, context), AffineMap::get(total, 0, weights, context),
                AffineMap::get(total, 0, {dim(m)}, context),
                AffineMap::getMultiDimIdentityMap(total, context).getMajorSubMap(resultRank)};
  return space;
}

IterationSpace ConvOp::getIterationSpace() {
  IterationSpace space =
      getConvolutionSpace(getResult().getType(), getW().getType(),
                          {getStrides(), getPads(), getDilations(), int64_t(getGroup()), getChannelsLast()});
  if (!getBias())
    space.maps.erase(space.maps.begin() + 2);
  return space;
}

double ConvOp::getFlopsPerPoint() { return 2; }

//===----------------------------------------------------------------------===//
// conv_transpose
//===----------------------------------------------------------------------===//

LogicalResult ConvTransposeOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType()), w = tensorType(adaptor.getW().getType());
  int64_t rank = x.getRank() - 2;
  auto has = [](ArrayRef<int64_t> a, int64_t n) { return static_cast<int64_t>(a.size()) == n; };
  if (rank < 1 || w.getRank() != x.getRank() || !has(adaptor.getStrides(), rank) || !has(adaptor.getPads(), 2 * rank) ||
      !has(adaptor.getDilations(), rank) || !has(adaptor.getOutputPadding(), rank))
    return inferenceError(loc,
                          "conv_transpose needs x and w of one rank of 3 or more, and attributes of matching length");
  auto xDims = getDims(x), wDims = getDims(w);
  SmallVector<DimAttr> dims = {xDims[0], wDims[1] * static_cast<int64_t>(adaptor.getGroup())};
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back((xDims[2 + i] - 1) * adaptor.getStrides()[i] + (wDims[2 + i] - 1) * adaptor.getDilations()[i] +
                   (adaptor.getOutputPadding()[i] + 1 - adaptor.getPads()[i] - adaptor.getPads()[rank + i]));
  types.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

LogicalResult ConvTransposeOp::verify() {
  auto x = getX().getType(), w = getW().getType();
  int64_t rank = x.getRank() - 2, group = getGroup();
  if (rank < 1 || w.getRank() != x.getRank())
    return emitOpError() << "needs x and w of one rank of 3 or more, got " << x.getRank() << " and " << w.getRank();
  SmallVector<int64_t> kernel;
  for (int64_t k : w.getShape().drop_front(2))
    kernel.push_back(ShapedType::isDynamic(k) ? 1 : k);
  if (failed(verifyWindow(*this, rank, kernel, getStrides(), getPads(), getDilations())))
    return failure();
  // C1
  if (group < 1 || disagree(getDim(x, 1), getDim(w, 0)) || (!w.isDynamicDim(0) && w.getDimSize(0) % group != 0))
    return emitOpError() << "input channels must be dim(w, 0) and a multiple of group " << group;
  return success();
}

} // namespace tenon::graph
