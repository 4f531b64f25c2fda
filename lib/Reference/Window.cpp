//===- Window.cpp - Geometry of convolutions and pools --------------------===//
#include "Window.h"

#include "OpContext.h"

using namespace tenon;
using namespace tenon::reference;

/// Coordinates stay far from overflow below this; no tensor is as large.
static constexpr __int128 maxCoordinate = __int128(1) << 60;

Window Window::make(llvm::ArrayRef<int64_t> in, llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> strides,
                    llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<int64_t> pads) {
  Window window;
  window.in.assign(in.begin(), in.end());
  window.kernel.assign(kernel.begin(), kernel.end());
  window.strides.assign(strides.begin(), strides.end());
  window.dilations.assign(dilations.begin(), dilations.end());
  window.begins.assign(pads.begin(), pads.begin() + in.size());
  window.ends.assign(pads.begin() + in.size(), pads.end());
  return window;
}

std::optional<llvm::SmallVector<int64_t>> Window::countWindows(const Window &w, bool ceilMode) {
  llvm::SmallVector<int64_t> counts;
  for (size_t i = 0; i < w.in.size(); ++i) {
    __int128 begin = w.begins[i], padded = begin + w.in[i] + w.ends[i];
    __int128 reach = __int128(w.dilations[i]) * (w.kernel[i] - 1) + 1;
    __int128 room = padded - reach, stride = w.strides[i];
    if (w.kernel[i] < 1 || stride < 1 || w.dilations[i] < 1 || padded > maxCoordinate || begin > maxCoordinate ||
        begin < -maxCoordinate || reach > maxCoordinate || room < 0)
      return std::nullopt;
    __int128 count = (room + (ceilMode ? stride - 1 : 0)) / stride + 1;
    if (ceilMode && (count - 1) * stride >= w.in[i] + begin)
      --count;
    counts.push_back(static_cast<int64_t>(count));
  }
  return counts;
}

int64_t Window::numTaps() const { return product(kernel); }
int64_t Window::numWindows() const { return product(out); }
int64_t Window::numInputs() const { return product(in); }

int64_t Window::offset(llvm::ArrayRef<int64_t> outIndex, int64_t tap) const {
  int64_t linear = 0, scale = 1;
  for (size_t i = in.size(); i-- > 0;) {
    int64_t coordinate = outIndex[i] * strides[i] + (tap % kernel[i]) * dilations[i] - begins[i];
    if (coordinate < 0 || coordinate >= in[i])
      return -1;
    tap /= kernel[i];
    linear += coordinate * scale;
    scale *= in[i];
  }
  return linear;
}

void Window::fillOffsets(int64_t first, int64_t count, int64_t *offsets) const {
  int64_t taps = numTaps();
  for (int64_t i = 0; i < count; ++i) {
    llvm::SmallVector<int64_t> index = delinearize(first + i, out);
    for (int64_t tap = 0; tap < taps; ++tap)
      offsets[tap * count + i] = offset(index, tap);
  }
}

int64_t Window::countInsidePadding(int64_t window) const {
  int64_t inside = 1;
  llvm::SmallVector<int64_t> index = delinearize(window, out);
  for (size_t i = 0; i < in.size(); ++i) {
    int64_t taps = 0, padded = begins[i] + in[i] + ends[i];
    for (int64_t tap = 0; tap < kernel[i]; ++tap)
      taps += index[i] * strides[i] + tap * dilations[i] < padded;
    inside *= taps;
  }
  return inside;
}

llvm::SmallVector<int64_t> reference::delinearize(int64_t linear, llvm::ArrayRef<int64_t> dims) {
  llvm::SmallVector<int64_t> index(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    index[i] = linear % dims[i];
    linear /= dims[i];
  }
  return index;
}

ImageLayout::ImageLayout(llvm::ArrayRef<int64_t> dims, bool channelsLast)
    : batch(dims[0]), channels(channelsLast ? dims.back() : dims[1]),
      spatial(channelsLast ? dims.drop_front().drop_back() : dims.drop_front(2)) {
  int64_t positions = product(spatial);
  sampleStride = channels * positions;
  channelStride = channelsLast ? 1 : positions;
  positionStride = channelsLast ? channels : 1;
}

llvm::SmallVector<int64_t> ImageLayout::makeDims(int64_t batch, int64_t channels, llvm::ArrayRef<int64_t> spatial,
                                                 bool channelsLast) {
  llvm::SmallVector<int64_t> dims(spatial);
  dims.insert(dims.begin(), batch);
  dims.insert(channelsLast ? dims.end() : dims.begin() + 1, channels);
  return dims;
}
