//===- Dataset.h - A stream of samples for a model ------------------------===//
//
// A data set is a file or a folder:
//
//   FILE.npz   arrays under the names of inputs; the others are targets (labels), for evaluation
//   FILE.npy   the array of a model's only input
//   DIR        of .npz: one after the other; a batch never spans two. Of .npy, or of images (.png .jpg .jpeg .ppm
//   .pgm):
//              one sample each, for models with one input. In the order of the names; files with other endings are
//              passed over
//
// What the axes of an array mean, for an input of rank R:
//
//   rank R + 1                        the first axis counts samples; each is run by itself, with the other axes
//   rank R, sampled input             axis 0 counts samples; as many as DatasetOptions::batch are run at once
//   rank R, other input               one sample
//
// An input is sampled if its first extent is dynamic and has the name that the first extent of the first such input
// has. All arrays of a file with samples have equally many. A target whose first extent is that number has samples
// likewise; others are given with every batch.
//
// Nothing but one batch is in memory. Errors: TN9004 to TN9006 and TN9050 to TN9055.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DATA_DATASET_H
#define TENON_DATA_DATASET_H

#include "tenon/Runtime/Tensor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tenon::data {

/// What a model is run on once.
struct Batch {
  std::vector<runtime::NamedTensor> inputs;  ///< one for each input of the model, in its order
  std::vector<runtime::NamedTensor> targets; ///< the other arrays of the file
  int64_t samples = 0;
};

/// How values of images become those of an input: floats are (pixel * scale - mean[c]) / deviation[c], pixels from 0 to
/// 255; bytes are the pixels.
struct ImageOptions {
  double scale = 1.0 / 255;
  std::vector<double> mean = {0};      ///< one for all channels, or one for each
  std::vector<double> deviation = {1}; ///< likewise; not 0
};

struct DatasetOptions {
  int64_t batch = 16;                ///< samples run at once, at most
  std::optional<int64_t> limit = {}; ///< samples at most
  ImageOptions images;
};

/// Batches one after the other. Not thread-safe.
class Dataset {
public:
  virtual ~Dataset() = default;
  /// The next batch, or nothing after the last. TN9053 where data do not fit the inputs.
  virtual Expected<std::optional<Batch>> next() = 0;
  /// Starts again from the first.
  virtual void rewind() = 0;
  /// From the next batch on, at most so many samples at once, and no more than the data set was opened with; 0 = as it
  /// was opened. Those that cannot cut their batches ignore it.
  virtual void limitBatch(int64_t samples) {}
};

/// Opens the data set at `path` for a model with these inputs, tensors all of them (TN9053). Where a folder holds no
/// data TN9050.
Expected<std::unique_ptr<Dataset>> openDataset(const std::string &path, std::vector<runtime::TensorInfo> inputs,
                                               const DatasetOptions &options = {});

/// Batches that are in memory.
std::unique_ptr<Dataset> makeDataset(std::vector<Batch> batches);

/// The files of a data set in their order: `path` itself, or those in the folder. TN9004, TN9050.
Expected<std::vector<std::string>> listDataFiles(const std::string &path);

/// Whether a file is an image by its ending.
bool isImageFile(const std::string &path);

} // namespace tenon::data

#endif // TENON_DATA_DATASET_H
