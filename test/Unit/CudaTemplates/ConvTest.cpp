//===- ConvTest.cpp - Templates of convolutions against f64 loops ---------===//
//
// Every instance of test/Device/Conv*Templates.cu on the virtual GPU: strides, pads, dilations, kernels larger than the
// image, channels that 16 bytes do not divide, each under 4 seeds.
//
//===----------------------------------------------------------------------===//
#include "ConvTrial.h"

using namespace tenon::test;
using namespace tenon::test::conv;

namespace {

constexpr Case kCases[] = {
    {{1, 7, 9, 3, 4, 5, 3, 3, 2, 2, 1, 1, 1, 1}, 5},    {{2, 6, 5, 8, 6, 5, 3, 3, 1, 1, 1, 1, 1, 1}, 16},
    {{1, 9, 11, 16, 5, 7, 3, 3, 1, 1, 0, 0, 2, 2}, 72}, {{1, 2, 3, 5, 3, 4, 5, 4, 1, 1, 2, 2, 1, 1}, 7},
    {{3, 5, 5, 24, 3, 3, 1, 1, 2, 2, 0, 0, 1, 1}, 8},   {{1, 1, 40, 12, 1, 21, 1, 7, 1, 2, 0, 4, 1, 1}, 1},
};

class ConvTemplates : public DeviceTest {
protected:
  void check(const Instance &instance) {
    for (const Case &c : kCases) {
      SCOPED_TRACE(std::string(instance.kernel) + ", case " + std::to_string(&c - kCases));
      Trial trial(instance, c);
      for (uint64_t seed = 0; seed < 4 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        trial.y.bytes.poison();
        ASSERT_EQ(file("ConvTemplates.cu", seed)(instance.kernel, {trial.grid()}, {instance.threads}, instance.shared,
                                                 trial.p),
                  "");
        trial.compare();
      }
    }
  }
};

TEST_F(ConvTemplates, ImplicitGemm) {
  check(kSimt[0]);
  for (const Instance &instance : kMma)
    check(instance);
}

TEST_F(ConvTemplates, Depthwise) {
  for (const Instance &instance : kDepthwise)
    check(instance);
}

TEST_F(ConvTemplates, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  // Channels are multiples of 8; the last two go around the ring, the last has two tiles of pixels.
  const Case cases[] = {
      {{1, 1, 1, 8, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1}, 8},     {{2, 6, 5, 8, 3, 3, 3, 3, 2, 2, 1, 1, 1, 1}, 16},
      {{3, 5, 5, 24, 3, 3, 1, 1, 2, 2, 0, 0, 1, 1}, 72},   {{1, 2, 3, 40, 3, 4, 5, 4, 1, 1, 2, 2, 1, 1}, 64},
      {{1, 9, 11, 72, 5, 7, 3, 3, 1, 1, 0, 0, 2, 2}, 136}, {{2, 9, 9, 48, 9, 9, 3, 3, 1, 1, 1, 1, 1, 1}, 264},
  };
  for (const Instance &instance : kWgmma)
    for (const Case &c : cases) {
      SCOPED_TRACE(std::string(instance.kernel) + ", case " + std::to_string(&c - cases));
      Trial trial(instance, c);
      Map map = mapOfWeights(trial);
      for (uint64_t seed = 0; seed < 4 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        trial.y.bytes.poison();
        ASSERT_EQ(
            file("ConvWgmmaTemplates.cu", seed)(instance.kernel, {trial.grid()}, {384}, instance.shared, map, trial.p),
            "");
        trial.compare();
      }
    }
}

} // namespace
