//===- MatMulTest.cpp - Matrix products against a loop --------------------===//
#include "CompiledKernel.h"

#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// y[b, m, n] = sum x[b, m, k] * w[b or 0, k, n] (or w[.., n, k]), in double.
Floats reference(const Floats &x, const Floats &w, int64_t batch, int64_t rows, int64_t depth, int64_t columns,
                 bool transposed, bool wHasBatch) {
  Floats y;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t n = 0; n < columns; ++n) {
        double sum = 0;
        const float *matrix = w.data() + (wHasBatch ? b * depth * columns : 0);
        for (int64_t i = 0; i < depth; ++i)
          sum += double(x[(b * rows + m) * depth + i]) * matrix[transposed ? n * depth + i : i * columns + n];
        y.push_back(sum);
      }
  return y;
}

void expectNear(const Floats &got, const Floats &expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], tolerance) << "at " << i;
}

class MatMul : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!canRun(GetParam()))
      GTEST_SKIP() << "this processor does not run " << GetParam();
  }
};

std::string region(const std::string &x, const std::string &w, const std::string &y, bool transposed) {
  return llvm::formatv(R"(
func.func @f(%x: {0}, %w: {1}) -> {2} {{
  %y = graph.dispatch(%x, %w) {{
  ^bb0(%a: {0}, %b: {1}):
    %0 = graph.matmul %a, %b {3} : ({0}, {1}) -> {2}
    graph.yield %0 : {2}
  } : ({0}, {1}) -> {2}
  return %y : {2}
})",
                       x, w, y, transposed ? "{transpose_w}" : "");
}

TEST_P(MatMul, packed_weights_at_any_number_of_rows) {
  for (auto [depth, columns] : {std::pair(40, 64), std::pair(33, 77), std::pair(7, 16), std::pair(129, 5)}) {
    const bool transposed = depth % 2;
    std::string w = transposed ? llvm::formatv("tensor<{0}x{1}xf32>", columns, depth)
                               : llvm::formatv("tensor<{0}x{1}xf32>", depth, columns);
    auto kernel = CompiledKernel::create(
        region(llvm::formatv("tensor<?x3x{0}xf32, #graph.shape<[B, 3, {0}]>>", depth), w,
               llvm::formatv("tensor<?x3x{0}xf32, #graph.shape<[B, 3, {0}]>>", columns), transposed),
        GetParam(), {1});
    ASSERT_TRUE(kernel);
    for (int64_t b : {0, 1, 2, 5, 29, 113}) {
      Floats x = randomFloats(b * 3 * depth, b), weights = randomFloats(depth * columns, 77);
      Floats expected = reference(x, weights, 1, b * 3, depth, columns, transposed, false);
      expectNear(kernel->run({x, weights}, {{"B", b}}, b % 2), expected, 1e-4);
    }
  }
}

TEST_P(MatMul, packed_weights_at_constant_numbers_of_rows) {
  for (int64_t rows : {1, 2, 3, 13, 14, 15, 49, 197, 336, 400}) {
    auto kernel = CompiledKernel::create(region(llvm::formatv("tensor<{0}x20xf32>", rows), "tensor<20x50xf32>",
                                                llvm::formatv("tensor<{0}x50xf32>", rows), false),
                                         GetParam(), {1});
    ASSERT_TRUE(kernel);
    Floats x = randomFloats(rows * 20, rows), w = randomFloats(20 * 50, 7);
    expectNear(kernel->run({x, w}, {}), reference(x, w, 1, rows, 20, 50, false, false), 1e-4);
  }
}

TEST_P(MatMul, batched) {
  for (bool transposed : {false, true}) {
    std::string w =
        transposed ? "tensor<?x?x?xf32, #graph.shape<[B, N, K]>>" : "tensor<?x?x?xf32, #graph.shape<[B, K, N]>>";
    auto kernel = CompiledKernel::create(region("tensor<?x?x?xf32, #graph.shape<[B, M, K]>>", w,
                                                "tensor<?x?x?xf32, #graph.shape<[B, M, N]>>", transposed),
                                         GetParam(), {});
    ASSERT_TRUE(kernel);
    for (auto [b, m, n, k] :
         {std::tuple(1, 1, 1, 1), std::tuple(2, 15, 33, 17), std::tuple(3, 29, 64, 64), std::tuple(2, 5, 100, 3)}) {
      Floats x = randomFloats(b * m * k, 1), weights = randomFloats(b * k * n, 2);
      expectNear(kernel->run({x, weights}, {{"B", b}, {"M", m}, {"N", n}, {"K", k}}),
                 reference(x, weights, b, m, k, n, transposed, true), 1e-4);
    }
  }
}

TEST_P(MatMul, batch_broadcasts) {
  auto kernel =
      CompiledKernel::create(region("tensor<4x?x6x32xf32, #graph.shape<[4, H, 6, 32]>>", "tensor<1x32x32xf32>",
                                    "tensor<4x?x6x32xf32, #graph.shape<[4, H, 6, 32]>>", false),
                             GetParam(), {});
  ASSERT_TRUE(kernel);
  Floats x = randomFloats(4 * 3 * 6 * 32, 1), w = randomFloats(32 * 32, 2);
  expectNear(kernel->run({x, w}, {{"H", 3}}), reference(x, w, 12, 6, 32, 32, false, false), 1e-4);
}

TEST_P(MatMul, vectors) {
  Floats x = randomFloats(20, 1), w = randomFloats(20 * 20, 2);
  auto row =
      CompiledKernel::create(region("tensor<20xf32>", "tensor<20x20xf32>", "tensor<20xf32>", false), GetParam(), {1});
  ASSERT_TRUE(row);
  expectNear(row->run({x, w}, {}), reference(x, w, 1, 1, 20, 20, false, false), 1e-4);
  auto column =
      CompiledKernel::create(region("tensor<20x20xf32>", "tensor<20xf32>", "tensor<20xf32>", false), GetParam(), {1});
  ASSERT_TRUE(column);
  expectNear(column->run({w, x}, {}), reference(w, x, 1, 20, 20, 1, false, false), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Archs, MatMul, testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) { return std::string(info.param).back() == '3' ? "v3" : "v4"; });

} // namespace
} // namespace tenon::codegen
