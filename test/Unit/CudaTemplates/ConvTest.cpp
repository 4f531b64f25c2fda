//===- ConvTest.cpp - Templates of convolutions against f64 loops ---------===//
//
// Every instance of test/Device/ConvTemplates.cu on the virtual GPU: strides, pads, dilations, kernels larger than the
// image, channels that 16 bytes do not divide, each under 4 seeds.
//
//===----------------------------------------------------------------------===//
#include "Elements.h"

#include <cmath>

using namespace tenon::test;

namespace {

/// As tenon::device::ConvShape.
struct Shape {
  int batch, height, width, channels;
  int outHeight, outWidth;
  int kernelHeight, kernelWidth;
  int strideY, strideX, padTop, padLeft, dilationY, dilationX;
};
/// As in ConvTemplates.cu.
struct Problem {
  const void *x, *w;
  const float *bias;
  void *y;
  Shape shape;
  int outChannels;
};

struct Case {
  Shape shape;
  int outChannels;
};
constexpr Case kCases[] = {
    {{1, 7, 9, 3, 4, 5, 3, 3, 2, 2, 1, 1, 1, 1}, 5},    {{2, 6, 5, 8, 6, 5, 3, 3, 1, 1, 1, 1, 1, 1}, 16},
    {{1, 9, 11, 16, 5, 7, 3, 3, 1, 1, 0, 0, 2, 2}, 72}, {{1, 2, 3, 5, 3, 4, 5, 4, 1, 1, 2, 2, 1, 1}, 7},
    {{3, 5, 5, 24, 3, 3, 1, 1, 2, 2, 0, 0, 1, 1}, 8},   {{1, 1, 40, 12, 1, 21, 1, 7, 1, 2, 0, 4, 1, 1}, 1},
};

struct Instance {
  const char *kernel;
  Type type;
  bool transposedB, depthwise;
  int tileM, tileN; ///< depthwise: pixels and channels of a thread
  unsigned threads;
  size_t shared;
};

unsigned tilesOf(int size, int tile) { return static_cast<unsigned>((size + tile - 1) / tile); }

struct Trial {
  Instance instance;
  Shape s;
  int outChannels, pixels, taps;
  Elements x, w, y;
  Buffer<float> bias;
  std::vector<double> wanted;

  Trial(const Instance &instance, const Case &c)
      : instance(instance), s(c.shape), outChannels(instance.depthwise ? s.channels : c.outChannels),
        pixels(s.batch * s.outHeight * s.outWidth), taps(s.kernelHeight * s.kernelWidth),
        x(instance.type, static_cast<int64_t>(s.batch) * s.height * s.width * s.channels),
        w(instance.type, static_cast<int64_t>(taps) * s.channels * (instance.depthwise ? 1 : outChannels)),
        y(instance.type, static_cast<int64_t>(pixels) * outChannels), bias(outChannels) {
    for (int i = 0; i < s.batch * s.height * s.width * s.channels; ++i)
      x.set(i, static_cast<float>(i * 7 % 17 - 8) / 4);
    for (size_t i = 0; i < w.bytes.size() / bytesOf(w.type); ++i)
      w.set(static_cast<int64_t>(i), static_cast<float>(static_cast<int>(i * 5 % 13) - 6) / 8);
    for (int j = 0; j < outChannels; ++j)
      bias[j] = static_cast<float>(j % 5 - 2);
    for (int i = 0; i < pixels; ++i)
      for (int j = 0; j < outChannels; ++j)
        wanted.push_back(std::max(sum(i, j) + bias[j], 0.0) + i * 0.125);
  }
  double weight(int tap, int channel, int j) {
    int k = tap * s.channels + channel;
    return w.get(instance.depthwise ? k : instance.transposedB ? j * taps * s.channels + k : k * outChannels + j);
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
        result += static_cast<double>(x.get(at + c)) * weight(tap, c, j);
    }
    return result;
  }
  unsigned grid() const {
    if (!instance.depthwise)
      return tilesOf(pixels, instance.tileM) * tilesOf(outChannels, instance.tileN);
    unsigned all = static_cast<unsigned>(s.batch * s.outHeight) * tilesOf(s.outWidth, instance.tileM) *
                   tilesOf(s.channels, instance.tileN);
    return tilesOf(static_cast<int>(all), static_cast<int>(instance.threads) * 2); // each thread takes two
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

class ConvTemplates : public DeviceTest {
protected:
  void check(const Instance &instance) {
    for (const Case &c : kCases) {
      SCOPED_TRACE(std::string(instance.kernel) + ", case " + std::to_string(&c - kCases));
      Trial trial(instance, c);
      Problem p = {trial.x.bytes.data(), trial.w.bytes.data(), trial.bias.data(), trial.y.bytes.data(), trial.s,
                   trial.outChannels};
      for (uint64_t seed = 0; seed < 4 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        trial.y.bytes.poison();
        ASSERT_EQ(
            file("ConvTemplates.cu", seed)(instance.kernel, {trial.grid()}, {instance.threads}, instance.shared, p),
            "");
        trial.compare();
      }
    }
  }
};

TEST_F(ConvTemplates, ImplicitGemm) {
  check({"convSimt", Type::Float, false, false, 64, 64, 128, 2 * 8 * (68 + 64) * 4});
  check({"convTf32", Type::Float, true, false, 64, 64, 128, 3 * 128 * 64});
  check({"convHalf", Type::Half, true, false, 128, 64, 128, 3 * 192 * 64});
  check({"convBfloat16", Type::Bfloat16, false, false, 64, 64, 128, 3 * 128 * 64});
}

TEST_F(ConvTemplates, Depthwise) {
  check({"depthwiseFloat", Type::Float, false, true, 4, 4, 128, 0});
  check({"depthwiseHalf", Type::Half, false, true, 2, 8, 128, 0});
}

} // namespace
