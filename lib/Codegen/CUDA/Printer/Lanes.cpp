//===- Lanes.cpp - Elementwise vector code as loops over lanes ------------===//
//
// Lane ops are collected until another op needs one of them (they have no effects, so waiting is free), and printed as
// one loop:
//
//   Vector<float, 4> relu;
//   #pragma unroll
//   for (int l = 0; l < 4; ++l)
//     relu[l] = maximum(a_v[l] + b_v[l], 0.0f);
//
//===----------------------------------------------------------------------===//
#include "../CudaKernelBuilder.h"
#include "CudaPrinter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen::cuda {

bool CudaPrinter::isLaneOp(Operation &op) {
  if (op.getNumResults() != 1 || !isVector(op.getResult(0).getType()) || op.hasTrait<OpTrait::ConstantLike>())
    return false;
  return isa<arith::ArithDialect, math::MathDialect>(op.getDialect()) || isa<vector::StepOp>(op);
}

/// The loop variable that `value` becomes next, if its only use is that and the variable is read once: then lanes are
/// updated in place. Null otherwise.
static Value carriedInto(Value value) {
  if (!value.hasOneUse())
    return {};
  OpOperand &use = *value.use_begin();
  auto loop = dyn_cast<scf::ForOp>(use.getOwner()->getParentOp());
  if (!loop || !isa<scf::YieldOp>(use.getOwner()) || loop.getBody() != value.getParentBlock())
    return {};
  Value carried = loop.getRegionIterArgs()[use.getOperandNumber()];
  return carried.hasOneUse() ? carried : Value();
}

/// The expressions of a lane loop have names for parts that are used twice or that would make lines too long.
void CudaPrinter::printLane(Value value, bool isUsedOutside) {
  Expression right = build(value.getDefiningOp());
  if (isUsedOutside) {
    line(assignment(named[value] + "[l]", value, right.text));
    return;
  }
  bool isShort = value.hasOneUse() && right.text.size() <= 64;
  if (isShort)
    return; // built again where it is used
  std::string name = nameFor(value);
  line("const " + elementName(value.getType()) + " " + name + " = " + right.text + ";");
  named[value] = name;
  scalars.insert(value);
}

void CudaPrinter::flushLanes() {
  if (pending.empty())
    return;
  auto group = pending.takeVector();
  llvm::SmallPtrSet<Operation *, 16> own(group.begin(), group.end());
  // What an inlined lane op is part of counts, not the op itself.
  std::function<bool(Value)> isUsedOutside = [&](Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) { return !own.contains(user); });
  };
  int64_t width = cast<VectorType>(group.front()->getResult(0).getType()).getNumElements();
  for (Operation *op : group) {
    Value value = op->getResult(0);
    if (!isUsedOutside(value))
      continue;
    if (Value carried = carriedInto(value); carried && own.contains(*carried.user_begin())) {
      named[value] = named[carried];
      continue;
    }
    named[value] = nameFor(value);
    line(typeName(value.getType()) + " " + named[value] + ";");
  }
  line("#pragma unroll");
  open("for (int l = 0; l < " + Twine(width) + "; ++l)");
  size_t start = body.size();
  inLanes = true;
  for (Operation *op : group)
    printLane(op->getResult(0), isUsedOutside(op->getResult(0)));
  inLanes = false;
  // One statement needs no braces.
  bool single = StringRef(body).drop_front(start).count('\n') == 1;
  if (!single)
    return close();
  --depth;
  body.erase(start - 3, 2);
}

} // namespace tenon::codegen::cuda
