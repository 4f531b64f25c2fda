//===- GenericReduce.cpp - Loops of regions with reductions ---------------===//
//
// The region has the normal form of GenericRegion: one domain, some of its dimensions reduced, every value of its rank.
// A loop over the kept dimensions; for each of their points the ops in order: a reduction is a loop over the reduced
// dimensions, whatever is constant along them is computed once, the rest is recomputed where it is asked for. One
// costly value that several of these loops need (the exponentials of a softmax) is kept in scratch memory.
//
// Lanes run along the last dimension. If that is reduced, a point is a scalar (each lane holds it) and accumulators are
// folded at the end; if it is kept, a point is a vector of 16 neighbours.
//
//===----------------------------------------------------------------------===//
#include "GenericEmit.h"
#include "LoopNest.h"
#include "tenon/Codegen/Common/Decompose.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }
Type elementTypeOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

class ReductionEmitter {
public:
  ReductionEmitter(GenericRegion &region, KernelBuilder &kernel, Evaluator &evaluator);
  void run();

private:
  /// What a loop over the reduced dimensions does with one vector.
  using FoldFn = function_ref<SmallVector<Value>(ArrayRef<Coord> coords, Value lanes, ValueRange carried)>;

  void chooseTile();
  void setScratch();
  void emitPoint(SmallVector<Coord> coords, Value lanes);
  SmallVector<Value> forEachReduced(SmallVector<Coord> &coords, ValueRange carried, FoldFn fn, unsigned level = 0);
  using LoopFn = function_ref<SmallVector<Value>(Value x, ValueRange carried)>;
  SmallVector<Value> emitLoop(Value from, Value to, int64_t step, ValueRange carried, LoopFn fn);
  Value neutralOf(ReductionOpInterface op);
  Value emitReduction(ReductionOpInterface op, ArrayRef<Coord> coords, Value lanes);
  Value combine(ReductionOpInterface op, Value x, Value total);
  Value foldLanes(ReductionOpInterface op, Value total);
  Value countReduced();
  Value divideByCount(Value total);
  void keepTile(ArrayRef<Coord> coords);
  void emitResults(ArrayRef<Coord> coords, Value lanes);
  void storeResult(unsigned i, ArrayRef<Coord> coords);
  bool isConstantAlongReduced(Value v);
  GroupShape getGroups(DimAttr work);

  GenericRegion &region;
  KernelBuilder &kernel;
  Evaluator &evaluator;
  const IndexMath &math;
  SmallVector<DimAttr> kept; ///< extents of the loop over points
  SmallVector<int64_t> keptDims;
  bool lanesReduced; ///< lanes run along a reduced dimension
  unsigned unroll;
  ReductionOpInterface reduction; ///< the one whose loops are being emitted; null for the final loops
  // The value kept in scratch memory, and the first reduction that needs it.
  Value tile, scratch;
  Operation *tileWriter = nullptr;
};

ReductionEmitter::ReductionEmitter(GenericRegion &region, KernelBuilder &kernel, Evaluator &evaluator)
    : region(region), kernel(kernel), evaluator(evaluator), math(evaluator.index()) {
  int64_t rank = region.domain.size();
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(region.reduced, d)) {
      keptDims.push_back(d);
      kept.push_back(region.domain[d]);
    }
  lanesReduced = llvm::is_contained(region.reduced, rank - 1);
  unroll = lanesReduced ? 4 : 1;
}

bool ReductionEmitter::isConstantAlongReduced(Value v) {
  auto dims = dimsOf(v);
  return dims.size() == region.domain.size() &&
         llvm::all_of(region.reduced, [&](int64_t d) { return dims[d].isConstant(1); });
}

/// The loops (a reduction, or null for the final one) that evaluate `v`.
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

void ReductionEmitter::chooseTile() {
  constexpr int64_t costly = 8; // instructions: recomputing less is cheaper than a store and a load
  for (Operation &op : region.block().without_terminator()) {
    if (getScalarCost(&op) < costly)
      continue;
    Value value = op.getResult(0);
    if (!elementTypeOf(value).isF32() || dimsOf(value) != region.domain)
      continue;
    llvm::SetVector<Operation *> loops;
    llvm::DenseSet<Value> seen;
    collectLoops(value, loops, seen);
    bool isNeededAgain = loops.size() > 1;
    loops.remove(nullptr);
    if (!isNeededAgain || loops.empty())
      continue;
    tile = value;
    tileWriter = *llvm::min_element(loops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return;
  }
}

GroupShape ReductionEmitter::getGroups(DimAttr work) {
  MLIRContext *context = region.context();
  DimAttr one = DimAttr::constant(context, 1);
  DimAttr budget = DimAttr::constant(context, std::max<int64_t>(16384 / getWeight(region.block()), 1));
  if (!lanesReduced) {
    GroupShape shape = GroupShape::get(context, kept, 64);
    DimAttr columns = min(shape.columns, DimAttr::constant(context, 64));
    shape.rowsPerGroup = max(floorDiv(budget, max(work * columns, one)), one);
    shape.groups = ceilDiv(shape.rows, shape.rowsPerGroup) * shape.columnGroups;
    return shape;
  }
  GroupShape shape;
  shape.rows = product(context, kept);
  shape.columns = shape.columnGroups = one;
  shape.columnsPerGroup = 64;
  shape.rowsPerGroup = max(floorDiv(budget, max(work, one)), one);
  shape.groups = ceilDiv(shape.rows, shape.rowsPerGroup);
  return shape;
}

void ReductionEmitter::setScratch() {
  MLIRContext *context = region.context();
  SmallVector<DimAttr> extents;
  for (int64_t d : region.reduced)
    extents.push_back(region.domain[d]);
  DimAttr elements = product(context, extents) * (lanesReduced ? 1 : math.width);
  scratch = kernel.scratch(elements * 4 + 64, Float32Type::get(context));
}

void ReductionEmitter::run() {
  MLIRContext *context = region.context();
  chooseTile();
  if (tile)
    setScratch();
  SmallVector<DimAttr> reducedExtents;
  for (int64_t d : region.reduced)
    reducedExtents.push_back(region.domain[d]);
  GroupShape shape = getGroups(product(context, reducedExtents));
  SmallVector<DimAttr> loops = kept;
  if (lanesReduced && !kept.empty())
    loops.push_back(DimAttr::constant(context, 1));
  forEachRow(kernel, math, loops, shape, DimAttr::constant(context, 0), [&](ArrayRef<Value> row, Value from, Value to) {
    SmallVector<Coord> coords(region.domain.size(), math.uniform(math.constant(0)));
    for (auto [value, dim] : llvm::zip(row, keptDims))
      coords[dim] = math.uniform(value);
    if (lanesReduced)
      return emitPoint(coords, {});
    forEachVector(math, from, to, /*unroll=*/1, [&](Value j, Value lanes) {
      coords.back() = math.consecutive(j);
      emitPoint(coords, lanes);
    });
  });
  kernel.setGrid(shape.groups);
}

/// All ops for one point (or 16 neighbours) of the kept dimensions.
void ReductionEmitter::emitPoint(SmallVector<Coord> coords, Value lanes) {
  Evaluator::Scope scope(evaluator);
  evaluator.setLanes(lanes);
  SmallVector<Value> known;
  for (Operation &op : region.block().without_terminator()) {
    Value result = op.getResult(0);
    if (auto reduction = dyn_cast<ReductionOpInterface>(op))
      evaluator.bind(result, emitReduction(reduction, coords, lanes));
    else if (isa<ElementwiseOpInterface>(op) && isConstantAlongReduced(result))
      evaluator.bind(result, evaluator.evaluate(result, coords));
    else
      continue;
    known.push_back(result);
  }
  emitResults(coords, lanes);
  for (Value v : known)
    evaluator.unbind(v);
  if (tile)
    evaluator.unbind(tile);
}

/// Loops over the reduced dimensions at a point; fn may move the coordinates of these dimensions only.
SmallVector<Value> ReductionEmitter::forEachReduced(SmallVector<Coord> &coords, ValueRange carried, FoldFn fn,
                                                    unsigned level) {
  if (level == region.reduced.size())
    return fn(coords, evaluator.mask(), carried);
  int64_t dim = region.reduced[level];
  Value extent = kernel.param(region.domain[dim]);
  if (lanesReduced && level + 1 == region.reduced.size())
    return forEachVector(math, math.constant(0), extent, unroll, carried, [&](Value j, Value lanes, ValueRange own) {
      Evaluator::Scope scope(evaluator);
      evaluator.setLanes(lanes);
      coords[dim] = math.consecutive(j);
      return fn(coords, evaluator.mask(), own);
    });
  auto visit = [&](Value x, ValueRange own) {
    Evaluator::Scope scope(evaluator);
    coords[dim] = math.uniform(x);
    return forEachReduced(coords, own, fn, level + 1);
  };
  if (!reduction)
    return emitLoop(math.constant(0), extent, 1, carried, visit);
  // Partial results of each block: the rounding error of a sum grows with the length of a block, not of the dimension.
  constexpr int64_t block = 128;
  return emitLoop(math.constant(0), extent, block, carried, [&](Value start, ValueRange totals) {
    SmallVector<Value> fresh(carried.size(), neutralOf(reduction));
    Value end = math.min(math.add(start, math.constant(block)), extent);
    SmallVector<Value> next = emitLoop(start, end, 1, fresh, visit);
    for (auto [partial, total] : llvm::zip_equal(next, totals))
      partial = combine(reduction, partial, total);
    return next;
  });
}

/// for (x = from; x < to; x += step) carried = fn(x, carried)
SmallVector<Value> ReductionEmitter::emitLoop(Value from, Value to, int64_t step, ValueRange carried, LoopFn fn) {
  auto loop = scf::ForOp::create(math.b, math.loc, from, to, math.constant(step), carried);
  OpBuilder::InsertionGuard guard(math.b);
  math.b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = fn(loop.getInductionVar(), loop.getRegionIterArgs());
  if (loop.getNumResults() > 0)
    scf::YieldOp::create(math.b, math.loc, next);
  return SmallVector<Value>(loop.getResults());
}

Value ReductionEmitter::combine(ReductionOpInterface op, Value x, Value total) {
  if (!op->hasAttr(dropsNaN))
    return op.buildCombine(math.b, math.loc, x, total);
  // One instruction, where maximumf takes six.
  Value greater = arith::CmpFOp::create(math.b, math.loc, arith::CmpFPredicate::OGT, x, total);
  return arith::SelectOp::create(math.b, math.loc, greater, x, total);
}

Value ReductionEmitter::neutralOf(ReductionOpInterface op) {
  Type type = elementTypeOf(op->getResult(0));
  return arith::ConstantOp::create(math.b, math.loc,
                                   DenseElementsAttr::get(evaluator.vectorOf(type), Attribute(op.getNeutral(type))));
}

Value ReductionEmitter::emitReduction(ReductionOpInterface op, ArrayRef<Coord> point, Value lanes) {
  Value neutral = neutralOf(op);
  reduction = op;
  bool writesTile = op.getOperation() == tileWriter;
  SmallVector<Coord> coords(point);
  // While the first costly loop computes, the next row comes in.
  if (writesTile && lanesReduced)
    evaluator.setPrefetch(countReduced(), region.domain);
  SmallVector<Value> totals = forEachReduced(coords, SmallVector<Value>(unroll, neutral),
                                             [&](ArrayRef<Coord> at, Value mask, ValueRange carried) {
                                               Value x = evaluator.evaluate(op->getOperand(0), at);
                                               if (writesTile)
                                                 keepTile(at);
                                               if (lanesReduced && mask)
                                                 x = arith::SelectOp::create(math.b, math.loc, mask, x, neutral);
                                               return SmallVector<Value>{combine(op, x, carried[0])};
                                             });
  reduction = {};
  if (writesTile)
    evaluator.bindTile(tile, scratch, region.reduced, !lanesReduced);
  evaluator.setPrefetch({});
  evaluator.setLanes(lanes);
  while (totals.size() > 1) {
    Value last = totals.pop_back_val();
    totals[totals.size() / 2] = combine(op, last, totals[totals.size() / 2]);
  }
  Value total = lanesReduced ? foldLanes(op, totals[0]) : totals[0];
  return op.isMean() ? divideByCount(total) : total;
}

void ReductionEmitter::keepTile(ArrayRef<Coord> coords) {
  Coord offset = evaluator.tileOffset(tile, coords, region.reduced, !lanesReduced);
  evaluator.store(evaluator.evaluate(tile, coords), scratch, offset);
}

/// Combines the lanes by halves; every lane of the result holds the total.
Value ReductionEmitter::foldLanes(ReductionOpInterface op, Value total) {
  for (int64_t half = math.width / 2; half > 0; half /= 2) {
    auto part = [&](int64_t first) -> Value {
      return vector::ExtractStridedSliceOp::create(math.b, math.loc, total, ArrayRef<int64_t>(first),
                                                   ArrayRef<int64_t>(half), ArrayRef<int64_t>(1));
    };
    Value low = part(0), high = part(half);
    total = combine(op, high, low);
  }
  Value scalar = vector::ExtractOp::create(math.b, math.loc, total, 0);
  return vector::BroadcastOp::create(math.b, math.loc, evaluator.vectorOf(scalar.getType()), scalar);
}

/// Elements that one point reduces.
Value ReductionEmitter::countReduced() {
  Value count = math.constant(1);
  for (int64_t d : region.reduced)
    count = math.mul(count, kernel.param(region.domain[d]));
  return count;
}

Value ReductionEmitter::divideByCount(Value total) {
  auto vectorType = cast<VectorType>(total.getType());
  Type type = vectorType.getElementType(), i64 = math.b.getI64Type();
  Value count = arith::IndexCastOp::create(math.b, math.loc, i64, countReduced());
  bool isFloat = isa<FloatType>(type);
  if (isFloat)
    count = arith::SIToFPOp::create(math.b, math.loc, type, count);
  else if (type != i64)
    count = arith::TruncIOp::create(math.b, math.loc, type, count);
  Value divisor = vector::BroadcastOp::create(math.b, math.loc, vectorType, count);
  if (isFloat)
    return arith::DivFOp::create(math.b, math.loc, total, divisor);
  return arith::DivSIOp::create(math.b, math.loc, total, divisor);
}

void ReductionEmitter::storeResult(unsigned i, ArrayRef<Coord> coords) {
  Value result = region.results()[i];
  Coord offset = math.flatten(coords, evaluator.extents(result));
  Value buffer = kernel.buffer(region.block().getNumArguments() + i);
  evaluator.store(evaluator.evaluate(result, coords), buffer, offset);
}

void ReductionEmitter::emitResults(ArrayRef<Coord> point, Value lanes) {
  SmallVector<unsigned> whole;
  for (auto [i, result] : llvm::enumerate(region.results())) {
    if (isConstantAlongReduced(result))
      storeResult(i, point);
    else
      whole.push_back(i);
  }
  if (whole.empty())
    return;
  SmallVector<Coord> coords(point);
  forEachReduced(coords, {}, [&](ArrayRef<Coord> at, Value, ValueRange) {
    for (unsigned i : whole)
      storeResult(i, at);
    return SmallVector<Value>();
  });
  evaluator.setLanes(lanes);
}

} // namespace

void emitReductions(GenericRegion &region, KernelBuilder &kernel, Evaluator &evaluator) {
  ReductionEmitter(region, kernel, evaluator).run();
}

} // namespace tenon::codegen
