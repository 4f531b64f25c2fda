//===- CompressPage.h - What a compression did, for people -----------------===//
#ifndef TENON_TOOLS_TENON_COMPRESSPAGE_H
#define TENON_TOOLS_TENON_COMPRESSPAGE_H

#include "CompressOptions.h"
#include "tenon/Compress/Search.h"

namespace tenon::tools {

struct CompressReport {
  std::string model, output, method;
  compress::Result result = {};
  std::optional<compress::Comparison> comparison = {};
  std::vector<compress::Attempt> attempts = {};   ///< of a search
  double predictedBefore = 0, predictedAfter = 0; ///< seconds of a run, by the cost model; 0 = it says nothing
  int64_t fileBefore = 0, fileAfter = 0;          ///< bytes of the ONNX files
  std::string dataHash = "";                      ///< of the calibration data, as `tenon data hash` prints it

  /// Fills in the sizes of files.
  Status countFiles();
};

void printReport(const CompressReport &report, llvm::raw_ostream &out);
llvm::json::Object toJson(const CompressReport &report);
/// A page with a table of layers and their errors as bars.
Status writePage(const CompressReport &report, const std::string &path);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_COMPRESSPAGE_H
