//===- Options.h - How a model is to be compressed -------------------------===//
#ifndef TENON_COMPRESS_OPTIONS_H
#define TENON_COMPRESS_OPTIONS_H

#include "tenon/Compress/CalibrationHistogram.h"
#include "tenon/Pipelines/Precision.h"
#include "tenon/Plan/Status.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace tenon::compress {

/// What products and convolutions are made of. Int8: operands of 8 bits, ranges of activations from calibration.
/// Int8Dynamic: the same, ranges found in each run. Int8Weights, Int4: weights alone. Fp8 (E4M3), Fp8E5M2: both, by
/// calibration.
enum class Quantization { None, Int8, Int8Dynamic, Int8Weights, Int4, Fp8, Fp8E5M2 };

/// How weights are rounded. Nearest: each for itself. Gptq: each with the error of those before it made good by those
/// after. Awq: nearest, after columns were scaled by how large their activations are.
enum class Rounding { Nearest, Gptq, Awq };

/// Which weights go. Pattern: of each `group` in a row of the reduction, `kept` stay. Share: the part `share` of all.
/// Channels: whole channels, until the part `share` of the multiplications is gone.
struct Pruning {
  enum class Kind { None, Pattern, Share, Channels };
  Kind kind = Kind::None;
  int64_t kept = 2, group = 4;
  double share = 0;
};

/// How weights to prune are told from those to keep. SparseGpt also moves those that stay.
enum class PruneMethod { Magnitude, Wanda, SparseGpt };

struct Options {
  Quantization quantization = Quantization::None;
  int64_t group = 64;               ///< weights of a column that share a scale, of Int4
  std::optional<Rounding> rounding; ///< nothing: Gptq where there is data, else Nearest
  std::optional<RangeMethod> range; ///< how the range of a value follows from what was seen of it; nothing: MeanSquare
  double percentile = 99.99;
  bool smooth = true; ///< moves the range of activations into weights where that lowers the error (SmoothQuant)
  Pruning pruning;
  std::optional<PruneMethod> pruneMethod; ///< nothing: SparseGpt where there is data, else Magnitude
  /// Part of each layer's output (as a norm) that its product of two smaller matrices keeps; 0 = layers stay whole.
  double lowRank = 0;
  bool merges = false; ///< linear layers on the same operand, or on each other, become one where that is less work
  Precision precision = Precision::Full;
  std::string calibration;       ///< data, see Data/Dataset.h; needed by Int8, Fp8 and the search
  int64_t samples = 128;         ///< of it that are used, at most
  std::vector<std::string> keep; ///< nodes that stay as they are; may hold *

  /// Whether weights or values are changed.
  bool hasMethod() const {
    return quantization != Quantization::None || pruning.kind != Pruning::Kind::None || lowRank > 0 || merges;
  }
  /// Whether anything is to be done: a method, or 16 bits.
  bool any() const { return hasMethod() || precision == Precision::Fp16 || precision == Precision::Bf16; }
  /// TN9003 where options contradict each other, or say how to do what is not asked for.
  Status check() const;
  /// Whether that cannot be done without data.
  bool needsData() const {
    return quantization == Quantization::Int8 || quantization == Quantization::Fp8 ||
           quantization == Quantization::Fp8E5M2 || (rounding && *rounding != Rounding::Nearest) ||
           (pruneMethod && *pruneMethod != PruneMethod::Magnitude);
  }
};

/// "int8", "int8-dynamic", "int8-weights", "int4" or "int4:64", "fp8", "fp8-e5m2", "none". TN9003 for anything else.
Status parseQuantization(llvm::StringRef text, Options &options);
/// "2:4", "magnitude:0.5", "channels:0.5", "none". TN9003 for anything else.
Status parsePruning(llvm::StringRef text, Options &options);
Status parseRounding(llvm::StringRef text, Options &options);    ///< "nearest", "gptq", "awq"
Status parsePruneMethod(llvm::StringRef text, Options &options); ///< "magnitude", "wanda", "sparsegpt"
Status parseRange(llvm::StringRef text, Options &options);       ///< "minmax", "percentile[:99.9]", "entropy", "mse"

/// What is done, as it would be asked for: "int4:32 gptq, 2:4 sparsegpt".
std::string describe(const Options &options);

} // namespace tenon::compress

#endif // TENON_COMPRESS_OPTIONS_H
