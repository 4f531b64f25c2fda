//===- DispatchCost.cpp - What a dispatch region costs --------------------===//
#include "tenon/Cost/DispatchCost.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::cost {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

/// q k' and the product with v; the softmax between is small beside them.
static DimAttr countAttention(AttentionOp op) {
  auto q = getDims(tensorOf(op.getQ())), k = getDims(tensorOf(op.getK())), v = getDims(tensorOf(op.getV()));
  return product(op.getContext(), {q[0], q[1], q[2], k[2]}) * (q[3] + v[3]) * 2;
}

DimAttr countFlops(DispatchOp dispatch) {
  MLIRContext *context = dispatch.getContext();
  DimAttr total = DimAttr::constant(context, 0);
  for (Operation &op : dispatch.getBody().front()) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      total = total + countAttention(attention);
    else if (auto structured = dyn_cast<IterationSpaceOpInterface>(op))
      total = total + product(context, structured.getIterationSpace().extents) *
                          static_cast<int64_t>(structured.getFlopsPerPoint());
  }
  return total;
}

DimAttr countBytes(RankedTensorType type) {
  return product(type.getContext(), getDims(type)) * int64_t(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

/// What is read of the region's operand `argument`.
static DimAttr countRead(BlockArgument argument) {
  DimAttr whole = countBytes(tensorOf(argument)), slices = DimAttr::constant(argument.getContext(), 0);
  for (OpOperand &use : argument.getUses()) {
    bool isSliced = isa<SliceOp>(use.getOwner()) || (isa<GatherOp>(use.getOwner()) && use.getOperandNumber() == 0);
    if (!isSliced)
      return whole;
    auto type = tensorOf(use.getOwner()->getResult(0));
    slices = slices + countBytes(type);
  }
  return min(whole, slices);
}

/// Numbers of 4 bits share a byte in weights that are packed so.
static int64_t elementsOfByte(DispatchOp dispatch, unsigned operand) {
  ArrayAttr formats = dispatch.getFormatsAttr();
  return formats && cast<StringAttr>(formats[operand]).getValue().ends_with("/2") ? 2 : 1;
}

DimAttr countTraffic(DispatchOp dispatch) {
  DimAttr total = DimAttr::constant(dispatch.getContext(), 0);
  for (BlockArgument argument : dispatch.getBody().getArguments())
    total = total + floorDiv(countRead(argument), elementsOfByte(dispatch, argument.getArgNumber()));
  for (Value result : dispatch.getResults())
    total = total + countBytes(tensorOf(result));
  return total;
}

double Context::evaluate(DimAttr e) const {
  auto value = e.evaluate([&](StringRef name) -> std::optional<int64_t> {
    auto found = symbols.find(name);
    return found == symbols.end() ? 16 : found->second;
  });
  return value ? double(std::max<int64_t>(*value, 0)) : 1;
}

} // namespace tenon::cost
