//===- AttentionShapesTest.cpp - Templates of attention at odd shapes -----===//
#include "AttentionTrial.h"
#include "OddShapes.h"

using namespace tenon::test;
using namespace tenon::test::attention;

namespace {

class AttentionShapes : public DeviceTest {
protected:
  Launcher launcher(const char *name, uint64_t seed, Trial &trial) {
    Launcher launch = file(name, seed);
    launch.options.globalMemory = trial.memory();
    return launch;
  }
  static Shape draw(Draw &d, const Instance &instance, int most) {
    Shape s = {};
    s.batch = d.of({1, 1, 2}), s.heads = d.of({1, 1, 2}), s.group = d.of({1, 1, 1, 2, 3});
    s.queries = d.extent(most / s.group, instance.tileQ), s.keys = d.extent(most, 32);
    if (d.chance(8))
      s.keys = 0;
    s.pad = d.chance(40) ? 0 : d.below(9);
    s.offset = d.chance(50) ? 0 : d.below(s.keys + s.queries + 1) - s.keys; // from nothing seen to everything
    s.maskRepeats = d.chance(40);
    s.start = d.chance(70) ? 0 : d.below(9);
    return s;
  }
  static std::string nameOf(const Instance &instance, const Shape &s) {
    std::string name = instance.kernel;
    for (int value : {s.batch, s.heads, s.group, s.queries, s.keys, s.pad, s.offset, int(s.maskRepeats), s.start})
      name += " " + std::to_string(value);
    return name;
  }

  template <size_t N>
  void check(const Instance (&instances)[N]) {
    forOddShapes([&](uint64_t number, Draw d) {
      const Instance &instance = instances[number % N];
      Shape s = draw(d, instance, 80);
      SCOPED_TRACE(nameOf(instance, s));
      Trial trial(instance, s);
      forSeeds([&](uint64_t seed) {
        trial.fill(static_cast<int>(seed));
        trial.y.bytes.poison();
        ASSERT_EQ(launcher("AttentionTemplates.cu", seed, trial)(instance.kernel, {trial.grid()}, {instance.threads},
                                                                 instance.shared, trial.p),
                  "");
        trial.compare();
      });
    });
  }
};

TEST_F(AttentionShapes, Simt) { check(kSimt); }
TEST_F(AttentionShapes, Mma) { check(kMma); }

TEST_F(AttentionShapes, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  forOddShapes([&](uint64_t number, Draw d) {
    const auto &[instance, tileK] = kWgmma[number % std::size(kWgmma)];
    Shape s = draw(d, instance, 100);
    // Tensor maps: whole chunks of 16 bytes, no extent of 0.
    s.keys = std::max(s.keys, 1), s.pad = s.pad / 8 * 8, s.start = s.start / 8 * 8;
    if (d.chance(10)) // around the ring of slots
      s.keys = 260 + d.below(200);
    SCOPED_TRACE(nameOf(instance, s));
    Trial trial(instance, s);
    Map q = mapOfQ(trial), k = mapOfK(trial, tileK), v = mapOfV(trial, tileK);
    forSeeds([&, &instance = instance](uint64_t seed) {
      trial.fill(static_cast<int>(seed));
      trial.y.bytes.poison();
      ASSERT_EQ(launcher("AttentionWgmmaTemplates.cu", seed, trial)(instance.kernel, {trial.grid()}, {384},
                                                                    instance.shared, q, k, v, trial.p),
                "");
      trial.compare();
    });
  });
}

} // namespace
