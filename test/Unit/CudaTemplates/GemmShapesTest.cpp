//===- GemmShapesTest.cpp - Templates of matrix products at odd shapes ----===//
#include "GemmTrial.h"
#include "OddShapes.h"

using namespace tenon::test;
using namespace tenon::test::gemm;

namespace {

class GemmShapes : public DeviceTest {
protected:
  Launcher launcher(const char *name, uint64_t seed, Trial &trial) {
    Launcher launch = file(name, seed);
    launch.options.globalMemory = trial.memory();
    return launch;
  }
  static Shape draw(Draw &d, const Instance &instance) {
    Shape s = {};
    s.m = d.extent(140, instance.tileM), s.n = d.extent(140, 64), s.k = d.extent(150, 16);
    s.batch = d.chance(70) ? 1 : 2 + d.below(2);
    int *extents[] = {&s.m, &s.n, &s.k, &s.k, &s.k};
    if (d.chance(12))
      *extents[d.below(5)] = 0;
    if (d.chance(60)) // else strides are what the extents make them
      s.padA = d.below(9), s.padB = d.below(9), s.padC = d.below(9);
    if (d.chance(30))
      s.startA = d.below(9), s.startB = d.below(9), s.startC = d.below(9);
    s.sharedB = d.chance(30);
    return s;
  }
  /// As draw, for tensor maps: addresses are multiples of 16 bytes, no extent is 0.
  static Shape drawMappable(Draw &d, const Instance &instance) {
    Shape s = draw(d, instance);
    s.m = std::max(s.m, 1), s.n = std::max(s.n, 1), s.k = std::max(s.k, 1);
    s.startA = s.startA / 8 * 8, s.startB = s.startB / 8 * 8;
    if (d.chance(15)) // around the ring of stages
      s.k = 300 + d.below(200);
    return s;
  }
  static unsigned batchesOf(const Shape &s, uint64_t seed) {
    return static_cast<unsigned>(seed % 3 == 1 ? (s.batch + 1) / 2 : s.batch);
  }
  static std::string nameOf(const Instance &instance, const Shape &s) {
    std::string name = instance.kernel;
    for (int value : {s.m, s.n, s.k, s.batch, s.padA, s.padB, s.padC, int(s.sharedB), s.startA, s.startB, s.startC})
      name += " " + std::to_string(value);
    return name;
  }

  template <size_t N>
  void check(const Instance (&instances)[N]) {
    forOddShapes([&](uint64_t number, Draw d) {
      const Instance &instance = instances[number % N];
      Shape s = draw(d, instance);
      SCOPED_TRACE(nameOf(instance, s));
      Trial trial(instance, s, stridesOf(instance, s));
      if (!trial.grid()) // nothing is launched, as gemm.cuh says
        return;
      forSeeds([&](uint64_t seed) {
        trial.fill(static_cast<int>(seed));
        trial.c.bytes.poison();
        ASSERT_EQ(launcher("GemmTemplates.cu", seed, trial)(instance.kernel, {trial.grid(), 1, batchesOf(s, seed)},
                                                            {instance.threads}, instance.shared, trial.p),
                  "");
        trial.compare();
      });
    });
  }
};

TEST_F(GemmShapes, Simt) { check(kSimt); }
TEST_F(GemmShapes, Mma) { check(kMma); }

TEST_F(GemmShapes, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  forOddShapes([&](uint64_t number, Draw d) {
    const Instance &instance = kWgmma[number % std::size(kWgmma)];
    Shape s = drawMappable(d, instance);
    SCOPED_TRACE(nameOf(instance, s));
    Trial trial(instance, s, mappableStridesOf(instance, s));
    Map mapA = mapOfA(trial), mapB = mapOfB(trial);
    forSeeds([&](uint64_t seed) {
      trial.fill(static_cast<int>(seed));
      trial.c.bytes.poison();
      ASSERT_EQ(launcher("WgmmaTemplates.cu", seed, trial)(instance.kernel, {trial.grid(), 1, batchesOf(s, seed)},
                                                           {384}, instance.shared, mapA, mapB, trial.p),
                "");
      trial.compare();
    });
  });
}

} // namespace
