//===- Jobs.cpp - The loop nests of a region without reductions -----------===//
#include "tenon/Codegen/Common/Jobs.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

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
  auto isWanted = [](Operation *op) { return isa<ConcatOp>(op) && isReadInPlace(op->getResult(0)); };
  return cast_if_present<ConcatOp>(findBehindElementwise(value, isWanted));
}

} // namespace

SmallVector<Job> getJobs(GenericRegion &region) {
  SmallVector<Job> jobs;
  unsigned buffer = region.block().getNumArguments();
  for (Value result : region.results()) {
    auto dims = dimsOf(result);
    ConcatOp concat = findConcat(result);
    if (!concat) {
      auto same = llvm::find_if(jobs, [&](const Job &job) { return !job.concat && job.dims == dims; });
      if (same == jobs.end())
        same = jobs.insert(jobs.end(), Job{dims, {}, nullptr, 0, 0, {}});
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

} // namespace tenon::codegen
