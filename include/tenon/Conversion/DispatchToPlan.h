//===- DispatchToPlan.h - From dispatch regions to plan records -----------===//
#ifndef TENON_CONVERSION_DISPATCHTOPLAN_H
#define TENON_CONVERSION_DISPATCHTOPLAN_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace tenon {

/// How a dispatch region is launched.
struct LoweredDispatch {
  std::string kernel;                       ///< symbol in the code objects
  llvm::SmallVector<graph::DimAttr> params; ///< kernel parameters
  graph::DimAttr grid;                      ///< work groups
  graph::DimAttr scratchBytes;              ///< per thread; on a GPU the dynamic shared memory of a block
  int threads = 0;                          ///< of a block, on a GPU
  llvm::SmallVector<mlir::Attribute> maps;  ///< plan.map attributes: arguments before the buffers
  llvm::SmallVector<int32_t> codes;         ///< only with these code objects, in ascending order; none: with all
  mlir::Attribute call;                     ///< a plan.call: a library computes it; or null
};

/// What a plan's device is like.
struct PlanDevice {
  bool hasOwnMemory = false; ///< inputs are copied there, and outputs back
};

/// Makes the kernel of a dispatch region, or one for each group of code objects; a failure has emitted its diagnostic.
/// May return one kernel for equal regions.
using LoweredDispatches = llvm::SmallVector<LoweredDispatch, 1>;
using LowerDispatchFn = llvm::function_ref<mlir::FailureOr<LoweredDispatches>(graph::DispatchOp)>;

/// Appends `plan.program` for `function` (only graph.dispatch, graph.constant and graph.reshape inside) to `plan`, and
/// the kernels it uses. Reshapes become the same buffer; a returned value is written by its kernel where possible.
/// Where the device has its own memory, values are copied between it and the host for inputs, outputs and regions of
/// the host.
mlir::LogicalResult convertDispatchToPlan(mlir::func::FuncOp function, mlir::ModuleOp plan, const PlanDevice &device,
                                          LowerDispatchFn lower);

/// The ONNX nodes of a location, outermost first, each once.
llvm::SmallVector<mlir::StringRef> getNodeNames(mlir::Location loc);

} // namespace tenon

#endif // TENON_CONVERSION_DISPATCHTOPLAN_H
