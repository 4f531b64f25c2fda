//===- EncodedWeightsTest.cpp - Weights that kernels decode ---------------===//
//
// The kernel of encoded weights gives the bits that the kernel of the same weights in f32 gives.
//
//===----------------------------------------------------------------------===//
#include "../RegionText.h"
#include "CompiledKernel.h"
#include "ConvRegion.h"

#include "llvm/ADT/APFloat.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace tenon::codegen {
namespace {

using llvm::ArrayRef;
using llvm::formatv;
using llvm::SmallVector;

/// How weights of `rows` x `columns` (row-major; the scales' blocks run along `blockAxis`) are stored.
struct Storage {
  std::string element;                     ///< of the stored numbers
  enum { Tensor, Columns, Blocks } scales; ///< Columns: along 1 - blockAxis
  int64_t block = 0;
  bool hasZero = false;

  bool isFloat() const { return element[0] == 'f'; }
  int64_t bits() const { return element.back() == '4' ? 4 : 8; }
};

/// The number that a stored byte is.
float decode(const Storage &s, char byte) {
  const auto code = static_cast<unsigned char>(byte);
  if (s.isFloat()) {
    const llvm::fltSemantics &type =
        s.element == "f8E5M2" ? llvm::APFloat::Float8E5M2() : llvm::APFloat::Float8E4M3FN();
    llvm::APFloat value(type, llvm::APInt(8, code));
    bool lost;
    value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return value.convertToFloat();
  }
  if (s.bits() == 4)
    return s.element == "ui4" ? code & 15 : ((code & 15) ^ 8) - 8;
  return s.element == "ui8" ? code : static_cast<signed char>(byte);
}

Bytes randomCodes(const Storage &s, size_t count, unsigned seed) {
  std::minstd_rand engine(seed + 1);
  Bytes codes(count);
  for (char &code : codes)
    do
      code = static_cast<char>(engine() >> 8);
    while (!std::isfinite(decode(s, code)));
  return codes;
}

/// Weights of shape [a, b, taps] in both forms: blocks run along dimension `axis` (0 or 1), columns are the other of
/// the two. `tail` spells the taps in types: "3x3x".
struct Weights {
  Bytes codes, zeros;
  Floats scales, dense;
  std::string denseType, codeType, scaleType, zeroType, attributes;

  Weights(const Storage &s, int64_t a, int64_t b, int64_t taps, int axis, const std::string &tail) {
    const int64_t columns = axis ? a : b, channels = axis ? b : a;
    const int64_t blocks = s.block ? llvm::divideCeil(channels, s.block) : 1;
    std::string shape;
    int64_t count = 1;
    if (s.scales == Storage::Columns) {
      shape = formatv("{0}x", columns);
      count = columns;
    } else if (s.scales == Storage::Blocks) {
      shape = axis ? formatv("{0}x{1}x{2}", a, blocks, tail).str() : formatv("{0}x{1}x{2}", blocks, b, tail).str();
      count = blocks * columns * taps;
    }
    codes = randomCodes(s, a * b * taps, 11);
    scales = randomFloats(count, 12);
    if (s.hasZero)
      zeros = randomCodes(s, count, 13);
    for (int64_t i = 0; i < a; ++i)
      for (int64_t j = 0; j < b; ++j)
        for (int64_t t = 0; t < taps; ++t) {
          const int64_t block = s.block ? (axis ? j : i) / s.block : 0, column = axis ? i : j;
          const int64_t inBlocks = axis ? (i * blocks + block) * taps + t : block * b + j;
          const int64_t at = s.scales == Storage::Tensor ? 0 : s.scales == Storage::Columns ? column : inBlocks;
          const float zero = s.hasZero ? decode(s, zeros[at]) : 0;
          dense.push_back((decode(s, codes[(i * b + j) * taps + t]) - zero) * scales[at]);
        }
    denseType = formatv("tensor<{0}x{1}x{2}f32>", a, b, tail);
    codeType = formatv("tensor<{0}x{1}x{2}{3}>", a, b, tail, s.element);
    scaleType = "tensor<" + shape + "f32>";
    zeroType = "tensor<" + shape + s.element + ">";
    attributes = formatv("{{axis = {0} : i64, block_size = {1} : i64}", s.scales == Storage::Columns ? 1 - axis : axis,
                         s.scales == Storage::Blocks ? s.block : 0);
  }
};

/// The kernels of `op`, the text of an op of %0 (x), %w and the operands after it, with weights of both forms.
struct Pair {
  std::unique_ptr<CompiledKernel> dense, encoded;
  const Weights &w;

  Pair(const Weights &w, const std::string &x, const std::string &rest, const std::string &op, const char *arch)
      : w(w) {
    auto replaced = [](std::string text, const std::string &from, const std::string &to) {
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
      return text;
    };
    auto create = [&](const std::string &operands, const std::string &body, ArrayRef<unsigned> constants) {
      return CompiledKernel::create(replaced(regionText(operands, body), "RESULTS", "1"), arch, constants);
    };
    dense = create(x + ";" + w.denseType + rest, replaced(replaced(op, "%w", "%1"), "%bias", "%2"), {1});
    const bool hasZero = !w.zeros.empty();
    std::string operands = x + ";" + w.codeType + ";" + w.scaleType, types = w.codeType + ", " + w.scaleType;
    if (hasZero) {
      operands += ";" + w.zeroType;
      types += ", " + w.zeroType;
    }
    std::string decoder = formatv("    %w = graph.dequantize %1, %2{0} {1} : ({2}) -> {3}\n", hasZero ? ", %3" : "",
                                  w.attributes, types, w.denseType);
    encoded = create(operands + rest, decoder + replaced(op, "%bias", hasZero ? "%4" : "%3"),
                     hasZero ? SmallVector<unsigned>{1, 2, 3} : SmallVector<unsigned>{1, 2});
  }

  void expectEqual(const Floats &x, const std::vector<Floats> &rest, const llvm::StringMap<int64_t> &symbols) {
    ASSERT_TRUE(dense && encoded);
    std::vector<Bytes> plain{toBytes(x), toBytes(w.dense)}, small{toBytes(x), w.codes, toBytes(w.scales)};
    if (!w.zeros.empty())
      small.push_back(w.zeros);
    for (const Floats &operand : rest) {
      plain.push_back(toBytes(operand));
      small.push_back(toBytes(operand));
    }
    Floats expected = dense->runBytes(plain, symbols), got = encoded->runBytes(small, symbols);
    ASSERT_EQ(expected.size(), got.size());
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(llvm::bit_cast<uint32_t>(expected[i]), llvm::bit_cast<uint32_t>(got[i]))
          << "at " << i << ": " << expected[i] << " and " << got[i];
  }
};

class EncodedWeights : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!canRun(GetParam()))
      GTEST_SKIP() << "this processor does not run " << GetParam();
  }

  void checkProduct(const Storage &s, int64_t depth, int64_t columns, bool transposed, std::vector<int64_t> rows,
                    bool isStatic = false) {
    Weights w(s, transposed ? columns : depth, transposed ? depth : columns, 1, transposed ? 1 : 0, "");
    std::unique_ptr<Pair> pair;
    for (int64_t m : rows) {
      auto type = [&](int64_t n) -> std::string {
        return isStatic ? formatv("tensor<{0}x{1}xf32>", m, n).str()
                        : formatv("tensor<?x{0}xf32, #graph.shape<[M, {0}]>>", n).str();
      };
      std::string x = type(depth), y = type(columns);
      std::string op = formatv("    %y = graph.matmul %0, %w {0} : ({1}, {2}) -> {3}\n    graph.yield %y : {3}",
                               transposed ? "{transpose_w}" : "", x, w.denseType, y);
      if (!pair || isStatic)
        pair = std::make_unique<Pair>(w, x, "", op, GetParam());
      SCOPED_TRACE(formatv("{0} x {1} x {2} of {3}", m, depth, columns, s.element).str());
      pair->expectEqual(randomFloats(m * depth, m), {}, {{"M", m}});
    }
  }

  void checkConv(const Storage &s, const ConvCase &c) {
    Weights w(s, c.columns, c.channels / c.group, c.kernel[0] * c.kernel[1], 1,
              formatv("{0}x{1}x", c.kernel[0], c.kernel[1]));
    const int64_t height = 9, width = 11;
    std::string x = formatv("tensor<2x{0}x{1}x{2}xf32>", height, width, c.channels);
    std::string y = formatv("tensor<2x{0}x{1}x{2}xf32>", c.out(height, 0), c.out(width, 1), c.columns);
    std::string bias = formatv("tensor<{0}xf32>", c.columns);
    std::string attributes = formatv("{{strides = array<i64: {0}, {1}>, pads = array<i64: {2}, {3}, {4}, {5}>, "
                                     "dilations = array<i64: 1, 1>, group = {6} : i64, channels_last}",
                                     c.stride[0], c.stride[1], c.pads[0], c.pads[1], c.pads[2], c.pads[3], c.group);
    std::string op = formatv("    %y = graph.conv %0, %w, %bias {0} : ({1}, {2}, {3}) -> {4}\n    graph.yield %y : {4}",
                             attributes, x, w.denseType, bias, y);
    Pair pair(w, x, ";" + bias, op, GetParam());
    pair.expectEqual(randomFloats(2 * height * width * c.channels, 1), {randomFloats(c.columns, 3)}, {});
  }
};

TEST_P(EncodedWeights, products_of_integers) {
  checkProduct({"i8", Storage::Columns}, 40, 64, false, {0, 1, 2, 5, 6, 7, 14, 15, 85, 100});
  checkProduct({"ui8", Storage::Tensor, 0, true}, 33, 77, true, {1, 2, 15});
  checkProduct({"i8", Storage::Blocks, 16, true}, 40, 50, false, {1, 29});
  checkProduct({"ui8", Storage::Columns, 0, true}, 7, 5, false, {1, 3});
}

TEST_P(EncodedWeights, products_of_halves_of_bytes) {
  checkProduct({"i4", Storage::Blocks, 32}, 96, 64, false, {1, 2, 9, 15, 100});
  checkProduct({"ui4", Storage::Blocks, 32, true}, 64, 77, true, {1, 2, 15});
  checkProduct({"i4", Storage::Columns, 0, true}, 33, 48, true, {1, 4});
  checkProduct({"ui4", Storage::Tensor}, 129, 5, false, {1, 4});
}

TEST_P(EncodedWeights, products_of_floats_of_8_bits) {
  checkProduct({"f8E4M3FN", Storage::Columns}, 40, 64, false, {1, 15});
  checkProduct({"f8E5M2", Storage::Blocks, 20}, 50, 77, true, {1, 15});
}

TEST_P(EncodedWeights, products_of_constant_numbers_of_rows) {
  // One tile, on one target or both; several tiles; several blocks of rows.
  checkProduct({"i4", Storage::Blocks, 16}, 40, 50, false, {1, 6, 7, 14, 15, 400}, /*isStatic=*/true);
  checkProduct({"i8", Storage::Columns}, 700, 33, true, {1, 8}, /*isStatic=*/true);
}

TEST_P(EncodedWeights, convolutions) {
  const ConvCase padded{3, 40, {3, 3}, {2, 1}, {1, 1, 1, 1}}, plain{8, 33, {2, 3}}, product{20, 50, {1, 1}};
  checkConv({"i8", Storage::Columns}, padded);
  checkConv({"i4", Storage::Columns, 0, true}, plain);
  checkConv({"ui8", Storage::Tensor, 0, true}, product);
  checkConv({"i4", Storage::Blocks, 16}, product);
  checkConv({"f8E4M3FN", Storage::Blocks, 3}, plain);
}

TEST_P(EncodedWeights, convolutions_of_groups) {
  checkConv({"i8", Storage::Columns},
            {.channels = 6, .columns = 64, .kernel = {3, 3}, .pads = {1, 1, 1, 1}, .group = 2});
  checkConv({"i8", Storage::Columns},
            {.channels = 40, .columns = 40, .kernel = {3, 3}, .pads = {1, 1, 1, 1}, .group = 40});
  checkConv({"ui4", Storage::Tensor, 0, true}, {.channels = 7, .columns = 7, .kernel = {3, 3}, .group = 7});
}

/// A row of all the codes of a type times 1.
TEST_P(EncodedWeights, every_float_of_8_bits) {
  for (const char *element : {"f8E4M3FN", "f8E5M2"}) {
    Storage s{element, Storage::Tensor};
    Weights w(s, 1, 256, 1, 0, "");
    for (int i = 0; i < 256; ++i)
      w.codes[i] = static_cast<char>(i);
    std::string op = formatv("    %y = graph.matmul %0, %w : (tensor<1x1xf32>, {0}) -> tensor<1x256xf32>\n    "
                             "graph.yield %y : tensor<1x256xf32>",
                             w.denseType);
    Pair pair(w, "tensor<1x1xf32>", "", op, GetParam());
    ASSERT_TRUE(pair.encoded);
    Floats got = pair.encoded->runBytes({toBytes({1}), w.codes, toBytes({1})}, {});
    for (int i = 0; i < 256; ++i) {
      const float expected = decode(s, w.codes[i]);
      EXPECT_TRUE(std::isnan(expected) ? std::isnan(got[i]) : got[i] == expected) << element << " " << i;
    }
  }
}

TEST_P(EncodedWeights, two_of_four) {
  const int64_t depth = 40, columns = 50;
  Bytes pairs;
  Floats values = randomFloats(depth / 2 * columns, 5), dense(depth * columns);
  std::minstd_rand engine(7);
  const int places[6][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
  for (int64_t group = 0; group < depth / 4; ++group)
    for (int64_t j = 0; j < columns; ++j) {
      const int *place = places[(engine() >> 8) % 6];
      pairs.push_back(static_cast<char>(place[0] | place[1] << 2));
      for (int i : {0, 1})
        dense[(4 * group + place[i]) * columns + j] = values[(2 * group + i) * columns + j];
    }
  auto text = [](const char *operands, const char *body) {
    std::string text = regionText(operands, body);
    return text.replace(text.find("RESULTS"), 7, "1");
  };
  const char *x = "tensor<?x40xf32, #graph.shape<[M, 40]>>";
  std::string product = formatv("({0}, tensor<40x50xf32>) -> tensor<?x50xf32, #graph.shape<[M, 50]>>\n"
                                "    graph.yield %y : tensor<?x50xf32, #graph.shape<[M, 50]>>",
                                x);
  auto plain = CompiledKernel::create(
      text(formatv("{0};tensor<40x50xf32>", x).str().c_str(), ("    %y = graph.matmul %0, %1 : " + product).c_str()),
      GetParam(), {1});
  auto sparse = CompiledKernel::create(
      text(formatv("{0};tensor<20x50xf32>;tensor<10x50xui4>", x).str().c_str(),
           ("    %w = graph.unpack_2to4 %1, %2 : (tensor<20x50xf32>, tensor<10x50xui4>) -> tensor<40x50xf32>\n"
            "    %y = graph.matmul %0, %w : " +
            product)
               .c_str()),
      GetParam(), {1, 2});
  ASSERT_TRUE(plain && sparse);
  for (int64_t rows : {1, 2, 15, 90}) {
    Floats input = randomFloats(rows * depth, rows);
    EXPECT_EQ(plain->runBytes({toBytes(input), toBytes(dense)}, {{"M", rows}}),
              sparse->runBytes({toBytes(input), toBytes(values), pairs}, {{"M", rows}}));
  }
}

INSTANTIATE_TEST_SUITE_P(Archs, EncodedWeights, testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) { return std::string(info.param).back() == '3' ? "v3" : "v4"; });

} // namespace
} // namespace tenon::codegen
