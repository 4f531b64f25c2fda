//===- ColumnReductions.cpp - Reductions across contiguous memory ---------===//
//
// Neighbouring threads take neighbouring columns, so that warps read whole lines; where there is much to reduce, the
// rows of a block (its warps) share a column and combine their totals in shared memory.
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

constexpr int threads = 256;
constexpr int64_t shortReduction = 16; // fewer elements than this are not worth sharing

class ColumnEmitter : public ReductionEmitter {
public:
  ColumnEmitter(GenericRegion &region, CudaKernelBuilder &kernel) : ReductionEmitter(region, kernel, 1) {}
  void run();

private:
  Value forEachElement(Operation *loop, Value total, FoldFn fn) override;
  Value combineTeam(ReductionOpInterface op, Value partial) override;
  void once(function_ref<void()> fn) override;
  void onlyIf(Value condition, function_ref<void()> fn);

  int columns = threads, rows = 1; ///< of the block
  Value lane, row;                 ///< of the thread
  Value isInside;                  ///< the thread has a column of its own
  DimAttr length;                  ///< elements to reduce
  llvm::DenseMap<Type, Value> partials;
};

void ColumnEmitter::run() {
  MLIRContext *context = region.context();
  SmallVector<DimAttr> reducedDims, outerDims;
  for (int64_t d : region.reduced)
    reducedDims.push_back(region.domain[d]);
  length = product(context, reducedDims);
  auto fixed = length.getConstant();
  if (!fixed || *fixed > shortReduction) {
    columns = 32;
    rows = threads / columns;
  }
  SmallVector<int64_t> outer(keptDims);
  outer.pop_back();
  for (int64_t d : outer)
    outerDims.push_back(region.domain[d]);
  DimAttr extent = region.domain.back(), pieces = ceilDiv(extent, columns);
  kernel.setLaunch(product(context, outerDims) * pieces, threads);
  if (rows == 1)
    kernel.setTactic("columns: a thread a column", "columns", "few elements are reduced");
  else
    kernel.setTactic("columns: " + Twine(rows) + " warps share 32 columns", "columns",
                     "many elements are reduced, or an unknown number");
  IndexMath math = kernel.math("piece");
  Value block = kernel.blockId(), piece = block;
  if (!outerDims.empty()) {
    piece = math.rem(block, kernel.param(pieces));
    setPoint(kernel.math("plane").div(block, kernel.param(pieces)), outer);
  }
  lane = rows == 1 ? kernel.threadId() : kernel.math("lane").rem(kernel.threadId(), kernel.constant(columns));
  row = rows == 1 ? kernel.constant(0) : kernel.math("row").div(kernel.threadId(), kernel.constant(columns));
  IndexMath named = kernel.math("own");
  Value own = named.add(named.mul(piece, kernel.constant(columns)), lane), end = kernel.param(extent);
  isInside = kernel.math("inside").less(own, end);
  // Threads beyond the last column repeat it, so that all meet at the barriers.
  IndexMath column = kernel.math("column");
  point.back() = scalar.index().uniform(column.min(own, column.sub(end, kernel.constant(1))));
  emitPoint();
}

void ColumnEmitter::onlyIf(Value condition, function_ref<void()> fn) {
  auto op = scf::IfOp::create(b, kernel.loc(), condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  fn();
}

void ColumnEmitter::once(function_ref<void()> fn) {
  Value first = isInside;
  if (rows > 1)
    first = arith::AndIOp::create(b, kernel.loc(), kernel.math("first").equal(row, kernel.constant(0)), isInside);
  onlyIf(first, [&] {
    Evaluator::Scope scope(scalar);
    fn();
  });
}

/// One loop over all reduced dimensions: their coordinates from a counter.
Value ColumnEmitter::forEachElement(Operation *loop, Value total, FoldFn fn) {
  auto emitLoop = [&]() -> Value {
    auto each = scf::ForOp::create(b, kernel.loc(), row, kernel.param(length), kernel.constant(rows),
                                   total ? ValueRange{total} : ValueRange{});
    each.getInductionVar().setLoc(nameHint(b.getContext(), "for:r"));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(each.getBody());
    Evaluator::Scope scope(wide);
    SmallVector<Coord> saved(point);
    setPoint(each.getInductionVar(), region.reduced);
    SmallVector<Coord> at = std::exchange(point, saved);
    if (!total)
      return fn(at, {}), Value();
    each.getRegionIterArgs()[0].setLoc(kernel.locationOf(loop));
    scf::YieldOp::create(b, kernel.loc(), fn(at, each.getRegionIterArgs()[0]));
    return each.getResult(0);
  };
  if (total)
    return emitLoop();
  onlyIf(isInside, emitLoop);
  return {};
}

Value ColumnEmitter::combineTeam(ReductionOpInterface op, Value partial) {
  if (rows == 1)
    return partial;
  Location loc = kernel.locationOf(op);
  Value &memory = partials[partial.getType()];
  if (!memory) {
    auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
    auto type = MemRefType::get({threads}, partial.getType(), MemRefLayoutAttrInterface(), space);
    memory = memref::AllocaOp::create(b, nameHint(b.getContext(), "partial"), type);
  }
  memref::StoreOp::create(b, loc, partial, memory, ValueRange{kernel.threadId()});
  kernel.barrier();
  Value total;
  for (int r = 0; r < rows; ++r) {
    Value at = kernel.math("at").add(lane, kernel.constant(r * columns));
    Value x = memref::LoadOp::create(b, nameHint(b.getContext(), "other"), memory, ValueRange{at});
    total = total ? combine(op, x, total) : x;
  }
  kernel.barrier();
  return total;
}

} // namespace

void emitColumnReductions(GenericRegion &region, CudaKernelBuilder &kernel) { ColumnEmitter(region, kernel).run(); }

} // namespace tenon::codegen::cuda
