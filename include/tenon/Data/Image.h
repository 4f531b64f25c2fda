//===- Image.h - Pictures in files ----------------------------------------===//
//
// PNG and JPEG (with libpng and libjpeg, where the build found them: TN9055), PPM and PGM. Files are untrusted: extents
// are bounded before pixels are allocated. TN9054 for a damaged file.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DATA_IMAGE_H
#define TENON_DATA_IMAGE_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::data {

/// Rows of pixels of one byte a channel, interleaved.
struct Image {
  int64_t height = 0, width = 0;
  int64_t channels = 0; ///< 1 (grey) or 3 (RGB)
  std::vector<uint8_t> pixels;
};

/// Reads a picture as grey or RGB: `channels` is 1 or 3, or 0 for what the file has. Transparency is dropped.
Expected<Image> readImage(const std::string &path, int64_t channels = 0);

/// Bilinear, with the centres of pixels at half-integers, samples clamped at the border (ONNX Resize: half_pixel, no
/// antialiasing). Values are not rounded. [height, width, channels].
std::vector<float> resizeImage(const Image &image, int64_t height, int64_t width);

/// The largest picture that is read.
constexpr int64_t maxPixels = int64_t(1) << 28;

} // namespace tenon::data

#endif // TENON_DATA_IMAGE_H
