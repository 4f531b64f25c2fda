//===- MovementTest.cpp - Data movement -----------------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

TEST(GenericMovement, Transposes) {
  RegionCheck swap("tensor<?x?xf32, #graph.shape<[N, M]>>", R"(
    %r = graph.transpose %0 {perm = array<i64: 1, 0>} : tensor<?x?xf32, #graph.shape<[N, M]>> -> tensor<?x?xf32, #graph.shape<[M, N]>>
    graph.yield %r : tensor<?x?xf32, #graph.shape<[M, N]>>)");
  for (int64_t n : {1, 15, 16, 17, 40, 100})
    for (int64_t m : {1, 16, 33, 64})
      swap.run({{"N", n}, {"M", m}});
  RegionCheck heads("tensor<?x?x4x24xf32, #graph.shape<[B, S, 4, 24]>>", R"(
    %r = graph.transpose %0 {perm = array<i64: 0, 2, 1, 3>} : tensor<?x?x4x24xf32, #graph.shape<[B, S, 4, 24]>> -> tensor<?x4x?x24xf32, #graph.shape<[B, 4, S, 24]>>
    graph.yield %r : tensor<?x4x?x24xf32, #graph.shape<[B, 4, S, 24]>>)");
  heads.run({{"B", 2}, {"S", 13}});
  RegionCheck toLast("tensor<?x3x?x?xui8, #graph.shape<[N, 3, H, W]>>", R"(
    %r = graph.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : tensor<?x3x?x?xui8, #graph.shape<[N, 3, H, W]>> -> tensor<?x?x?x3xui8, #graph.shape<[N, H, W, 3]>>
    graph.yield %r : tensor<?x?x?x3xui8, #graph.shape<[N, H, W, 3]>>)");
  toLast.low = 0, toLast.high = 256;
  toLast.run({{"N", 2}, {"H", 9}, {"W", 30}});
  RegionCheck toFirst("tensor<?x?x?x40xf32, #graph.shape<[N, H, W, 40]>>", R"(
    %r = graph.transpose %0 {perm = array<i64: 0, 3, 1, 2>} : tensor<?x?x?x40xf32, #graph.shape<[N, H, W, 40]>> -> tensor<?x40x?x?xf32, #graph.shape<[N, 40, H, W]>>
    graph.yield %r : tensor<?x40x?x?xf32, #graph.shape<[N, 40, H, W]>>)");
  toFirst.run({{"N", 2}, {"H", 9}, {"W", 13}});
  RegionCheck rank5("tensor<2x3x4x5x6xi64>", R"(
    %r = graph.transpose %0 {perm = array<i64: 4, 2, 0, 3, 1>} : tensor<2x3x4x5x6xi64> -> tensor<6x4x2x5x3xi64>
    graph.yield %r : tensor<6x4x2x5x3xi64>)");
  rank5.low = -100, rank5.high = 100;
  rank5.run();
}

TEST(GenericMovement, FusesAroundATranspose) {
  RegionCheck check("tensor<?x24x?xf32, #graph.shape<[N, 24, W]>>; tensor<24xf32>", R"(
    %e = graph.relu %0 : tensor<?x24x?xf32, #graph.shape<[N, 24, W]>> -> tensor<?x24x?xf32, #graph.shape<[N, 24, W]>>
    %t = graph.transpose %e {perm = array<i64: 0, 2, 1>} : tensor<?x24x?xf32, #graph.shape<[N, 24, W]>> -> tensor<?x?x24xf32, #graph.shape<[N, W, 24]>>
    %r = graph.add %t, %1 : (tensor<?x?x24xf32, #graph.shape<[N, W, 24]>>, tensor<24xf32>) -> tensor<?x?x24xf32, #graph.shape<[N, W, 24]>>
    graph.yield %r : tensor<?x?x24xf32, #graph.shape<[N, W, 24]>>)");
  check.run({{"N", 3}, {"W", 21}});
}

TEST(GenericMovement, SlicesWithSteps) {
  RegionCheck check("tensor<?x40xf32, #graph.shape<[N, 40]>>", R"(
    %r = graph.slice %0 from #graph.shape<[N floordiv 2, 3]> {steps = array<i64: 1, 1>} : tensor<?x40xf32, #graph.shape<[N, 40]>> -> tensor<?x30xf32, #graph.shape<[N + -1 * (N floordiv 2), 30]>>
    graph.yield %r : tensor<?x30xf32, #graph.shape<[N + -1 * (N floordiv 2), 30]>>)");
  check.run({{"N", 7}});
  RegionCheck strided("tensor<5x40xf32>", R"(
    %r = graph.slice %0 from #graph.shape<[4, 39]> {steps = array<i64: -2, -1>} : tensor<5x40xf32> -> tensor<3x40xf32>
    graph.yield %r : tensor<3x40xf32>)");
  strided.run();
  RegionCheck second("tensor<5x41xf32>", R"(
    %r = graph.slice %0 from #graph.shape<[0, 1]> {steps = array<i64: 1, 2>} : tensor<5x41xf32> -> tensor<5x20xf32>
    graph.yield %r : tensor<5x20xf32>)");
  second.run();
}

TEST(GenericMovement, Concatenates) {
  const char *types = "tensor<?x?x5xf32, #graph.shape<[N, A, 5]>>; tensor<?x?x5xf32, #graph.shape<[N, B, 5]>>; "
                      "tensor<?x3x5xf32, #graph.shape<[N, 3, 5]>>";
  RegionCheck middle(types, R"(
    %c = graph.concat %0, %1, %2 {axis = 1 : i64} : (tensor<?x?x5xf32, #graph.shape<[N, A, 5]>>, tensor<?x?x5xf32, #graph.shape<[N, B, 5]>>, tensor<?x3x5xf32, #graph.shape<[N, 3, 5]>>) -> tensor<?x?x5xf32, #graph.shape<[N, A + B + 3, 5]>>
    %r = graph.neg %c : tensor<?x?x5xf32, #graph.shape<[N, A + B + 3, 5]>> -> tensor<?x?x5xf32, #graph.shape<[N, A + B + 3, 5]>>
    graph.yield %r : tensor<?x?x5xf32, #graph.shape<[N, A + B + 3, 5]>>)");
  middle.run({{"N", 2}, {"A", 4}, {"B", 0}});
  middle.run({{"N", 2}, {"A", 4}, {"B", 9}});
  RegionCheck last("tensor<?x24xf32, #graph.shape<[N, 24]>>; tensor<?x40xf32, #graph.shape<[N, 40]>>", R"(
    %c = graph.concat %0, %1 {axis = 1 : i64} : (tensor<?x24xf32, #graph.shape<[N, 24]>>, tensor<?x40xf32, #graph.shape<[N, 40]>>) -> tensor<?x64xf32, #graph.shape<[N, 64]>>
    graph.yield %c : tensor<?x64xf32, #graph.shape<[N, 64]>>)");
  last.run({{"N", 9}});
}

TEST(GenericMovement, ConcatenatesInTheMiddleOfARegion) {
  // The concatenation is read at two places, so its inputs cannot have loops of their own.
  RegionCheck check("tensor<7x?xf32, #graph.shape<[7, A]>>; tensor<7x?xf32, #graph.shape<[7, B]>>", R"(
    %c = graph.concat %0, %1 {axis = 1 : i64} : (tensor<7x?xf32, #graph.shape<[7, A]>>, tensor<7x?xf32, #graph.shape<[7, B]>>) -> tensor<7x?xf32, #graph.shape<[7, A + B]>>
    %s = graph.slice %c from #graph.shape<[0, 1]> {steps = array<i64: 1, 1>} : tensor<7x?xf32, #graph.shape<[7, A + B]>> -> tensor<7x1xf32>
    %r = graph.sub %c, %s : (tensor<7x?xf32, #graph.shape<[7, A + B]>>, tensor<7x1xf32>) -> tensor<7x?xf32, #graph.shape<[7, A + B]>>
    graph.yield %r : tensor<7x?xf32, #graph.shape<[7, A + B]>>)");
  check.run({{"A", 11}, {"B", 20}});
  check.run({{"A", 0}, {"B", 20}});
}

TEST(GenericMovement, Pads) {
  for (const char *mode : {"constant", "reflect", "edge"}) {
    SCOPED_TRACE(mode);
    RegionCheck check("tensor<?x6x?xf32, #graph.shape<[N, 6, W]>>", llvm::formatv(R"(
      %r = graph.pad %0 {{begins = array<i64: 0, 2, 3>, ends = array<i64: 0, 1, 4>, mode = "{0}", value = 1.5 : f64} : tensor<?x6x?xf32, #graph.shape<[N, 6, W]>> -> tensor<?x9x?xf32, #graph.shape<[N, 9, W + 7]>>
      graph.yield %r : tensor<?x9x?xf32, #graph.shape<[N, 9, W + 7]>>)",
                                                                                  mode)
                                                                        .str());
    check.run({{"N", 2}, {"W", 5}});
    check.run({{"N", 2}, {"W", 50}});
    if (mode == llvm::StringRef("constant"))
      check.run({{"N", 2}, {"W", 0}});
  }
}

TEST(GenericMovement, PadsPixels) {
  RegionCheck check("tensor<?x?x?x24xf32, #graph.shape<[N, H, W, 24]>>", R"(
    %r = graph.pad %0 {begins = array<i64: 0, 1, 1, 0>, ends = array<i64: 0, 1, 1, 0>, mode = "constant", value = 0.0 : f64} : tensor<?x?x?x24xf32, #graph.shape<[N, H, W, 24]>> -> tensor<?x?x?x24xf32, #graph.shape<[N, H + 2, W + 2, 24]>>
    graph.yield %r : tensor<?x?x?x24xf32, #graph.shape<[N, H + 2, W + 2, 24]>>)");
  check.run({{"N", 2}, {"H", 5}, {"W", 7}});
}

TEST(GenericMovement, Gathers) {
  RegionCheck rows("tensor<?x24xf32, #graph.shape<[V, 24]>>; tensor<2x?xi64, #graph.shape<[2, S]>>", R"(
    %r = graph.gather %0, %1 {axis = 0 : i64} : (tensor<?x24xf32, #graph.shape<[V, 24]>>, tensor<2x?xi64, #graph.shape<[2, S]>>) -> tensor<2x?x24xf32, #graph.shape<[2, S, 24]>>
    graph.yield %r : tensor<2x?x24xf32, #graph.shape<[2, S, 24]>>)");
  rows.low = -7, rows.high = 7;
  rows.run({{"V", 7}, {"S", 9}});
  RegionCheck last("tensor<5x?xf32, #graph.shape<[5, V]>>; tensor<3xi32>", R"(
    %r = graph.gather %0, %1 {axis = 1 : i64} : (tensor<5x?xf32, #graph.shape<[5, V]>>, tensor<3xi32>) -> tensor<5x3xf32>
    graph.yield %r : tensor<5x3xf32>)");
  last.low = -7, last.high = 7;
  last.run({{"V", 7}});
  RegionCheck scalar("tensor<4x5xi64>; tensor<i64>", R"(
    %r = graph.gather %0, %1 {axis = 1 : i64} : (tensor<4x5xi64>, tensor<i64>) -> tensor<4xi64>
    graph.yield %r : tensor<4xi64>)");
  scalar.run();
}

TEST(GenericMovement, ExpandsAndReshapes) {
  RegionCheck expand("tensor<?x1xf32, #graph.shape<[N, 1]>>", R"(
    %r = graph.expand %0 : tensor<?x1xf32, #graph.shape<[N, 1]>> -> tensor<3x?x20xf32, #graph.shape<[3, N, 20]>>
    graph.yield %r : tensor<3x?x20xf32, #graph.shape<[3, N, 20]>>)");
  expand.run({{"N", 5}});
  RegionCheck heads("tensor<?x?x48xf32, #graph.shape<[B, S, 48]>>", R"(
    %e = graph.relu %0 : tensor<?x?x48xf32, #graph.shape<[B, S, 48]>> -> tensor<?x?x48xf32, #graph.shape<[B, S, 48]>>
    %h = graph.reshape %e : tensor<?x?x48xf32, #graph.shape<[B, S, 48]>> -> tensor<?x?x4x12xf32, #graph.shape<[B, S, 4, 12]>>
    %r = graph.transpose %h {perm = array<i64: 0, 2, 1, 3>} : tensor<?x?x4x12xf32, #graph.shape<[B, S, 4, 12]>> -> tensor<?x4x?x12xf32, #graph.shape<[B, 4, S, 12]>>
    graph.yield %r : tensor<?x4x?x12xf32, #graph.shape<[B, 4, S, 12]>>)");
  heads.run({{"B", 2}, {"S", 7}});
  RegionCheck back("tensor<?x4x?x12xf32, #graph.shape<[B, 4, S, 12]>>", R"(
    %t = graph.transpose %0 {perm = array<i64: 0, 2, 1, 3>} : tensor<?x4x?x12xf32, #graph.shape<[B, 4, S, 12]>> -> tensor<?x?x4x12xf32, #graph.shape<[B, S, 4, 12]>>
    %h = graph.reshape %t : tensor<?x?x4x12xf32, #graph.shape<[B, S, 4, 12]>> -> tensor<?x?x48xf32, #graph.shape<[B, S, 48]>>
    %e = graph.relu %h : tensor<?x?x48xf32, #graph.shape<[B, S, 48]>> -> tensor<?x?x48xf32, #graph.shape<[B, S, 48]>>
    graph.yield %e : tensor<?x?x48xf32, #graph.shape<[B, S, 48]>>)");
  back.run({{"B", 2}, {"S", 7}});
}

TEST(GenericMovement, Generates) {
  RegionCheck range("tensor<?xf32, #graph.shape<[N]>>", R"(
    %i = graph.range #graph.dim<N + 3> step -2 : tensor<?xi64, #graph.shape<[N]>>
    %f = graph.cast %i : tensor<?xi64, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
    %r = graph.add %f, %0 : (tensor<?xf32, #graph.shape<[N]>>, tensor<?xf32, #graph.shape<[N]>>) -> tensor<?xf32, #graph.shape<[N]>>
    graph.yield %i, %r : tensor<?xi64, #graph.shape<[N]>>, tensor<?xf32, #graph.shape<[N]>>)");
  range.run({{"N", 21}});
  RegionCheck dims("tensor<?x?xf32, #graph.shape<[N, M]>>", R"(
    %d = graph.dims <[N, M, N * M]> : tensor<3xi64>
    graph.yield %d : tensor<3xi64>)");
  dims.run({{"N", 21}, {"M", 3}});
}

TEST(GenericMovement, FillsFromConstants) {
  RegionCheck check("tensor<?xf32, #graph.shape<[N]>>", R"(
    %c = graph.constant dense<2.5> : tensor<f32>
    %r = graph.expand %c : tensor<f32> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
    graph.yield %r : tensor<?x4xf32, #graph.shape<[N, 4]>>)");
  check.run({{"N", 21}});
}

} // namespace
} // namespace tenon::codegen
