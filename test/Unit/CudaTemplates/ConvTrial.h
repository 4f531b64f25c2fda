//===- ConvTrial.h - One convolution by a template -------------------------===//
#ifndef TENON_TEST_CUDATEMPLATES_CONVTRIAL_H
#define TENON_TEST_CUDATEMPLATES_CONVTRIAL_H

#include "Elements.h"

#include <cmath>

namespace tenon::test::conv {

/// As tenon::device::ConvShape.
struct Shape {
  int batch, height, width, channels;
  int outHeight, outWidth;
  int kernelHeight, kernelWidth;
  int strideY, strideX, padTop, padLeft, dilationY, dilationX;
};
/// As in Conv.inc.
struct Problem {
  const void *x, *w;
  const float *bias;
  void *y;
  Shape shape;
  int outChannels;
};

/// startX, startW: at which element of an aligned buffer images and weights begin.
struct Case {
  Shape shape;
  int outChannels;
  int startX = 0, startW = 0;
};

/// A kernel of ConvTemplates.cu or ConvWgmmaTemplates.cu.
struct Instance {
  const char *kernel;
  Type type;
  bool transposedB, depthwise;
  int tileM, tileN; ///< depthwise: pixels and channels of a thread
  unsigned threads;
  size_t shared;
};

inline constexpr Instance kSimt[] = {{"convSimt", Type::Float, false, false, 64, 64, 128, 2 * 8 * (68 + 64) * 4}};
inline constexpr Instance kMma[] = {
    {"convTf32", Type::Float, true, false, 64, 64, 128, 3 * 128 * 64},
    {"convHalf", Type::Half, true, false, 128, 64, 128, 3 * 192 * 64},
    {"convBfloat16", Type::Bfloat16, false, false, 64, 64, 128, 3 * 128 * 64},
};
inline constexpr Instance kDepthwise[] = {
    {"depthwiseFloat", Type::Float, false, true, 4, 4, 128, 0},
    {"depthwiseHalf", Type::Half, false, true, 2, 8, 128, 0},
};
inline constexpr Instance kWgmma[] = {
    {"convWgmmaHalf64", Type::Half, false, false, 128, 64, 384, 4 * 24576},
    {"convWgmmaHalfT", Type::Half, true, false, 128, 128, 384, 4 * 32768},
    {"convWgmmaBfloat16", Type::Bfloat16, false, false, 128, 128, 384, 3 * 32768},
};

/// A problem, its data, and what must come out.
struct Trial {
  Instance instance;
  Shape s;
  int outChannels, pixels, taps, startX, startW;
  Elements x, w, y;
  Buffer<float> bias;
  Problem p;
  std::vector<double> wanted;

  Trial(const Instance &instance, const Case &c)
      : instance(instance), s(c.shape), outChannels(instance.depthwise ? s.channels : c.outChannels),
        pixels(s.batch * s.outHeight * s.outWidth), taps(s.kernelHeight * s.kernelWidth), startX(c.startX),
        startW(c.startW), x(instance.type, startX + elementsOfX()), w(instance.type, startW + elementsOfW()),
        y(instance.type, static_cast<int64_t>(pixels) * outChannels), bias(outChannels) {
    p = {x.bytes.data() + startX * bytesOf(x.type),
         w.bytes.data() + startW * bytesOf(w.type),
         bias.data(),
         y.bytes.data(),
         s,
         outChannels};
    fill(0);
  }
  int64_t elementsOfX() const { return static_cast<int64_t>(s.batch) * s.height * s.width * s.channels; }
  int64_t elementsOfW() const {
    return static_cast<int64_t>(taps) * s.channels * (instance.depthwise ? 1 : outChannels);
  }
  /// Another `salt`, other data.
  void fill(int salt) {
    for (int64_t i = 0; i < elementsOfX(); ++i)
      x.set(startX + i, static_cast<float>((i * 7 + salt * 3) % 17 - 8) / 4);
    for (int64_t i = 0; i < elementsOfW(); ++i)
      w.set(startW + i, static_cast<float>((i * 5 + salt * 4) % 13 - 6) / 8);
    for (int j = 0; j < outChannels; ++j)
      bias[j] = static_cast<float>((j + salt) % 5 - 2);
    wanted.clear();
    for (int i = 0; i < pixels; ++i)
      for (int j = 0; j < outChannels; ++j)
        wanted.push_back(std::max(sum(i, j) + bias[j], 0.0) + i * 0.125);
  }
  double weight(int tap, int channel, int j) {
    int k = tap * s.channels + channel;
    return w.get(startW + (instance.depthwise     ? k
                           : instance.transposedB ? j * taps * s.channels + k
                                                  : k * outChannels + j));
  }
  double sum(int pixel, int j) {
    double result = 0;
    for (int tap = 0; tap < taps; ++tap) {
      int row = pixel / s.outWidth % s.outHeight * s.strideY - s.padTop + tap / s.kernelWidth * s.dilationY;
      int column = pixel % s.outWidth * s.strideX - s.padLeft + tap % s.kernelWidth * s.dilationX;
      if (row < 0 || row >= s.height || column < 0 || column >= s.width)
        continue;
      int64_t at = ((pixel / s.outWidth / s.outHeight * s.height + row) * s.width + column) * s.channels;
      for (int c = instance.depthwise ? j : 0; c < (instance.depthwise ? j + 1 : s.channels); ++c)
        result += static_cast<double>(x.get(startX + at + c)) * weight(tap, c, j);
    }
    return result;
  }
  unsigned grid() const {
    auto tilesOf = [](int size, int tile) { return static_cast<unsigned>((size + tile - 1) / tile); };
    if (!instance.depthwise)
      return tilesOf(pixels, instance.tileM) * tilesOf(outChannels, instance.tileN);
    unsigned all = static_cast<unsigned>(s.batch * s.outHeight) * tilesOf(s.outWidth, instance.tileM) *
                   tilesOf(s.channels, instance.tileN);
    return tilesOf(static_cast<int>(all), static_cast<int>(instance.threads) * 2); // each thread takes two
  }
  std::vector<vgpu::MemoryRange> memory() {
    return sortedMemory({x.bytes.range(), w.bytes.range(), y.bytes.range(), bias.range()});
  }
  void compare() {
    EXPECT_TRUE(y.bytes.guardsAreWhole());
    for (size_t i = 0; i < wanted.size(); ++i) {
      float found = y.get(static_cast<int64_t>(i));
      if (!(std::fabs(found - wanted[i]) <= toleranceOf(y.type) * (1 + std::fabs(wanted[i]))))
        FAIL() << "at " << i << ": " << found << ", expected " << wanted[i];
    }
  }
};

/// A tensor map of the weights.
inline Map mapOfWeights(Trial &t) {
  const int depth = t.taps * t.s.channels, length = t.instance.transposedB ? depth : t.outChannels,
            lines = t.instance.transposedB ? t.outChannels : depth;
  tenon::vgpu::TensorMapDescription d;
  d.base = t.w.bytes.data() + t.startW * 2;
  d.rank = 3;
  d.extents[0] = length, d.extents[1] = lines, d.extents[2] = 1;
  d.strides[0] = length * 2, d.strides[1] = static_cast<int64_t>(length) * lines * 2;
  d.box[0] = 64, d.box[1] = t.instance.transposedB ? t.instance.tileN : 64, d.box[2] = 1;
  d.swizzle = tenon::vgpu::TensorSwizzle::Bytes128;
  Map map;
  EXPECT_EQ(encodeMap(d, map), "");
  return map;
}

} // namespace tenon::test::conv

#endif // TENON_TEST_CUDATEMPLATES_CONVTRIAL_H
