//===- MergeLinearTest.cpp - Merged products compute the same --------------===//
#include "CompressTest.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Transforms/CompressPasses.h"

using namespace tenon;

namespace {

class MergeLinearTest : public CompressTest {
protected:
  /// Merges `text`, after which there are `products` products and convolutions of values, and compares.
  void expectSame(const std::string &text, int products, bool parallel = false) {
    OwningOpRef<ModuleOp> before = parse(text), after = parse(text);
    ASSERT_TRUE(before) << text;
    PassManager manager(&context);
    manager.addNestedPass<func::FuncOp>(createMergeLinear({.parallel = parallel}));
    ASSERT_TRUE(succeeded(manager.run(*after)));
    int count = 0;
    std::function<bool(Value)> isKnown = [&](Value v) {
      return v.getDefiningOp() && llvm::all_of(v.getDefiningOp()->getOperands(), isKnown);
    };
    after->walk(
        [&](Operation *op) { count += isa<graph::MatMulOp, graph::ConvOp>(op) && !isKnown(op->getOperand(0)); });
    EXPECT_EQ(count, products);
    // Weights of a merge are rounded once more, 2^-24 each; the results of a few ops are rounded at other places.
    EXPECT_LE(compare(evaluate(mainOf(*after)), evaluate(mainOf(*before))), 1e-5);
  }
};

std::string product(std::string y, std::string x, std::string w, int from, int to) {
  std::string a = "tensor<3x" + std::to_string(from) + "xf32>", b = "tensor<3x" + std::to_string(to) + "xf32>",
              type = "tensor<" + std::to_string(from) + "x" + std::to_string(to) + "xf32>";
  return weight(w, type) + "  %" + y + " = graph.matmul %" + x + ", %" + w + " : (" + a + ", " + type + ") -> " + b +
         "\n";
}

TEST_F(MergeLinearTest, ThreeProductsInARow) {
  expectSame("func.func @main(%x: tensor<3x4xf32>) -> tensor<3x5xf32> {\n" + product("0", "x", "a", 4, 16) +
                 weight("b", "tensor<16xf32>") +
                 "  %1 = graph.add %0, %b : (tensor<3x16xf32>, tensor<16xf32>) -> tensor<3x16xf32>\n" +
                 product("2", "1", "c", 16, 16) + product("3", "2", "d", 16, 5) + "  return %3 : tensor<3x5xf32>\n}",
             1);
}

TEST_F(MergeLinearTest, ConvolutionsAndScales) {
  expectSame("func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 16, 3) +
                 weight("s", "tensor<16x1x1xf32>") + "  %1 = graph.mul %0, %s : (" + image(16) +
                 ", tensor<16x1x1xf32>) -> " + image(16) + "\n" + conv("2", "1", "b", 16, 4, 1) +
                 "  return %2 : " + image(4) + "\n}",
             1);
}

TEST_F(MergeLinearTest, DepthwiseWithScales) {
  expectSame("func.func @main(%x: " + image(8) + ") -> " + image(8) + " {\n" + weight("s", "tensor<8x1x1xf32>") +
                 "  %0 = graph.mul %x, %s : (" + image(8) + ", tensor<8x1x1xf32>) -> " + image(8) + "\n" +
                 conv("1", "0", "a", 8, 8, 3, 8) + weight("t", "tensor<1x8x1x1xf32>") + "  %2 = graph.mul %t, %1 : " +
                 "(tensor<1x8x1x1xf32>, " + image(8) + ") -> " + image(8) + "\n  return %2 : " + image(8) + "\n}",
             1);
}

TEST_F(MergeLinearTest, ParallelProducts) {
  expectSame("func.func @main(%x: tensor<3x4xf32>) -> tensor<3x5xf32> {\n" + product("0", "x", "a", 4, 5) +
                 product("1", "x", "b", 4, 5) +
                 "  %2 = graph.mul %0, %1 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>\n" +
                 "  return %2 : tensor<3x5xf32>\n}",
             1, true);
}

TEST_F(MergeLinearTest, ParallelConvolutions) {
  expectSame("func.func @main(%x: " + image(3) + ") -> " + image(8) + " {\n" + conv("0", "x", "a", 3, 8, 3) +
                 conv("1", "x", "b", 3, 8, 3) + conv("2", "x", "c", 3, 8, 1) + "  %3 = graph.mul %0, %1 : (" +
                 image(8) + ", " + image(8) + ") -> " + image(8) + "\n  %4 = graph.mul %2, %3 : (" + image(8) + ", " +
                 image(8) + ") -> " + image(8) + "\n  return %4 : " + image(8) + "\n}",
             2, true);
}

} // namespace
