//===- Compress.h - Smaller and faster models ------------------------------===//
//
// Rewrites a simplified module: weights in few bits as graph.dequantize of constants, products of integers between
// graph.quantize and graph.dequantize, zeros and smaller shapes. What it does is in the IR, so that lib/Exporter writes
// it to ONNX and the phases after it know no difference.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_COMPRESS_H
#define TENON_COMPRESS_COMPRESS_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Compress/Options.h"
#include "tenon/Pipelines/Compiler.h"
#include <functional>

namespace tenon::data {
class Dataset;
}

namespace tenon::compress {

/// What became of one layer.
struct LayerResult {
  std::string node, op; ///< ONNX node; "matmul", "conv", "table"
  std::string method;   ///< "int8", "2:4", "rank 24 of 384", ..; several with commas
  int64_t weights = 0;  ///< numbers before
  int64_t bytesBefore = 0, bytesAfter = 0;
  double error = -1; ///< norm of what its outputs move by, relative, on the calibration data; negative: not known
};

struct Result {
  std::vector<LayerResult> layers;
  std::vector<std::string> notes;          ///< what was asked for and not done, and why
  bool isChanged = false;                  ///< whether anything was done
  int64_t samples = 0;                     ///< that the model was calibrated with
  int64_t bytesBefore = 0, bytesAfter = 0; ///< of all constants, packed
};

/// Emits an error of the runtime or of data as a diagnostic, with its remedy. Converts to failure.
mlir::InFlightDiagnostic emitStatus(mlir::Location loc, const Status &status);

/// What a compression is told beside its options.
struct Environment {
  data::Dataset *dataset = nullptr; ///< calibration data; may be null
  /// Told what is done, and how far it is (0 to 1); may be null.
  std::function<void(llvm::StringRef, double)> progress;
  /// How plans that are measured are compiled; null: for this processor.
  const CompileOptions *compile = nullptr;
};

/// Compresses the module in place. Emits a diagnostic and fails: TN3101 where `options` need data and there are none,
/// TN3102 for modules of several functions, or an error of the calibration.
mlir::FailureOr<Result> compressModule(mlir::ModuleOp simplified, const Options &options,
                                       const Environment &environment = {});

/// What CompileOptions::compress takes: opens the data that `options` name, and compresses. `result` is filled in, and
/// must live as long as the function, as must `compile`, which may be null (see Environment).
std::function<mlir::LogicalResult(mlir::ModuleOp)> makeCompressor(const Options &options, Result &result,
                                                                  const CompileOptions *compile);

/// Compresses the model at `path` and writes it to `output` as ONNX, whole or not at all; 16 bits, too, where `options`
/// say so.
mlir::LogicalResult compressFile(llvm::StringRef path, llvm::StringRef output, const Options &options,
                                 mlir::MLIRContext &context);

/// Values and weights in 16 bits, as `tenon compile --precision` has them; nothing for other precisions.
mlir::LogicalResult convertPrecision(mlir::ModuleOp module, Precision precision);

/// Writes the module to `path` as ONNX, or as text where that ends in .mlir; whole or not at all.
mlir::LogicalResult writeModel(mlir::ModuleOp module, llvm::StringRef path);

/// Bytes of the constants of the module; numbers of 4 bits are half a byte.
int64_t countWeightBytes(mlir::ModuleOp module);

} // namespace tenon::compress

#endif // TENON_COMPRESS_COMPRESS_H
