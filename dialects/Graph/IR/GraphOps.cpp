//===- GraphOps.cpp - What the categories of ops share --------------------===//
#include "Graph/IR/GraphOps.h"

#include "Graph/IR/OpSupport.h"

using namespace mlir;
using namespace tenon::graph;

#include "Interfaces/GraphInterfaces.cpp.inc"

LogicalResult tenon::graph::inferenceError(std::optional<Location> loc, const Twine &message) {
  return emitOptionalError(loc, message);
}

FailureOr<SmallVector<DimAttr>> tenon::graph::broadcastShapes(std::optional<Location> loc, MLIRContext *context,
                                                              ArrayRef<SmallVector<DimAttr>> shapes) {
  size_t rank = 0;
  for (const auto &shape : shapes)
    rank = std::max(rank, shape.size());
  SmallVector<DimAttr> result(rank, DimAttr::constant(context, 1));
  for (const auto &shape : shapes) {
    for (auto [i, dim] : llvm::enumerate(shape)) {
      DimAttr &target = result[rank - shape.size() + i];
      DimAttr merged = broadcast(target, dim);
      if (!merged) {
        (void)inferenceError(loc, "extents " + Twine(*target.getConstant()) + " and " + Twine(*dim.getConstant()) +
                                      " of dimension " + Twine(rank - shape.size() + i) + " do not broadcast");
        return failure();
      }
      target = merged;
    }
  }
  return result;
}

AffineMap tenon::graph::getBroadcastMap(RankedTensorType operand, ArrayRef<DimAttr> result) {
  MLIRContext *context = operand.getContext();
  SmallVector<AffineExpr> exprs;
  unsigned offset = result.size() - operand.getRank();
  for (int64_t i = 0; i < operand.getRank(); ++i) {
    bool repeated = operand.getDimSize(i) == 1 && !result[offset + i].isConstant(1);
    exprs.push_back(repeated ? getAffineConstantExpr(0, context) : getAffineDimExpr(offset + i, context));
  }
  return AffineMap::get(result.size(), 0, exprs, context);
}

LogicalResult tenon::graph::verifyWindow(Operation *op, int64_t rank, ArrayRef<int64_t> kernel,
                                         ArrayRef<int64_t> strides, ArrayRef<int64_t> pads,
                                         ArrayRef<int64_t> dilations) {
  auto check = [&](StringRef name, ArrayRef<int64_t> values, int64_t length, int64_t least) -> LogicalResult {
    if (static_cast<int64_t>(values.size()) != length)
      return op->emitOpError() << name << " must have " << length << " entries, got " << values.size();
    for (int64_t value : values)
      if (value < least || value > INT32_MAX)
        return op->emitOpError() << name << " must be between " << least << " and 2^31 - 1, got " << value;
    return success();
  };
  return success(succeeded(check("kernel", kernel, rank, 1)) && succeeded(check("strides", strides, rank, 1)) &&
                 succeeded(check("pads", pads, 2 * rank, 0)) && succeeded(check("dilations", dilations, rank, 1)));
}

DimAttr tenon::graph::windowExtent(DimAttr d, DimAttr kernel, int64_t stride, int64_t begin, int64_t end,
                                   int64_t dilation, bool ceil) {
  DimAttr span = d + (begin + end - 1) - (kernel - 1) * dilation;
  if (!ceil)
    return floorDiv(span, stride) + 1;
  // A window that would start in the end padding is dropped: its start, extent * stride, must be below d + begin.
  DimAttr rounded = ceilDiv(span, stride) + 1;
  return min(rounded, floorDiv(d + (begin - 1), stride) + 1);
}
