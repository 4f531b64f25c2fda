//===- ElementwiseTest.cpp - Elementwise kernels --------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

TEST(GenericElementwise, AddsAndActivatesAtAnySize) {
  RegionCheck check("tensor<?x?xf32, #graph.shape<[N, M]>>; tensor<?x?xf32, #graph.shape<[N, M]>>", R"(
    %a = graph.add %0, %1 : (tensor<?x?xf32, #graph.shape<[N, M]>>, tensor<?x?xf32, #graph.shape<[N, M]>>) -> tensor<?x?xf32, #graph.shape<[N, M]>>
    %b = graph.relu %a : tensor<?x?xf32, #graph.shape<[N, M]>> -> tensor<?x?xf32, #graph.shape<[N, M]>>
    graph.yield %b : tensor<?x?xf32, #graph.shape<[N, M]>>)");
  for (int64_t m : {0, 1, 15, 16, 17, 33, 1000})
    check.run({{"N", 3}, {"M", m}});
  check.run({{"N", 300}, {"M", 257}});
}

TEST(GenericElementwise, BroadcastsPerChannelAndScalar) {
  RegionCheck check("tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>; tensor<5x1xf32>; tensor<f32>", R"(
    %a = graph.mul %0, %1 : (tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>, tensor<5x1xf32>) -> tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>
    %b = graph.sub %a, %2 : (tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>, tensor<f32>) -> tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>
    graph.yield %b : tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>)");
  check.run({{"N", 2}, {"W", 7}});
  check.run({{"N", 3}, {"W", 70}});
}

TEST(GenericElementwise, BroadcastsLastDimension) {
  RegionCheck check("tensor<?x24xf32, #graph.shape<[N, 24]>>; tensor<24xf32>; tensor<?x1xf32, #graph.shape<[N, 1]>>",
                    R"(
    %a = graph.mul %0, %1 : (tensor<?x24xf32, #graph.shape<[N, 24]>>, tensor<24xf32>) -> tensor<?x24xf32, #graph.shape<[N, 24]>>
    %b = graph.add %a, %2 : (tensor<?x24xf32, #graph.shape<[N, 24]>>, tensor<?x1xf32, #graph.shape<[N, 1]>>) -> tensor<?x24xf32, #graph.shape<[N, 24]>>
    graph.yield %b : tensor<?x24xf32, #graph.shape<[N, 24]>>)");
  check.run({{"N", 1}});
  check.run({{"N", 1000}});
}

TEST(GenericElementwise, BroadcastsAtRunTime) {
  RegionCheck check("tensor<?x?xf32, #graph.shape<[A, B]>>; tensor<?x?xf32, #graph.shape<[C, D]>>", R"(
    %a = graph.add %0, %1 : (tensor<?x?xf32, #graph.shape<[A, B]>>, tensor<?x?xf32, #graph.shape<[C, D]>>) -> tensor<?x?xf32, #graph.shape<[broadcast(A, C), broadcast(B, D)]>>
    graph.yield %a : tensor<?x?xf32, #graph.shape<[broadcast(A, C), broadcast(B, D)]>>)");
  check.run({{"A", 5}, {"B", 40}, {"C", 5}, {"D", 40}});
  check.run({{"A", 1}, {"B", 40}, {"C", 5}, {"D", 1}});
  check.run({{"A", 5}, {"B", 1}, {"C", 1}, {"D", 40}});
  check.run({{"A", 5}, {"B", 1}, {"C", 1}, {"D", 1}});
}

TEST(GenericElementwise, ComparesAndSelects) {
  RegionCheck check("tensor<100xf32>; tensor<100xf32>; tensor<100xi1>", R"(
    %a = graph.less %0, %1 : (tensor<100xf32>, tensor<100xf32>) -> tensor<100xi1>
    %b = graph.and %a, %2 : (tensor<100xi1>, tensor<100xi1>) -> tensor<100xi1>
    %c = graph.where %b, %0, %1 : (tensor<100xi1>, tensor<100xf32>, tensor<100xf32>) -> tensor<100xf32>
    graph.yield %b, %c : tensor<100xi1>, tensor<100xf32>)");
  check.run();
}

TEST(GenericElementwise, ComputesIntegers) {
  RegionCheck check("tensor<?xi64, #graph.shape<[N]>>; tensor<i64>", R"(
    %a = graph.mul %0, %1 : (tensor<?xi64, #graph.shape<[N]>>, tensor<i64>) -> tensor<?xi64, #graph.shape<[N]>>
    %b = graph.div %a, %0 : (tensor<?xi64, #graph.shape<[N]>>, tensor<?xi64, #graph.shape<[N]>>) -> tensor<?xi64, #graph.shape<[N]>>
    %c = graph.cast %b : tensor<?xi64, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
    %d = graph.cast %c : tensor<?xf32, #graph.shape<[N]>> -> tensor<?xi8, #graph.shape<[N]>>
    graph.yield %c, %d : tensor<?xf32, #graph.shape<[N]>>, tensor<?xi8, #graph.shape<[N]>>)");
  check.low = -50, check.high = 50;
  check.run({{"N", 100}});
}

TEST(GenericElementwise, CastsUnsignedBytes) {
  RegionCheck check("tensor<?xui8, #graph.shape<[N]>>", R"(
    %a = graph.cast %0 : tensor<?xui8, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
    graph.yield %a : tensor<?xf32, #graph.shape<[N]>>)");
  check.low = 0, check.high = 256;
  check.run({{"N", 100}});
}

TEST(GenericElementwise, ComputesFunctions) {
  for (const char *op : {"exp", "tanh", "erf", "sigmoid", "sin", "cos", "floor", "round", "sqrt", "log"}) {
    RegionCheck check("tensor<?xf32, #graph.shape<[N]>>", llvm::formatv(R"(
      %a = graph.{0} %0 : tensor<?xf32, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
      graph.yield %a : tensor<?xf32, #graph.shape<[N]>>)",
                                                                        op)
                                                              .str());
    SCOPED_TRACE(op);
    check.low = op == llvm::StringRef("sqrt") || op == llvm::StringRef("log") ? 0.01 : -5, check.high = 5;
    check.run({{"N", 1000}});
  }
}

TEST(GenericElementwise, SharesSubexpressions) {
  // 30 doublings: a tree would have 2^30 nodes.
  std::string body, previous = "%0";
  for (int i = 0; i < 30; ++i) {
    body += llvm::formatv("%a{0} = graph.max {1}, {1} : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>\n", i,
                          previous)
                .str();
    previous = "%a" + std::to_string(i);
  }
  RegionCheck check("tensor<8x4xf32>", body + "graph.yield " + previous + " : tensor<8x4xf32>");
  check.run();
}

TEST(GenericElementwise, RefusesWhatItCannotDo) {
  EXPECT_FALSE(hasGenericKernel("tensor<8xf64>", R"(
    %a = graph.exp %0 : tensor<8xf64> -> tensor<8xf64>
    graph.yield %a : tensor<8xf64>)"));
  EXPECT_TRUE(hasGenericKernel("tensor<8xf64>", R"(
    %a = graph.relu %0 : tensor<8xf64> -> tensor<8xf64>
    graph.yield %a : tensor<8xf64>)"));
}

} // namespace
} // namespace tenon::codegen
