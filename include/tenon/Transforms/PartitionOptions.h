//===- PartitionOptions.h - How a model is to be split over devices -------===//
#ifndef TENON_TRANSFORMS_PARTITIONOPTIONS_H
#define TENON_TRANSFORMS_PARTITIONOPTIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Cost/Cluster.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace tenon {

/// An axis of the mesh: "data" splits the batch, "tensor" everything else.
struct ParallelAxis {
  std::string name;
  int size = 1;
  bool operator==(const ParallelAxis &) const = default;
};

/// What `--parallel` asks for.
struct Parallel {
  bool isAuto = true;             ///< all forms are tried; the rest says nothing
  std::vector<ParallelAxis> axes; ///< slowest first; each above 1
  int stages = 1;

  /// Devices that it takes.
  int64_t devices() const;
  /// "data:2,tensor:4,pipeline:2"; "none" for one device.
  std::string str() const;
};

/// Reads "auto", or data:N, tensor:N, pipeline:N in any order, each at most once. TN4022 with what is wrong.
Expected<Parallel> parseParallel(llvm::StringRef text);

/// How the ops of some nodes are to be split, whatever it costs.
struct PartitionPin {
  std::string node;     ///< of the ONNX model; * stands for anything
  std::string strategy; ///< as PartitionedOp names it: "dim1@tensor", "whole"
};

/// Reads NODE=STRATEGY. TN4023.
Expected<PartitionPin> parsePin(llvm::StringRef text);

struct PartitionOptions {
  cost::Cluster cluster;
  Parallel parallel;
  std::vector<PartitionPin> pins;
  /// The extents that are priced; a symbol without one is 16.
  llvm::StringMap<int64_t> symbols;
  cost::Unit unit = cost::Unit::F32; ///< what values of f32 are computed, and if shorter, kept in
  bool isTraining = false;           ///< a step of training is priced, and nothing is written
  /// Told what is tried and how far the search is (0 to 1); may be null.
  std::function<void(llvm::StringRef, double)> progress;
};

/// What became of one op.
struct PartitionedOp {
  std::string node;  ///< of the ONNX model, or empty
  std::string kind;  ///< "graph.matmul"
  std::string phase; ///< "forward"; of training also "input gradient", "weight gradient", "optimizer"
  std::string
      strategy; ///< "dim1@tensor": that dimension of the result; "sum2@tensor": a sum over that of an operand; "whole"
  int stage = 0;
  double flops = 0;            ///< of the whole op
  double share = 1;            ///< of it, on the device with the most
  double compute = 0;          ///< seconds
  double reduction = 0;        ///< seconds of combining partial sums
  double resharding = 0;       ///< seconds of bringing its operands into the layout that it reads
  std::string alternative;     ///< the cheapest other strategy, all other ops as they are; empty: there is none
  double alternativeExtra = 0; ///< seconds that it costs more
  bool isPinned = false;       ///< the user asked for the strategy
};

/// A form that was tried.
struct TriedParallel {
  Parallel parallel;
  double seconds = 0; ///< of a run; infinite where none was found
  double bound = 0;   ///< no choice of this form is faster
  std::string why;    ///< it was not taken
};

/// What the devices of a stage do for a while.
struct PartitionSpan {
  int stage = 0;
  bool isCommunication = false;
  double start = 0, end = 0; ///< seconds
  int op = -1;               ///< of PartitionAnswer::ops, or -1: several, or none
  std::string phase;         ///< as of an op; empty: a transfer
  std::string label;         ///< where there is no op
};

/// Bytes that a device holds from `time` until the next entry.
struct PartitionLevel {
  double time = 0;
  int64_t bytes = 0;
};

/// The answer, with its proof.
struct PartitionAnswer {
  Parallel parallel;
  std::vector<std::vector<int64_t>> shares;        ///< of each axis, what its devices take of it; empty: all as much
  double seconds = 0;                              ///< of a run, predicted
  double bound = 0;                                ///< no plan of the forms that were tried is faster
  double strategyGap = 0;                          ///< the gap of how ops are split, in the form that was taken
  double bottleneck = 0;                           ///< of the slowest stage
  int microbatches = 1;                            ///< of a step of training
  std::vector<PartitionedOp> ops;                  ///< in program order
  std::vector<TriedParallel> tried;                ///< without the one that was taken
  std::vector<double> stageSeconds, transfer;      ///< of each stage; of what it receives
  std::vector<int64_t> weightBytes, peakBytes;     ///< of a device of each stage
  int64_t capacity = 0;                            ///< bytes of a device
  std::vector<PartitionSpan> spans;                ///< of one run
  std::vector<std::vector<PartitionLevel>> memory; ///< of a device of each stage, over the run

  double gap() const { return seconds > bound ? (seconds - bound) / seconds : 0; }
};

/// Decides how `function`, the only one of its module, is split, and writes that down: `shard.grid @mesh` in the
/// module; `graph.axes` `graph.stages` and `graph.shares` on the function; `graph.split`, `graph.scatter` and
/// `graph.stage` on ops. Writes nothing where one device is best. Fails with a diagnostic: TN4002 where nothing fits,
/// TN4020 where an axis has nothing to split, TN4021 for models that a run decides about, TN4022 where the cluster is
/// too small, TN4023 where a pin fits no node or strategy.
mlir::FailureOr<PartitionAnswer> choosePartition(mlir::func::FuncOp function, const PartitionOptions &options);

} // namespace tenon

#endif // TENON_TRANSFORMS_PARTITIONOPTIONS_H
