//===- FunctionTest.cpp - Functions, symbols, dispatches, budget ----------===//
#include "ReferenceTest.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using FunctionTest = ReferenceTest;

static constexpr llvm::StringLiteral pairs =
    R"(func.func @f(%x: tensor<?xf32, #graph.shape<[2 * N]>>, %y: tensor<?xf32, #graph.shape<[N]>>)
      -> tensor<?xf32, #graph.shape<[3 * N]>> {
    %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<?xf32, #graph.shape<[2 * N]>>, tensor<?xf32, #graph.shape<[N]>>)
      -> tensor<?xf32, #graph.shape<[3 * N]>>
    return %0 : tensor<?xf32, #graph.shape<[3 * N]>>
  })";

TEST_F(FunctionTest, BindsSymbolsFromLaterInputs) { expect(pairs, {iota({4}), iota({2})}, {6}, {0, 1, 2, 3, 0, 1}); }

TEST_F(FunctionTest, ChecksExtentsAgainstSymbols) {
  expectError(pairs, {iota({5}), iota({2})}, "TN2304: f: input 0 must be");
}

TEST_F(FunctionTest, ChecksNumberTypeAndRankOfInputs) {
  expectError(pairs, {iota({4})}, "TN2304: f: expects 2 inputs, got 1");
  expectError(pairs, {iota({4}), iota({2}, ElementType::I64)}, "got elements of type 'i64'");
  expectError(pairs, {iota({4}), iota({2, 1})}, "input 1 must have rank 1, got 2");
}

static constexpr llvm::StringLiteral chain = R"(func.func @f(%x: tensor<1000xf32>) -> tensor<1000xf32> {
    %0 = graph.neg %x : tensor<1000xf32> -> tensor<1000xf32>
    %1 = graph.abs %0 : tensor<1000xf32> -> tensor<1000xf32>
    %2 = graph.neg %1 : tensor<1000xf32> -> tensor<1000xf32>
    %3 = graph.abs %2 : tensor<1000xf32> -> tensor<1000xf32>
    return %3 : tensor<1000xf32>
  })";

TEST_F(FunctionTest, FreesValuesAfterTheirLastUse) {
  EvaluateOptions options;
  options.memoryBudget = 8000;
  HostTensor y = run(chain, {iota({1000})}, options);
  ASSERT_TRUE(y) << messages;
  EXPECT_EQ(y.getDouble(999), 999);
  options.memoryBudget = 7999;
  expectError(chain, {iota({1000})}, "TN2301: graph.abs: the result exceeds the memory budget", options);
}

static constexpr llvm::StringLiteral dispatch = R"(func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = graph.dispatch(%x) {
    ^bb0(%a: tensor<2xf32>):
      %1 = graph.neg %a : tensor<2xf32> -> tensor<2xf32>
      %2 = graph.mul %1, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      graph.yield %2 : tensor<2xf32>
    } : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  })";

TEST_F(FunctionTest, EvaluatesDispatches) { expect(dispatch, {f32({2}, {2, 3})}, {2}, {-4, -9}); }

TEST_F(FunctionTest, ObserverSeesEveryOperation) {
  std::vector<std::string> names;
  EvaluateOptions options;
  options.observer = [&](Operation *op, ArrayRef<HostTensor> results) {
    names.push_back(op->getName().getStringRef().str());
    EXPECT_EQ(results.size(), 1u);
    return success();
  };
  EXPECT_TRUE(run(dispatch, {f32({2}, {2, 3})}, options));
  EXPECT_EQ(names, (std::vector<std::string>{"graph.neg", "graph.mul", "graph.dispatch"}));
  options.observer = [&](Operation *op, ArrayRef<HostTensor>) { return failure(); };
  EXPECT_FALSE(run(dispatch, {f32({2}, {2, 3})}, options));
  EXPECT_EQ(messages, "");
}

TEST_F(FunctionTest, HugeExtentsEndInAnError) {
  StringRef text = R"(func.func @f(%x: tensor<1xf32>) -> tensor<4611686018427387904xf32> {
    %0 = graph.expand %x : tensor<1xf32> -> tensor<4611686018427387904xf32>
    return %0 : tensor<4611686018427387904xf32>
  })";
  expectError(text, {iota({1})}, "TN2301");
}
