//===- ConvShapesTest.cpp - Templates of convolutions at odd shapes -------===//
#include "ConvTrial.h"
#include "OddShapes.h"

using namespace tenon::test;
using namespace tenon::test::conv;

namespace {

/// Draws kernel, stride, pad and dilation along one axis, and an image at which there is a pixel of the result.
void drawAxis(Draw &d, int &size, int &out, int &kernel, int &stride, int &pad, int &dilation) {
  kernel = d.of({1, 1, 2, 3, 3, 3, 5}), stride = d.of({1, 1, 1, 2, 3}), dilation = d.of({1, 1, 1, 2, 3});
  int reach = dilation * (kernel - 1) + 1;
  pad = d.chance(40) ? 0 : d.below(reach + 1); // up to a kernel that lies beside the image
  int padBehind = d.below(reach + 1);
  size = std::max(1 + d.below(11), reach - pad - padBehind);
  out = (size + pad + padBehind - reach) / stride + 1;
}

class ConvShapes : public DeviceTest {
protected:
  Launcher launcher(const char *name, uint64_t seed, Trial &trial) {
    Launcher launch = file(name, seed);
    launch.options.globalMemory = trial.memory();
    return launch;
  }
  /// `unit`: of what channels are a multiple.
  static Case draw(Draw &d, int unit, int mostFilters) {
    Case c = {};
    Shape &s = c.shape;
    s.batch = d.of({1, 1, 2, 3});
    drawAxis(d, s.height, s.outHeight, s.kernelHeight, s.strideY, s.padTop, s.dilationY);
    drawAxis(d, s.width, s.outWidth, s.kernelWidth, s.strideX, s.padLeft, s.dilationX);
    s.channels = unit * d.extent(40 / unit, std::max(16 / unit, 1));
    c.outChannels = d.extent(mostFilters, 64);
    if (d.chance(30))
      c.startX = d.below(9), c.startW = d.below(9);
    return c;
  }
  static std::string nameOf(const Instance &instance, const Case &c) {
    std::string name = instance.kernel;
    const Shape &s = c.shape;
    for (int value :
         {s.batch, s.height, s.width, s.channels, s.outHeight, s.outWidth, s.kernelHeight, s.kernelWidth, s.strideY,
          s.strideX, s.padTop, s.padLeft, s.dilationY, s.dilationX, c.outChannels, c.startX, c.startW})
      name += " " + std::to_string(value);
    return name;
  }

  template <size_t N>
  void check(const Instance (&instances)[N]) {
    forOddShapes([&](uint64_t number, Draw d) {
      const Instance &instance = instances[number % N];
      Case c = draw(d, d.of({1, 1, 4, 8}), 70);
      SCOPED_TRACE(nameOf(instance, c));
      Trial trial(instance, c);
      forSeeds([&](uint64_t seed) {
        trial.fill(static_cast<int>(seed));
        trial.y.bytes.poison();
        ASSERT_EQ(launcher("ConvTemplates.cu", seed, trial)(instance.kernel, {trial.grid()}, {instance.threads},
                                                            instance.shared, trial.p),
                  "");
        trial.compare();
      });
    });
  }
};

TEST_F(ConvShapes, Simt) { check(kSimt); }
TEST_F(ConvShapes, Mma) { check(kMma); }
TEST_F(ConvShapes, Depthwise) { check(kDepthwise); }

TEST_F(ConvShapes, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  forOddShapes([&](uint64_t number, Draw d) {
    const Instance &instance = kWgmma[number % std::size(kWgmma)];
    Case c = draw(d, 8, 140);
    c.startX = c.startX / 8 * 8, c.startW = c.startW / 8 * 8;
    if (!instance.transposedB) // lines of the weights
      c.outChannels = (c.outChannels + 7) / 8 * 8;
    SCOPED_TRACE(nameOf(instance, c));
    Trial trial(instance, c);
    Map map = mapOfWeights(trial);
    forSeeds([&](uint64_t seed) {
      trial.fill(static_cast<int>(seed));
      trial.y.bytes.poison();
      ASSERT_EQ(launcher("ConvWgmmaTemplates.cu", seed, trial)(instance.kernel, {trial.grid()}, {384}, instance.shared,
                                                               map, trial.p),
                "");
      trial.compare();
    });
  });
}

} // namespace
