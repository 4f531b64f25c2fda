//===- InterfacesTest.cpp - Iteration spaces of graph operations ----------===//
#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace tenon::graph;
using mlir::utils::IteratorType;

namespace {

class InterfacesTest : public testing::Test {
protected:
  InterfacesTest() { context.loadDialect<GraphDialect, func::FuncDialect>(); }

  /// The first operation with an iteration space in `text`.
  IterationSpaceOpInterface parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    IterationSpaceOpInterface found;
    if (module)
      module->walk([&](IterationSpaceOpInterface op) {
        found = op;
        return WalkResult::interrupt();
      });
    return found;
  }

  static std::string str(AffineMap map) {
    std::string text;
    llvm::raw_string_ostream(text) << map;
    return text;
  }

  static std::vector<std::string> maps(const IterationSpace &space) {
    std::vector<std::string> result;
    for (AffineMap map : space.maps)
      result.push_back(str(map));
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

using Strings = std::vector<std::string>;

TEST_F(InterfacesTest, ElementwiseRepeatsUnitDimensions) {
  auto op = parse(R"(func.func @f(%x: tensor<2x1xf32>, %y: tensor<3xf32>) -> tensor<2x3xf32> {
    %0 = graph.add %x, %y : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  })");
  ASSERT_TRUE(op);
  IterationSpace space = op.getIterationSpace();
  EXPECT_EQ(maps(space), (Strings{"(d0, d1) -> (d0, 0)", "(d0, d1) -> (d1)", "(d0, d1) -> (d0, d1)"}));
  EXPECT_EQ(space.iterators, (SmallVector<IteratorType>(2, IteratorType::parallel)));
}

TEST_F(InterfacesTest, MatmulReducesItsLastLoop) {
  auto op = parse(R"(func.func @f(%x: tensor<5x2x4xf32>, %w: tensor<3x4xf32>) -> tensor<5x2x3xf32> {
    %0 = graph.matmul %x, %w {transpose_w} : (tensor<5x2x4xf32>, tensor<3x4xf32>) -> tensor<5x2x3xf32>
    return %0 : tensor<5x2x3xf32>
  })");
  ASSERT_TRUE(op);
  IterationSpace space = op.getIterationSpace();
  EXPECT_EQ(maps(space), (Strings{"(d0, d1, d2, d3) -> (d0, d1, d3)", "(d0, d1, d2, d3) -> (d2, d3)",
                                  "(d0, d1, d2, d3) -> (d0, d1, d2)"}));
  EXPECT_EQ(space.iterators.back(), IteratorType::reduction);
  EXPECT_TRUE(space.extents[3].isConstant(4));
  EXPECT_EQ(op.getFlopsPerPoint(), 2);
}

TEST_F(InterfacesTest, ConvolutionReadsWindows) {
  auto op = parse(R"(func.func @f(%x: tensor<1x9x4xf32>, %w: tensor<6x4x3xf32>) -> tensor<1x5x6xf32> {
    %0 = graph.conv %x, %w {channels_last, dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 1, 1>,
      strides = array<i64: 2>} : (tensor<1x9x4xf32>, tensor<6x4x3xf32>) -> tensor<1x5x6xf32>
    return %0 : tensor<1x5x6xf32>
  })");
  ASSERT_TRUE(op);
  EXPECT_EQ(maps(op.getIterationSpace()),
            (Strings{"(d0, d1, d2, d3, d4) -> (d0, d1 * 2 + d4 - 1, d3)", "(d0, d1, d2, d3, d4) -> (d2, d3, d4)",
                     "(d0, d1, d2, d3, d4) -> (d0, d1, d2)"}));
}

TEST_F(InterfacesTest, ReductionDropsOrKeepsAxes) {
  auto op = parse(R"(func.func @f(%x: tensor<2x3xf32>) -> tensor<3xf32> {
    %0 = graph.reduce_sum %x {axes = array<i64: 0>, keepdims = false} : tensor<2x3xf32> -> tensor<3xf32>
    return %0 : tensor<3xf32>
  })");
  ASSERT_TRUE(op);
  EXPECT_EQ(maps(op.getIterationSpace()), (Strings{"(d0, d1) -> (d0, d1)", "(d0, d1) -> (d1)"}));
  EXPECT_EQ(op.getIterationSpace().iterators.front(), IteratorType::reduction);
}

TEST_F(InterfacesTest, TransposeAndSliceAreIndexing) {
  auto transpose = parse(R"(func.func @f(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
    %0 = graph.transpose %x {perm = array<i64: 2, 0, 1>} : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
    return %0 : tensor<4x2x3xf32>
  })");
  ASSERT_TRUE(transpose);
  EXPECT_EQ(maps(transpose.getIterationSpace()).front(), "(d0, d1, d2) -> (d1, d2, d0)");
  EXPECT_EQ(transpose.getFlopsPerPoint(), 0);
  auto slice = parse(R"(func.func @f(%x: tensor<9xf32>) -> tensor<3xf32> {
    %0 = graph.slice %x from <[1]> {steps = array<i64: 2>} : tensor<9xf32> -> tensor<3xf32>
    return %0 : tensor<3xf32>
  })");
  ASSERT_TRUE(slice);
  EXPECT_EQ(maps(slice.getIterationSpace()).front(), "(d0) -> (d0 * 2 + 1)");
}

/// Whatever has an iteration space describes each operand and result by one map of the right shape.
TEST_F(InterfacesTest, EverySpaceFitsItsOperation) {
  auto op = parse(R"(func.func @f(%x: tensor<2x3x8x8xf32>, %s: tensor<8xf32>) -> tensor<2x3x8x8xf32> {
    %0 = graph.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>,
      dilations = array<i64: 1, 1>, ceil_mode = false} : tensor<2x3x8x8xf32> -> tensor<2x3x8x8xf32>
    %1 = graph.softmax %0 {axis = 3 : i64} : tensor<2x3x8x8xf32> -> tensor<2x3x8x8xf32>
    %2 = graph.layer_normalization %1, %s {axis = 3 : i64, epsilon = 1.0e-5 : f64}
      : (tensor<2x3x8x8xf32>, tensor<8xf32>) -> tensor<2x3x8x8xf32>
    %3 = graph.reduce_max %2 {axes = array<i64: 1, 3>, keepdims = true} : tensor<2x3x8x8xf32> -> tensor<2x1x8x1xf32>
    %4 = graph.expand %3 : tensor<2x1x8x1xf32> -> tensor<2x3x8x8xf32>
    %5 = graph.cast %4 : tensor<2x3x8x8xf32> -> tensor<2x3x8x8xf32>
    return %5 : tensor<2x3x8x8xf32>
  })");
  ASSERT_TRUE(op);
  int count = 0;
  module->walk([&](IterationSpaceOpInterface current) {
    ++count;
    IterationSpace space = current.getIterationSpace();
    EXPECT_EQ(space.iterators.size(), space.extents.size());
    ASSERT_EQ(space.maps.size(), current->getNumOperands() + current->getNumResults());
    SmallVector<Type> types(current->getOperandTypes());
    llvm::append_range(types, current->getResultTypes());
    for (auto [map, type] : llvm::zip_equal(space.maps, types)) {
      EXPECT_EQ(map.getNumDims(), space.extents.size());
      EXPECT_EQ(map.getNumResults(), cast<RankedTensorType>(type).getRank());
    }
  });
  EXPECT_EQ(count, 6);
}
