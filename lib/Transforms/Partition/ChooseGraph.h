//===- ChooseGraph.h - A model as numbers ---------------------------------===//
//
// What the choice of a partition needs to know of a function: ops with loops of known extents, and who reads whom. From
// here on nothing knows an op.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CHOOSEGRAPH_H
#define TENON_LIB_TRANSFORMS_PARTITION_CHOOSEGRAPH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Cost/Device.h"
#include "tenon/Partition/Layout.h"
#include "llvm/ADT/StringMap.h"

namespace tenon::choice {

struct Loop {
  int64_t extent = 1;
  bool isReduction = false;
  bool isBatch = false;    ///< runs over samples, which do not know of each other
  bool isSymbolic = false; ///< the extent is that of the shape that is priced
};

/// A tensor as the loops of an op see it: the loop over each dimension, or -1.
struct Access {
  partition::TensorShape shape;
  std::vector<int> loops;
};

struct Operand {
  Access access;
  int producer = -1;     ///< the op whose result it is, or -1
  int result = 0;        ///< which of its results
  int constant = -1;     ///< of Graph::constants, or -1
  bool isFused = false;  ///< never in memory: one kernel computes and reads it
  bool isSliced = false; ///< read in part, as many bytes as there are results
};

struct GraphOp {
  mlir::Operation *op = nullptr; ///< null for what a training step adds
  std::string node, kind, phase = "forward";
  std::vector<Loop> loops;
  std::vector<Operand> operands;
  std::vector<Access> results;
  std::vector<bool> resultFused; ///< result by result: never in memory
  double flops = 0;
  cost::Unit unit = cost::Unit::F32;
  bool isView = false;  ///< no kernel
  bool isFused = false; ///< part of the kernel of a producer
};

/// A weight, or another constant.
struct Constant {
  std::string name;
  int64_t bytes = 0;
  int firstUser = 0;
};

struct Graph {
  std::vector<GraphOp> ops; ///< every producer before its consumers
  std::vector<Constant> constants;
  std::vector<Operand> outputs; ///< `access.loops` all -1
  int64_t inputBytes = 0;       ///< of all inputs
  double flops = 0;             ///< of all ops
};

/// The graph of `function` at the extents of `symbols` (others are 16).
/// `unit`: what values of f32 are computed in.
Graph buildGraph(mlir::func::FuncOp function, const llvm::StringMap<int64_t> &symbols, cost::Unit unit);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSEGRAPH_H
