//===- Width.cpp - How many neighbours one thread takes -------------------===//
#include "Strategies.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

static bool isLast(Value v, int64_t axis) { return axis + 1 == tensorOf(v).getRank(); }

/// True if neighbours along the last dimension of the result come from neighbours along the last dimension of what
/// `op` reads (or from one element), at addresses that differ by one.
static bool keepsNeighbours(Operation *op) {
  int64_t rank = tensorOf(op->getResult(0)).getRank();
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](TransposeOp transpose) { return rank == 0 || transpose.getPerm().back() == rank - 1; })
      .Case([&](SliceOp slice) { return rank == 0 || slice.getSteps().back() == 1; })
      .Case([&](PadOp pad) { return rank == 0 || (pad.getBegins().back() == 0 && pad.getEnds().back() == 0); })
      .Case([&](GatherOp gather) { return !isLast(gather.getX(), gather.getAxis()); })
      .Case([&](ReshapeOp reshape) {
        auto from = getDims(tensorOf(reshape.getX())), to = getDims(reshape.getType());
        return isa<BlockArgument>(reshape.getX()) || (!from.empty() && !to.empty() && from.back() == to.back());
      })
      .Case([&](ConcatOp concat) { return !isLast(concat.getResult(), concat.getAxis()); })
      .Case<MaxPoolOp, AveragePoolOp>([](auto pool) { return pool.getChannelsLast(); })
      .Case([&](ResizeOp resize) {
        return rank == 0 || getDims(tensorOf(resize.getX())).back() == getDims(resize.getType()).back();
      })
      .Case<RangeOp, DimsOp>([](Operation *) { return false; })
      .Default([](Operation *other) { return isa<ElementwiseOpInterface, ConstantOp, ExpandOp>(other); });
}

static int64_t bytesOf(Value v) { return llvm::divideCeil(tensorOf(v).getElementTypeBitWidth(), 8); }

int64_t chooseWidth(ArrayRef<Value> values, Operation *walked) {
  llvm::DenseSet<Value> seen;
  SmallVector<Value> work(values);
  int64_t widest = 2;
  while (!work.empty()) {
    Value v = work.pop_back_val();
    if (!seen.insert(v).second)
      continue;
    // What is the same for all lanes is read as one element.
    auto dims = getDims(tensorOf(v));
    if (dims.empty() || dims.back().isConstant(1))
      continue;
    // What is in memory counts: operands and results.
    Operation *op = v.getDefiningOp();
    if (!op || llvm::any_of(v.getUsers(), [](Operation *user) { return isa<YieldOp>(user); }))
      widest = std::max(widest, bytesOf(v));
    if (!op)
      continue;
    if (op != walked && !keepsNeighbours(op))
      return 1;
    if (auto gather = dyn_cast<GatherOp>(op))
      work.push_back(gather.getX());
    else
      work.append(op->operand_begin(), op->operand_end());
  }
  return 16 / widest;
}

} // namespace tenon::codegen::cuda
