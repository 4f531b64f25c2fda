//===- MaterializePartition.cpp - From splits to a program for each rank -------===//
#include "Graph/IR/CollectiveOps.h"
#include "RankBuilder.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "tenon/Transforms/Passes.h"

namespace tenon {
#define GEN_PASS_DEF_MATERIALIZEPARTITION
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

struct MaterializePartition : tenon::impl::MaterializePartitionBase<MaterializePartition> {
  void runOnOperation() override {
    auto functions = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    if (llvm::none_of(functions, [](func::FuncOp function) { return function->hasAttr(partition::axesAttr); }))
      return;
    if (functions.size() != 1) {
      functions[1].emitError() << "TN4021: a model of several functions cannot be split over ranks";
      return signalPassFailure();
    }
    func::FuncOp function = functions.front();
    auto plan = partition::PartitionPlan::read(function);
    if (failed(plan))
      return signalPassFailure();
    partition::ConstantParts constants;
    for (int64_t rank = 0; rank < plan->grid.ranks(); ++rank)
      partition::RankBuilder(function, *plan, constants, rank).run();
    function.erase();
  }
};

} // namespace
