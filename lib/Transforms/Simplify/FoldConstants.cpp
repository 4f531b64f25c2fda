//===- FoldConstants.cpp - Evaluate ops whose operands are constants ------===//
#include "Graph/IR/QuantizationOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tenon/Reference/Evaluate.h"
#include "tenon/Transforms/Passes.h"

namespace tenon {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

/// Bytes of a static tensor, or nothing.
static std::optional<uint64_t> staticBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  // Nothing times an extent that only a run knows is a count, but no shape.
  auto count =
      tensor && tensor.hasStaticShape() ? product(type.getContext(), getDims(tensor)).getConstant() : std::nullopt;
  if (!count || *count < 0 || *count > INT64_MAX / 16)
    return std::nullopt;
  return *count * llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
}

namespace {

struct FoldConstants : tenon::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    grown = 0;
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBody().front()))
      if (isFoldable(op))
        fold(op);
  }

private:
  bool isFoldable(Operation &op) const;
  void fold(Operation &op);

  uint64_t grown = 0; ///< bytes by which results exceeded their operands
};

} // namespace

static uint64_t operandBytes(Operation &op) {
  uint64_t bytes = 0;
  for (Value operand : op.getOperands())
    bytes += staticBytes(operand.getType()).value_or(0);
  return bytes;
}

/// Weights in a small form, which would become large ones.
static bool isSmallForm(Operation &op) {
  constexpr int64_t mostElements = 64;
  if (!isa<DequantizeOp, Unpack2To4Op>(op))
    return false;
  auto small = cast<RankedTensorType>(op.getOperand(0).getType()),
       large = cast<RankedTensorType>(op.getResult(0).getType());
  return !(large.hasStaticShape() && large.getNumElements() <= mostElements) &&
         (isa<Unpack2To4Op>(op) || small.getElementTypeBitWidth() < large.getElementTypeBitWidth());
}

bool FoldConstants::isFoldable(Operation &op) const {
  if (!isa<GraphDialect>(op.getDialect()) || isa<ConstantOp, DispatchOp>(op) || op.getNumResults() != 1 ||
      op.getNumOperands() == 0 || op.use_empty() || isSmallForm(op))
    return false;
  if (!llvm::all_of(op.getOperands(), [](Value v) { return v.getDefiningOp<ConstantOp>(); }))
    return false;
  // A small constant must not become a large one: a view or a broadcast costs nothing at run time.
  constexpr uint64_t smallResult = 64 << 10;
  auto bytes = staticBytes(op.getResult(0).getType());
  uint64_t read = operandBytes(op);
  return bytes &&
         (*bytes <= smallResult || *bytes <= read || (*bytes <= 4 * read && grown + *bytes - read <= maxBytes));
}

/// A constant of which only the type is known.
static void replaceByType(Operation &op) {
  OpBuilder builder(&op);
  auto value = DenseResourceElementsAttr::get(cast<RankedTensorType>(op.getResult(0).getType()), "unread",
                                              UnmanagedAsmResourceBlob::allocateWithAlign({}, 1));
  op.getResult(0).replaceAllUsesWith(ConstantOp::create(builder, op.getLoc(), value));
  op.erase();
}

void FoldConstants::fold(Operation &op) {
  constexpr uint64_t mostRead = 64 << 10;
  if (!readsWeights && operandBytes(op) > mostRead)
    return replaceByType(op);
  SmallVector<reference::HostTensor> operands, results;
  for (Value operand : op.getOperands()) {
    auto tensor = reference::constantToTensor(operand.getDefiningOp<ConstantOp>().getValue());
    if (failed(tensor))
      return readsWeights ? void() : replaceByType(op);
    operands.push_back(std::move(*tensor));
  }
  if (failed(reference::evaluate(&op, operands, results, {})))
    return;
  uint64_t bytes = *staticBytes(op.getResult(0).getType()), read = operandBytes(op);
  grown += bytes > read ? bytes - read : 0;
  OpBuilder builder(&op);
  ElementsAttr value = reference::tensorToAttr(&getContext(), std::move(results.front()), "folded");
  op.getResult(0).replaceAllUsesWith(ConstantOp::create(builder, op.getLoc(), value));
  op.erase();
}
