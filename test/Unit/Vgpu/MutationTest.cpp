//===- MutationTest.cpp - Does the virtual GPU bite? ----------------------===//
//
// Injects faults into kernels that are right, one at a time, and counts those that some seed finds: by a message, a
// wrong result, or a write beyond a buffer. The kernels without a fault must pass under every seed.
//
//===----------------------------------------------------------------------===//
#include "Mutations.h"

#include <cmath>

using namespace tenon::test;
using tenon::vgpu::TensorMapDescription;
using tenon::vgpu::TensorSwizzle;

namespace {

float elementA(int row, int k) { return static_cast<float>((row * 5 + k * 3) % 17 - 8) / 4; }
float elementB(int column, int k) { return static_cast<float>((k * 7 + column * 11) % 13 - 6) / 8; }

struct Problem {
  int m, n, depth;
  Buffer<uint16_t> a, b;
  std::vector<float> product;
  Problem(int m, int n, int depth)
      : m(m), n(n), depth(depth), a(static_cast<size_t>(m) * depth), b(static_cast<size_t>(n) * depth), product(m * n) {
    for (int r = 0; r < m; ++r)
      for (int k = 0; k < depth; ++k)
        a[r * depth + k] = toHalf(elementA(r, k));
    for (int c = 0; c < n; ++c)
      for (int k = 0; k < depth; ++k)
        b[c * depth + k] = toHalf(elementB(c, k));
    for (int r = 0; r < m; ++r)
      for (int c = 0; c < n; ++c)
        for (int k = 0; k < depth; ++k)
          product[r * n + c] += elementA(r, k) * elementB(c, k);
  }
};

/// What is wrong with a result, or nothing. Values are exact, but for rounding to half.
template <class T, class ToFloat>
std::string compare(Buffer<T> &found, const std::vector<float> &expected, ToFloat toFloat, float tolerance) {
  if (!found.guardsAreWhole())
    return "wrote beyond the result";
  for (size_t i = 0; i < expected.size(); ++i) {
    float value = toFloat(found[i]);
    if (value != value)
      return "NaN";
    if (!(std::fabs(value - expected[i]) <= tolerance * (1 + std::fabs(expected[i]))))
      return "wrong value";
  }
  return {};
}

std::string runSm80(Launcher launch) {
  static Problem p(100, 136, 200);
  Buffer<float> bias(p.n), c(p.product.size());
  std::vector<float> expected = p.product;
  for (int i = 0; i < p.n; ++i)
    bias[i] = static_cast<float>(i);
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] += static_cast<float>(i % p.n);
  std::string error = launch("gemmSm80", {3, 2}, {128}, 3 * 2 * 64 * 32 * 2, p.a.data(), p.b.data(), bias.data(),
                             c.data(), p.m, p.n, p.depth);
  return error.empty() ? compare(c, expected, [](float v) { return v; }, 1e-5f) : error;
}

Map mapOf(Buffer<uint16_t> &matrix, int rows, int columns, uint32_t boxRows) {
  auto inner = static_cast<uint64_t>(columns), outer = static_cast<uint64_t>(rows);
  TensorMapDescription description{matrix.data(),          2, 2, {inner, outer}, {inner * 2}, {64, boxRows},
                                   TensorSwizzle::Bytes128};
  Map map;
  EXPECT_EQ(encodeMap(description, map), "");
  return map;
}

std::string runSm90(Launcher launch) {
  static Problem p(200, 136, 456);
  Buffer<uint16_t> c(p.product.size());
  Map mapA = mapOf(p.a, p.m, p.depth, 128), mapB = mapOf(p.b, p.n, p.depth, 128), mapC = mapOf(c, p.m, p.n, 64);
  std::string error = launch("gemmSm90", {2, 2}, {384}, 3 * 2 * 16384 + 2 * 16384, mapA, mapB, mapC, p.depth);
  return error.empty() ? compare(c, p.product, fromHalf, 1e-3f) : error;
}

std::string runNormalize(Launcher launch) {
  constexpr int rows = 6, n = 700;
  Buffer<float> x(rows * n), y(rows * n);
  std::vector<float> expected(rows * n);
  for (int r = 0; r < rows; ++r) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i)
      sum += x[r * n + i] = static_cast<float>((i * 37 + r * 11) % 101) / 16 + static_cast<float>(i) / 64;
    for (int i = 0; i < n; ++i)
      squares += (x[r * n + i] - sum / n) * (x[r * n + i] - sum / n);
    for (int i = 0; i < n; ++i)
      expected[r * n + i] = static_cast<float>((x[r * n + i] - sum / n) / std::sqrt(squares / n + 1e-5));
  }
  std::string error = launch("normalize", {rows}, {256}, 0, x.data(), y.data(), n);
  return error.empty() ? compare(y, expected, [](float v) { return v; }, 1e-4f) : error;
}

struct Target {
  const char *file;
  std::string (*run)(Launcher);
};
constexpr Target kSm80 = {"GemmSm80.cu", runSm80}, kSm90 = {"GemmSm90.cu", runSm90},
                 kNormalize = {"Normalize.cu", runNormalize};

const Target &targetOf(const Mutation &mutation) {
  std::string file = mutation.file;
  return file == kSm80.file ? kSm80 : file == kSm90.file ? kSm90 : kNormalize;
}

class GemmTest : public DeviceTest {};
class MutationTest : public EmulatorTest {};

TEST_F(GemmTest, NoFalseAlarm) {
  for (const Target &target : {kSm80, kSm90, kNormalize})
    for (uint64_t seed = 0; seed < 3 * kSeeds; ++seed)
      if (target.run != kSm90.run || !lacks(90, 90)) {
        EXPECT_EQ(target.run(file(target.file, seed)), "") << target.file << ", seed " << seed;
      }
}

TEST_F(MutationTest, FindsFaults) {
  FaultSearch faults;
  for (const Mutation &mutation : kMutations) {
    const Target &target = targetOf(mutation);
    std::string source = mutate(mutation, deviceSource(target.file), std::string(mutation.file) != target.file);
    ASSERT_FALSE(source.empty()) << mutation.name << ": the text to change does not occur exactly once";
    faults.search(mutation, {gpu(), source, {}}, kSeeds, target.run);
  }
  printf("%d of %d faults found\n", faults.found, faults.total);
  EXPECT_GE(faults.total, 40);
  EXPECT_GE(faults.found, faults.total - 1);
}

} // namespace
