//===- Partition.h - Models over several devices --------------------------===//
#ifndef TENON_PIPELINES_PARTITION_H
#define TENON_PIPELINES_PARTITION_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Pipelines/Compiler.h"
#include "tenon/Transforms/PartitionOptions.h"

namespace tenon {

/// An extent for every symbol of the module's inputs: that of the shape that is given for the input, else the one that
/// tools draw inputs with, and `samples` for leading dimensions.
llvm::StringMap<int64_t> bindSymbols(mlir::ModuleOp module, const std::map<std::string, ShapeOption> &shapes,
                                     int64_t samples = 1);

/// Chooses how the simplified `module` is split, as `options` say (`devices`, `parallel`, `shapes`, `progress`), and
/// writes it down in the module; see choosePartition. `isTraining`: a step of training is priced, and nothing is
/// written. TN4021 for modules of several functions, TN4022, TN9040 and TN9041 for faults of the options.
mlir::FailureOr<PartitionAnswer> partitionModule(mlir::ModuleOp module, const CompileOptions &options,
                                                 bool isTraining = false);

/// Chooses how the model at `path` would be split. Reads no weights and compiles nothing.
mlir::FailureOr<PartitionAnswer> partitionModel(llvm::StringRef path, const CompileOptions &options, bool isTraining,
                                                mlir::MLIRContext &context);

} // namespace tenon

#endif // TENON_PIPELINES_PARTITION_H
