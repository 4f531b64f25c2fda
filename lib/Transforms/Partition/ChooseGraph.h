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
#include <array>

namespace tenon::choice {

struct Loop {
  int64_t extent = 1;
  bool isReduction = false;
  bool isBatch = false;    ///< runs over samples, which do not know of each other
  bool isSymbolic = false; ///< the extent is that of the shape that is priced
  bool isShared = false;   ///< any axis may split it: of no sample, but done for all of them
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
  bool isFloat = false;  ///< has a gradient
};

/// What the gradient of an op's operands is computed from, besides that of its results.
enum class Derivative {
  None,     ///< no gradient passes
  Linear,   ///< nothing else
  Product,  ///< the other operands
  Operands, ///< the operands
  Results   ///< the results
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
  bool isView = false;        ///< no kernel
  bool isElementwise = false; ///< can be part of the kernel of a producer
  bool isFused = false;       ///< is
  Derivative derivative = Derivative::None;
  int home = -1;          ///< the forward op whose stage this one shares: its own index, of those
  int64_t stateBytes = 0; ///< for each element of the result, held for ever: an optimizer's
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
  int forwardOps = 0;           ///< the first ones; the others are those of a training step
  int64_t samples = 0;          ///< the extent of the batch, 0: there is none
  /// Operands that an op of the step before has written: reader, which of its operands, writer.
  std::vector<std::array<int, 3>> updates;
  double flops = 0; ///< of all ops
};

/// The graph of `function` at the extents of `symbols` (others are 16).
/// `unit`: what values of f32 are computed in.
Graph buildGraph(mlir::func::FuncOp function, const llvm::StringMap<int64_t> &symbols, cost::Unit unit);

/// A step of training as a graph: `forward`, then the gradients of what its ops read, of weights among that, then the
/// optimizer (Adam) for each weight. Gradients of what several ops read are summed.
Graph makeTraining(Graph forward);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSEGRAPH_H
