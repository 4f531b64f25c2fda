//===- Compiler.h - From an ONNX model to a plan --------------------------===//
//
// The embeddable compiler. Everything is passed in options; there is no global state. Errors are diagnostics of the
// context, each with a TN code, the ONNX node, the reason and a remedy.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PIPELINES_COMPILER_H
#define TENON_PIPELINES_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/LogicalResult.h"
#include "tenon/Cost/Tuning.h"
#include "tenon/Pipelines/Phases.h"
#include "tenon/Pipelines/Precision.h"
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tenon {

struct PartitionAnswer;

/// One `--shape NAME=d0xd1x..[!]`.
struct ShapeOption {
  std::vector<int64_t> dims;
  bool fixed = false; ///< `!`: the plan serves this size only
};

struct CompileOptions {
  std::string target = "cpu";                ///< see Targets.h
  std::vector<std::string> archs;            ///< best first; empty = the target's defaults
  std::map<std::string, ShapeOption> shapes; ///< by input name
  unsigned threads = 0;                      ///< default of the plan, 0 = all cores
  unsigned jobs = 0;                         ///< compile workers, 0 = all cores; does not change the result
  Precision precision = Precision::Full;     ///< what kernels compute in; of GPU targets only
  unsigned optimization = 2;                 ///< 0 to 3: 0 fuses nothing
  std::optional<Phase> stopAfter;            ///< ends after this phase; no plan is written
  std::string dumpPhases;                    ///< directory for the IR after each phase, or empty
  std::string device;                        ///< what tactics are ranked for: a name or path of Cost/Device.h; empty =
                                             ///< what stands for the first of archs
  bool keepSource = false;                   ///< the plan keeps the text of its kernels
  std::string timings;                       ///< file of measured tactics, or empty; chooses, never changes results
  std::string forcedTactic;                  ///< for measuring; see Cost/Tuning.h
  cost::Tactics tactics = cost::Tactics::Auto; ///< whose kernels the plan may hold; libraries are for target cuda
  bool usesHost = true;                        ///< of GPU targets: what has no kernel there runs on the processor
  std::string devices;           ///< a cluster to split the model over: a name or path; empty = one device
  std::string parallel = "auto"; ///< how; see Transforms/PartitionOptions.h
  std::vector<std::string> pins; ///< NODE=STRATEGY, with devices; see Transforms/PartitionOptions.h
  uint64_t maxMemory = 0;        ///< bytes, 0 = no limit of ours
  /// Compresses the simplified module in place, before what `precision` asks for; null = nothing is compressed. See
  /// Compress/Compress.h.
  std::function<mlir::LogicalResult(mlir::ModuleOp)> compress;
  /// Told how the model was split, where `devices` is given; may be null.
  std::function<void(const PartitionAnswer &)> partitioned;
  /// Told the phase and how far the whole compilation is (0 to 1); may be null.
  std::function<void(Phase, double)> progress;
};

/// A device must be of the target (TN9003), and stands for its architecture where `archs` names none. To be called
/// before compileModel where a device is named.
Status applyDevice(CompileOptions &options);

/// Imports the model at `path`, or a module of the graph dialect as text where that ends in .mlir, and simplifies it.
/// Null after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> importModel(llvm::StringRef path, const CompileOptions &options,
                                              mlir::MLIRContext &context);

/// Compiles a module that importModel gave, from phase compress on, to a plan at `output`.
mlir::LogicalResult compileModule(mlir::OwningOpRef<mlir::ModuleOp> simplified, llvm::StringRef output,
                                  const CompileOptions &options);

/// Compiles the model at `path`, or a module of the graph dialect as text where that ends in .mlir, to a plan at
/// `output` (written whole or not at all). With `stopAfter`, the IR after that phase is written to `output` as MLIR
/// text instead
/// ("-" = stdout).
mlir::LogicalResult compileModel(llvm::StringRef path, llvm::StringRef output, const CompileOptions &options,
                                 mlir::MLIRContext &context);

} // namespace tenon

#endif // TENON_PIPELINES_COMPILER_H
