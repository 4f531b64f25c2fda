//===- Inlining.cpp - Which values need a name ----------------------------===//
#include "CudaPrinter.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tenon::codegen::cuda {

/// Expressions longer than this get names for their parts.
static constexpr size_t maxExpression = 64;

bool CudaPrinter::isWritten(Value buffer) {
  auto [known, isNew] = written.try_emplace(buffer, false);
  if (isNew)
    known->second = !isa<BlockArgument>(buffer) || llvm::any_of(buffer.getUsers(), [&](Operation *user) {
      if (auto store = dyn_cast<memref::StoreOp>(user))
        return store.getMemRef() == buffer;
      auto store = dyn_cast<vector::StoreOp>(user);
      return store && store.getBase() == buffer;
    });
  return written[buffer];
}

bool CudaPrinter::isInlined(Value value) {
  auto known = inlined.find(value);
  if (known != inlined.end())
    return known->second;
  bool result = decideInlined(value);
  inlined[value] = result;
  return result;
}

bool CudaPrinter::decideInlined(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.hasOneUse() || op->getNumRegions() > 0)
    return false;
  Operation *user = *value.user_begin();
  // All lanes of a warp meet in these; and a buffer is worth a name.
  if (user->getBlock() != op->getBlock() || isa<gpu::AllReduceOp, gpu::SubgroupReduceOp, gpu::ShuffleOp>(op) ||
      isa<MemRefType>(value.getType()))
    return false;
  if (isa<vector::BroadcastOp>(user))
    return false; // lanes, and loops, read it many times
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return !isVector(value.getType()) && (!isWritten(load.getMemRef()) || user == op->getNextNode()) &&
           !isLaneOp(*user);
  if (auto load = dyn_cast<vector::LoadOp>(op))
    return !isWritten(load.getBase()) && (!isVector(value.getType()) || isa<vector::StoreOp>(user));
  if (!isMemoryEffectFree(op))
    return false;
  if (isVector(value.getType()))
    return false;
  return build(op).text.size() <= maxExpression;
}

/// True if the text of `value` mentions a lane op that is not printed yet.
bool CudaPrinter::usesPending(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (pending.contains(op))
    return true;
  if (named.contains(value) || op->hasTrait<OpTrait::ConstantLike>())
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return usesPending(operand); });
}

bool CudaPrinter::needsPending(Operation &op) {
  if (pending.empty())
    return false;
  if (op.getNumRegions() > 0 || op.hasTrait<OpTrait::IsTerminator>())
    return true;
  return llvm::any_of(op.getOperands(), [&](Value operand) { return usesPending(operand); });
}

} // namespace tenon::codegen::cuda
