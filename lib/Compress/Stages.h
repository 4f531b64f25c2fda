//===- Stages.h - The steps of compressing a module ------------------------===//
//
// Each rewrites the one function of a simplified module, and calibrates on the module as the steps before left it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_COMPRESS_STAGES_H
#define TENON_LIB_COMPRESS_STAGES_H

#include "tenon/Compress/Calibration.h"
#include "tenon/Compress/Compress.h"
#include "tenon/Compress/Layers.h"
#include "tenon/Compress/Numerics/QuantizedMatrix.h"
#include "tenon/Compress/Numerics/Statistics.h"
#include "tenon/Data/Dataset.h"
#include "tenon/Support/DiagnosticCollector.h"

namespace tenon::compress {

/// What was seen of the operands of some layers. Layers that read one value the same way share it.
class Observations {
public:
  bool empty() const { return places.empty(); }
  /// Of layer i; null where nothing was observed.
  const ValueStatistics *find(size_t i) const { return empty() ? nullptr : &values[places[i]]; }

  std::vector<ValueStatistics> values;
  std::vector<size_t> places; ///< of each layer's in `values`
};

class Job {
public:
  Job(mlir::ModuleOp module, const Options &options, const Environment &environment, Result &result);

  mlir::LogicalResult run();

private:
  void noteUnused();
  mlir::LogicalResult merge();
  mlir::LogicalResult pruneChannels();
  mlir::LogicalResult factor();
  mlir::LogicalResult pruneWeights();
  void packPatterns();
  mlir::LogicalResult quantize();
  /// Marks what keeps f32.
  mlir::LogicalResult protect();

  // ---- quantization ----
  mlir::LogicalResult quantizeWeights(const std::vector<Layer> &layers);
  mlir::LogicalResult quantizeDynamic(const std::vector<Layer> &layers);
  mlir::LogicalResult quantizeStatic(const std::vector<Layer> &layers);
  void quantizeTables();
  bool wantsMoments() const;

  /// Statistics of the layers' operands, one for each; with `moments` X^T X, of each group of channels.
  mlir::FailureOr<Observations> observe(const std::vector<Layer> &layers, bool histograms, bool moments);
  /// Adds to what is known of the layer.
  void note(const Layer &layer, llvm::StringRef method, int64_t bytes, double error);

  mlir::ModuleOp module;
  mlir::func::FuncOp function;
  const Options &options;
  data::Dataset *dataset; ///< null: there are no data
  const Environment &environment;
  const CompileOptions compile; ///< of plans that are measured
  Result &result;
};

/// What group g of a layer reads, as the numerics take it.
InputStatistics inputsOf(const ValueStatistics &statistics, int64_t g);

/// The rows of group g of the weights of a layer.
ConstMatrixView groupRows(const Layer &layer, const Matrix &weights, int64_t g);

Matrix readMatrix(const Layer &layer);

/// The norm of what the outputs of the layer move by, relative, where its weights become `changed`: exact where there
/// are moments, else as if inputs were independent of each other. Negative where nothing is known.
double weightError(const Layer &layer, const Matrix &weights, const Matrix &changed, const ValueStatistics *statistics);

/// The weights of a layer as graph.dequantize of constants.
mlir::Value dequantizedWeights(const Layer &layer, const QuantizedMatrix &q);

/// The same of a table that `user` looks rows up in.
mlir::Value dequantizedTable(mlir::Operation *user, const QuantizedMatrix &q);

/// The same as codes and scales: the operands of graph.integer_matmul and integer_conv, and what its results are worth.
struct CodedWeights {
  mlir::Value codes, scales; ///< scales [outputs], f32
};
CodedWeights codedWeights(const Layer &layer, const QuantizedMatrix &q);

/// A f32 constant of rank 0, or 1.
mlir::Value makeScalar(mlir::OpBuilder &b, mlir::Location loc, float value);
mlir::Value makeVector(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<float> values);
/// ui8 of rank 0.
mlir::Value makeZeroPoint(mlir::OpBuilder &b, mlir::Location loc, uint8_t value);

} // namespace tenon::compress

#endif // TENON_LIB_COMPRESS_STAGES_H
