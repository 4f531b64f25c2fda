//===- CompressOptions.cpp - Options of everything that compresses ---------===//
#include "CompressOptions.h"

#include "common/ImageArguments.h"
#include "common/Report.h"
#include "tenon/Compress/Calibration.h"

using namespace tenon;
using namespace tenon::tools;

void CompressArguments::declare(CommandLine &line) {
  auto parsed = [this](Status (*parse)(llvm::StringRef, compress::Options &)) {
    return [this, parse](llvm::StringRef text) { return parse(text, options); };
  };
  line.option(
      "quantize", "int8|int8-dynamic|int8-weights|int4[:GROUP]|fp8|fp8-e5m2",
      "numbers of few bits: of weights and values (int8, fp8: ranges from --calibration; int8-dynamic: from each "
      "run), or of weights alone",
      parsed(compress::parseQuantization));
  line.option("rounding", "nearest|gptq|awq", "how weights are rounded; default gptq for int4 with data, else nearest",
              parsed(compress::parseRounding));
  line.option("range", "mse|minmax|percentile[:P]|entropy", "how ranges follow from the data; default mse",
              parsed(compress::parseRange));
  line.option("prune", "2:4|magnitude:SHARE|channels:SHARE",
              "two of four weights, a share of all, or whole channels for a share of the multiplications go",
              parsed(compress::parsePruning));
  line.option("prune-method", "magnitude|wanda|sparsegpt", "which weights go; default sparsegpt with data",
              parsed(compress::parsePruneMethod));
  line.real("low-rank", "PART",
            "products of two smaller matrices that keep this part of each layer's output, where that is less work",
            options.lowRank);
  line.flag("merge", "linear layers that can be one become one, where that is less work", options.merges);
  line.texts("keep", "NODE", "leave a node as it is; may hold *", options.keep);
  line.text("calibration", "FILE.npz|DIR", "data to calibrate with; see `tenon data`", options.calibration);
  declareImageOptions(line, data.images);
  line.number("samples", "of the calibration data, at most; default 128", options.samples, 1, 1 << 24);
}

Status CompressArguments::finish() {
  data.limit = options.samples;
  if (!(options.lowRank < 1))
    return Status::error("TN9003", "--low-rank is a part of the output that is kept", "",
                         "give a number below 1, as 0.9");
  TENON_RETURN_IF_ERROR(options.check());
  if (options.needsData() && options.calibration.empty())
    return Status::error("TN9003", "what is asked for needs data to calibrate with", "",
                         "add --calibration=FILE.npz, or a folder of them");
  return Status::success();
}

Expected<std::unique_ptr<data::Dataset>> CompressArguments::openCalibration(mlir::ModuleOp module) const {
  if (options.calibration.empty())
    return std::unique_ptr<data::Dataset>();
  return data::openDataset(options.calibration, compress::describeInputs(module), data);
}

llvm::json::Object tools::toJson(const compress::LayerResult &layer) {
  llvm::json::Object object{{"node", llvm::json::fixUTF8(layer.node)},
                            {"op", layer.op},
                            {"method", layer.method},
                            {"weights", layer.weights},
                            {"bytes_before", layer.bytesBefore},
                            {"bytes_after", layer.bytesAfter}};
  if (layer.error >= 0)
    object["error"] = layer.error;
  return object;
}
