//===- AttentionOps.cpp - Types and rules of attention --------------------===//
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/AttentionOps.cpp.inc"

void tenon::graph::GraphDialect::registerAttentionOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/AttentionOps.cpp.inc"
      >();
}

namespace tenon::graph {

static bool disagree(DimAttr a, DimAttr b) { return a.getConstant() && b.getConstant() && a != b; }

//===----------------------------------------------------------------------===//
// attention
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto q = tensorType(adaptor.getQ().getType()), v = tensorType(adaptor.getV().getType());
  if (q.getRank() != 4 || v.getRank() != 4)
    return inferenceError(loc, "q, k and v must have rank 4");
  auto dims = getDims(q);
  dims[3] = getDim(v, 3);
  types.push_back(getTensorType(dims, q.getElementType()));
  return success();
}

LogicalResult AttentionOp::verify() {
  auto q = getQ().getType(), k = getK().getType(), v = getV().getType();
  // C1
  if (q.getRank() != 4 || k.getRank() != 4 || v.getRank() != 4)
    return emitOpError() << "q, k and v must have rank 4";
  if (k.getElementType() != q.getElementType() || v.getElementType() != q.getElementType())
    return emitOpError() << "q, k and v must have one element type";
  // C2
  auto qDims = getDims(q), kDims = getDims(k), vDims = getDims(v);
  if (disagree(qDims[0], kDims[0]) || disagree(kDims[0], vDims[0]) || disagree(qDims[3], kDims[3]) ||
      disagree(kDims[1], vDims[1]) || disagree(kDims[2], vDims[2]))
    return emitOpError() << "extents of q, k and v do not fit, got " << q << ", " << k << " and " << v;
  // C3
  auto queryHeads = qDims[1].getConstant(), keyHeads = kDims[1].getConstant();
  if (!queryHeads || !keyHeads || *keyHeads < 1 || *queryHeads % *keyHeads != 0)
    return emitOpError() << "the constant number of heads of k must divide that of q, got " << q << " and " << k;
  if (!getMask())
    return success();
  // C4
  auto mask = tensorType(getMask().getType());
  if (!mask.getElementType().isInteger(1) && mask.getElementType() != q.getElementType())
    return emitOpError() << "the mask must have elements i1 or " << q.getElementType() << ", got " << mask;
  SmallVector<DimAttr> scores = {qDims[0], qDims[1], qDims[2], kDims[2]};
  auto dims = getDims(mask);
  bool fits = dims.size() <= 4;
  for (auto [own, all] : llvm::zip(llvm::reverse(dims), llvm::reverse(scores)))
    fits &= own.isConstant(1) || !disagree(own, all);
  if (!fits)
    return emitOpError() << "the mask does not broadcast to the scores, got " << mask;
  return success();
}

//===----------------------------------------------------------------------===//
// rotary_embedding
//===----------------------------------------------------------------------===//

LogicalResult RotaryEmbeddingOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult RotaryEmbeddingOp::verify() {
  auto x = getX().getType(), cos = getCos().getType();
  // C1
  if (x.getRank() < 1 || cos.getRank() < 1 || x.isDynamicDim(x.getRank() - 1) || cos.isDynamicDim(cos.getRank() - 1) ||
      2 * cos.getShape().back() > x.getShape().back())
    return emitOpError() << "needs at most E / 2 constant angles of a constant E, got " << cos << " for " << x;
  // C2
  if (getSin().getType() != cos || cos.getElementType() != x.getElementType())
    return emitOpError() << "cos and sin must have one type, of x's elements";
  auto dims = getDims(x), angles = getDims(cos);
  bool fits = angles.size() <= dims.size();
  for (auto [own, all] : llvm::zip(llvm::drop_begin(llvm::reverse(angles)), llvm::drop_begin(llvm::reverse(dims))))
    fits &= own.isConstant(1) || !disagree(own, all);
  if (!fits)
    return emitOpError() << "cos does not broadcast to x, got " << cos << " for " << x;
  return success();
}

} // namespace tenon::graph
