//===- ReductionTest.cpp - Reductions, softmax, normalisations ------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// tensor<..> of f32 with these extents, e.g. "N, 5, W".
std::string tensor(llvm::StringRef dims) {
  std::string shape;
  llvm::SmallVector<llvm::StringRef> parts;
  dims.split(parts, ',', -1, false);
  bool isDynamic = false;
  for (llvm::StringRef part : parts) {
    int64_t value;
    bool symbolic = part.trim().getAsInteger(10, value);
    isDynamic |= symbolic;
    shape += (symbolic ? "?" : part.trim().str()) + "x";
  }
  return "tensor<" + shape + "f32" + (isDynamic ? ", #graph.shape<[" + dims.str() + "]>>" : ">");
}

/// One op from x to the result.
std::string unary(llvm::StringRef op, llvm::StringRef attributes, llvm::StringRef from, llvm::StringRef to) {
  return llvm::formatv("%r = graph.{0} %0 {{{1}} : {2} -> {3}\ngraph.yield %r : {3}", op, attributes, tensor(from),
                       tensor(to))
      .str();
}

TEST(GenericReduction, ReducesRows) {
  for (const char *op : {"reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod"}) {
    SCOPED_TRACE(op);
    RegionCheck check(tensor("N, W"), unary(op, "axes = array<i64: 1>, keepdims = true", "N, W", "N, 1"));
    for (int64_t w : {1, 15, 16, 64, 65, 100, 1000})
      check.run({{"N", 7}, {"W", w}}, 1e-5);
    check.run({{"N", 0}, {"W", 8}});
    check.run({{"N", 3}, {"W", 0}});
  }
}

TEST(GenericReduction, ReducesEverything) {
  RegionCheck check(tensor("N, W"), unary("reduce_sum", "axes = array<i64: 0, 1>, keepdims = false", "N, W", ""));
  check.run({{"N", 33}, {"W", 77}}, 1e-5);
}

TEST(GenericReduction, ReducesMiddleAndLeadingDimensions) {
  RegionCheck middle(tensor("N, H, W, 24"),
                     unary("reduce_mean", "axes = array<i64: 1, 2>, keepdims = true", "N, H, W, 24", "N, 1, 1, 24"));
  middle.run({{"N", 2}, {"H", 7}, {"W", 5}});
  RegionCheck dropped(tensor("N, H, W, C"),
                      unary("reduce_max", "axes = array<i64: 1, 2>, keepdims = false", "N, H, W, C", "N, C"));
  dropped.run({{"N", 2}, {"H", 7}, {"W", 5}, {"C", 100}});
  RegionCheck leading(tensor("N, C"), unary("reduce_sum", "axes = array<i64: 0>, keepdims = false", "N, C", "C"));
  leading.run({{"N", 50}, {"C", 70}}, 1e-5);
  RegionCheck split(tensor("A, B, C"),
                    unary("reduce_sum", "axes = array<i64: 0, 2>, keepdims = false", "A, B, C", "B"));
  split.run({{"A", 5}, {"B", 7}, {"C", 19}}, 1e-5);
}

TEST(GenericReduction, Softmax) {
  RegionCheck rows(tensor("N, W"), unary("softmax", "axis = 1 : i64", "N, W", "N, W"));
  for (int64_t w : {1, 2, 16, 17, 197, 1024})
    rows.run({{"N", 5}, {"W", w}});
  RegionCheck middle(tensor("B, 16, 4, A"), unary("softmax", "axis = 1 : i64", "B, 16, 4, A", "B, 16, 4, A"));
  middle.run({{"B", 2}, {"A", 35}});
  RegionCheck logarithm(tensor("N, W"), unary("log_softmax", "axis = 1 : i64", "N, W", "N, W"));
  logarithm.run({{"N", 5}, {"W", 100}}, 1e-5);
}

TEST(GenericReduction, SoftmaxOfMaskedScores) {
  std::string x = tensor("B, 12, S, T"), mask = tensor("B, 1, 1, T");
  RegionCheck check(x + ";" + mask, llvm::formatv(R"(
    %s = graph.add %0, %1 : ({0}, {1}) -> {0}
    %r = graph.softmax %s {{axis = 3 : i64} : {0} -> {0}
    graph.yield %r : {0})",
                                                  x, mask)
                                        .str());
  check.run({{"B", 2}, {"S", 9}, {"T", 33}});
}

TEST(GenericReduction, LayerNormalisationOfResidual) {
  std::string x = tensor("B, S, 96"), c = tensor("96");
  RegionCheck check(x + ";" + x + ";" + c + ";" + c, llvm::formatv(R"(
    %s = graph.add %0, %1 : ({0}, {0}) -> {0}
    %r = graph.layer_normalization %s, %2, %3 {{axis = 2 : i64, epsilon = 1.0e-5 : f64} : ({0}, {1}, {1}) -> {0}
    graph.yield %s, %r : {0}, {0})",
                                                                   x, c)
                                                         .str());
  check.run({{"B", 2}, {"S", 17}}, 1e-5);
}

TEST(GenericReduction, LayerNormalisationOverTwoDimensions) {
  std::string x = tensor("B, S, 20"), c = tensor("S, 20");
  RegionCheck check(x + ";" + c, llvm::formatv(R"(
    %r = graph.layer_normalization %0, %1 {{axis = 1 : i64, epsilon = 1.0e-5 : f64} : ({0}, {1}) -> {0}
    graph.yield %r : {0})",
                                               x, c)
                                     .str());
  check.run({{"B", 3}, {"S", 17}}, 1e-5);
}

TEST(GenericReduction, MeanWithProducersAndConsumers) {
  std::string x = tensor("B, S, 40"), m = tensor("B, S, 1"), flat = tensor("B, S");
  RegionCheck check(x, llvm::formatv(R"(
    %q = graph.mul %0, %0 : ({0}, {0}) -> {0}
    %m = graph.reduce_mean %q {{axes = array<i64: 2>, keepdims = true} : {0} -> {1}
    %s = graph.sqrt %m : {1} -> {1}
    %y = graph.div %0, %s : ({0}, {1}) -> {0}
    %t = graph.reduce_sum %0 {{axes = array<i64: 2>, keepdims = false} : {0} -> {2}
    graph.yield %y, %s, %t : {0}, {1}, {2})",
                                     x, m, flat)
                           .str());
  check.run({{"B", 3}, {"S", 11}}, 1e-5);
}

TEST(GenericReduction, ScaleOfPooledChannels) {
  std::string x = tensor("N, H, W, 48"), p = tensor("N, 48");
  RegionCheck check(x, llvm::formatv(R"(
    %m = graph.reduce_mean %0 {{axes = array<i64: 1, 2>, keepdims = false} : {0} -> {1}
    %s = graph.sigmoid %m : {1} -> {1}
    graph.yield %s : {1})",
                                     x, p)
                           .str());
  check.run({{"N", 3}, {"H", 14}, {"W", 9}});
}

TEST(GenericReduction, ReducesWhatWasMoved) {
  std::string x = tensor("B, S, C"), t = tensor("B, C, S"), r = tensor("B, C, 1");
  RegionCheck check(x, llvm::formatv(R"(
    %t = graph.transpose %0 {{perm = array<i64: 0, 2, 1>} : {0} -> {1}
    %e = graph.exp %t : {1} -> {1}
    %m = graph.reduce_max %e {{axes = array<i64: 2>, keepdims = true} : {1} -> {2}
    %y = graph.sub %e, %m : ({1}, {2}) -> {1}
    graph.yield %y : {1})",
                                     x, t, r)
                           .str());
  check.run({{"B", 3}, {"S", 20}, {"C", 11}}, 1e-5);
}

TEST(GenericReduction, ReducesIntegers) {
  RegionCheck check("tensor<?x?xi64, #graph.shape<[N, W]>>", R"(
    %m = graph.reduce_max %0 {axes = array<i64: 1>, keepdims = false} : tensor<?x?xi64, #graph.shape<[N, W]>> -> tensor<?xi64, #graph.shape<[N]>>
    %s = graph.reduce_sum %0 {axes = array<i64: 1>, keepdims = false} : tensor<?x?xi64, #graph.shape<[N, W]>> -> tensor<?xi64, #graph.shape<[N]>>
    graph.yield %m, %s : tensor<?xi64, #graph.shape<[N]>>, tensor<?xi64, #graph.shape<[N]>>)");
  check.low = -100, check.high = 100;
  check.run({{"N", 20}, {"W", 37}});
}

TEST(GenericReduction, BatchNormalisation) {
  std::string x = tensor("N, 6, H, W");
  RegionCheck check(x + "; tensor<6xf32>; tensor<6xf32>; tensor<6xf32>; tensor<6xf32>", llvm::formatv(R"(
    %r = graph.batch_normalization %0, %1, %2, %3, %4 {{epsilon = 1.0e-5 : f64} : ({0}, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> {0}
    graph.yield %r : {0})",
                                                                                                      x)
                                                                                            .str());
  check.low = 0.1;
  check.run({{"N", 2}, {"H", 5}, {"W", 7}}, 1e-5);
}

} // namespace
} // namespace tenon::codegen
