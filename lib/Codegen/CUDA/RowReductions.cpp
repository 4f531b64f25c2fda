//===- RowReductions.cpp - Reductions along contiguous memory -------------===//
//
// Softmax, layer and RMS normalisation, row sums. A team is a warp where rows are short or their length is not known,
// the block where they are long. What several loops read comes from global memory once: a row of constant length stays
// in registers (a local array that unrolled loops index), the first part of another row in shared memory.
//
//===----------------------------------------------------------------------===//
#include "ReductionEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

constexpr int warpSize = 32;
constexpr int64_t warpRow = 1024;        // longer rows take a block
constexpr int64_t maxUnroll = 8;         // vectors of a row that a thread keeps in registers
constexpr int64_t sharedElements = 1024; // of a row of unknown length kept in shared memory

class RowEmitter : public ReductionEmitter {
public:
  RowEmitter(GenericRegion &region, CudaKernelBuilder &kernel, int64_t width);
  void run();

private:
  /// A value that several loops read, and where its elements of this thread (or of the team's row) are kept.
  struct Kept {
    Value value, memory;
    bool isFilled = false;
  };

  Value forEachElement(Operation *loop, Value total, FoldFn fn) override;
  Value combineTeam(ReductionOpInterface op, Value partial) override;
  void once(function_ref<void()> fn) override;

  void chooseTeam();
  void setUpCache();
  Value loopOver(int64_t level, SmallVector<Coord> &coords, Operation *loop, Value total, FoldFn fn);
  Value unrolled(SmallVector<Coord> &coords, Operation *loop, Value total, FoldFn fn);
  Value strided(SmallVector<Coord> &coords, Operation *loop, Value total, FoldFn fn);
  Value runBody(ArrayRef<Coord> coords, Operation *loop, Value slot, Value column, Value total, FoldFn fn);
  void useKept(Kept &kept, ArrayRef<Coord> coords, Value slot, Value column);
  Value guarded(Value condition, Value total, function_ref<Value()> body);
  bool reads(Operation *loop, Value value);
  scf::ForOp openLoop(StringRef name, Value from, Value to, Value step, Value total);
  Value closeLoop(scf::ForOp loop, Value next);

  int64_t lastDim() { return region.domain.size() - 1; }

  bool isBlock = false; ///< the team
  int threads = 128;
  int64_t slots = 0; ///< vectors of a row per thread, 0 if not known or too many
  DimAttr sharedRow; ///< elements of a row in shared memory, null if none
  Value lane;        ///< of the thread in its team
  Value team;        ///< in the block
  SmallVector<Kept> cache;
};

RowEmitter::RowEmitter(GenericRegion &region, CudaKernelBuilder &kernel, int64_t width)
    : ReductionEmitter(region, kernel, width) {}

void RowEmitter::chooseTeam() {
  SmallVector<DimAttr> rowDims, pointDims;
  for (int64_t d : region.reduced)
    rowDims.push_back(region.domain[d]);
  for (int64_t d : keptDims)
    pointDims.push_back(region.domain[d]);
  auto length = product(region.context(), rowDims).getConstant();
  auto points = product(region.context(), pointDims).getConstant();
  bool isFew = points && *points < 64;
  isBlock = length ? *length > warpRow : isFew;
  if (isBlock)
    threads = isFew || *length > 8192 ? 1024 : 256;
  int64_t teamSize = isBlock ? threads : warpSize, step = teamSize * wide.index().width;
  if (length && region.reduced.size() == 1 && llvm::divideCeil(*length, step) <= maxUnroll)
    slots = llvm::divideCeil(*length, step);
}

void RowEmitter::setUpCache() {
  SmallVector<Value> shared = findShared();
  bool isSharedMemory = slots == 0 && region.reduced.size() == 1 && wide.index().width == 1 && shared.size() == 1;
  for (Value value : shared) {
    Type type = registerType(cast<RankedTensorType>(value.getType()).getElementType());
    if (slots * static_cast<int64_t>(shared.size()) > 0 &&
        slots * static_cast<int64_t>(shared.size()) <= 2 * maxUnroll) {
      auto memory = MemRefType::get({slots}, wide.vectorOf(type));
      std::string name = shared.size() == 1 ? "kept" : "kept_" + std::to_string(cache.size());
      cache.push_back({value, memref::AllocaOp::create(b, nameHint(b.getContext(), name), memory)});
    } else if (isSharedMemory && !type.isInteger(1)) {
      MLIRContext *context = region.context();
      sharedRow = min(region.domain.back(), DimAttr::constant(context, sharedElements));
      cache.push_back({value, kernel.sharedMemory(sharedRow * (isBlock ? 1 : threads / warpSize), type)});
    }
  }
}

void RowEmitter::run() {
  chooseTeam();
  SmallVector<DimAttr> pointDims;
  for (int64_t d : keptDims)
    pointDims.push_back(region.domain[d]);
  DimAttr points = product(region.context(), pointDims);
  StringRef kept = slots > 0 ? "; a row stays in registers" : "; the first elements of a row stay in shared memory";
  if (isBlock)
    kernel.setTactic("rows: a block of " + Twine(threads) + " a row", "rows",
                     (points.getConstant() ? "rows are long, or few" : "rows are longer than 1024") + kept);
  else
    kernel.setTactic("rows: a warp a row", "rows", "rows have at most 1024 elements, or an unknown number" + kept);
  if (isBlock) {
    lane = kernel.threadId();
    team = kernel.constant(0);
    kernel.setLaunch(points, threads);
    setPoint(kernel.blockId(), keptDims);
    setUpCache();
    return emitPoint();
  }
  int teams = threads / warpSize;
  kernel.setLaunch(ceilDiv(points, teams), threads);
  lane = kernel.math("lane").rem(kernel.threadId(), kernel.constant(warpSize));
  team = kernel.math("warp").div(kernel.threadId(), kernel.constant(warpSize));
  IndexMath math = kernel.math("row");
  Value number = math.add(math.mul(kernel.blockId(), kernel.constant(teams)), team);
  auto inside = scf::IfOp::create(b, kernel.loc(), math.less(number, kernel.param(points)), /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(inside.thenBlock());
  setPoint(number, keptDims);
  setUpCache();
  emitPoint();
}

Value RowEmitter::combineTeam(ReductionOpInterface op, Value partial) {
  gpu::AllReduceOperation kind = *getCombination(op);
  Location loc = kernel.locationOf(op);
  if (!isBlock)
    return gpu::SubgroupReduceOp::create(b, loc, partial, kind, /*uniform=*/false);
  auto attribute = gpu::AllReduceOperationAttr::get(b.getContext(), kind);
  return gpu::AllReduceOp::create(b, loc, partial.getType(), partial, attribute, /*uniform=*/false);
}

void RowEmitter::once(function_ref<void()> fn) {
  Value first = kernel.math("first").equal(lane, kernel.constant(0));
  auto op = scf::IfOp::create(b, kernel.loc(), first, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  fn();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

scf::ForOp RowEmitter::openLoop(StringRef name, Value from, Value to, Value step, Value total) {
  auto loop = scf::ForOp::create(b, kernel.loc(), from, to, step, total ? ValueRange{total} : ValueRange{});
  loop.getInductionVar().setLoc(nameHint(b.getContext(), ("for:" + name).str()));
  b.setInsertionPointToStart(loop.getBody());
  return loop;
}

Value RowEmitter::closeLoop(scf::ForOp loop, Value next) {
  if (next)
    scf::YieldOp::create(b, kernel.loc(), next);
  b.setInsertionPointAfter(loop);
  return next ? loop.getResult(0) : Value();
}

static void nameTotal(CudaKernelBuilder &kernel, scf::ForOp loop, Operation *op) {
  if (op)
    loop.getRegionIterArgs()[0].setLoc(kernel.locationOf(op));
}

Value RowEmitter::forEachElement(Operation *loop, Value total, FoldFn fn) {
  SmallVector<Coord> coords(point);
  return loopOver(0, coords, loop, total, fn);
}

Value RowEmitter::loopOver(int64_t level, SmallVector<Coord> &coords, Operation *loop, Value total, FoldFn fn) {
  int64_t dim = region.reduced[level];
  if (level + 1 == static_cast<int64_t>(region.reduced.size()))
    return slots > 0 ? unrolled(coords, loop, total, fn) : strided(coords, loop, total, fn);
  auto outer = openLoop("r", kernel.constant(0), kernel.param(region.domain[dim]), kernel.constant(1), total);
  nameTotal(kernel, outer, loop);
  coords[dim] = scalar.index().uniform(outer.getInductionVar());
  Value inner = total ? outer.getRegionIterArgs()[0] : Value();
  return closeLoop(outer, loopOver(level + 1, coords, loop, inner, fn));
}

Value RowEmitter::guarded(Value condition, Value total, function_ref<Value()> body) {
  SmallVector<Type, 1> types;
  if (total)
    types.push_back(total.getType());
  auto op =
      scf::IfOp::create(b, total ? total.getLoc() : kernel.loc(), types, condition, /*withElseRegion=*/bool(total));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  Value next = body();
  if (!total)
    return {};
  scf::YieldOp::create(b, kernel.loc(), next);
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, kernel.loc(), total);
  return op.getResult(0);
}

/// The row is short and its length known: slot k of a thread is vector k * team + lane.
Value RowEmitter::unrolled(SmallVector<Coord> &coords, Operation *loop, Value total, FoldFn fn) {
  int64_t width = wide.index().width, length = *region.domain.back().getConstant();
  int64_t teamSize = isBlock ? threads : warpSize;
  auto each = openLoop("k", kernel.constant(0), kernel.constant(slots), kernel.constant(1), total);
  nameTotal(kernel, each, loop);
  each->setAttr(unrollAttr, b.getUnitAttr());
  IndexMath math = kernel.math("column");
  Value slot = each.getInductionVar();
  Value column = math.mul(math.add(math.mul(slot, kernel.constant(teamSize)), lane), kernel.constant(width));
  kernel.setDivisor(column, width);
  coords[lastDim()] = wide.index().consecutive(column);
  Value inner = total ? each.getRegionIterArgs()[0] : Value(), next;
  auto body = [&] { return runBody(coords, loop, slot, column, inner, fn); };
  bool isEven = length % (teamSize * width) == 0;
  next = isEven ? body() : guarded(math.less(column, kernel.constant(length)), inner, body);
  return closeLoop(each, next);
}

Value RowEmitter::strided(SmallVector<Coord> &coords, Operation *loop, Value total, FoldFn fn) {
  int64_t width = wide.index().width, teamSize = isBlock ? threads : warpSize;
  IndexMath math = kernel.math("column");
  Value first = math.mul(lane, kernel.constant(width));
  auto each = openLoop("column", first, kernel.param(region.domain.back()), kernel.constant(teamSize * width), total);
  nameTotal(kernel, each, loop);
  Value column = each.getInductionVar();
  kernel.setDivisor(column, width);
  coords[lastDim()] = wide.index().consecutive(column);
  Value inner = total ? each.getRegionIterArgs()[0] : Value();
  return closeLoop(each, runBody(coords, loop, {}, column, inner, fn));
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

bool RowEmitter::reads(Operation *loop, Value value) {
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      bool isLoop = isa<ReductionOpInterface>(user);
      if ((isLoop && user == loop) || (isa<YieldOp>(user) && !loop))
        return true;
      if (!isLoop && !isa<YieldOp>(user) && seen.insert(user->getResult(0)).second)
        work.push_back(user->getResult(0));
    }
  return false;
}

Value RowEmitter::runBody(ArrayRef<Coord> coords, Operation *loop, Value slot, Value column, Value total, FoldFn fn) {
  Evaluator::Scope scope(wide);
  for (Kept &kept : cache)
    if (reads(loop, kept.value))
      useKept(kept, coords, slot, column);
  Value next = fn(coords, total);
  for (Kept &kept : cache) {
    kept.isFilled |= reads(loop, kept.value);
    wide.unbind(kept.value);
  }
  return next;
}

void RowEmitter::useKept(Kept &kept, ArrayRef<Coord> coords, Value slot, Value column) {
  Location loc = nameHint(b.getContext(), "x");
  if (slot) { // in registers
    if (kept.isFilled)
      return wide.bind(kept.value, memref::LoadOp::create(b, loc, kept.memory, ValueRange{slot}));
    Value x = wide.evaluate(kept.value, coords);
    memref::StoreOp::create(b, loc, x, kept.memory, ValueRange{slot});
    return wide.bind(kept.value, x);
  }
  IndexMath math = kernel.math("at");
  Value extent = kernel.param(sharedRow), at = column;
  if (!isBlock)
    at = math.add(math.mul(team, extent), column);
  Value isKept = math.less(column, extent);
  if (!kept.isFilled) {
    Value x = wide.evaluate(kept.value, coords);
    guarded(isKept, {}, [&] {
      wide.store(x, kept.memory, wide.index().uniform(at));
      return Value();
    });
    return wide.bind(kept.value, x);
  }
  Type type = wide.vectorOf(registerType(cast<RankedTensorType>(kept.value.getType()).getElementType()));
  auto choice = scf::IfOp::create(b, loc, TypeRange{type}, isKept, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  Type element = cast<VectorType>(type).getElementType();
  scf::YieldOp::create(b, loc, wide.load(kept.memory, wide.index().uniform(at), element));
  b.setInsertionPointToStart(choice.elseBlock());
  {
    Evaluator::Scope scope(wide);
    scf::YieldOp::create(b, loc, wide.evaluate(kept.value, coords));
  }
  wide.bind(kept.value, choice.getResult(0));
}

/// The widest vectors that the row's length is a multiple of.
int64_t chooseRowWidth(GenericRegion &region) {
  int64_t width = chooseWidth(SmallVector<Value>(region.results()));
  for (Operation &op : region.block().without_terminator())
    if (isa<ReductionOpInterface>(op))
      width = std::min(width, chooseWidth(op.getOperand(0)));
  while (width > 1 && divisorOf(region.domain.back()) % width != 0)
    width /= 2;
  return width;
}

} // namespace

void emitRowReductions(GenericRegion &region, CudaKernelBuilder &kernel) {
  RowEmitter(region, kernel, chooseRowWidth(region)).run();
}

} // namespace tenon::codegen::cuda
