//===- ReductionEmitter.cpp - What row and column reductions share --------===//
#include "ReductionEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tenon/Codegen/Common/Decompose.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

ReductionEmitter::ReductionEmitter(GenericRegion &region, CudaKernelBuilder &kernel, int64_t width)
    : region(region), kernel(kernel), scalar(makeEvaluator(region, kernel, 1)),
      wide(makeEvaluator(region, kernel, width)), b(kernel.builder()) {
  for (int64_t d = 0; d < static_cast<int64_t>(region.domain.size()); ++d)
    if (!llvm::is_contained(region.reduced, d))
      keptDims.push_back(d);
  point.assign(region.domain.size(), scalar.index().uniform(kernel.constant(0)));
}

bool ReductionEmitter::isConstantAlongReduced(Value v) {
  auto dims = getDims(tensorOf(v));
  return dims.size() == region.domain.size() &&
         llvm::all_of(region.reduced, [&](int64_t d) { return dims[d].isConstant(1); });
}

void ReductionEmitter::setPoint(Value number, ArrayRef<int64_t> dims) {
  static constexpr StringLiteral names[] = {"row", "plane", "block"};
  SmallVector<int64_t> moving(dims);
  llvm::erase_if(moving, [&](int64_t d) { return region.domain[d].isConstant(1); });
  for (size_t place = 0; place < moving.size(); ++place) {
    int64_t d = moving[moving.size() - 1 - place];
    Value extent = kernel.param(region.domain[d]), at = number;
    if (place + 1 < moving.size()) {
      at = kernel.math(names[std::min<size_t>(place, 2)]).rem(number, extent);
      number = kernel.math("rest").div(number, extent);
    }
    point[d] = scalar.index().uniform(at);
  }
}

//===----------------------------------------------------------------------===//
// Combining
//===----------------------------------------------------------------------===//

Value ReductionEmitter::combine(ReductionOpInterface op, Value x, Value y) {
  Location loc = kernel.locationOf(op);
  if (op->hasAttr(dropsNaN))
    return arith::MaxNumFOp::create(b, loc, y, x);
  return op.buildCombine(b, loc, y, x);
}

std::optional<gpu::AllReduceOperation> getCombination(ReductionOpInterface op) {
  Type type = tensorOf(op->getResult(0)).getElementType();
  Block block;
  block.addArguments({type, type}, {op.getLoc(), op.getLoc()});
  OpBuilder b(op->getContext());
  b.setInsertionPointToEnd(&block);
  Value combined = op.buildCombine(b, op.getLoc(), block.getArgument(0), block.getArgument(1));
  Operation *builder = combined ? combined.getDefiningOp() : nullptr;
  if (!builder || !llvm::hasSingleElement(block))
    return op->getName().stripDialect() == "reduce_max"   ? std::optional(gpu::AllReduceOperation::MAXIMUMF)
           : op->getName().stripDialect() == "reduce_min" ? std::optional(gpu::AllReduceOperation::MINIMUMF)
                                                          : std::nullopt;
  return TypeSwitch<Operation *, std::optional<gpu::AllReduceOperation>>(builder)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return gpu::AllReduceOperation::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return gpu::AllReduceOperation::MUL; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([](auto) { return gpu::AllReduceOperation::MAXIMUMF; })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([](auto) { return gpu::AllReduceOperation::MINIMUMF; })
      .Case([](arith::MaxSIOp) { return gpu::AllReduceOperation::MAXSI; })
      .Case([](arith::MinSIOp) { return gpu::AllReduceOperation::MINSI; })
      .Default([](Operation *) { return std::nullopt; });
}

Value ReductionEmitter::divideByCount(Value total) {
  IndexMath math = kernel.math("count");
  Value count = kernel.constant(1);
  for (int64_t d : region.reduced)
    count = math.mul(count, kernel.param(region.domain[d]));
  Type type = total.getType();
  if (!isa<FloatType>(type)) {
    count = arith::IndexCastOp::create(b, math.loc, type, count);
    return arith::DivSIOp::create(b, nameHint(b.getContext(), "mean"), total, count);
  }
  Value wideCount = arith::IndexCastOp::create(b, math.loc, b.getI64Type(), count);
  Value divisor = arith::SIToFPOp::create(b, math.loc, type, wideCount);
  return arith::DivFOp::create(b, nameHint(b.getContext(), "mean"), total, divisor);
}

//===----------------------------------------------------------------------===//
// One point
//===----------------------------------------------------------------------===//

/// `single` is vector<1xT>.
void ReductionEmitter::bindEverywhere(Value value, Value single) {
  scalar.bind(value, single);
  if (wide.index().width == 1)
    return wide.bind(value, single);
  Value element = vector::ExtractOp::create(b, single.getLoc(), single, 0);
  wide.bind(value, vector::BroadcastOp::create(b, single.getLoc(), wide.vectorOf(element.getType()), element));
}

Value ReductionEmitter::emitReduction(ReductionOpInterface op) {
  Type type = tensorOf(op->getResult(0)).getElementType();
  Location loc = kernel.locationOf(op);
  Value neutral =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(wide.vectorOf(type), Attribute(op.getNeutral(type))));
  Value partial = forEachElement(op, neutral, [&](ArrayRef<Coord> at, Value total) {
    return combine(op, wide.evaluate(op->getOperand(0), at), total);
  });
  // The lanes of the vector, then the threads of the team.
  Value own = vector::ExtractOp::create(b, loc, partial, 0);
  for (int64_t lane = 1; lane < wide.index().width; ++lane)
    own = combine(op, vector::ExtractOp::create(b, loc, partial, lane), own);
  Value total = combineTeam(op, own);
  if (op.isMean())
    total = divideByCount(total);
  return vector::BroadcastOp::create(b, loc, scalar.vectorOf(type), total);
}

void ReductionEmitter::emitPoint() {
  for (Operation &op : region.block().without_terminator()) {
    Value result = op.getResult(0);
    if (auto reduction = dyn_cast<ReductionOpInterface>(op))
      bindEverywhere(result, emitReduction(reduction));
    else if (isa<ElementwiseOpInterface>(op) && isConstantAlongReduced(result))
      bindEverywhere(result, scalar.evaluate(result, point));
  }
  emitResults();
}

void ReductionEmitter::storeResult(Evaluator &evaluator, unsigned i, ArrayRef<Coord> coords) {
  Value result = region.results()[i];
  Coord offset = evaluator.index().flatten(coords, evaluator.extents(result));
  Value buffer = kernel.buffer(region.block().getNumArguments() + i);
  evaluator.store(evaluator.evaluate(result, coords), buffer, offset);
}

void ReductionEmitter::emitResults() {
  SmallVector<unsigned> whole, single;
  for (auto [i, result] : llvm::enumerate(region.results()))
    (isConstantAlongReduced(result) ? single : whole).push_back(i);
  if (!single.empty())
    once([&] {
      for (unsigned i : single)
        storeResult(scalar, i, point);
    });
  if (!whole.empty())
    forEachElement(nullptr, {}, [&](ArrayRef<Coord> at, Value) {
      for (unsigned i : whole)
        storeResult(wide, i, at);
      return Value();
    });
}

//===----------------------------------------------------------------------===//
// What several loops read
//===----------------------------------------------------------------------===//

/// The loops (a reduction, or null for the last one) that evaluate `v`.
static void collectLoops(Value v, llvm::SetVector<Operation *> &loops, llvm::DenseSet<Value> &seen) {
  if (!seen.insert(v).second)
    return;
  for (Operation *user : v.getUsers()) {
    if (isa<ReductionOpInterface>(user))
      loops.insert(user);
    else if (isa<YieldOp>(user))
      loops.insert(nullptr);
    else
      collectLoops(user->getResult(0), loops, seen);
  }
}

SmallVector<Value> ReductionEmitter::findShared() {
  llvm::DenseSet<Value> late; // what a reduction has gone into
  SmallVector<Value> early(region.block().args_begin(), region.block().args_end());
  for (Operation &op : region.block().without_terminator()) {
    Value result = op.getResult(0);
    bool isLate = isa<ReductionOpInterface>(op) ||
                  llvm::any_of(op.getOperands(), [&](Value operand) { return late.contains(operand); });
    if (isLate)
      late.insert(result);
    else
      early.push_back(result);
  }
  SmallVector<Value> shared;
  for (Value v : early) {
    if (getDims(tensorOf(v)) != region.domain)
      continue;
    // Values that only lead to other early values of the domain are read once, for these.
    bool isEdge = llvm::any_of(
        v.getUsers(), [&](Operation *user) { return isa<YieldOp>(user) || late.contains(user->getResult(0)); });
    llvm::SetVector<Operation *> loops;
    llvm::DenseSet<Value> seen;
    collectLoops(v, loops, seen);
    if (isEdge && loops.size() > 1)
      shared.push_back(v);
  }
  return shared;
}

} // namespace tenon::codegen::cuda
