//===- ImageArguments.cpp - How pictures become values ---------------------===//
#include "common/ImageArguments.h"

#include <cmath>

namespace tenon::tools {

/// "0.485,0.456,0.406": one number, or three.
static Status parseNumbers(llvm::StringRef option, llvm::StringRef text, bool allowsZero,
                           std::vector<double> &numbers) {
  numbers.clear();
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  for (llvm::StringRef part : parts) {
    double number = 0;
    if (part.getAsDouble(number) || !std::isfinite(number) || (number == 0 && !allowsZero))
      return Status::error("TN9003", ("--" + option + "=" + text + " is not a list of numbers").str(), "",
                           "give one for all channels, or one for each: 0.485,0.456,0.406");
    numbers.push_back(number);
  }
  return Status::success();
}

void declareImageOptions(CommandLine &line, data::ImageOptions &options) {
  line.real("scale", "0.0039", "of images: pixels, from 0 to 255, are multiplied by it; default 1/255", options.scale);
  line.option("mean", "M[,M,M]", "of images: subtracted from scaled pixels, of all channels or each; default 0",
              [&options](llvm::StringRef text) { return parseNumbers("mean", text, true, options.mean); });
  line.option("std", "S[,S,S]", "of images: what is left is divided by it; default 1",
              [&options](llvm::StringRef text) { return parseNumbers("std", text, false, options.deviation); });
}

} // namespace tenon::tools
