//===- PruneChannelsTest.cpp - Smaller graphs compute the same -------------===//
#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Reference/Evaluate.h"
#include "tenon/Transforms/ChannelPruning.h"
#include "tenon/Transforms/CompressPasses.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace tenon;
using reference::HostTensor;

namespace {

const std::string unit = " {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
                         "group = 1 : i64} : ";
std::string window(int group) {
  return " {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = " +
         std::to_string(group) + " : i64} : ";
}
std::string image(int channels) { return "tensor<2x" + std::to_string(channels) + "x6x6xf32>"; }
std::string kernel(int m, int c, int k) {
  return "tensor<" + std::to_string(m) + "x" + std::to_string(c) + "x" + std::to_string(k) + "x" + std::to_string(k) +
         "xf32>";
}
std::string weight(const std::string &name, const std::string &type) {
  return "  %" + name + " = graph.constant dense<0.0> : " + type + "\n";
}
std::string conv(const std::string &y, const std::string &x, const std::string &w, int from, int to, int k,
                 int group = 1) {
  return weight(w, kernel(to, from / group, k)) + "  %" + y + " = graph.conv %" + x + ", %" + w +
         (k == 1 ? unit : window(group)) + "(" + image(from) + ", " + kernel(to, from / group, k) + ") -> " +
         image(to) + "\n";
}

class PruneChannelsTest : public testing::Test {
protected:
  PruneChannelsTest() { context.loadDialect<func::FuncDialect, graph::GraphDialect>(); }

  /// The module, with every constant drawn from the seed.
  OwningOpRef<ModuleOp> parse(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return module;
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    module->walk([&](graph::ConstantOp constant) {
      HostTensor tensor = *HostTensor::allocate(ElementType::F32, constant.getType().getShape());
      for (int64_t i = 0; i < tensor.getNumElements(); ++i)
        tensor.setDouble(i, normal(random));
      constant.setValueAttr(reference::tensorToAttr(&context, tensor, "w"));
    });
    return module;
  }

  static func::FuncOp mainOf(ModuleOp module) { return *module.getOps<func::FuncOp>().begin(); }

  SmallVector<HostTensor> evaluate(func::FuncOp function) {
    std::mt19937 random(2);
    std::normal_distribution<double> normal;
    std::vector<HostTensor> inputs;
    for (Type type : function.getArgumentTypes()) {
      HostTensor tensor = *HostTensor::allocate(ElementType::F32, cast<RankedTensorType>(type).getShape());
      for (int64_t i = 0; i < tensor.getNumElements(); ++i)
        tensor.setDouble(i, normal(random));
      inputs.push_back(tensor);
    }
    SmallVector<HostTensor> outputs;
    EXPECT_TRUE(succeeded(reference::evaluateFunction(function, inputs, outputs)));
    return outputs;
  }

  /// Prunes `text` to about half, and compares with the old graph with zeros.
  void expectSameAsZeroed(const std::string &text, int64_t groups, ChannelPruningOptions options = {.multiple = 2}) {
    for (bool global : {false, true}) {
      options.global = global;
      OwningOpRef<ModuleOp> pruned = parse(text), zeroed = parse(text);
      ASSERT_TRUE(pruned) << text;
      ChannelPruningResult result = pruneChannels(mainOf(*pruned), options);
      ASSERT_TRUE(succeeded(verify(*pruned)));
      EXPECT_EQ(result.groups, groups);
      EXPECT_GT(result.channelsRemoved, 0);
      EXPECT_LE(result.macsAfter, options.macs * result.macsBefore);
      ChannelPruningOptions zero = options;
      zero.onlyZero = true;
      EXPECT_EQ(pruneChannels(mainOf(*zeroed), zero).channelsRemoved, result.channelsRemoved);
      SmallVector<HostTensor> a = evaluate(mainOf(*pruned)), b = evaluate(mainOf(*zeroed));
      ASSERT_EQ(a.size(), b.size());
      double largest = 0, difference = 0;
      for (int64_t i = 0; i < a[0].getNumElements(); ++i) {
        largest = std::max(largest, std::abs(b[0].getDouble(i)));
        difference = std::max(difference, std::abs(a[0].getDouble(i) - b[0].getDouble(i)));
      }
      EXPECT_GT(largest, 0);
      // Sums in double, rounded once to f32 at each op of a handful.
      EXPECT_LE(difference, 1e-5 * largest);
      // And it counts for something: the pruned model is not the original one.
      OwningOpRef<ModuleOp> original = parse(text);
      EXPECT_NE(evaluate(mainOf(*original))[0].getDouble(0), b[0].getDouble(0));
    }
  }

  MLIRContext context;
};

TEST_F(PruneChannelsTest, Residual) {
  expectSameAsZeroed("func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 16, 3) +
                         "  %1 = graph.relu %0 : " + image(16) + " -> " + image(16) + "\n" +
                         conv("2", "1", "b", 16, 8, 1) + conv("3", "2", "c", 8, 16, 3) + "  %4 = graph.add %1, %3 : (" +
                         image(16) + ", " + image(16) + ") -> " + image(16) + "\n" + conv("5", "4", "d", 16, 4, 1) +
                         "  return %5 : " + image(4) + "\n}",
                     2);
}

TEST_F(PruneChannelsTest, DepthwiseAndGrouped) {
  expectSameAsZeroed("func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 16, 1) +
                         conv("1", "0", "b", 16, 32, 3, 16) + conv("2", "1", "c", 32, 16, 3, 4) +
                         "  %3 = graph.sigmoid %2 : " + image(16) + " -> " + image(16) + "\n" +
                         conv("4", "3", "d", 16, 4, 1) + "  return %4 : " + image(4) + "\n}",
                     2);
}

TEST_F(PruneChannelsTest, ConcatSliceAndShuffle) {
  // Two branches side by side, cut elsewhere, with a scale for each channel.
  expectSameAsZeroed("func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 8, 3) +
                         conv("1", "x", "b", 3, 16, 1) + "  %2 = graph.concat %0, %1 {axis = 1 : i64} : (" + image(8) +
                         ", " + image(16) + ") -> " + image(24) + "\n" + weight("s", "tensor<24x1x1xf32>") +
                         "  %3 = graph.mul %2, %s : (" + image(24) + ", tensor<24x1x1xf32>) -> " + image(24) + "\n" +
                         "  %4 = graph.slice %3 from <[0, 0, 0, 0]> {steps = array<i64: 1, 1, 1, 1>} : " + image(24) +
                         " -> " + image(12) + "\n" +
                         "  %5 = graph.slice %3 from <[0, 12, 0, 0]> {steps = array<i64: 1, 1, 1, 1>} : " + image(24) +
                         " -> " + image(12) + "\n" + "  %6 = graph.mul %4, %5 : (" + image(12) + ", " + image(12) +
                         ") -> " + image(12) + "\n" + conv("7", "6", "c", 12, 4, 1) + "  return %7 : " + image(4) +
                         "\n}",
                     2);
}

TEST_F(PruneChannelsTest, PoolingAndFlatten) {
  std::string pool =
      " {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations "
      "= array<i64: 1, 1>, ceil_mode = false} : ";
  expectSameAsZeroed(
      "func.func @main(%x: " + image(3) + ") -> tensor<2x5xf32> {\n" + conv("0", "x", "a", 3, 16, 3) +
          "  %1 = graph.max_pool %0" + pool + image(16) + " -> tensor<2x16x3x3xf32>\n" +
          "  %2 = graph.reshape %1 : tensor<2x16x3x3xf32> -> tensor<2x144xf32>\n" + weight("b", "tensor<144x16xf32>") +
          "  %3 = graph.matmul %2, %b : (tensor<2x144xf32>, tensor<144x16xf32>) -> tensor<2x16xf32>\n" +
          weight("c", "tensor<16xf32>") +
          "  %4 = graph.add %3, %c : (tensor<2x16xf32>, tensor<16xf32>) -> tensor<2x16xf32>\n" +
          "  %5 = graph.relu %4 : tensor<2x16xf32> -> tensor<2x16xf32>\n" + weight("d", "tensor<5x16xf32>") +
          "  %6 = graph.matmul %5, %d {transpose_w} : (tensor<2x16xf32>, tensor<5x16xf32>) -> tensor<2x5xf32>\n" +
          "  return %6 : tensor<2x5xf32>\n}",
      2);
}

TEST_F(PruneChannelsTest, GlobalPoolingAndSqueezeExcite) {
  expectSameAsZeroed("func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 16, 3) +
                         "  %1 = graph.reduce_mean %0 {axes = array<i64: 2, 3>, keepdims = true} : " + image(16) +
                         " -> tensor<2x16x1x1xf32>\n" + weight("b", "tensor<8x16x1x1xf32>") +
                         "  %2 = graph.conv %1, %b" + unit +
                         "(tensor<2x16x1x1xf32>, tensor<8x16x1x1xf32>) -> tensor<2x8x1x1xf32>\n" +
                         weight("c", "tensor<16x8x1x1xf32>") + "  %3 = graph.conv %2, %c" + unit +
                         "(tensor<2x8x1x1xf32>, tensor<16x8x1x1xf32>) -> tensor<2x16x1x1xf32>\n" +
                         "  %4 = graph.mul %0, %3 : (" + image(16) + ", tensor<2x16x1x1xf32>) -> " + image(16) + "\n" +
                         conv("5", "4", "d", 16, 4, 1) + "  return %5 : " + image(4) + "\n}",
                     2);
}

TEST_F(PruneChannelsTest, AttentionByHeads) {
  auto product = [](std::string y, std::string x, std::string w) {
    return weight(w, "tensor<16x16xf32>") + "  %" + y + " = graph.matmul %" + x + ", %" + w +
           " : (tensor<2x3x16xf32>, tensor<16x16xf32>) -> tensor<2x3x16xf32>\n";
  };
  auto heads = [](std::string y, std::string x) {
    return "  %" + y + "r = graph.reshape %" + x + " : tensor<2x3x16xf32> -> tensor<2x3x4x4xf32>\n  %" + y +
           " = graph.transpose %" + y +
           "r {perm = array<i64: 0, 2, 1, 3>} : tensor<2x3x4x4xf32> -> tensor<2x4x3x4xf32>\n";
  };
  expectSameAsZeroed(
      "func.func @main(%x: tensor<2x3x16xf32>) -> tensor<2x3x16xf32> {\n" + product("q", "x", "a") + heads("qh", "q") +
          product("k", "x", "b") + heads("kh", "k") + product("v", "x", "c") + heads("vh", "v") +
          "  %s = graph.matmul %qh, %kh {transpose_w} : (tensor<2x4x3x4xf32>, tensor<2x4x3x4xf32>) -> "
          "tensor<2x4x3x3xf32>\n"
          "  %p = graph.softmax %s {axis = 3 : i64} : tensor<2x4x3x3xf32> -> tensor<2x4x3x3xf32>\n"
          "  %o = graph.matmul %p, %vh : (tensor<2x4x3x3xf32>, tensor<2x4x3x4xf32>) -> tensor<2x4x3x4xf32>\n"
          "  %t = graph.transpose %o {perm = array<i64: 0, 2, 1, 3>} : tensor<2x4x3x4xf32> -> tensor<2x3x4x4xf32>\n"
          "  %m = graph.reshape %t : tensor<2x3x4x4xf32> -> tensor<2x3x16xf32>\n" +
          product("y", "m", "d") + "  return %y : tensor<2x3x16xf32>\n}",
      1);
}

TEST_F(PruneChannelsTest, TransposedConvolution) {
  std::string attributes = " {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
                           "output_padding = array<i64: 0, 0>, group = 1 : i64} : ";
  expectSameAsZeroed("func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 16, 3) +
                         weight("b", kernel(16, 8, 1)) + "  %1 = graph.conv_transpose %0, %b" + attributes + "(" +
                         image(16) + ", " + kernel(16, 8, 1) + ") -> " + image(8) + "\n" +
                         conv("2", "1", "c", 8, 4, 3) + "  return %2 : " + image(4) + "\n}",
                     2);
}

TEST_F(PruneChannelsTest, CountsForWhatInputsDo) {
  // With the inputs of the second convolution known, channels that are never anything go first.
  std::string text = "func.func @main(%x: " + image(3) + ") -> " + image(4) + " {\n" + conv("0", "x", "a", 3, 8, 1) +
                     "  %1 = graph.relu %0 : " + image(8) + " -> " + image(8) + "\n" + conv("2", "1", "b", 8, 4, 1) +
                     "  return %2 : " + image(4) + "\n}";
  OwningOpRef<ModuleOp> module = parse(text);
  ChannelPruningOptions options{.macs = 0.8, .multiple = 1};
  options.inputSquares = [](Operation *op) {
    auto type = cast<RankedTensorType>(op->getOperand(0).getType());
    std::vector<double> squares(type.getDimSize(1), 1e6);
    if (squares.size() == 8)
      squares[2] = squares[5] = 0;
    return squares;
  };
  options.onlyZero = true;
  EXPECT_EQ(pruneChannels(mainOf(*module), options).channelsRemoved, 2);
  graph::ConvOp second = *std::next(mainOf(*module).getOps<graph::ConvOp>().begin());
  HostTensor weights = *reference::constantToTensor(second.getW().getDefiningOp<graph::ConstantOp>().getValue());
  for (int64_t c = 0; c < 8; ++c)
    EXPECT_EQ(weights.getDouble(c) == 0, c == 2 || c == 5) << c;
}

} // namespace
