//===- Evaluate.h - What compression did to a model ------------------------===//
#ifndef TENON_COMPRESS_EVALUATE_H
#define TENON_COMPRESS_EVALUATE_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Data/Dataset.h"
#include "tenon/Pipelines/Compiler.h"
#include "tenon/Runtime/Session.h"

namespace tenon::compress {

/// A module that was compiled, loaded, and can be run. Its file goes with it.
class Trial {
public:
  /// Compiles a copy of `simplified`. Nothing is compressed or split, whatever `options` say.
  static mlir::FailureOr<Trial> create(mlir::ModuleOp simplified, const CompileOptions &options);
  /// A plan that is there already, with as many threads as `options` say.
  static Expected<Trial> open(const std::string &plan, const CompileOptions &options);
  Trial(Trial &&other) noexcept;
  Trial &operator=(Trial &&other) noexcept;
  ~Trial();

  runtime::Session &session() { return *loaded; }
  int64_t planBytes() const { return bytes; }
  /// Gives the pages of its weights back, which come back when it runs.
  void rest() const;

private:
  Trial() = default;
  std::unique_ptr<runtime::Session> loaded;
  std::string temporary; ///< file to remove, or empty
  int64_t bytes = 0;
};

/// What a loss is a part of. Labels: of the labels of the data that were met. Largest: of the rows, those whose largest
/// number is in another place. Error: of the norm of the outputs.
enum class Metric { Labels, Largest, Error };

/// The metric that says most without labels: Largest where the first output of @main comes from a softmax, or else
/// Error.
Metric chooseMetric(mlir::ModuleOp module);

/// A model and what was made of it, on the same data.
struct Comparison {
  Metric metric = Metric::Error;
  int64_t samples = 0;
  double error = 0;      ///< norm of the difference of an output over its norm, of the worst output
  double cosine = 1;     ///< mean cosine of a sample's output with the one before, of the worst output
  double agreement = -1; ///< part of the rows whose largest number stayed in its place; negative: no such output
  double accuracyBefore = -1, accuracyAfter = -1; ///< part of the labels met; negative: the data have none
  double secondsBefore = 0, secondsAfter = 0;     ///< medians of a run of a batch
  std::vector<std::vector<int64_t>> dims;         ///< of the inputs of that batch
  int64_t planBytesBefore = 0, planBytesAfter = 0;

  /// How much worse it became, in percent of what `metric` says.
  double loss() const;
  /// Whether it became slower by more than the noise of a quiet machine.
  bool isSlower() const { return secondsAfter > 1.03 * secondsBefore; }
  /// What people have to know: one sentence each.
  std::vector<std::string> warnings() const;
  /// What loss() is a part of.
  const char *lossName() const;
};

/// Runs both on `dataset`, batch by batch in turns, so that what disturbs the machine disturbs both; where the plans
/// are large, they are timed one after the other, and only one is in memory. An array "label" or "labels" of the data,
/// of integers, is compared with the place of the largest number in a row of the first output; where there is none,
/// `metric` is what counts.
Expected<Comparison> compare(Trial &before, Trial &after, data::Dataset &dataset, Metric metric);

} // namespace tenon::compress

#endif // TENON_COMPRESS_EVALUATE_H
