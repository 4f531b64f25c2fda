//===- Image.cpp - Pictures in files --------------------------------------===//
#include "tenon/Data/Image.h"

#include "tenon/Data/ByteSource.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#ifdef TENON_HAS_PNG
#include <png.h>
#endif
#ifdef TENON_HAS_JPEG
#include <jpeglib.h>
#endif

namespace tenon::data {
namespace {

Status damaged(const std::string &path, const std::string &what) {
  return Status::error("TN9054", "'" + path + "': " + what, "", "write the picture again as .png, .jpg or .ppm");
}

/// The whole file: packed pictures are small.
Expected<std::vector<uint8_t>> readFile(const std::string &path) {
  constexpr uint64_t maxFile = uint64_t(1) << 30;
  auto source = FileSource::open(path);
  if (!source)
    return source.takeStatus();
  if ((*source)->size() > maxFile)
    return damaged(path, "the file has " + std::to_string((*source)->size()) + " bytes");
  std::vector<uint8_t> bytes((*source)->size());
  TENON_RETURN_IF_ERROR((*source)->read(0, bytes.data(), bytes.size()));
  return bytes;
}

Status allocate(const std::string &path, Image &image) {
  if (image.height <= 0 || image.width <= 0 || image.width > maxPixels / image.height)
    return damaged(path, "it has " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                             " pixels, at most " + std::to_string(maxPixels) + " are read");
  image.pixels.resize(size_t(image.height * image.width * image.channels));
  return Status::success();
}

[[maybe_unused]] Status missing(const std::string &path, const char *library) {
  return Status::error("TN9055", "'" + path + "': this build of Tenon has no " + library, "",
                       std::string("convert the picture to .ppm, or build Tenon where ") + library + " is installed");
}

#ifdef TENON_HAS_PNG
Expected<Image> decodePng(const std::string &path, const std::vector<uint8_t> &bytes, int64_t channels) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()))
    return damaged(path, png.message);
  Image image{png.height, png.width, channels ? channels : (png.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1), {}};
  png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  if (Status fits = allocate(path, image); !fits.ok()) {
    png_image_free(&png);
    return fits;
  }
  const png_color black = {0, 0, 0};
  if (!png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr))
    return damaged(path, png.message);
  return image;
}
#else
Expected<Image> decodePng(const std::string &path, const std::vector<uint8_t> &, int64_t) {
  return missing(path, "libpng");
}
#endif

#ifdef TENON_HAS_JPEG
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf escape;
  char warning[JMSG_LENGTH_MAX]; ///< the first one
};

/// No objects with destructors here: libjpeg leaves by longjmp. False with a message in `text`.
bool decodeJpegRows(jpeg_decompress_struct &jpeg, JpegErrors &errors, Image &image, char *text) {
  if (setjmp(errors.escape)) {
    jpeg.err->format_message(reinterpret_cast<j_common_ptr>(&jpeg), text);
    return false;
  }
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = image.pixels.data() + size_t(jpeg.output_scanline) * size_t(image.width * image.channels);
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  if (errors.manager.num_warnings == 0)
    return true;
  std::memcpy(text, errors.warning, sizeof(errors.warning)); // what is missing was filled with grey
  return false;
}

bool readJpegHeader(jpeg_decompress_struct &jpeg, JpegErrors &errors, const std::vector<uint8_t> &bytes, char *text) {
  if (setjmp(errors.escape)) {
    jpeg.err->format_message(reinterpret_cast<j_common_ptr>(&jpeg), text);
    return false;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, bytes.data(), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  return true;
}

Expected<Image> decodeJpeg(const std::string &path, const std::vector<uint8_t> &bytes, int64_t channels) {
  jpeg_decompress_struct jpeg = {};
  JpegErrors errors = {};
  char text[JMSG_LENGTH_MAX] = {};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = [](j_common_ptr common) {
    std::longjmp(reinterpret_cast<JpegErrors *>(common->err)->escape, 1);
  };
  errors.manager.emit_message = [](j_common_ptr common, int level) {
    if (level < 0 && common->err->num_warnings++ == 0)
      common->err->format_message(common, reinterpret_cast<JpegErrors *>(common->err)->warning);
  };
  Status status = Status::success();
  Image image;
  if (!readJpegHeader(jpeg, errors, bytes, text)) {
    status = damaged(path, text);
  } else {
    image = {jpeg.image_height, jpeg.image_width, channels ? channels : (jpeg.num_components == 1 ? 1 : 3), {}};
    jpeg.out_color_space = image.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    status = allocate(path, image);
    if (status.ok() && !decodeJpegRows(jpeg, errors, image, text))
      status = damaged(path, text);
  }
  jpeg_destroy_decompress(&jpeg);
  if (!status.ok())
    return status;
  return image;
}
#else
Expected<Image> decodeJpeg(const std::string &path, const std::vector<uint8_t> &, int64_t) {
  return missing(path, "libjpeg");
}
#endif

/// A number of a PPM header, after white space and comments; -1 where there is none.
int64_t takeNumber(const std::vector<uint8_t> &bytes, size_t &at) {
  while (at < bytes.size() && (std::isspace(bytes[at]) || bytes[at] == '#')) {
    if (bytes[at] == '#')
      while (at < bytes.size() && bytes[at] != '\n')
        ++at;
    else
      ++at;
  }
  int64_t value = -1;
  for (; at < bytes.size() && std::isdigit(bytes[at]) && value < maxPixels; ++at)
    value = std::max<int64_t>(value, 0) * 10 + (bytes[at] - '0');
  return value;
}

/// Netpbm's binary formats, P5 and P6, with one byte a channel.
Expected<Image> decodePnm(const std::string &path, const std::vector<uint8_t> &bytes, int64_t channels) {
  size_t at = 2;
  Image image;
  image.channels = bytes[1] == '6' ? 3 : 1;
  image.width = takeNumber(bytes, at);
  image.height = takeNumber(bytes, at);
  const int64_t largest = takeNumber(bytes, at);
  ++at; // one white space
  if (largest != 255)
    return damaged(path, "the largest value is " + std::to_string(largest) + ", expected 255");
  TENON_RETURN_IF_ERROR(allocate(path, image));
  if (at > bytes.size() || bytes.size() - at < image.pixels.size())
    return damaged(path, "the file is truncated");
  std::memcpy(image.pixels.data(), bytes.data() + at, image.pixels.size());
  if (channels == 0 || channels == image.channels)
    return image;
  Image other{image.height, image.width, channels, {}};
  const int64_t count = image.height * image.width;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t *p = image.pixels.data() + i * image.channels;
    if (channels == 1) // ITU-R BT.601, as libjpeg converts
      other.pixels.push_back(uint8_t(std::lround(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])));
    else
      other.pixels.insert(other.pixels.end(), 3, p[0]);
  }
  return other;
}

} // namespace

Expected<Image> readImage(const std::string &path, int64_t channels) {
  auto bytes = readFile(path);
  if (!bytes)
    return bytes.takeStatus();
  auto begins = [&](std::string_view signature) {
    return bytes->size() > signature.size() && std::memcmp(bytes->data(), signature.data(), signature.size()) == 0;
  };
  if (begins("\x89PNG"))
    return decodePng(path, *bytes, channels);
  if (begins("\xff\xd8"))
    return decodeJpeg(path, *bytes, channels);
  if (begins("P5") || begins("P6"))
    return decodePnm(path, *bytes, channels);
  return damaged(path, "it is no PNG, JPEG, PPM or PGM file");
}

namespace {
/// Where an output pixel lies between two input pixels.
struct Tap {
  int64_t low, high;
  float weight; ///< of high
};
} // namespace

static std::vector<Tap> makeTaps(int64_t from, int64_t to) {
  std::vector<Tap> taps(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double at = std::clamp((double(i) + 0.5) * double(from) / double(to) - 0.5, 0.0, double(from - 1));
    const int64_t low = int64_t(at);
    taps[size_t(i)] = {low, std::min(low + 1, from - 1), float(at - double(low))};
  }
  return taps;
}

std::vector<float> resizeImage(const Image &image, int64_t height, int64_t width) {
  const std::vector<Tap> rows = makeTaps(image.height, height), columns = makeTaps(image.width, width);
  std::vector<float> out;
  out.reserve(size_t(height * width * image.channels));
  auto pixel = [&](int64_t y, int64_t x, int64_t c) {
    return float(image.pixels[size_t((y * image.width + x) * image.channels + c)]);
  };
  for (const Tap &y : rows)
    for (const Tap &x : columns)
      for (int64_t c = 0; c < image.channels; ++c) {
        const float top = pixel(y.low, x.low, c) * (1 - x.weight) + pixel(y.low, x.high, c) * x.weight;
        const float bottom = pixel(y.high, x.low, c) * (1 - x.weight) + pixel(y.high, x.high, c) * x.weight;
        out.push_back(top * (1 - y.weight) + bottom * y.weight);
      }
  return out;
}

} // namespace tenon::data
