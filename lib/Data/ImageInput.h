//===- ImageInput.h - Pictures as values of an input ----------------------===//
#ifndef TENON_LIB_DATA_IMAGEINPUT_H
#define TENON_LIB_DATA_IMAGEINPUT_H

#include "tenon/Data/Dataset.h"

#include <span>

namespace tenon::data {

/// An input that takes pictures: f32 or u8, NCHW, NHWC, CHW or HWC, with 1 or 3 channels (TN9053).
class ImageInput {
public:
  static Expected<ImageInput> create(const runtime::TensorInfo &input, const ImageOptions &options);

  /// How many pictures make one tensor: as many as the first extent says, else `batch` where all have one size.
  int64_t imagesAtOnce(int64_t batch) const;
  /// Reads pictures, and resizes them to the input's size: an extent that is dynamic is the picture's own. Where there
  /// are fewer pictures than a fixed first extent, the last one is repeated.
  Expected<runtime::Tensor> read(std::span<const std::string> paths) const;

private:
  ImageOptions options;
  ElementType type = ElementType::F32;
  bool hasBatch = false, isChannelsLast = false;
  int64_t count = 1; ///< first extent, -1 if dynamic
  int64_t channels = 3;
  int64_t height = -1, width = -1; ///< -1: of the picture
};

} // namespace tenon::data

#endif // TENON_LIB_DATA_IMAGEINPUT_H
