//===- HeavyRegion.cpp - A product or convolution and its epilogue --------===//
#include "HeavyTemplate.h"

#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

/// True if `op` may stand between the heavy op and the result.
static bool isEpilogueOp(Operation &op, Value heavyResult) {
  if (!isEvaluable(&op) || !isa<ElementwiseOpInterface, ConstantOp>(op))
    return false;
  // The sums exist once, at the extents of the heavy op.
  return !llvm::is_contained(op.getOperands(), heavyResult) ||
         getDims(tensorOf(op.getResult(0))) == getDims(tensorOf(heavyResult));
}

std::optional<HeavyRegion> HeavyRegion::match(DispatchOp dispatch) {
  HeavyRegion region{dispatch};
  Block &block = dispatch.getBody().front();
  for (Operation &op : block.without_terminator())
    if (isa<MatMulOp, ConvOp>(op)) {
      if (region.heavy)
        return std::nullopt;
      region.heavy = &op;
    }
  if (!region.heavy || !llvm::all_of(region.heavy->getOperands(), [](Value v) { return isa<BlockArgument>(v); }))
    return std::nullopt;
  Value sums = region.heavy->getResult(0);
  for (Operation &op : block.without_terminator())
    if (&op != region.heavy && !isEpilogueOp(op, sums))
      return std::nullopt;
  OperandRange yielded = block.getTerminator()->getOperands();
  if (yielded.size() != 1 || getDims(tensorOf(yielded[0])) != getDims(tensorOf(sums)))
    return std::nullopt;
  return region;
}

RankedTensorType HeavyRegion::operandType(unsigned i) const { return tensorOf(heavy->getOperand(i)); }
RankedTensorType HeavyRegion::resultType() const { return tensorOf(heavy->getResult(0)); }
unsigned HeavyRegion::bufferOf(unsigned operand) const {
  return cast<BlockArgument>(heavy->getOperand(operand)).getArgNumber();
}

} // namespace tenon::codegen::cuda
