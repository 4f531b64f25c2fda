//===- GenericElementwise.cpp - Loops of regions without reductions -------===//
#include "GenericEmit.h"
#include "LoopNest.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

/// Results that are computed in one loop nest, over a box of their common extents.
struct Job {
  SmallVector<DimAttr> dims;                       ///< extents of the box
  SmallVector<std::pair<Value, unsigned>> results; ///< value and buffer
  Operation *concat = nullptr;                     ///< null, or: the box is input `part` of this concatenation
  unsigned axis = 0;
  unsigned part = 0;
  DimAttr start; ///< first index of the box along the concatenated axis
};

SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }

/// True if all that follows `value` reads it at the coordinates of the result, so that loops can visit a box of it.
bool isReadInPlace(Value value) {
  auto dims = dimsOf(value);
  llvm::DenseSet<Value> seen{value};
  SmallVector<Value> work{value};
  while (!work.empty()) {
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (isa<YieldOp>(user))
        continue;
      if (!isa<ElementwiseOpInterface>(user) || dimsOf(user->getResult(0)) != dims)
        return false;
      if (seen.insert(user->getResult(0)).second)
        work.push_back(user->getResult(0));
    }
  }
  return true;
}

/// The concatenation that `value` is, or is an elementwise function of at the same extents; null if there is none.
ConcatOp findConcat(Value value) {
  auto dims = dimsOf(value);
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value v = work.pop_back_val();
    Operation *op = v.getDefiningOp();
    if (!op || dimsOf(v) != dims || !seen.insert(v).second)
      continue;
    if (auto concat = dyn_cast<ConcatOp>(op)) {
      if (isReadInPlace(concat))
        return concat;
      continue;
    }
    if (isa<ElementwiseOpInterface>(op))
      work.append(op->operand_begin(), op->operand_end());
  }
  return {};
}

SmallVector<Job> getJobs(GenericRegion &region) {
  SmallVector<Job> jobs;
  unsigned buffer = region.block().getNumArguments();
  for (Value result : region.results()) {
    auto dims = dimsOf(result);
    ConcatOp concat = findConcat(result);
    if (!concat) {
      auto same = llvm::find_if(jobs, [&](const Job &job) { return !job.concat && job.dims == dims; });
      if (same == jobs.end())
        same = jobs.insert(jobs.end(), Job{dims, {}});
      same->results.push_back({result, buffer++});
      continue;
    }
    DimAttr start = DimAttr::constant(concat.getContext(), 0);
    for (auto [part, input] : llvm::enumerate(concat.getInputs())) {
      Job job{dims, {{result, buffer}}, concat, static_cast<unsigned>(concat.getAxis()), static_cast<unsigned>(part),
              start};
      job.dims[concat.getAxis()] = dimsOf(input)[concat.getAxis()];
      start = start + job.dims[concat.getAxis()];
      jobs.push_back(job);
    }
    ++buffer;
  }
  return jobs;
}

/// One vector of every result of the job.
void emitVector(const Job &job, KernelBuilder &kernel, Evaluator &evaluator, ArrayRef<Value> row, Value j,
                Value lanes) {
  const IndexMath &math = evaluator.index();
  Evaluator::Scope scope(evaluator);
  evaluator.setLanes(lanes);
  SmallVector<Coord> coords;
  for (Value x : row)
    coords.push_back(math.uniform(x));
  if (!job.dims.empty())
    coords.push_back(math.consecutive(j));
  if (job.concat) {
    Coord &moved = coords[job.axis];
    moved = math.add(moved, math.uniform(kernel.param(job.start)));
  }
  for (auto [value, buffer] : job.results) {
    Coord offset = math.flatten(coords, evaluator.extents(value));
    evaluator.store(evaluator.evaluate(value, coords), kernel.buffer(buffer), offset);
  }
}

} // namespace

int64_t getScalarCost(Operation *op) {
  auto elementwise = dyn_cast<ElementwiseOpInterface>(op);
  if (!elementwise)
    return 1;
  OpBuilder b(op->getContext());
  Block block;
  b.setInsertionPointToEnd(&block);
  for (Value operand : op->getOperands())
    block.addArgument(registerType(cast<RankedTensorType>(operand.getType()).getElementType()), op->getLoc());
  if (!isa<CastOp>(op))
    elementwise.buildScalar(b, op->getLoc(), block.getArguments());
  int64_t cost = 1;
  for (Operation &scalar : block)
    cost +=
        isa<math::MathDialect>(scalar.getDialect()) && !isa<math::AbsFOp, math::FloorOp, math::CeilOp>(scalar) ? 16 : 1;
  return cost;
}

int64_t getWeight(Block &block) {
  int64_t cost = 0;
  for (Operation &op : block)
    cost += getScalarCost(&op);
  return std::clamp<int64_t>(cost / 8, 1, 16);
}

void emitElementwise(GenericRegion &region, KernelBuilder &kernel, Evaluator &evaluator) {
  MLIRContext *context = region.context();
  DimAttr groups = DimAttr::constant(context, 0);
  const IndexMath &math = evaluator.index();
  int64_t elements = 16384 / getWeight(region.block());
  for (const Job &job : getJobs(region)) {
    if (job.concat)
      evaluator.bindPart(job.concat, job.part);
    GroupShape shape = GroupShape::get(context, job.dims, elements);
    forEachRow(kernel, math, job.dims, shape, groups, [&](ArrayRef<Value> row, Value from, Value to) {
      if (job.dims.empty())
        return emitVector(job, kernel, evaluator, row, from, {});
      forEachVector(math, from, to, /*unroll=*/2,
                    [&](Value j, Value lanes) { emitVector(job, kernel, evaluator, row, j, lanes); });
    });
    if (job.concat)
      evaluator.unbindPart(job.concat);
    groups = groups + shape.groups;
  }
  kernel.setGrid(groups);
}

} // namespace tenon::codegen
