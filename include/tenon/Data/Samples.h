//===- Samples.h - A data set by itself, without a model ------------------===//
//
// What samples are where no model says it: if all arrays of a .npz (but scalars) have the same first extent, so many;
// else the file is one sample. A .npy counts its rows where it is the data set, and is one sample in a folder, as is an
// image.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DATA_SAMPLES_H
#define TENON_DATA_SAMPLES_H

#include "tenon/Runtime/Tensor.h"

#include <span>
#include <string>
#include <vector>

namespace tenon::data {

/// All arrays of one name.
struct FieldSummary {
  std::string name; ///< "" for a .npy, "image" for images
  ElementType type = ElementType::F32;
  std::vector<int64_t> dims; ///< of one sample; -1 where they differ
  bool isRanked = true;      ///< false: ranks differ, and there are no dims
  bool isNumber = true;      ///< false: what follows is not known
  int64_t values = 0, nonFinite = 0;
  double min = 0, max = 0, mean = 0; ///< of the finite values
};

struct DataSummary {
  int64_t files = 0, samples = 0;
  std::vector<FieldSummary> fields; ///< by name
  std::string hash;                 ///< see hashData
};

/// Reads the whole data set once, a megabyte at a time.
Expected<DataSummary> summarizeData(const std::string &path);

/// SHA-256, in hexadecimal, over the files in their order: of each the arrays by name, of each the name, type, extents
/// and elements in row-major order. How a file is packed makes no difference. Of images the pixels.
Expected<std::string> hashData(const std::string &path);

/// How many samples there are. Reads headers only.
Expected<int64_t> countSamples(const std::string &path);

/// Some of the samples, and the .npz they go to.
struct SamplePart {
  std::vector<int64_t> samples; ///< numbers, ascending
  std::string output;
};

/// Writes each part as one .npz; files get their names when all parts are complete. Scalars are written as they are.
/// TN9053 where samples cannot be stacked: images, files with other arrays, or other extents.
Status writeSamples(const std::string &path, std::span<const SamplePart> parts);

} // namespace tenon::data

#endif // TENON_DATA_SAMPLES_H
