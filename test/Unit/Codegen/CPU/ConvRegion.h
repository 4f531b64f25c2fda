//===- ConvRegion.h - Dispatch regions of one convolution -----------------===//
#ifndef TENON_TEST_UNIT_CODEGEN_CPU_CONVREGION_H
#define TENON_TEST_UNIT_CODEGEN_CPU_CONVREGION_H

#include "llvm/Support/FormatVariadic.h"
#include <string>

namespace tenon::codegen {

/// A two-dimensional convolution; x and y are channels-last.
struct ConvCase {
  int64_t channels, columns, kernel[2], stride[2] = {1, 1}, pads[4] = {0, 0, 0, 0}, dilation[2] = {1, 1}, group = 1;
  bool hasBias = true, hasConstantWeights = true;
  bool hasResidual = false, hasRelu = false; ///< y = relu(conv + residual); the residual is the last operand

  int64_t out(int64_t extent, int d) const {
    return (extent + pads[d] + pads[2 + d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
  }
};

/// The region; `images`, `height`, `width` are numbers or symbols.
inline std::string convRegion(const ConvCase &c, llvm::StringRef images, llvm::StringRef height,
                              llvm::StringRef width) {
  auto isNumber = [](llvm::StringRef s) { return !s.empty() && llvm::isDigit(s[0]); };
  auto dim = [&](llvm::StringRef s) { return isNumber(s) ? s : llvm::StringRef("?"); };
  auto out = [&](llvm::StringRef s, int d) -> std::string {
    if (isNumber(s))
      return std::to_string(c.out(std::stoll(s.str()), d));
    const int64_t slack = c.pads[d] + c.pads[2 + d] - c.dilation[d] * (c.kernel[d] - 1) - 1;
    if (c.stride[d] == 1)
      return llvm::formatv("{0} + {1}", s, slack + 1);
    return llvm::formatv("({0} + {1}) floordiv {2} + 1", s, slack, c.stride[d]);
  };
  auto type = [&](llvm::StringRef h, llvm::StringRef v, int64_t channels) -> std::string {
    std::string shape = llvm::formatv("tensor<{0}x{1}x{2}x{3}xf32", dim(images), dim(h), dim(v), channels);
    if (isNumber(images) && isNumber(h) && isNumber(v))
      return shape + ">";
    return shape + llvm::formatv(", #graph.shape<[{0}, {1}, {2}, {3}]>>", images, h, v, channels).str();
  };
  const std::string oh = out(height, 0), ow = out(width, 1);
  std::string x = type(height, width, c.channels), y = type(oh, ow, c.columns);
  std::string w =
      llvm::formatv("tensor<{0}x{1}x{2}x{3}xf32>", c.columns, c.channels / c.group, c.kernel[0], c.kernel[1]);
  std::string b = llvm::formatv("tensor<{0}xf32>", c.columns);
  std::string attributes = llvm::formatv(
      "{{strides = array<i64: {0}, {1}>, pads = array<i64: {2}, {3}, {4}, {5}>, dilations = array<i64: {6}, {7}>, "
      "group = {8} : i64, channels_last}",
      c.stride[0], c.stride[1], c.pads[0], c.pads[1], c.pads[2], c.pads[3], c.dilation[0], c.dilation[1], c.group);
  std::string operands = "%x, %w", arguments = "%x: " + x + ", %w: " + w, types = x + ", " + w, ops;
  auto addOperand = [&](const std::string &name, const std::string &type) {
    operands += ", %" + name;
    arguments += ", %" + name + ": " + type;
    types += ", " + type;
  };
  if (c.hasBias)
    addOperand("bias", b);
  std::string last = "%0";
  ops = llvm::formatv("    %0 = graph.conv {0} {1} : ({2}) -> {3}\n", operands, attributes, types, y);
  if (c.hasResidual) {
    addOperand("r", y);
    ops += llvm::formatv("    %1 = graph.add %0, %r : ({0}, {0}) -> {0}\n", y);
    last = "%1";
  }
  if (c.hasRelu) {
    ops += llvm::formatv("    %2 = graph.relu {0} : {1} -> {1}\n", last, y);
    last = "%2";
  }
  auto outer = [](std::string text) {
    for (size_t at = 0; (at = text.find('%', at)) != std::string::npos; at += 6)
      text.replace(at, 1, "%outer");
    return text;
  };
  return llvm::formatv(R"(
func.func @f({6}) -> {1} {{
  %y = graph.dispatch({2}) {{
  ^bb0({0}):
{3}    graph.yield {4} : {1}
  } : ({5}) -> {1}
  return %y : {1}
})",
                       arguments, y, outer(operands), ops, last, types, outer(arguments));
}

} // namespace tenon::codegen

#endif // TENON_TEST_UNIT_CODEGEN_CPU_CONVREGION_H
