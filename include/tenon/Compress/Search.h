//===- Search.h - The best compression within limits -----------------------===//
//
// Tries methods one by one and together, measures each with the model before it on the same data, and keeps those that
// nothing beats in accuracy, size and time at once. Where a method costs too much accuracy, its worst layers stay as
// they were: as few as it takes, found by bisection over the layers in the order of their errors.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_SEARCH_H
#define TENON_COMPRESS_SEARCH_H

#include "tenon/Compress/Compress.h"
#include "tenon/Compress/Evaluate.h"

namespace tenon::compress {

/// What an answer has to keep to.
struct Limits {
  double loss = 0.5;                     ///< percent; see Comparison::loss
  std::optional<int64_t> planBytes = {}; ///< of the plan, at most
  std::optional<double> seconds = {};    ///< of a run, at most
  bool prefersSize = false;              ///< the smallest within the limits, else the fastest
};

/// One thing that was tried.
struct Attempt {
  Options options;
  Result result;
  Comparison comparison;
  bool isWithin = false;    ///< the limits, and not slower than the model before
  bool isDominated = false; ///< another is at least as good in everything
};

struct SearchResult {
  std::vector<Attempt> attempts;            ///< in the order in which they were tried
  std::optional<size_t> best;               ///< of `attempts`; nothing: the model stays as it is
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< of the best; null if there is none
};

struct SearchData {
  data::Dataset *calibration; ///< may not be null
  data::Dataset *evaluation;  ///< may be the same
};

/// Searches for the module's best form. `base` says what all attempts share (keep, samples, seed, range). The same
/// options, data and seed try the same; times of this machine decide among them. Fails as compressModule and compare
/// do.
mlir::FailureOr<SearchResult> searchCompression(mlir::ModuleOp simplified, const Options &base, const Limits &limits,
                                                const SearchData &data, const CompileOptions &compile,
                                                const Environment &environment);

} // namespace tenon::compress

#endif // TENON_COMPRESS_SEARCH_H
