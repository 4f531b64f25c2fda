//===- HasKernel.cpp - Whether a processor has a kernel for a region ------===//
#include "../Layout/Layout.h"
#include "Quantization.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

/// The op with channels last, on a transposed operand, which is added to `scratch`.
Operation *putChannelsLast(OpBuilder &b, IntegerConvOp conv, SmallVector<Operation *> &scratch) {
  const int64_t rank = conv.getX().getType().getRank();
  if (conv.getChannelsLast() || rank != 4)
    return conv;
  Value x = transpose(b, conv.getLoc(), conv.getX(), toChannelsLast(rank));
  scratch.push_back(x.getDefiningOp());
  auto dims = getDims(conv.getResult().getType());
  SmallVector<DimAttr> last;
  for (int64_t axis : toChannelsLast(rank))
    last.push_back(dims[axis]);
  auto moved = IntegerConvOp::create(b, conv.getLoc(), getTensorType(last, b.getI32Type()), x, conv.getW(),
                                     conv.getXZero(), conv.getWZero(), conv.getStridesAttr(), conv.getPadsAttr(),
                                     conv.getDilationsAttr(), conv.getGroupAttr(), b.getUnitAttr());
  scratch.push_back(moved);
  return moved;
}

} // namespace

bool tenon::hasCpuKernel(ArrayRef<Operation *> ops) {
  Operation *last = ops.back();
  OpBuilder b(last);
  b.setInsertionPointAfter(last);
  SmallVector<Operation *> scratch;
  if (auto conv = dyn_cast<IntegerConvOp>(last))
    last = putChannelsLast(b, conv, scratch);
  SmallVector<Operation *> members(ops.drop_back());
  members.push_back(last);
  llvm::SetVector<Value> inputs;
  for (Operation *op : members)
    for (Value v : op->getOperands())
      if (!llvm::is_contained(members, v.getDefiningOp()))
        inputs.insert(v);
  auto dispatch = DispatchOp::create(b, last->getLoc(), last->getResultTypes(), inputs.getArrayRef(), ArrayAttr());
  Block &body = dispatch.getBody().emplaceBlock();
  IRMapping mapping;
  for (Value v : inputs)
    mapping.map(v, body.addArgument(v.getType(), v.getLoc()));
  b.setInsertionPointToEnd(&body);
  Operation *copy = nullptr;
  for (Operation *op : members)
    copy = b.clone(*op, mapping);
  YieldOp::create(b, last->getLoc(), copy->getResults());
  const bool isSupported = codegen::isSupportedDispatch(dispatch);
  dispatch.erase();
  for (Operation *op : llvm::reverse(scratch))
    op->erase();
  return isSupported;
}
