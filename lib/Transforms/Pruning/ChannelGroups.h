//===- ChannelGroups.h - Which channels go together -----------------------===//
//
// Every index of every static dimension of every value is a node. Ops tie nodes that can only go together (a
// union-find); what must stay is tied to one pinned node. A class of tied nodes is a channel; channels that touch the
// same dimensions equally often form a group, in which any of them may go.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TRANSFORMS_PRUNING_CHANNELGROUPS_H
#define TENON_TRANSFORMS_PRUNING_CHANNELGROUPS_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tenon {

/// A static dimension of a value.
struct ChannelSlot {
  mlir::Value value;
  int64_t dim;
  int64_t first;  ///< its first node
  int64_t extent; ///< its nodes
};

/// A dimension of the weight of a product or convolution.
struct WeightSlot {
  int64_t slot;
  mlir::Operation *op;
  bool isInput; ///< runs along the op's inputs, which are summed over; otherwise along its outputs
};

/// Channels of which any may go.
struct ChannelGroup {
  std::vector<int64_t> channels;                  ///< roots, in order
  std::vector<std::pair<int64_t, int64_t>> slots; ///< that each of them touches, and how many nodes of it
};

/// The ties of one function.
class ChannelGraph {
public:
  explicit ChannelGraph(mlir::func::FuncOp function);

  const std::vector<ChannelSlot> &getSlots() const { return slots; }
  const std::vector<WeightSlot> &getWeights() const { return weights; }
  /// The slot of a dimension; -1 where it is not static.
  int64_t slotOf(mlir::Value v, int64_t dim) const { return slotsOf.lookup(v)[dim]; }
  /// The channel of a node; 0 is the one that stays.
  int64_t channelOf(int64_t node) const;
  int64_t countNodes() const { return int64_t(parents.size()); }

  /// The groups that may be pruned: not pinned, both written and read by constant weights.
  std::vector<ChannelGroup> findGroups() const;

private:
  void addValue(mlir::Value v);
  void relate(mlir::Operation *op);
  void relateConv(graph::ConvOp op);
  void relateConvTranspose(graph::ConvTransposeOp op);
  void relateMatMul(graph::MatMulOp op);
  void relateReshape(graph::ReshapeOp op);
  /// Dimensions [x, xEnd) of the operand hold the same elements in the same order as [y, yEnd) of the result.
  void relateFactors(graph::ReshapeOp op, int64_t x, int64_t xEnd, int64_t y, int64_t yEnd);
  void relateConcat(graph::ConcatOp op);
  void relateSlice(graph::SliceOp op);
  bool relateWindow(mlir::Operation *op);
  bool relateDimensions(mlir::Operation *op);

  void unite(int64_t a, int64_t b);
  /// Index i of one dimension goes with index i of the other; an extent of 1 is broadcast, and has no say.
  void tie(mlir::Value a, int64_t i, mlir::Value b, int64_t j);
  /// The same for dimensions counted from the last one, of an operand that is broadcast to `b`.
  void tieBroadcast(mlir::Value a, mlir::Value b);
  void pin(mlir::Value v, int64_t dim);
  void pin(mlir::Value v);

  std::vector<ChannelSlot> slots;
  std::vector<WeightSlot> weights;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t, 4>> slotsOf;
  mutable std::vector<int64_t> parents; ///< of nodes; paths are shortened when looked up
};

} // namespace tenon

#endif // TENON_TRANSFORMS_PRUNING_CHANNELGROUPS_H
