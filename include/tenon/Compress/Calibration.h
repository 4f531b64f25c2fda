//===- Calibration.h - What values of a model are like on data ------------===//
//
// Runs a simplified model once over a data set and gathers statistics of the values that are asked for. The model is
// compiled as it is, with those values as further outputs, so that they are what the uncompressed plan computes.
//
//   std::vector<WatchRequest> wanted = {{layer.input()}};
//   auto found = calibrate(module, wanted, **data::openDataset(path, describeInputs(module)));
//   ValueRange range = chooseRange(found->values[0].histogram, {RangeMethod::Entropy});
//
// In memory are one batch with all watched values (32 MiB, or one sample where that needs more), their statistics, and
// the weights of the plan.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_CALIBRATION_H
#define TENON_COMPRESS_CALIBRATION_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Compress/CalibrationGram.h"
#include "tenon/Compress/CalibrationHistogram.h"
#include "tenon/Data/Dataset.h"
#include <functional>
#include <optional>

namespace tenon::compress {

/// A value to watch, and what to gather. Several requests may name one value.
struct WatchRequest {
  /// An argument of @main, or the result of an operation of its body; a ranked tensor of numbers.
  mlir::Value value;
  bool histogram = true;
  std::optional<int64_t> channelAxis = {}; ///< statistics for each index of this axis; negative: from the end
  bool gram = false;                       ///< of its rows: the last axis; of `window`'s patches where there is one
  mlir::Operation *window = nullptr;       ///< a graph.conv that takes the value as its operand 0
};

/// Of each index of an axis, over the finite values at all the others.
struct ChannelStatistics {
  std::vector<int64_t> count; ///< finite values
  std::vector<float> min, max;
  std::vector<double> sum, squares, magnitudes; ///< sums of x, x^2, |x|

  size_t size() const { return min.size(); }
  double mean(size_t i) const { return count[i] ? sum[i] / double(count[i]) : 0; }
  double meanSquare(size_t i) const { return count[i] ? squares[i] / double(count[i]) : 0; }
  double meanMagnitude(size_t i) const { return count[i] ? magnitudes[i] / double(count[i]) : 0; }
  float largestMagnitude(size_t i) const { return count[i] ? std::max(-min[i], max[i]) : 0; }
};

/// What was gathered for one request. Values of other types than f32 are gathered as f32.
struct ValueStatistics {
  Histogram histogram;        ///< with count, min, max, mean; empty where it was not asked for
  ChannelStatistics channels; ///< empty likewise
  /// One, or one for each group of `window`; empty likewise. Columns are (channel, tap), as ONNX stores weights.
  std::vector<GramMatrix> grams;
  int64_t nonFinite = 0; ///< infinities and NaN, which are left out; of `grams` with their rows

  /// As if the data of `other`, of the same request, had been seen too.
  void merge(const ValueStatistics &other);
};

struct CalibrationOptions {
  unsigned threads = 0; ///< 0 = all cores
  /// Told after each batch how many samples are done; may be null.
  std::function<void(int64_t)> progress;
  /// Given each batch with the watched values, one for each request, as they were computed; an error ends the
  /// calibration. May be null.
  std::function<Status(const data::Batch &, llvm::ArrayRef<runtime::Tensor>)> observer;
};

struct CalibrationResult {
  std::vector<ValueStatistics> values; ///< one for each request, in their order
  int64_t samples = 0, batches = 0;
  int64_t nonFinite = 0; ///< infinities and NaN that were left out, of each watched value once
};

/// Gathers statistics of `watched`, values of `simplified`, over `dataset` from its start. Emits a diagnostic and
/// fails: TN9056 for models that cannot be calibrated (of several functions; a watched value that is none of the body
/// of
/// @main), TN9057 for a data set without samples, or the error of the data, the compilation or the run.
mlir::FailureOr<CalibrationResult> calibrate(mlir::ModuleOp simplified, llvm::ArrayRef<WatchRequest> watched,
                                             data::Dataset &dataset, const CalibrationOptions &options = {});

/// The inputs of @main, as openDataset takes them.
std::vector<runtime::TensorInfo> describeInputs(mlir::ModuleOp module);

} // namespace tenon::compress

#endif // TENON_COMPRESS_CALIBRATION_H
