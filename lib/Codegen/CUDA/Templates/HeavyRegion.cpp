//===- HeavyRegion.cpp - A product or convolution and its epilogue --------===//
#include "../Strategies.h"
#include "ConvGeometry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

/// True if `op` may stand between the heavy op and the result.
static bool isEpilogueOp(Operation &op, Value heavyResult) {
  if (!isa<ElementwiseOpInterface, ConstantOp>(op))
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
  if (!createRegion(dispatch))
    return std::nullopt;
  return region;
}

RankedTensorType HeavyRegion::operandType(unsigned i) const { return tensorOf(heavy->getOperand(i)); }
RankedTensorType HeavyRegion::resultType() const { return tensorOf(heavy->getResult(0)); }
unsigned HeavyRegion::bufferOf(unsigned operand) const {
  return cast<BlockArgument>(heavy->getOperand(operand)).getArgNumber();
}

StringRef HeavyRegion::formatOf(unsigned operand) const {
  ArrayAttr formats = dispatch.getFormatsAttr();
  return formats ? cast<StringAttr>(formats[bufferOf(operand)]).getValue() : StringRef();
}

StringRef getOperandFormat(DispatchOp dispatch, unsigned i) {
  std::optional<HeavyRegion> region = HeavyRegion::match(dispatch);
  if (!region || !isa<ConvOp>(region->heavy) || region->bufferOf(1) != i)
    return "";
  // One buffer in two roles stays as it is, and a product of one column has no template (see GemmSimt.cpp).
  BlockArgument weights = cast<BlockArgument>(region->heavy->getOperand(1));
  std::optional<ConvGeometry> conv = ConvGeometry::get(*region);
  if (!conv || !weights.hasOneUse() || (!conv->isDepthwise && conv->outChannels.isConstant(1)))
    return "";
  Type type = region->resultType().getElementType();
  bool hasTemplate = type.isF32() || type.isF16() || type.isBF16();
  bool isSame =
      llvm::all_of(region->heavy->getOperands(), [&](Value v) { return tensorOf(v).getElementType() == type; });
  return hasTemplate && isSame ? "hwio" : "";
}

ArrayRef<const HeavyTemplate *> getHeavyTemplates() {
  static const HeavyTemplate *const all[] = {&getConvDepthwise(), &getGemmWgmma(), &getConvWgmma(), &getGemmMma(),
                                             &getGemmSimt()};
  return all;
}

} // namespace tenon::codegen::cuda
