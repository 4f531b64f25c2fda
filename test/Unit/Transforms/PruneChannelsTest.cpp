//===- PruneChannelsTest.cpp - Smaller graphs compute the same -------------===//
#include "CompressTest.h"
#include "RandomGraph.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "tenon/Transforms/ChannelPruning.h"

using namespace tenon;

namespace {

class PruneChannelsTest : public CompressTest {
protected:
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
      // Sums in double, rounded once to f32 at each op of a handful.
      SmallVector<HostTensor> expected = evaluate(mainOf(*zeroed));
      EXPECT_LE(compare(evaluate(mainOf(*pruned)), expected), 1e-5);
      // And it counts for something: the pruned model is not the original one.
      OwningOpRef<ModuleOp> original = parse(text);
      EXPECT_NE(evaluate(mainOf(*original))[0].getDouble(0), expected[0].getDouble(0));
    }
  }
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

TEST_F(PruneChannelsTest, RandomGraphs) {
  context.loadDialect<shard::ShardDialect>();
  int pruned = 0;
  for (unsigned seed = 0; seed < 1500; ++seed) {
    std::mt19937 random(seed), again(seed);
    OwningOpRef<ModuleOp> smaller = test::makeRandomGraph(context, random),
                          zeroed = test::makeRandomGraph(context, again);
    ChannelPruningOptions options{.global = seed % 2 == 1, .multiple = 1 + int64_t(seed % 3)};
    ChannelPruningResult result = pruneChannels(mainOf(*smaller), options);
    ASSERT_TRUE(succeeded(verify(*smaller))) << seed;
    options.onlyZero = true;
    pruneChannels(mainOf(*zeroed), options);
    pruned += result.channelsRemoved > 0;
    auto inputs = test::makeInputs(mainOf(*smaller), 1 + seed % 3, random);
    SmallVector<HostTensor> a, b;
    ASSERT_TRUE(succeeded(reference::evaluateFunction(mainOf(*smaller), inputs, a))) << seed;
    ASSERT_TRUE(succeeded(reference::evaluateFunction(mainOf(*zeroed), inputs, b))) << seed;
    for (size_t k = 0; k < a.size(); ++k) {
      ASSERT_EQ(a[k].getDims(), b[k].getDims()) << seed;
      for (int64_t i = 0; i < a[k].getNumElements(); ++i)
        // Products of small integers are exact; softmax and normalisation round once or twice.
        ASSERT_NEAR(a[k].getDouble(i), b[k].getDouble(i), 1e-4 * std::max(1.0, std::abs(b[k].getDouble(i)))) << seed;
    }
  }
  EXPECT_GT(pruned, 50);
}

} // namespace
