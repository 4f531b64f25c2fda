//===- ElementwiseTest.cpp - Elementwise kernels --------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

TEST(GenericElementwise, AddsAndActivatesAtAnySize) {
  RegionCheck check("tensor<?x?xf32, #graph.shape<[N, M]>>; tensor<?x?xf32, #graph.shape<[N, M]>>", R"(
    %a = graph.add %0, %1 : (tensor<?x?xf32, #graph.shape<[N, M]>>, tensor<?x?xf32, #graph.shape<[N, M]>>) -> tensor<?x?xf32, #graph.shape<[N, M]>>
    %b = graph.relu %a : tensor<?x?xf32, #graph.shape<[N, M]>> -> tensor<?x?xf32, #graph.shape<[N, M]>>
    graph.yield %b : tensor<?x?xf32, #graph.shape<[N, M]>>)");
  for (int64_t m : {0, 1, 15, 16, 17, 33, 1000})
    check.run({{"N", 3}, {"M", m}});
  check.run({{"N", 300}, {"M", 257}});
}

TEST(GenericElementwise, BroadcastsPerChannelAndScalar) {
  RegionCheck check("tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>; tensor<5x1xf32>; tensor<f32>", R"(
    %a = graph.mul %0, %1 : (tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>, tensor<5x1xf32>) -> tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>
    %b = graph.sub %a, %2 : (tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>, tensor<f32>) -> tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>
    graph.yield %b : tensor<?x5x?xf32, #graph.shape<[N, 5, W]>>)");
  check.run({{"N", 2}, {"W", 7}});
  check.run({{"N", 3}, {"W", 70}});
}

TEST(GenericElementwise, BroadcastsLastDimension) {
  RegionCheck check("tensor<?x24xf32, #graph.shape<[N, 24]>>; tensor<24xf32>; tensor<?x1xf32, #graph.shape<[N, 1]>>",
                    R"(
    %a = graph.mul %0, %1 : (tensor<?x24xf32, #graph.shape<[N, 24]>>, tensor<24xf32>) -> tensor<?x24xf32, #graph.shape<[N, 24]>>
    %b = graph.add %a, %2 : (tensor<?x24xf32, #graph.shape<[N, 24]>>, tensor<?x1xf32, #graph.shape<[N, 1]>>) -> tensor<?x24xf32, #graph.shape<[N, 24]>>
    graph.yield %b : tensor<?x24xf32, #graph.shape<[N, 24]>>)");
  check.run({{"N", 1}});
  check.run({{"N", 1000}});
}

TEST(GenericElementwise, BroadcastsAtRunTime) {
  RegionCheck check("tensor<?x?xf32, #graph.shape<[A, B]>>; tensor<?x?xf32, #graph.shape<[C, D]>>", R"(
    %a = graph.add %0, %1 : (tensor<?x?xf32, #graph.shape<[A, B]>>, tensor<?x?xf32, #graph.shape<[C, D]>>) -> tensor<?x?xf32, #graph.shape<[broadcast(A, C), broadcast(B, D)]>>
    graph.yield %a : tensor<?x?xf32, #graph.shape<[broadcast(A, C), broadcast(B, D)]>>)");
  check.run({{"A", 5}, {"B", 40}, {"C", 5}, {"D", 40}});
  check.run({{"A", 1}, {"B", 40}, {"C", 5}, {"D", 1}});
  check.run({{"A", 5}, {"B", 1}, {"C", 1}, {"D", 40}});
  check.run({{"A", 5}, {"B", 1}, {"C", 1}, {"D", 1}});
}

TEST(GenericElementwise, ComparesAndSelects) {
  RegionCheck check("tensor<100xf32>; tensor<100xf32>; tensor<100xi1>", R"(
    %a = graph.less %0, %1 : (tensor<100xf32>, tensor<100xf32>) -> tensor<100xi1>
    %b = graph.and %a, %2 : (tensor<100xi1>, tensor<100xi1>) -> tensor<100xi1>
    %c = graph.where %b, %0, %1 : (tensor<100xi1>, tensor<100xf32>, tensor<100xf32>) -> tensor<100xf32>
    graph.yield %b, %c : tensor<100xi1>, tensor<100xf32>)");
  check.run();
}

TEST(GenericElementwise, ComputesIntegers) {
  RegionCheck check("tensor<?xi64, #graph.shape<[N]>>; tensor<i64>", R"(
    %a = graph.mul %0, %1 : (tensor<?xi64, #graph.shape<[N]>>, tensor<i64>) -> tensor<?xi64, #graph.shape<[N]>>
    %b = graph.div %a, %0 : (tensor<?xi64, #graph.shape<[N]>>, tensor<?xi64, #graph.shape<[N]>>) -> tensor<?xi64, #graph.shape<[N]>>
    %c = graph.cast %b : tensor<?xi64, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
    %d = graph.cast %c : tensor<?xf32, #graph.shape<[N]>> -> tensor<?xi8, #graph.shape<[N]>>
    graph.yield %c, %d : tensor<?xf32, #graph.shape<[N]>>, tensor<?xi8, #graph.shape<[N]>>)");
  check.low = -50, check.high = 50;
  check.run({{"N", 100}});
}

TEST(GenericElementwise, CastsUnsignedBytes) {
  RegionCheck check("tensor<?xui8, #graph.shape<[N]>>", R"(
    %a = graph.cast %0 : tensor<?xui8, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
    graph.yield %a : tensor<?xf32, #graph.shape<[N]>>)");
  check.low = 0, check.high = 256;
  check.run({{"N", 100}});
}

TEST(GenericElementwise, ComputesFunctions) {
  for (const char *op : {"exp", "tanh", "erf", "sigmoid", "softsign", "sin", "cos", "floor", "round", "sqrt", "log"}) {
    RegionCheck check("tensor<?xf32, #graph.shape<[N]>>", llvm::formatv(R"(
      %a = graph.{0} %0 : tensor<?xf32, #graph.shape<[N]>> -> tensor<?xf32, #graph.shape<[N]>>
      graph.yield %a : tensor<?xf32, #graph.shape<[N]>>)",
                                                                        op)
                                                              .str());
    SCOPED_TRACE(op);
    check.low = op == llvm::StringRef("sqrt") || op == llvm::StringRef("log") ? 0.01 : -5, check.high = 5;
    check.run({{"N", 1000}});
  }
}

TEST(GenericElementwise, SharesSubexpressions) {
  // 30 doublings: a tree would have 2^30 nodes.
  std::string body, previous = "%0";
  for (int i = 0; i < 30; ++i) {
    body += llvm::formatv("%a{0} = graph.max {1}, {1} : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>\n", i,
                          previous)
                .str();
    previous = "%a" + std::to_string(i);
  }
  RegionCheck check("tensor<8x4xf32>", body + "graph.yield " + previous + " : tensor<8x4xf32>");
  check.run();
}

TEST(GenericElementwise, RefusesWhatItCannotDo) {
  EXPECT_FALSE(hasGenericKernel("tensor<8xf8E4M3FN>", R"(
    %a = graph.sin %0 : tensor<8xf8E4M3FN> -> tensor<8xf8E4M3FN>
    graph.yield %a : tensor<8xf8E4M3FN>)"));
  EXPECT_TRUE(hasGenericKernel("tensor<8xf64>", R"(
    %a = graph.sin %0 : tensor<8xf64> -> tensor<8xf64>
    graph.yield %a : tensor<8xf64>)"));
}

/// `op` (with its attributes) of one operand of 100 elements.
void checkUnary(const std::string &op, double low, double high, const std::string &element = "f32") {
  SCOPED_TRACE(op);
  std::string type = "tensor<100x" + element + ">", name = op.substr(0, op.find(' '));
  std::string result = name == "is_nan" || name == "is_inf" ? "tensor<100xi1>" : type;
  std::string attributes = op.substr(name.size());
  RegionCheck check(type, "%a = graph." + name + " %0" + attributes + " : " + type + " -> " + result +
                              "\ngraph.yield %a : " + result);
  check.low = low, check.high = high;
  check.run({}, 4e-6); // the polynomial of asin: 36 ulp
}

TEST(GenericElementwise, ComputesFunctionsOfDoubles) {
  checkUnary("exp", -20, 20, "f64");
  checkUnary("log", 0.01, 100, "f64");
  for (const char *op : {"sin", "cos", "tan", "atan", "tanh", "erf", "sinh", "asinh", "sigmoid"})
    checkUnary(op, -8, 8, "f64");
  for (const char *op : {"asin", "acos", "atanh"})
    checkUnary(op, -0.99, 0.99, "f64");
}

TEST(GenericElementwise, ComputesHyperbolicAndOtherFunctions) {
  for (const char *op : {"asin", "acos", "atanh"})
    checkUnary(op, -0.99, 0.99);
  for (const char *op : {"tan", "atan", "sinh", "cosh", "asinh", "sign", "is_nan"})
    checkUnary(op, -1.5, 1.5);
  for (const char *op : {"sinh", "cosh"})
    checkUnary(op, -60, 60);
  checkUnary("acosh", 1, 30);
  checkUnary("asinh", -1e12, 1e12);
  checkUnary("is_inf {detect_negative = true, detect_positive = false}", -1, 1);
  checkUnary("bit_not", -100, 100, "i32");
  checkUnary("bit_not", 0, 255, "ui8");
  checkUnary("sign", -3, 3, "i16");
  checkUnary("abs", 0, 255, "ui8");
}

/// `op` (with its attributes) of two operands.
void checkBinary(const std::string &op, double low, double high, const std::string &element) {
  SCOPED_TRACE(op + " " + element);
  std::string type = "tensor<100x" + element + ">", name = op.substr(0, op.find(' '));
  bool compares = name == "less" || name == "greater" || name == "less_or_equal" || name == "greater_or_equal";
  std::string result = compares ? "tensor<100xi1>" : type;
  RegionCheck check(type + "; " + type, "%a = graph." + name + " %0, %1" + op.substr(name.size()) + " : (" + type +
                                            ", " + type + ") -> " + result + "\ngraph.yield %a : " + result);
  check.low = low, check.high = high;
  check.run();
}

TEST(GenericElementwise, ComputesUnsignedIntegers) {
  for (const char *op : {"add", "sub", "mul", "div", "min", "max", "less", "greater", "less_or_equal",
                         "greater_or_equal", "mod {fmod = false}", "bit_and", "bit_or", "bit_xor"}) {
    checkBinary(op, 0, 256, "ui8");
    checkBinary(op, 0, 4e9, "ui32");
    checkBinary(op, 0, 1.8e19, "ui64");
  }
  checkBinary("bit_shift {left = true}", 0, 70, "ui64");
  checkBinary("bit_shift {left = false}", 0, 20, "ui8");
  checkBinary("pow", 0, 9, "ui32");
}

TEST(GenericElementwise, ComputesSignedRemaindersShiftsAndPowers) {
  for (const char *op :
       {"mod {fmod = false}", "mod {fmod = true}", "bit_shift {left = true}", "bit_shift {left = false}"}) {
    checkBinary(op, -9, 9, "i32");
    checkBinary(op, -70, 70, "i64");
    checkBinary(op, -128, 128, "i8");
  }
  // Powers that overflow with an exponent above 63 are not defined.
  checkBinary("pow", -9, 9, "i32");
  checkBinary("pow", -60, 60, "i64");
  checkBinary("mod {fmod = true}", -9, 9, "f32");
  checkBinary("mod {fmod = false}", -9, 9, "f32");
  checkBinary("greater_or_equal", -2, 2, "f32");
}

} // namespace
} // namespace tenon::codegen
