//===- CompressOptions.h - Options of everything that compresses -----------===//
#ifndef TENON_TOOLS_TENON_COMPRESSOPTIONS_H
#define TENON_TOOLS_TENON_COMPRESSOPTIONS_H

#include "common/CommandLine.h"
#include "tenon/Compress/Compress.h"
#include "tenon/Data/Dataset.h"
#include "llvm/Support/JSON.h"

namespace tenon::tools {

/// The options that `compress` and `compile` share.
struct CompressArguments {
  compress::Options options;
  data::DatasetOptions data;
  bool isGiven = false; ///< whether an option that belongs to a compression was

  /// Declares --quantize, --prune, --low-rank, --merge, --calibration and what belongs to them.
  void declare(CommandLine &line);
  /// Completes `options` after parsing.
  Status finish();
  /// Opens the calibration data for a model; null where there are none.
  Expected<std::unique_ptr<data::Dataset>> openCalibration(mlir::ModuleOp module) const;
};

llvm::json::Object toJson(const compress::LayerResult &layer);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_COMPRESSOPTIONS_H
