//===- ImageArguments.h - How pictures become values -----------------------===//
#ifndef TENON_TOOLS_COMMON_IMAGEARGUMENTS_H
#define TENON_TOOLS_COMMON_IMAGEARGUMENTS_H

#include "common/CommandLine.h"
#include "tenon/Data/Dataset.h"

namespace tenon::tools {

/// Declares --scale, --mean and --std, for data sets that are folders of images.
void declareImageOptions(CommandLine &line, data::ImageOptions &options);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_IMAGEARGUMENTS_H
