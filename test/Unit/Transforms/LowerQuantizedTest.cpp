//===- LowerQuantizedTest.cpp - What is spelled out keeps its bits --------===//
#include "../Reference/ReferenceTest.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Transforms/QuantizationPasses.h"

#include <random>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

class LowerQuantizedTest : public ReferenceTest {
protected:
  /// Numbers of all sizes that a float has, and some that are none.
  HostTensor realNumbers(ArrayRef<int64_t> dims) {
    HostTensor result = *HostTensor::allocate(ElementType::F32, dims);
    std::uniform_int_distribution<uint32_t> exponents(100, 142), bits;
    for (int64_t i = 0; i < result.getNumElements(); ++i) {
      const uint32_t code = (bits(engine) & 0x807fffff) | exponents(engine) << 23;
      float value;
      std::memcpy(&value, &code, sizeof value);
      result.setDouble(i, i % 97 == 3 ? INFINITY : i % 97 == 4 ? -INFINITY : value);
    }
    return result;
  }
  /// Any bytes, some of them the largest and smallest.
  HostTensor codes(ElementType type, ArrayRef<int64_t> dims) {
    HostTensor result = *HostTensor::allocate(type, dims);
    std::uniform_int_distribution<int> bytes(0, 255);
    for (int64_t i = 0; i < result.getNumElements(); ++i)
      result.setInteger(i, i % 5 == 0 ? (i % 2 ? 255 : 128) : bytes(engine));
    return result;
  }
  HostTensor scales(ArrayRef<int64_t> dims) {
    HostTensor result = *HostTensor::allocate(ElementType::F32, dims);
    std::uniform_real_distribution<double> values(0.01, 2);
    for (int64_t i = 0; i < result.getNumElements(); ++i)
      result.setDouble(i, values(engine));
    return result;
  }

  /// The results of the function `text` before and after the pass have the same bits.
  void expectSameBits(StringRef text, ArrayRef<HostTensor> inputs) {
    const HostTensor before = run(text, inputs);
    ASSERT_TRUE(before) << messages;
    PassManager manager(&context);
    manager.addNestedPass<func::FuncOp>(createLowerQuantized());
    ASSERT_TRUE(succeeded(manager.run(*module))) << messages;
    auto function = *module->getOps<func::FuncOp>().begin();
    llvm::SmallVector<HostTensor> after;
    ASSERT_TRUE(succeeded(evaluateFunction(function, inputs, after))) << messages;
    ASSERT_EQ(before.getDims(), after[0].getDims());
    for (int64_t i = 0; i < before.getNumElements(); ++i) {
      const double a = before.getDouble(i), b = after[0].getDouble(i);
      ASSERT_TRUE((std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b)))
          << "element " << i << ": " << a << " became " << b << "\n"
          << text.str();
    }
  }

  std::mt19937 engine{7};
};

} // namespace

TEST_F(LowerQuantizedTest, QuantizeToEveryType) {
  for (auto [name, type] :
       {std::pair("i8", ElementType::I8), std::pair("ui8", ElementType::U8), std::pair("i16", ElementType::I16),
        std::pair("ui16", ElementType::U16), std::pair("i4", ElementType::I4), std::pair("ui4", ElementType::U4),
        std::pair("i2", ElementType::I2), std::pair("f8E4M3FN", ElementType::F8E4M3FN),
        std::pair("f8E5M2", ElementType::F8E5M2), std::pair("f8E4M3FNUZ", ElementType::F8E4M3FNUZ),
        std::pair("f8E5M2FNUZ", ElementType::F8E5M2FNUZ), std::pair("f4E2M1FN", ElementType::F4E2M1)}) {
    const std::string t = name;
    for (const char *saturate : {"true", "false"})
      expectSameBits("func.func @f(%x: tensor<300xf32>, %s: tensor<f32>) -> tensor<300x" + t + "> {\n" +
                         "%0 = graph.quantize %x, %s {saturate = " + saturate +
                         "} : (tensor<300xf32>, tensor<f32>) -> tensor<300x" + t + ">\nreturn %0 : tensor<300x" + t +
                         ">\n}",
                     {realNumbers({300}), scales({})});
    if (type < ElementType::Bool || type == ElementType::I4 || type == ElementType::U4)
      expectSameBits("func.func @f(%x: tensor<300xf32>, %s: tensor<f32>, %z: tensor<" + t + ">) -> tensor<300x" + t +
                         "> {\n" + "%0 = graph.quantize %x, %s, %z : (tensor<300xf32>, tensor<f32>, tensor<" + t +
                         ">) -> tensor<300x" + t + ">\nreturn %0 : tensor<300x" + t + ">\n}",
                     {realNumbers({300}), scales({}), codes(type, {})});
    expectSameBits("func.func @f(%q: tensor<256x" + t + ">, %s: tensor<f32>) -> tensor<256xf32> {\n" +
                       "%0 = graph.dequantize %q, %s : (tensor<256x" + t +
                       ">, tensor<f32>) -> tensor<256xf32>\nreturn %0 : tensor<256xf32>\n}",
                   {codes(type, {256}), scales({})});
  }
}

TEST_F(LowerQuantizedTest, ScalesByAxisAndBlock) {
  expectSameBits(R"(func.func @f(%x: tensor<5x6xf32>, %s: tensor<5xf32>, %z: tensor<5xi8>) -> tensor<5x6xi8> {
    %0 = graph.quantize %x, %s, %z {axis = 0 : i64} : (tensor<5x6xf32>, tensor<5xf32>, tensor<5xi8>) -> tensor<5x6xi8>
    return %0 : tensor<5x6xi8>
  })",
                 {realNumbers({5, 6}), scales({5}), codes(ElementType::I8, {5})});
  expectSameBits(R"(func.func @f(%q: tensor<7x6xui4>, %s: tensor<3x6xf32>, %z: tensor<3x6xui4>) -> tensor<7x6xf32> {
    %0 = graph.dequantize %q, %s, %z {axis = 0 : i64, block_size = 3 : i64} : (tensor<7x6xui4>, tensor<3x6xf32>, tensor<3x6xui4>) -> tensor<7x6xf32>
    return %0 : tensor<7x6xf32>
  })",
                 {codes(ElementType::U4, {7, 6}), scales({3, 6}), codes(ElementType::U4, {3, 6})});
  expectSameBits(R"(func.func @f(%q: tensor<2x4xi32>, %s: tensor<4xf16>) -> tensor<2x4xf16> {
    %0 = graph.dequantize %q, %s : (tensor<2x4xi32>, tensor<4xf16>) -> tensor<2x4xf16>
    return %0 : tensor<2x4xf16>
  })",
                 {tensor(ElementType::I32, {2, 4}, {1, -2, 3000, 70000, -1, 16777217, 5, 6}),
                  tensor(ElementType::F16, {4}, {0.1, 0.2, 0.3, 0.4})});
}

TEST_F(LowerQuantizedTest, Products) {
  for (const char *form : {"tensor<300x4xi8>", "tensor<4x300xi8> {transpose_w}"}) {
    const bool isTransposed = StringRef(form).contains("transpose_w");
    const std::string type = StringRef(form).split(' ').first.str(), attributes = isTransposed ? " {transpose_w}" : "";
    expectSameBits(
        "func.func @f(%x: tensor<2x3x300xui8>, %w: " + type +
            ", %a: tensor<3x1xui8>, %b: tensor<4xi8>) -> tensor<2x3x4xi32> {\n"
            "%0 = graph.integer_matmul %x, %w x_zero %a w_zero %b" +
            attributes + " : (tensor<2x3x300xui8>, " + type +
            ", tensor<3x1xui8>, tensor<4xi8>) -> tensor<2x3x4xi32>\nreturn %0 : tensor<2x3x4xi32>\n}",
        {codes(ElementType::U8, {2, 3, 300}),
         codes(ElementType::I8, isTransposed ? llvm::ArrayRef<int64_t>{4, 300} : llvm::ArrayRef<int64_t>{300, 4}),
         codes(ElementType::U8, {3, 1}), codes(ElementType::I8, {4})});
  }
}

TEST_F(LowerQuantizedTest, Convolutions) {
  expectSameBits(
      R"(func.func @f(%x: tensor<2x4x5x6xi8>, %w: tensor<6x2x3x2xui8>, %a: tensor<i8>, %b: tensor<6xui8>) -> tensor<2x6x3x3xi32> {
    %0 = graph.integer_conv %x, %w x_zero %a w_zero %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 1, 1>, dilations = array<i64: 1, 1>, group = 2 : i64} : (tensor<2x4x5x6xi8>, tensor<6x2x3x2xui8>, tensor<i8>, tensor<6xui8>) -> tensor<2x6x3x3xi32>
    return %0 : tensor<2x6x3x3xi32>
  })",
      {codes(ElementType::I8, {2, 4, 5, 6}), codes(ElementType::U8, {6, 2, 3, 2}), codes(ElementType::I8, {}),
       codes(ElementType::U8, {6})});
}

TEST_F(LowerQuantizedTest, TwoOfFour) {
  HostTensor indices = *HostTensor::allocate(ElementType::U4, {2, 3});
  const int pairs[] = {0 | 1 << 2, 0 | 3 << 2, 2 | 3 << 2, 1 | 2 << 2, 1 | 3 << 2, 0 | 2 << 2};
  for (int64_t i = 0; i < 6; ++i)
    indices.setInteger(i, pairs[i]);
  expectSameBits(R"(func.func @f(%v: tensor<4x3xf32>, %i: tensor<2x3xui4>) -> tensor<8x3xf32> {
    %0 = graph.unpack_2to4 %v, %i : (tensor<4x3xf32>, tensor<2x3xui4>) -> tensor<8x3xf32>
    return %0 : tensor<8x3xf32>
  })",
                 {realNumbers({4, 3}), indices});
}
