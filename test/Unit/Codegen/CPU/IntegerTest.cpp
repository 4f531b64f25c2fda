//===- IntegerTest.cpp - Products and convolutions of bytes ---------------===//
//
// Bit by bit what the reference evaluator says, on every architecture that this processor runs: those with VNNI and
// those without compute the same numbers.
//
//===----------------------------------------------------------------------===//
#include "../Generic/RegionCheck.h"

#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "tenon/Runtime/CpuInfo.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

class Integers : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    if (!runtime::cpuSupports(GetParam()))
      GTEST_SKIP() << "this processor does not run " << GetParam();
  }

  /// All bytes, the extreme ones often.
  void check(const std::string &operands, const std::string &body, llvm::ArrayRef<unsigned> constants,
             const llvm::StringMap<int64_t> &symbols = {}) {
    SCOPED_TRACE(operands);
    RegionCheck region(operands, body, GetParam(), constants);
    region.low = -128;
    region.high = 128;
    region.run(symbols);
  }
};

struct Signs {
  const char *x, *w;
};
constexpr Signs allSigns[] = {{"ui8", "i8"}, {"ui8", "ui8"}, {"i8", "i8"}, {"i8", "ui8"}};

/// `zeros`: 0 none, 1 of x, 2 of w, 3 both, 4 both, w's for each column.
std::pair<std::string, std::string> product(const std::string &rows, int64_t depth, int64_t columns, Signs signs,
                                            bool transposed, int zeros) {
  const bool hasX = zeros == 1 || zeros >= 3, hasW = zeros >= 2;
  std::string x = rows == "?" ? llvm::formatv("tensor<?x{0}x{1}, #graph.shape<[B, {0}]>>", depth, signs.x).str()
                              : llvm::formatv("tensor<{0}x{1}x{2}>", rows, depth, signs.x).str();
  std::string y = rows == "?" ? llvm::formatv("tensor<?x{0}xi32, #graph.shape<[B, {0}]>>", columns).str()
                              : llvm::formatv("tensor<{0}x{1}xi32>", rows, columns).str();
  std::string w =
      llvm::formatv("tensor<{0}x{1}x{2}>", transposed ? columns : depth, transposed ? depth : columns, signs.w);
  std::string operands = x + ";" + w, types = x + ", " + w, arguments;
  auto add = [&](const char *name, const std::string &type, int number) {
    operands += ";" + type;
    types += ", " + type;
    arguments += llvm::formatv(" {0} %{1}", name, number);
  };
  if (hasX)
    add("x_zero", llvm::formatv("tensor<{0}>", signs.x), 2);
  if (hasW)
    add("w_zero",
        zeros == 4 ? llvm::formatv("tensor<{0}x{1}>", columns, signs.w).str()
                   : llvm::formatv("tensor<{0}>", signs.w).str(),
        hasX ? 3 : 2);
  std::string body = llvm::formatv("%y = graph.integer_matmul %0, %1{0} {1} : ({2}) -> {3}\ngraph.yield %y : {3}",
                                   arguments, transposed ? "{transpose_w}" : "", types, y);
  return {operands, body};
}

TEST_P(Integers, products_of_odd_sizes) {
  int i = 0;
  for (auto [rows, depth, columns] :
       {std::tuple(1, 1, 1), std::tuple(3, 4, 32), std::tuple(14, 7, 33), std::tuple(29, 64, 70), std::tuple(5, 66, 16),
        std::tuple(70, 3, 5), std::tuple(17, 131, 48), std::tuple(2, 1030, 40)}) {
    for (int zeros = i % 2; zeros < 5; zeros += 2, ++i) {
      auto [operands, body] = product(std::to_string(rows), depth, columns, allSigns[i % 4], i % 3 == 0, zeros);
      check(operands, body, {1});
    }
  }
}

TEST_P(Integers, products_of_any_number_of_rows) {
  auto [operands, body] = product("?", 37, 50, allSigns[0], false, 1);
  for (int64_t rows : {0, 1, 13, 29, 400})
    check(operands, body, {1}, {{"B", rows}});
}

TEST_P(Integers, products_of_computed_weights) {
  for (bool transposed : {false, true}) {
    auto [operands, body] = product("9", 21, 35, allSigns[transposed], transposed, 4);
    check(operands, body, {});
  }
  check("tensor<2x3x4x7xui8>;tensor<3x7x18xi8>",
        "%y = graph.integer_matmul %0, %1 : (tensor<2x3x4x7xui8>, tensor<3x7x18xi8>) -> tensor<2x3x4x18xi32>\n"
        "graph.yield %y : tensor<2x3x4x18xi32>",
        {});
}

TEST_P(Integers, epilogue_to_bytes) {
  check("tensor<30x40xui8>;tensor<40x50xi8>;tensor<ui8>;tensor<50xf32>",
        "%y = graph.integer_matmul %0, %1 x_zero %2 : (tensor<30x40xui8>, tensor<40x50xi8>, tensor<ui8>) -> "
        "tensor<30x50xi32>\n"
        "%f = graph.cast %y : tensor<30x50xi32> -> tensor<30x50xf32>\n"
        "%m = graph.abs %f : tensor<30x50xf32> -> tensor<30x50xf32>\n"
        "%c = graph.constant dense<255.0> : tensor<f32>\n"
        "%d = graph.min %m, %c : (tensor<30x50xf32>, tensor<f32>) -> tensor<30x50xf32>\n"
        "%q = graph.cast %d : tensor<30x50xf32> -> tensor<30x50xui8>\n"
        "graph.yield %q : tensor<30x50xui8>",
        {1});
}

/// Divisions by a constant scale are not divisions (Quantizing.h), the results are the same: infinities and NaN
/// included.
TEST_P(Integers, quantization) {
  for (const char *scale : {"0.0371", "1.0e-17", "-3.0"})
    for (const char *type : {"ui8", "i8"}) {
      const bool isSigned = *type == 'i';
      std::string body = llvm::formatv(R"(%big = graph.constant dense<1.0e36> : tensor<f32>
%s = graph.constant dense<{0}> : tensor<f32>
%l = graph.constant dense<{1}> : tensor<f32>
%h = graph.constant dense<{2}> : tensor<f32>
%z = graph.cast %1 : tensor<{3}> -> tensor<f32>
%x = graph.mul %0, %2 : (tensor<50x70xf32>, tensor<50x1xf32>) -> tensor<50x70xf32>
%y = graph.mul %x, %x : (tensor<50x70xf32>, tensor<50x70xf32>) -> tensor<50x70xf32>
%b = graph.mul %y, %big : (tensor<50x70xf32>, tensor<f32>) -> tensor<50x70xf32>
%d = graph.div %b, %s : (tensor<50x70xf32>, tensor<f32>) -> tensor<50x70xf32>
%r = graph.round %d : tensor<50x70xf32> -> tensor<50x70xf32>
%a = graph.add %r, %z : (tensor<50x70xf32>, tensor<f32>) -> tensor<50x70xf32>
%m = graph.min %a, %h : (tensor<50x70xf32>, tensor<f32>) -> tensor<50x70xf32>
%n = graph.max %m, %l : (tensor<50x70xf32>, tensor<f32>) -> tensor<50x70xf32>
%q = graph.cast %n : tensor<50x70xf32> -> tensor<50x70x{3}>
graph.yield %q : tensor<50x70x{3}>)",
                                       scale, isSigned ? "-128.0" : "0.0", isSigned ? "127.0" : "255.0", type);
      const std::string operands = llvm::formatv("tensor<50x70xf32>;tensor<{0}>;tensor<50x1xf32>", type);
      check(operands, body, {});
      // The same without what overflows.
      body.replace(body.find("graph.div %b"), 12, "graph.div %x");
      check(operands, body, {});
    }
}

struct ConvShape {
  int64_t channels, columns, groups;
  std::vector<int64_t> kernel, strides, pads, dilations;
  int64_t height, width;
  bool isDynamic = false;
};

std::string list(const std::vector<int64_t> &values) {
  std::string text;
  for (int64_t value : values)
    text += (text.empty() ? "" : ", ") + std::to_string(value);
  return text;
}

std::pair<std::string, std::string> convolution(const ConvShape &c, Signs signs, int zeros) {
  auto out = [&](int d, int64_t extent) {
    const int64_t reach = (c.kernel[d] - 1) * c.dilations[d] + 1;
    return (extent + c.pads[d] + c.pads[d + 2] - reach) / c.strides[d] + 1;
  };
  const int64_t h = out(0, c.height), v = out(1, c.width);
  std::string x = llvm::formatv("tensor<2x{0}x{1}x{2}x{3}>", c.height, c.width, c.channels, signs.x);
  std::string y = llvm::formatv("tensor<2x{0}x{1}x{2}xi32>", h, v, c.columns);
  std::string w =
      llvm::formatv("tensor<{0}x{1}x{2}x{3}x{4}>", c.columns, c.channels / c.groups, c.kernel[0], c.kernel[1], signs.w);
  std::string operands = x + ";" + w, types = x + ", " + w, arguments;
  auto add = [&](const char *name, const std::string &type, int number) {
    operands += ";" + type;
    types += ", " + type;
    arguments += llvm::formatv(" {0} %{1}", name, number);
  };
  if (zeros >= 1)
    add("x_zero", llvm::formatv("tensor<{0}>", signs.x), 2);
  if (zeros >= 2)
    add("w_zero",
        zeros == 3 ? llvm::formatv("tensor<{0}x{1}>", c.columns, signs.w).str()
                   : llvm::formatv("tensor<{0}>", signs.w).str(),
        3);
  std::string attributes = llvm::formatv(
      "{{strides = array<i64: {0}>, pads = array<i64: {1}>, dilations = array<i64: {2}>, group = {3} : i64, "
      "channels_last}",
      list(c.strides), list(c.pads), list(c.dilations), c.groups);
  return {operands, llvm::formatv("%y = graph.integer_conv %0, %1{0} {1} : ({2}) -> {3}\ngraph.yield %y : {3}",
                                  arguments, attributes, types, y)};
}

TEST_P(Integers, convolutions) {
  const ConvShape shapes[] = {
      {16, 40, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 9, 11},  // a product
      {5, 33, 1, {1, 1}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 9, 11},   // every other pixel
      {3, 64, 1, {7, 7}, {2, 2}, {3, 3, 3, 3}, {1, 1}, 19, 30},  // an odd run
      {8, 32, 1, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 7, 7},    // several rows a tile
      {6, 20, 1, {3, 2}, {1, 2}, {2, 0, 1, 3}, {2, 2}, 12, 13},  // dilated: a run is a tap
      {64, 64, 2, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 5, 18},  // groups of 32 columns
      {6, 9, 3, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 5, 6},     // small groups
      {20, 20, 20, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 9, 16}, // depthwise
      {33, 33, 33, {5, 3}, {2, 2}, {2, 1, 2, 1}, {1, 1}, 9, 16},
  };
  int i = 0;
  for (const ConvShape &shape : shapes)
    for (int zeros = i / 2 % 2; zeros < 4; zeros += 2, ++i) {
      auto [operands, body] = convolution(shape, allSigns[i / 3 % 4], zeros);
      check(operands, body, {1});
    }
  auto [operands, body] = convolution(shapes[3], allSigns[0], 1);
  check(operands, body, {}); // weights as they are
}

std::vector<std::string> archs() {
  std::vector<std::string> names;
  for (llvm::StringRef arch : CpuTarget::getArchs())
    names.push_back(arch.str());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Archs, Integers, testing::ValuesIn(archs()), [](const auto &info) {
  std::string name = info.param.substr(7);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
} // namespace tenon::codegen
