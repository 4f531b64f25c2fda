//===- GemmTrial.h - One matrix product by a template ----------------------===//
#ifndef TENON_TEST_CUDATEMPLATES_GEMMTRIAL_H
#define TENON_TEST_CUDATEMPLATES_GEMMTRIAL_H

#include "Elements.h"

#include <cmath>

namespace tenon::test::gemm {

/// As in Product.inc.
struct Problem {
  const void *a, *b;
  const float *bias;
  void *c;
  int64_t strideA, batchA, strideB, batchB, strideC, batchC;
  int m, n, k, batch;
};

/// A kernel of GemmTemplates.cu or WgmmaTemplates.cu.
struct Instance {
  const char *kernel;
  Type in, out;
  bool transposedB, scaled;
  int tileM, tileN;
  unsigned threads;
  size_t shared;
};

constexpr size_t simtShared(int m, int n, int k, int stages, bool transposed) {
  return static_cast<size_t>(stages) * k * (m + 4 + n + (transposed ? 4 : 0)) * 4;
}
constexpr size_t mmaShared(int m, int n, int lineBytes, int stages) {
  return static_cast<size_t>(stages) * (m + n) * lineBytes;
}

inline constexpr Instance kSimt[] = {
    {"simt128", Type::Float, Type::Float, false, false, 128, 128, 256, simtShared(128, 128, 8, 2, false)},
    {"simt128t", Type::Float, Type::Float, true, false, 128, 128, 256, simtShared(128, 128, 8, 2, true)},
    {"simt64", Type::Float, Type::Half, false, false, 32, 64, 64, simtShared(32, 64, 16, 3, false)},
    {"simt64t", Type::Float, Type::Float, true, true, 64, 64, 128, simtShared(64, 64, 8, 2, true)},
};
inline constexpr Instance kMma[] = {
    {"mmaHalf", Type::Half, Type::Half, false, false, 128, 128, 256, mmaShared(128, 128, 64, 3)},
    {"mmaHalfT", Type::Half, Type::Float, true, false, 128, 128, 256, mmaShared(128, 128, 64, 3)},
    {"mmaBfloat16", Type::Bfloat16, Type::Bfloat16, false, true, 64, 64, 128, mmaShared(64, 64, 128, 3)},
    {"mmaBfloat16T", Type::Bfloat16, Type::Float, true, false, 64, 128, 128, mmaShared(64, 128, 64, 4)},
    {"mmaTf32", Type::Float, Type::Float, false, false, 128, 128, 256, mmaShared(128, 128, 64, 3)},
    {"mmaTf32T", Type::Float, Type::Float, true, true, 64, 64, 128, mmaShared(64, 64, 128, 3)},
};
inline constexpr Instance kWgmma[] = {
    {"wgmmaHalfT", Type::Half, Type::Half, true, false, 128, 128, 384, 4 * 32768},
    {"wgmmaBfloat16", Type::Bfloat16, Type::Float, false, false, 128, 256, 384, 4 * 49152},
};

/// How far lines and batches are apart beyond what they need, whether all batches share B, and at which element of an
/// aligned buffer each operand starts.
struct Shape {
  int m, n, k, batch;
  int padA, padB, padC;
  bool sharedB;
  int startA = 0, startB = 0, startC = 0;
};

inline Problem stridesOf(const Instance &instance, const Shape &s) {
  Problem p = {};
  p.strideA = s.k + s.padA, p.batchA = s.m * p.strideA;
  p.strideB = (instance.transposedB ? s.k : s.n) + s.padB;
  p.batchB = s.sharedB ? 0 : (instance.transposedB ? s.n : s.k) * p.strideB;
  p.strideC = s.n + s.padC, p.batchC = s.m * p.strideC;
  p.m = s.m, p.n = s.n, p.k = s.k, p.batch = s.batch;
  return p;
}
/// As stridesOf, for tensor maps: lines of A and B are multiples of 16 bytes.
inline Problem mappableStridesOf(const Instance &instance, const Shape &s) {
  Problem p = stridesOf(instance, s);
  p.strideA = (p.strideA + 7) / 8 * 8, p.batchA = s.m * p.strideA;
  p.strideB = (p.strideB + 7) / 8 * 8;
  p.batchB = s.sharedB ? 0 : (instance.transposedB ? s.n : s.k) * p.strideB;
  return p;
}

/// A problem, its data, and what must come out.
struct Trial {
  Instance instance;
  Shape s;
  Elements a, b, c;
  Buffer<float> bias;
  Problem p;
  std::vector<double> wanted;

  Trial(const Instance &instance, const Shape &s, Problem strides)
      : instance(instance), s(s), a(instance.in, s.startA + s.batch * strides.batchA),
        b(instance.in, s.startB + s.batch * strides.batchB + strides.strideB * (instance.transposedB ? s.n : s.k)),
        c(instance.out, s.startC + s.batch * strides.batchC), bias(std::max(s.n, 1)), p(strides) {
    p.a = a.bytes.data() + s.startA * bytesOf(a.type), p.b = b.bytes.data() + s.startB * bytesOf(b.type);
    p.c = c.bytes.data() + s.startC * bytesOf(c.type), p.bias = bias.data();
    fill(0);
  }
  /// Another `salt`, other data.
  void fill(int salt) {
    for (int g = 0; g < s.batch; ++g)
      for (int i = 0; i < s.m; ++i)
        for (int k = 0; k < s.k; ++k)
          a.set(s.startA + g * p.batchA + i * p.strideA + k, valueOfA(g, i, k, salt));
    for (int g = 0; g < (s.sharedB ? std::min(s.batch, 1) : s.batch); ++g)
      for (int k = 0; k < s.k; ++k)
        for (int j = 0; j < s.n; ++j)
          b.set(s.startB + indexB(g, k, j), valueOfB(g, k, j, salt));
    for (int j = 0; j < s.n; ++j)
      bias[j] = static_cast<float>((j + salt) % 5);
    wanted.clear();
    for (int g = 0; g < s.batch; ++g)
      for (int i = 0; i < s.m; ++i)
        for (int j = 0; j < s.n; ++j)
          wanted.push_back(expected(g, i, j, salt));
  }
  float valueOfA(int g, int i, int k, int salt) const {
    return static_cast<float>((i * 5 + k * 3 + g + salt * 29) % 17 - 8) / 4;
  }
  float valueOfB(int g, int k, int j, int salt) const {
    return static_cast<float>((k * 7 + j * 11 + (s.sharedB ? 0 : g) + salt * 31) % 13 - 6) / 8;
  }
  int64_t indexB(int g, int k, int j) const {
    return g * p.batchB + (instance.transposedB ? j * p.strideB + k : k * p.strideB + j);
  }
  double expected(int g, int i, int j, int salt) {
    double sum = 0;
    for (int k = 0; k < s.k; ++k)
      sum += static_cast<double>(valueOfA(g, i, k, salt)) * valueOfB(g, k, j, salt) *
             (instance.scaled ? 1 + (i + k + g) % 3 : 1);
    return sum + bias[j] + i * 0.125 - g;
  }
  /// Blocks along x: tiles of a matrix.
  unsigned grid() const {
    return static_cast<unsigned>((s.m + instance.tileM - 1) / instance.tileM *
                                 ((s.n + instance.tileN - 1) / instance.tileN));
  }
  std::vector<vgpu::MemoryRange> memory() {
    return sortedMemory({a.bytes.range(), b.bytes.range(), c.bytes.range(), bias.range()});
  }
  void compare() {
    EXPECT_TRUE(c.bytes.guardsAreWhole());
    // All products and sums are exact in float, but for rounding the result.
    double tolerance = toleranceOf(instance.out);
    for (int j = 0; j < s.startC; ++j)
      ASSERT_NE(c.get(j), c.get(j)) << "wrote before the result";
    for (int g = 0; g < s.batch; ++g)
      for (int i = 0; i < s.m; ++i)
        for (int j = 0; j < p.strideC; ++j) {
          float found = c.get(s.startC + g * p.batchC + i * p.strideC + j);
          if (j >= s.n)
            ASSERT_NE(found, found) << "wrote between the rows, at " << i << ", " << j;
          else if (double e = wanted[(static_cast<size_t>(g) * s.m + i) * s.n + j];
                   !(std::fabs(found - e) <= tolerance * (1 + std::fabs(e))))
            FAIL() << "batch " << g << ", row " << i << ", column " << j << ": " << found << ", expected " << e;
        }
  }
};

/// A tensor map of lines: `length` elements of 16 bits, in boxes of 64 x boxLines.
inline Map mapOf(Elements &e, int start, int length, int lines, int batch, int64_t lineStride, int64_t batchStride,
                 uint32_t boxLines) {
  tenon::vgpu::TensorMapDescription d;
  d.base = e.bytes.data() + start * 2;
  d.rank = 3;
  d.extents[0] = length, d.extents[1] = lines, d.extents[2] = batchStride ? batch : 1;
  d.strides[0] = lineStride * 2, d.strides[1] = (batchStride ? batchStride : lineStride * lines) * 2;
  d.box[0] = 64, d.box[1] = boxLines, d.box[2] = 1;
  d.swizzle = tenon::vgpu::TensorSwizzle::Bytes128;
  Map map;
  EXPECT_EQ(encodeMap(d, map), "");
  return map;
}
inline Map mapOfA(Trial &t) { return mapOf(t.a, t.s.startA, t.p.k, t.p.m, t.p.batch, t.p.strideA, t.p.batchA, 128); }
inline Map mapOfB(Trial &t) {
  const Problem &p = t.p;
  return t.instance.transposedB ? mapOf(t.b, t.s.startB, p.k, p.n, p.batch, p.strideB, p.batchB, t.instance.tileN)
                                : mapOf(t.b, t.s.startB, p.n, p.k, p.batch, p.strideB, p.batchB, 64);
}

} // namespace tenon::test::gemm

#endif // TENON_TEST_CUDATEMPLATES_GEMMTRIAL_H
