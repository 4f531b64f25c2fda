//===- RaiseQuantizedTest.cpp - Products of integers keep the numbers -----===//
#include "../Reference/ReferenceTest.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Transforms/IntegerSums.h"
#include "tenon/Transforms/QuantizationPasses.h"

#include <random>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

class RaiseQuantizedTest : public ReferenceTest {
protected:
  HostTensor codes(ElementType type, ArrayRef<int64_t> dims) {
    HostTensor result = *HostTensor::allocate(type, dims);
    for (int64_t i = 0; i < result.getNumElements(); ++i)
      result.setInteger(i, int64_t(engine() & 255));
    return result;
  }

  /// `text` before and after the pass, which leaves `expected` of the ops called `name`; the largest difference is
  /// relative to the largest number.
  void expectNear(StringRef text, ArrayRef<HostTensor> inputs, StringRef name, int expected, double tolerance) {
    const HostTensor before = run(text, inputs);
    ASSERT_TRUE(before) << messages;
    PassManager manager(&context);
    RaiseQuantizedOptions options;
    options.everywhere = true;
    manager.addNestedPass<func::FuncOp>(createRaiseQuantized(options));
    ASSERT_TRUE(succeeded(manager.run(*module))) << messages;
    int found = 0;
    module->walk([&](Operation *op) { found += op->getName().getStringRef() == name; });
    EXPECT_EQ(found, expected);
    llvm::SmallVector<HostTensor> after;
    ASSERT_TRUE(succeeded(evaluateFunction(*module->getOps<func::FuncOp>().begin(), inputs, after))) << messages;
    ASSERT_EQ(before.getDims(), after[0].getDims());
    double largest = 0;
    for (double value : values(before))
      largest = std::max(largest, std::fabs(value));
    for (int64_t i = 0; i < before.getNumElements(); ++i)
      ASSERT_NEAR(before.getDouble(i), after[0].getDouble(i), tolerance * largest) << "element " << i;
  }

  std::mt19937 engine{7};
};

} // namespace

TEST_F(RaiseQuantizedTest, Products) {
  const char *text = R"(func.func @f(%q: tensor<3x4x4xui8>) -> tensor<3x4x2xf32> {
    %s = graph.constant dense<0.03> : tensor<f32>
    %z = graph.constant dense<117> : tensor<ui8>
    %x = graph.dequantize %q, %s, %z : (tensor<3x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<3x4x4xf32>
    %c = graph.constant dense<[[1, -2], [100, -128], [127, 3], [5, 6]]> : tensor<4x2xi8>
    %t = graph.constant dense<[0.5, 0.01]> : tensor<2xf32>
    %w = graph.dequantize %c, %t : (tensor<4x2xi8>, tensor<2xf32>) -> tensor<4x2xf32>
    %y = graph.matmul %x, %w : (tensor<3x4x4xf32>, tensor<4x2xf32>) -> tensor<3x4x2xf32>
    return %y : tensor<3x4x2xf32>
  })";
  expectNear(text, {codes(ElementType::U8, {3, 4, 4})}, "graph.integer_matmul", 1, 1e-6);
}

TEST_F(RaiseQuantizedTest, SumsThatLeave32Bits) {
  static_assert(holdsIntegerSum(65793) && !holdsIntegerSum(65794) && !holdsIntegerSum(-1));
  static_assert(holdsIntegerSum(66311, 255, 127) && !holdsIntegerSum(66312, 255, 127));
  static_assert(holdsIntegerSum(int64_t(1) << 60, 255, 0) && !holdsIntegerSum(int64_t(1) << 60));
  // The sum of 1 * 1, each the largest code.
  for (auto [depth, expected] : {std::pair(66000, 1), std::pair(80000, 0)}) {
    std::string text = R"(func.func @f(%q: tensor<1xDEPTHxui8>) -> tensor<1x1xf32> {
      %s = graph.constant dense<0.003921569> : tensor<f32>
      %x = graph.dequantize %q, %s : (tensor<1xDEPTHxui8>, tensor<f32>) -> tensor<1xDEPTHxf32>
      %c = graph.constant dense<127> : tensor<DEPTHx1xi8>
      %t = graph.constant dense<0.007874016> : tensor<f32>
      %w = graph.dequantize %c, %t : (tensor<DEPTHx1xi8>, tensor<f32>) -> tensor<DEPTHx1xf32>
      %y = graph.matmul %x, %w : (tensor<1xDEPTHxf32>, tensor<DEPTHx1xf32>) -> tensor<1x1xf32>
      return %y : tensor<1x1xf32>
    })";
    for (size_t at = 0; (at = text.find("DEPTH")) != std::string::npos;)
      text.replace(at, 5, std::to_string(depth));
    HostTensor q = *HostTensor::allocate(ElementType::U8, {1, depth});
    for (int64_t i = 0; i < depth; ++i)
      q.setInteger(i, 255);
    expectNear(text, {q}, "graph.integer_matmul", expected, 1e-4);
    EXPECT_NEAR(run(text, {q}).getDouble(0), depth, 1e-3 * depth);
  }
}

TEST_F(RaiseQuantizedTest, UnsignedWeightsInTheOtherOrder) {
  const char *text = R"(func.func @f(%q: tensor<4x4xi8>) -> tensor<4x2xf32> {
    %s = graph.constant dense<0.03> : tensor<f32>
    %x = graph.dequantize %q, %s : (tensor<4x4xi8>, tensor<f32>) -> tensor<4x4xf32>
    %c = graph.constant dense<[[1, 2, 3, 255], [100, 128, 127, 0]]> : tensor<2x4xui8>
    %t = graph.constant dense<[0.5, 0.01]> : tensor<2xf32>
    %z = graph.constant dense<[3, 255]> : tensor<2xui8>
    %w = graph.dequantize %c, %t, %z {axis = 0 : i64} : (tensor<2x4xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<2x4xf32>
    %y = graph.matmul %x, %w {transpose_w} : (tensor<4x4xf32>, tensor<2x4xf32>) -> tensor<4x2xf32>
    return %y : tensor<4x2xf32>
  })";
  expectNear(text, {codes(ElementType::I8, {4, 4})}, "graph.integer_matmul", 1, 1e-6);
}

TEST_F(RaiseQuantizedTest, Convolutions) {
  const char *text = R"(func.func @f(%q: tensor<2x4x5x5xui8>) -> tensor<2x2x3x3xui8> {
    %s = graph.constant dense<0.03> : tensor<f32>
    %z = graph.constant dense<128> : tensor<ui8>
    %x = graph.dequantize %q, %s, %z : (tensor<2x4x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x4x5x5xf32>
    %c = graph.constant dense<[[[[1, -2], [100, -128]], [[127, 3], [5, 6]]], [[[9, 9], [-8, -7]], [[1, 2], [3, 4]]]]> : tensor<2x2x2x2xi8>
    %t = graph.constant dense<[0.5, 0.01]> : tensor<2xf32>
    %w = graph.dequantize %c, %t {axis = 0 : i64} : (tensor<2x2x2x2xi8>, tensor<2xf32>) -> tensor<2x2x2x2xf32>
    %b = graph.constant dense<[10.0, -3.0]> : tensor<2xf32>
    %y = graph.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, dilations = array<i64: 1, 1>, group = 2 : i64} : (tensor<2x4x5x5xf32>, tensor<2x2x2x2xf32>, tensor<2xf32>) -> tensor<2x2x3x3xf32>
    %r = graph.relu %y : tensor<2x2x3x3xf32> -> tensor<2x2x3x3xf32>
    %u = graph.constant dense<1.3> : tensor<f32>
    %o = graph.quantize %r, %u : (tensor<2x2x3x3xf32>, tensor<f32>) -> tensor<2x2x3x3xui8>
    return %o : tensor<2x2x3x3xui8>
  })";
  expectNear(text, {codes(ElementType::U8, {2, 4, 5, 5})}, "graph.integer_conv", 1, 0);
}

TEST_F(RaiseQuantizedTest, DataMovesInFewBits) {
  const char *text = R"(func.func @f(%q: tensor<1x2x4x4xui8>, %p: tensor<1x2x4x4xf32>) -> tensor<4x4xui8> {
    %s = graph.constant dense<0.03> : tensor<f32>
    %z = graph.constant dense<128> : tensor<ui8>
    %x = graph.dequantize %q, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
    %c = graph.concat %x, %p {axis = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32>
    %m = graph.max_pool %c {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : tensor<1x4x4x4xf32> -> tensor<1x4x2x2xf32>
    %r = graph.reshape %m : tensor<1x4x2x2xf32> -> tensor<4x4xf32>
    %t = graph.transpose %r {perm = array<i64: 1, 0>} : tensor<4x4xf32> -> tensor<4x4xf32>
    %o = graph.quantize %t, %s, %z : (tensor<4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x4xui8>
    return %o : tensor<4x4xui8>
  })";
  HostTensor real = *HostTensor::allocate(ElementType::F32, {1, 2, 4, 4});
  for (int64_t i = 0; i < 32; ++i)
    real.setDouble(i, double(i) - 16);
  expectNear(text, {codes(ElementType::U8, {1, 2, 4, 4}), real}, "graph.quantize", 1, 0);
  int kept = 0;
  module->walk([&](Operation *op) { kept += op->getName().getStringRef() == "graph.dequantize"; });
  EXPECT_EQ(kept, 0);
}
