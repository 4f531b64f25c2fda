//===- RankBuilder.h - The program of one rank ---------------------------------===//
#ifndef TRANSFORMS_PARTITION_RANKBUILDER_H
#define TRANSFORMS_PARTITION_RANKBUILDER_H

#include "PartitionPlan.h"
#include "mlir/IR/IRMapping.h"

namespace tenon::partition {

/// Parts of constants, which several ranks share: evaluated once.
class ConstantParts {
public:
  /// The part of `constant` with these extents from `begins` on; null where it cannot be evaluated.
  mlir::ElementsAttr get(mlir::Value constant, llvm::ArrayRef<Range> box);

private:
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Attribute>, mlir::ElementsAttr> parts;
};

/// Builds the function of one rank. All ranks walk over the same ops and decide alike, so that each meets the others in
/// the same order: what is sent is received at the same place of the walk, and so no rank waits for ever.
class RankBuilder {
public:
  RankBuilder(mlir::func::FuncOp source, const PartitionPlan &plan, ConstantParts &constants, int64_t rank);

  /// Adds the function to the source's module.
  void run();

private:
  /// A value in each layout that was asked for, first the one that it was made in.
  using Versions = llvm::SmallVector<std::pair<TensorLayout, mlir::Value>, 2>;

  void build(mlir::Operation *op);
  void communicate(mlir::Operation *op);
  void buildReturn(mlir::func::ReturnOp ret);
  llvm::SmallVector<int64_t> getReaders(mlir::Value v) const;

  mlir::Value get(mlir::Value v, const TensorLayout &layout);
  mlir::Value getWhole(mlir::Value v);
  mlir::Value slice(mlir::Value v, mlir::RankedTensorType whole, const TensorLayout &have, const TensorLayout &want);
  mlir::Value reshard(mlir::Value v, mlir::RankedTensorType whole, TensorLayout have, const TensorLayout &want);
  mlir::Value combine(mlir::Value v, mlir::RankedTensorType whole, TensorLayout &layout, const Combination &combination,
                      graph::DimAttr units);
  mlir::RankedTensorType typeOf(mlir::RankedTensorType whole, const TensorLayout &layout) const {
    return partOf(whole, layout, plan.grid, coords);
  }
  mlir::DenseI64ArrayAttr lineOf(unsigned axis) {
    return builder.getDenseI64ArrayAttr(plan.grid.line(stage, coords, axis));
  }

  mlir::func::FuncOp source;
  const PartitionPlan &plan;
  ConstantParts &constants;
  int64_t rank, stage;
  Coords coords;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::func::FuncOp function;
  llvm::DenseMap<mlir::Value, Versions> versions;
};

} // namespace tenon::partition

#endif // TRANSFORMS_PARTITION_RANKBUILDER_H
