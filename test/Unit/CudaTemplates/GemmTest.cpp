//===- GemmTest.cpp - Templates of matrix products against f64 loops ------===//
//
// Every instance of test/Device/GemmTemplates.cu and WgmmaTemplates.cu on the virtual GPU, over shapes with tails in
// each dimension, strides that decline 16-byte copies, broadcast batches and k = 0, each under 4 seeds.
//
//===----------------------------------------------------------------------===//
#include "GemmTrial.h"

using namespace tenon::test;
using namespace tenon::test::gemm;

namespace {

// The second row: strides that 16 does not divide; the others are wide where k and n allow it.
constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 0, 0, 0, false},     {37, 45, 29, 2, 3, 1, 1, true},  {128, 128, 64, 1, 0, 0, 0, false},
    {130, 72, 88, 2, 8, 8, 8, false}, {5, 200, 16, 1, 0, 0, 0, false}, {150, 8, 40, 1, 0, 0, 4, false},
    {16, 24, 0, 1, 8, 8, 0, false},   {64, 60, 100, 3, 4, 4, 2, true}, {1, 136, 264, 1, 0, 0, 0, false},
};

class GemmTemplates : public DeviceTest {
protected:
  void check(const Instance &instance) {
    uint64_t seed = 0;
    for (const Shape &shape : kShapes) {
      SCOPED_TRACE(std::string(instance.kernel) + " " + std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" +
                   std::to_string(shape.k));
      Trial run(instance, shape, stridesOf(instance, shape));
      // The grid's third dimension is smaller than the batch now and then: a block then computes several.
      for (int repeat = 0; repeat < 4 && !HasFailure(); ++repeat, ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed % 4));
        run.c.bytes.poison();
        unsigned batches = repeat == 1 ? (shape.batch + 1) / 2 : shape.batch;
        ASSERT_EQ(file("GemmTemplates.cu", seed % 4)(instance.kernel, {run.grid(), 1, batches}, {instance.threads},
                                                     instance.shared, run.p),
                  "");
        run.compare();
      }
    }
  }
};

TEST_F(GemmTemplates, Simt) {
  for (const Instance &instance : kSimt)
    check(instance);
}
TEST_F(GemmTemplates, MmaHalf) {
  check(kMma[0]);
  check(kMma[1]);
}
TEST_F(GemmTemplates, MmaBfloat16) {
  check(kMma[2]);
  check(kMma[3]);
}
TEST_F(GemmTemplates, MmaTf32) {
  check(kMma[4]);
  check(kMma[5]);
}

TEST_F(GemmTemplates, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  // Lines are padded to multiples of 16 bytes; the third and fourth have more stages than the ring.
  const Shape shapes[] = {{1, 1, 1, 1, 7, 7, 0, false},
                          {130, 72, 88, 3, 0, 0, 1, true},
                          {70, 136, 456, 2, 0, 0, 0, false},
                          {100, 300, 330, 1, 6, 6, 0, false}};
  for (const Instance &instance : kWgmma)
    for (const Shape &shape : shapes) {
      Trial trial(instance, shape, mappableStridesOf(instance, shape));
      Map mapA = mapOfA(trial), mapB = mapOfB(trial);
      for (uint64_t seed = 0; seed < 4 && !HasFailure(); ++seed) {
        SCOPED_TRACE(std::string(instance.kernel) + ", shape " + std::to_string(&shape - shapes) + ", seed " +
                     std::to_string(seed));
        trial.c.bytes.poison();
        unsigned batches = seed % 2 ? (shape.batch + 1) / 2 : shape.batch;
        ASSERT_EQ(file("WgmmaTemplates.cu", seed)(instance.kernel, {trial.grid(), 1, batches}, {384}, instance.shared,
                                                  mapA, mapB, trial.p),
                  "");
        trial.compare();
      }
    }
}

} // namespace
