//===- ImageInput.cpp - Pictures as values of an input --------------------===//
#include "ImageInput.h"

#include "tenon/Data/Image.h"

#include <algorithm>
#include <cmath>

using tenon::runtime::Tensor;

namespace tenon::data {

Expected<ImageInput> ImageInput::create(const runtime::TensorInfo &input, const ImageOptions &options) {
  auto refuse = [&](const std::string &what) {
    return Status::error("TN9053", "input '" + input.name + "' cannot take images: " + what, "",
                         "give a .npz or .npy with the values of the input");
  };
  ImageInput form;
  form.options = options;
  form.type = input.type;
  if (input.type != ElementType::F32 && input.type != ElementType::U8)
    return refuse("its type is " + std::string(elementName(input.type)));
  std::vector<int64_t> dims = input.dims;
  if (dims.size() == 4) {
    form.hasBatch = true;
    form.count = dims[0];
    dims.erase(dims.begin());
  }
  if (dims.size() != 3)
    return refuse("its rank is " + std::to_string(input.dims.size()));
  auto isChannels = [](int64_t extent) { return extent == 1 || extent == 3; };
  form.isChannelsLast = !isChannels(dims[0]);
  form.channels = form.isChannelsLast ? dims[2] : dims[0];
  if (!isChannels(form.channels))
    return refuse("no axis has 1 or 3 channels");
  form.height = dims[form.isChannelsLast ? 0 : 1];
  form.width = dims[form.isChannelsLast ? 1 : 2];
  for (const std::vector<double> *list : {&options.mean, &options.deviation})
    if (list->size() != 1 && list->size() != size_t(form.channels))
      return Status::error("TN9003",
                           std::to_string(list->size()) + " means or deviations for " + std::to_string(form.channels) +
                               " channels",
                           "", "give one for all channels, or one for each");
  return form;
}

int64_t ImageInput::imagesAtOnce(int64_t batch) const {
  if (!hasBatch)
    return 1;
  return count >= 0 ? std::max<int64_t>(count, 1) : height >= 0 && width >= 0 ? batch : 1;
}

Expected<Tensor> ImageInput::read(std::span<const std::string> paths) const {
  const int64_t images = hasBatch ? (count >= 0 ? count : int64_t(paths.size())) : 1;
  auto option = [](const std::vector<double> &list, int64_t c) { return list[list.size() == 1 ? 0 : size_t(c)]; };
  std::optional<Tensor> tensor;
  for (int64_t n = 0; n < images; ++n) {
    auto image = readImage(paths[size_t(std::min<int64_t>(n, int64_t(paths.size()) - 1))], channels);
    if (!image)
      return image.takeStatus();
    const int64_t h = height < 0 ? image->height : height, w = width < 0 ? image->width : width;
    if (!tensor) {
      std::vector<int64_t> dims = isChannelsLast ? std::vector{h, w, channels} : std::vector{channels, h, w};
      if (hasBatch)
        dims.insert(dims.begin(), images);
      auto made = Tensor::allocate(type, dims);
      if (!made)
        return made;
      tensor = std::move(*made);
    }
    const std::vector<float> values = resizeImage(*image, h, w);
    const int64_t pixels = h * w;
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t to = n * pixels * channels + (isChannelsLast ? p * channels + c : c * pixels + p);
        const double value = values[size_t(p * channels + c)];
        if (type == ElementType::U8)
          tensor->as<uint8_t>()[to] = uint8_t(std::lround(value));
        else
          tensor->as<float>()[to] =
              float((value * options.scale - option(options.mean, c)) / option(options.deviation, c));
      }
  }
  if (!tensor)
    return Tensor::allocate(type, {0, channels, std::max<int64_t>(height, 0), std::max<int64_t>(width, 0)});
  return *tensor;
}

} // namespace tenon::data
