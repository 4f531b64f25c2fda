//===- GemmTest.cpp - Templates of matrix products against f64 loops ------===//
//
// Every instance of test/Device/GemmTemplates.cu on the virtual GPU, over shapes with tails in each dimension, strides
// that decline 16-byte copies, broadcast batches and k = 0, each under 4 seeds.
//
//===----------------------------------------------------------------------===//
#include "Elements.h"

#include <algorithm>
#include <cmath>

using namespace tenon::test;

namespace {

/// As in GemmTemplates.cu.
struct Problem {
  const void *a, *b;
  const float *bias;
  void *c;
  int64_t strideA, batchA, strideB, batchB, strideC, batchC;
  int m, n, k, batch;
};

struct Instance {
  const char *kernel;
  Type in, out;
  bool transposedB, scaled;
  int tileM, tileN;
  unsigned threads;
  size_t shared;
};

/// How far lines and batches are apart beyond what they need, and whether all batches share B.
struct Shape {
  int m, n, k, batch;
  int padA, padB, padC;
  bool sharedB;
};

// The second row: strides that 16 does not divide; the others are wide where k and n allow it.
constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 0, 0, 0, false},     {37, 45, 29, 2, 3, 1, 1, true},  {128, 128, 64, 1, 0, 0, 0, false},
    {130, 72, 88, 2, 8, 8, 8, false}, {5, 200, 16, 1, 0, 0, 0, false}, {150, 8, 40, 1, 0, 0, 4, false},
    {16, 24, 0, 1, 8, 8, 0, false},   {64, 60, 100, 3, 4, 4, 2, true}, {1, 136, 264, 1, 0, 0, 0, false},
};

struct Trial {
  Instance instance;
  Shape s;
  Elements a, b, c;
  Buffer<float> bias;
  Problem p;
  std::vector<double> wanted;

  Trial(const Instance &instance, const Shape &s, Problem strides)
      : instance(instance), s(s), a(instance.in, s.batch * strides.batchA),
        b(instance.in, s.batch * strides.batchB + strides.strideB * (instance.transposedB ? s.n : s.k)),
        c(instance.out, s.batch * strides.batchC), bias(s.n), p(strides) {
    for (int g = 0; g < s.batch; ++g)
      for (int i = 0; i < s.m; ++i)
        for (int k = 0; k < s.k; ++k)
          a.set(g * p.batchA + i * p.strideA + k, static_cast<float>((i * 5 + k * 3 + g) % 17 - 8) / 4);
    for (int g = 0; g < (s.sharedB ? 1 : s.batch); ++g)
      for (int k = 0; k < s.k; ++k)
        for (int j = 0; j < s.n; ++j)
          b.set(indexB(g, k, j), static_cast<float>((k * 7 + j * 11 + g) % 13 - 6) / 8);
    for (int j = 0; j < s.n; ++j)
      bias[j] = static_cast<float>(j % 5);
    for (int g = 0; g < s.batch; ++g)
      for (int i = 0; i < s.m; ++i)
        for (int j = 0; j < s.n; ++j)
          wanted.push_back(expected(g, i, j));
    p.a = a.bytes.data(), p.b = b.bytes.data(), p.c = c.bytes.data(), p.bias = bias.data();
  }
  int64_t indexB(int g, int k, int j) const {
    return g * p.batchB + (instance.transposedB ? j * p.strideB + k : k * p.strideB + j);
  }
  double expected(int g, int i, int j) {
    double sum = 0;
    for (int k = 0; k < s.k; ++k)
      sum += static_cast<double>(a.get(g * p.batchA + i * p.strideA + k)) * b.get(indexB(g, k, j)) *
             (instance.scaled ? 1 + (i + k + g) % 3 : 1);
    return sum + bias[j] + i * 0.125 - g;
  }
  void compare() {
    EXPECT_TRUE(c.bytes.guardsAreWhole());
    // All products and sums are exact in float, but for rounding the result.
    double tolerance = toleranceOf(instance.out);
    for (int g = 0; g < s.batch; ++g)
      for (int i = 0; i < s.m; ++i)
        for (int j = 0; j < p.strideC; ++j) {
          float found = c.get(g * p.batchC + i * p.strideC + j);
          if (j >= s.n)
            ASSERT_NE(found, found) << "wrote between the rows, at " << i << ", " << j;
          else if (double e = wanted[(static_cast<size_t>(g) * s.m + i) * s.n + j];
                   !(std::fabs(found - e) <= tolerance * (1 + std::fabs(e))))
            FAIL() << "batch " << g << ", row " << i << ", column " << j << ": " << found << ", expected " << e;
        }
  }
};

Problem stridesOf(const Instance &instance, const Shape &s) {
  Problem p = {};
  p.strideA = s.k + s.padA, p.batchA = s.m * p.strideA;
  p.strideB = (instance.transposedB ? s.k : s.n) + s.padB;
  p.batchB = s.sharedB ? 0 : (instance.transposedB ? s.n : s.k) * p.strideB;
  p.strideC = s.n + s.padC, p.batchC = s.m * p.strideC;
  p.m = s.m, p.n = s.n, p.k = s.k, p.batch = s.batch;
  return p;
}

unsigned tilesOf(int size, int tile) { return static_cast<unsigned>((size + tile - 1) / tile); }

class GemmTemplates : public DeviceTest {
protected:
  void check(const Instance &instance) {
    uint64_t seed = 0;
    for (const Shape &shape : kShapes) {
      SCOPED_TRACE(std::string(instance.kernel) + " " + std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" +
                   std::to_string(shape.k));
      Trial run(instance, shape, stridesOf(instance, shape));
      // The grid's third dimension is smaller than the batch now and then: a block then computes several.
      unsigned grid = tilesOf(shape.m, instance.tileM) * tilesOf(shape.n, instance.tileN);
      for (int repeat = 0; repeat < 4 && !HasFailure(); ++repeat, ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed % 4));
        run.c.bytes.poison();
        unsigned batches = repeat == 1 ? (shape.batch + 1) / 2 : shape.batch;
        ASSERT_EQ(file("GemmTemplates.cu", seed % 4)(instance.kernel, {grid, 1, batches}, {instance.threads},
                                                     instance.shared, run.p),
                  "");
        run.compare();
      }
    }
  }
};

constexpr size_t simtShared(int m, int n, int k, int stages, bool transposed) {
  return static_cast<size_t>(stages) * k * (m + 4 + n + (transposed ? 4 : 0)) * 4;
}

TEST_F(GemmTemplates, Simt) {
  check({"simt128", Type::Float, Type::Float, false, false, 128, 128, 256, simtShared(128, 128, 8, 2, false)});
  check({"simt128t", Type::Float, Type::Float, true, false, 128, 128, 256, simtShared(128, 128, 8, 2, true)});
  check({"simt64", Type::Float, Type::Half, false, false, 32, 64, 64, simtShared(32, 64, 16, 3, false)});
  check({"simt64t", Type::Float, Type::Float, true, true, 64, 64, 128, simtShared(64, 64, 8, 2, true)});
}

constexpr size_t mmaShared(int m, int n, int lineBytes, int stages) {
  return static_cast<size_t>(stages) * (m + n) * lineBytes;
}

TEST_F(GemmTemplates, MmaHalf) {
  check({"mmaHalf", Type::Half, Type::Half, false, false, 128, 128, 256, mmaShared(128, 128, 64, 3)});
  check({"mmaHalfT", Type::Half, Type::Float, true, false, 128, 128, 256, mmaShared(128, 128, 64, 3)});
}

TEST_F(GemmTemplates, MmaBfloat16) {
  check({"mmaBfloat16", Type::Bfloat16, Type::Bfloat16, false, true, 64, 64, 128, mmaShared(64, 64, 128, 3)});
  check({"mmaBfloat16T", Type::Bfloat16, Type::Float, true, false, 64, 128, 128, mmaShared(64, 128, 64, 4)});
}

TEST_F(GemmTemplates, MmaTf32) {
  check({"mmaTf32", Type::Float, Type::Float, false, false, 128, 128, 256, mmaShared(128, 128, 64, 3)});
  check({"mmaTf32T", Type::Float, Type::Float, true, true, 64, 64, 128, mmaShared(64, 64, 128, 3)});
}

/// A tensor map of lines: `length` elements of 16 bits, in boxes of 64 x boxLines.
Map mapOf(Elements &e, int length, int lines, int batch, int64_t lineStride, int64_t batchStride, uint32_t boxLines) {
  tenon::vgpu::TensorMapDescription d;
  d.base = e.bytes.data();
  d.rank = 3;
  d.extents[0] = length, d.extents[1] = lines, d.extents[2] = batchStride ? batch : 1;
  d.strides[0] = lineStride * 2, d.strides[1] = (batchStride ? batchStride : lineStride * lines) * 2;
  d.box[0] = 64, d.box[1] = boxLines, d.box[2] = 1;
  d.swizzle = tenon::vgpu::TensorSwizzle::Bytes128;
  Map map;
  EXPECT_EQ(encodeMap(d, map), "");
  return map;
}

TEST_F(GemmTemplates, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  const Instance instances[] = {
      {"wgmmaHalfT", Type::Half, Type::Half, true, false, 128, 128, 384, 4 * 32768},
      {"wgmmaBfloat16", Type::Bfloat16, Type::Float, false, false, 128, 256, 384, 4 * 49152},
  };
  // Lines are padded to multiples of 16 bytes; the third and fourth have more stages than the ring.
  const Shape shapes[] = {{1, 1, 1, 1, 7, 7, 0, false},
                          {130, 72, 88, 3, 0, 0, 1, true},
                          {70, 136, 456, 2, 0, 0, 0, false},
                          {100, 300, 330, 1, 6, 6, 0, false}};
  for (const Instance &instance : instances)
    for (const Shape &shape : shapes) {
      Problem strides = stridesOf(instance, shape);
      strides.strideA = (shape.k + 7) / 8 * 8, strides.batchA = shape.m * strides.strideA;
      strides.strideB = ((instance.transposedB ? shape.k : shape.n) + 7) / 8 * 8;
      strides.batchB = shape.sharedB ? 0 : (instance.transposedB ? shape.n : shape.k) * strides.strideB;
      Trial trial(instance, shape, strides);
      const Problem &p = trial.p;
      Map mapA = mapOf(trial.a, p.k, p.m, p.batch, p.strideA, p.batchA, 128);
      Map mapB = instance.transposedB ? mapOf(trial.b, p.k, p.n, p.batch, p.strideB, p.batchB, instance.tileN)
                                      : mapOf(trial.b, p.n, p.k, p.batch, p.strideB, p.batchB, 64);
      unsigned grid = tilesOf(p.m, instance.tileM) * tilesOf(p.n, instance.tileN);
      for (uint64_t seed = 0; seed < 4 && !HasFailure(); ++seed) {
        SCOPED_TRACE(std::string(instance.kernel) + ", shape " + std::to_string(&shape - shapes) + ", seed " +
                     std::to_string(seed));
        trial.c.bytes.poison();
        unsigned batches = seed % 2 ? (p.batch + 1) / 2 : p.batch;
        ASSERT_EQ(
            file("WgmmaTemplates.cu", seed)(instance.kernel, {grid, 1, batches}, {384}, instance.shared, mapA, mapB, p),
            "");
        trial.compare();
      }
    }
}

} // namespace
