//===- AttentionTest.cpp - Templates of attention against f64 loops -------===//
//
// Every instance of test/Device/Attention*Templates.cu on the virtual GPU, over lengths with tails, no keys, heads that
// share keys, strides that decline 16-byte copies, masks that repeat, each under 8 seeds.
//
//===----------------------------------------------------------------------===//
#include "AttentionTrial.h"

using namespace tenon::test;
using namespace tenon::test::attention;

namespace {

constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 1, 0, 0, false},    {1, 2, 3, 17, 33, 3, 0, true},  {2, 1, 1, 65, 127, 8, 0, false},
    {1, 1, 4, 1, 65, 0, 0, false},   {1, 2, 1, 33, 17, 1, -3, true}, {1, 1, 2, 5, 0, 0, 0, false},
    {1, 1, 1, 127, 64, 8, 64, true},
};

class AttentionTemplates : public DeviceTest {
protected:
  void check(const Instance &instance) {
    for (const Shape &shape : kShapes) {
      SCOPED_TRACE(std::string(instance.kernel) + ", shape " + std::to_string(&shape - kShapes));
      Trial trial(instance, shape);
      forSeeds([&](uint64_t seed) {
        trial.y.bytes.poison();
        ASSERT_EQ(file("AttentionTemplates.cu", seed)(instance.kernel, {trial.grid()}, {instance.threads},
                                                      instance.shared, trial.p),
                  "");
        trial.compare();
      });
    }
  }
};

TEST_F(AttentionTemplates, SimtSmall) {
  check(kSimt[0]);
  check(kSimt[1]);
}
TEST_F(AttentionTemplates, SimtMiddle) {
  check(kSimt[2]);
  check(kSimt[3]);
}
TEST_F(AttentionTemplates, SimtLarge) {
  check(kSimt[4]);
  check(kSimt[5]);
}

TEST_F(AttentionTemplates, MmaSmall) {
  check(kMma[0]);
  check(kMma[1]);
}
TEST_F(AttentionTemplates, MmaMiddle) {
  check(kMma[2]);
  check(kMma[3]);
}
TEST_F(AttentionTemplates, MmaLarge) {
  check(kMma[4]);
  check(kMma[5]);
}

TEST_F(AttentionTemplates, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  // Lines are multiples of 16 bytes; the last two shapes go around the ring.
  const Shape shapes[] = {{1, 1, 1, 1, 1, 0, 0, false},
                          {1, 2, 3, 17, 33, 8, 0, false},
                          {1, 1, 1, 130, 300, 0, 0, false},
                          {2, 1, 2, 65, 520, 8, -70, false}};
  for (const auto &[instance, tileK] : kWgmma)
    for (const Shape &shape : shapes) {
      SCOPED_TRACE(std::string(instance.kernel) + ", shape " + std::to_string(&shape - shapes));
      Trial trial(instance, shape);
      Map q = mapOfQ(trial), k = mapOfK(trial, tileK), v = mapOfV(trial, tileK);
      forSeeds([&, &instance = instance](uint64_t seed) {
        trial.y.bytes.poison();
        ASSERT_EQ(file("AttentionWgmmaTemplates.cu", seed)(instance.kernel, {trial.grid()}, {384}, instance.shared, q,
                                                           k, v, trial.p),
                  "");
        trial.compare();
      });
    }
}

} // namespace
