//===- GenericElementwise.cpp - Loops of regions without reductions -------===//
#include "GenericEmit.h"
#include "LoopNest.h"
#include "tenon/Codegen/Common/Jobs.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

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
