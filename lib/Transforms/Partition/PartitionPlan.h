//===- PartitionPlan.h - How the ops of a function are split ------------------===//
//
// What the attributes of a function and its ops say, in terms of layouts. See tenon-materialize-partition.
//
//===----------------------------------------------------------------------===//
#ifndef TRANSFORMS_PARTITION_PARTITIONPLAN_H
#define TRANSFORMS_PARTITION_PARTITIONPLAN_H

#include "Graph/IR/SplitRules.h"
#include "Sharding.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tenon::partition {

/// Names of the attributes.
constexpr llvm::StringLiteral axesAttr = "graph.axes", stagesAttr = "graph.stages", sharesAttr = "graph.shares",
                              splitAttr = "graph.split", scatterAttr = "graph.scatter", stageAttr = "graph.stage";

/// More than any plan may have.
constexpr int maxRanks = 4096;

/// A combination of partial results along an axis of the mesh.
struct Combination {
  unsigned axis;
  graph::LoopKind kind;
  int64_t dim; ///< that the parts of the result are split over, or -1: all have all of it
};

struct OpPlan {
  graph::SplitRule rule;
  /// For each loop of the rule; here the units are set without axes too.
  llvm::SmallVector<DimSplit> loops;
  llvm::SmallVector<Combination> combinations;
  int64_t stage = 0;

  /// What is read: of operand `i`, with rank `rank`.
  TensorLayout operand(unsigned i) const { return layoutOf(rule.operands[i]); }
  /// What result `i` is in before it is combined.
  TensorLayout partial(unsigned i) const { return layoutOf(rule.results[i]); }
  /// And after.
  TensorLayout result(unsigned i) const;

private:
  TensorLayout layoutOf(const graph::LoopsOfDims &dims) const;
};

class PartitionPlan {
public:
  /// Reads the attributes of `function`, which has some; diagnostics where they do not fit the ops.
  static mlir::FailureOr<PartitionPlan> read(mlir::func::FuncOp function);

  const OpPlan &of(mlir::Operation *op) const { return ops.find(op)->second; }

  Grid grid;

private:
  mlir::LogicalResult readGrid(mlir::func::FuncOp function);
  mlir::LogicalResult readShares(mlir::func::FuncOp function);
  mlir::LogicalResult readOp(mlir::Operation *op);
  void alignUnits(mlir::func::FuncOp function);

  llvm::DenseMap<mlir::Operation *, OpPlan> ops;
};

/// True for an op that every rank makes for itself where it needs it: a constant, a list of extents.
bool isGenerator(mlir::Operation *op);

} // namespace tenon::partition

#endif // TRANSFORMS_PARTITION_PARTITIONPLAN_H
