//===- DispatchCostTest.cpp - Operations and bytes of regions -------------===//
#include "tenon/Cost/DispatchCost.h"

#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

namespace tenon::cost {
namespace {

/// A function whose last op before the return is a dispatch region.
class DispatchCost : public testing::Test {
protected:
  DispatchCost() { context.loadDialect<graph::GraphDialect, mlir::func::FuncDialect>(); }

  graph::DispatchOp parse(const std::string &arguments, const std::string &dispatch) {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        "func.func @f(" + arguments + ") {\n  %r = graph.dispatch" + dispatch + "\n  return\n}", &context);
    graph::DispatchOp found;
    if (module)
      module->walk([&](graph::DispatchOp op) { found = op; });
    return found;
  }
  double at(graph::DimAttr e, int64_t n) {
    sizes.symbols["N"] = n;
    return sizes.evaluate(e);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Context sizes;
};

TEST_F(DispatchCost, ProductWithItsActivation) {
  graph::DispatchOp op = parse("%x: tensor<?x8xf32, #graph.shape<[N, 8]>>, %w: tensor<8x4xf32>", R"((%x, %w) {
  ^bb0(%0: tensor<?x8xf32, #graph.shape<[N, 8]>>, %1: tensor<8x4xf32>):
    %2 = graph.matmul %0, %1 : (tensor<?x8xf32, #graph.shape<[N, 8]>>, tensor<8x4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
    %3 = graph.relu %2 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
    graph.yield %3 : tensor<?x4xf32, #graph.shape<[N, 4]>>
  } : (tensor<?x8xf32, #graph.shape<[N, 8]>>, tensor<8x4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>)");
  ASSERT_TRUE(op);
  // 2 * N * 4 * 8 for the product, N * 4 for the activation.
  EXPECT_EQ(at(countFlops(op), 10), 640 + 40);
  // x and y once, w once: no trip of the product to memory.
  EXPECT_EQ(at(countTraffic(op), 10), 4 * (10 * 8 + 8 * 4 + 10 * 4));
}

TEST_F(DispatchCost, WeightsOfFourBitsShareBytes) {
  graph::DispatchOp op = parse("%x: tensor<1x8xf32>, %q: tensor<8x4xi4>, %s: tensor<4xf32>", R"((%x, %q, %s) {
  ^bb0(%0: tensor<1x8xf32>, %1: tensor<8x4xi4>, %2: tensor<4xf32>):
    %3 = graph.dequantize %1, %2 : (tensor<8x4xi4>, tensor<4xf32>) -> tensor<8x4xf32>
    %4 = graph.matmul %0, %3 : (tensor<1x8xf32>, tensor<8x4xf32>) -> tensor<1x4xf32>
    graph.yield %4 : tensor<1x4xf32>
  } {formats = ["", "kn/2", ""]} : (tensor<1x8xf32>, tensor<8x4xi4>, tensor<4xf32>) -> tensor<1x4xf32>)");
  ASSERT_TRUE(op);
  EXPECT_EQ(at(countTraffic(op), 1), 8 * 4 + 8 * 4 / 2 + 4 * 4 + 4 * 4);
}

TEST_F(DispatchCost, OnlyTheRowsThatAreGatheredAreRead) {
  graph::DispatchOp op = parse("%t: tensor<1000x16xf32>, %i: tensor<?xi64, #graph.shape<[N]>>", R"((%t, %i) {
  ^bb0(%0: tensor<1000x16xf32>, %1: tensor<?xi64, #graph.shape<[N]>>):
    %2 = graph.gather %0, %1 {axis = 0 : i64} : (tensor<1000x16xf32>, tensor<?xi64, #graph.shape<[N]>>) -> tensor<?x16xf32, #graph.shape<[N, 16]>>
    graph.yield %2 : tensor<?x16xf32, #graph.shape<[N, 16]>>
  } : (tensor<1000x16xf32>, tensor<?xi64, #graph.shape<[N]>>) -> tensor<?x16xf32, #graph.shape<[N, 16]>>)");
  ASSERT_TRUE(op);
  EXPECT_EQ(at(countFlops(op), 5), 0);
  EXPECT_EQ(at(countTraffic(op), 5), 5 * 16 * 4 + 5 * 8 + 5 * 16 * 4);
  // More rows than the table has are found in the cache: the table is read once.
  EXPECT_EQ(at(countTraffic(op), 5000), 1000 * 16 * 4 + 5000 * 8 + 5000 * 16 * 4);
}

TEST_F(DispatchCost, AttentionIsTwoProducts) {
  graph::DispatchOp op = parse("%q: tensor<2x4x8x16xf32>, %k: tensor<2x2x10x16xf32>, %v: tensor<2x2x10x32xf32>",
                               R"((%q, %k, %v) {
  ^bb0(%0: tensor<2x4x8x16xf32>, %1: tensor<2x2x10x16xf32>, %2: tensor<2x2x10x32xf32>):
    %3 = graph.attention %0, %1, %2 {scale = 1.0 : f64, softcap = 0.0 : f64} : (tensor<2x4x8x16xf32>, tensor<2x2x10x16xf32>, tensor<2x2x10x32xf32>) -> tensor<2x4x8x32xf32>
    graph.yield %3 : tensor<2x4x8x32xf32>
  } : (tensor<2x4x8x16xf32>, tensor<2x2x10x16xf32>, tensor<2x2x10x32xf32>) -> tensor<2x4x8x32xf32>)");
  ASSERT_TRUE(op);
  EXPECT_EQ(at(countFlops(op), 0), 2.0 * 2 * 4 * 8 * 10 * (16 + 32));
}

TEST_F(DispatchCost, SymbolsWithoutExtentAreSixteen) {
  EXPECT_EQ(sizes.evaluate(graph::DimAttr::symbol(&context, "S")), 16);
  EXPECT_EQ(sizes.evaluate(graph::DimAttr::constant(&context, -3)), 0);
}

} // namespace
} // namespace tenon::cost
