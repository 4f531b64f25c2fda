//===- SequenceTest.cpp - Recurrences, running sums, attention ------------===//
#include "ReferenceTest.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using SequenceTest = ReferenceTest;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Two steps of one unit by hand, forward: gates a, then b plus r h.
TEST_F(SequenceTest, LstmCarriesItsStates) {
  double c1 = sigmoid(0.1) * std::tanh(0.4), h1 = sigmoid(0.2) * std::tanh(c1);
  double c2 = sigmoid(0.7 + 3 * h1) * c1 + sigmoid(0.5 + h1) * std::tanh(0.8 + 4 * h1);
  double h2 = sigmoid(0.6 + 2 * h1) * std::tanh(c2);
  expect(R"(func.func @f(%g: tensor<2x1x1x4x1xf32>, %r: tensor<1x4x1x1xf32>) -> tensor<2x1x1x1xf32> {
    %y, %h, %c = graph.lstm %g, %r {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"],
      alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false}
      : (tensor<2x1x1x4x1xf32>, tensor<1x4x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
    return %y : tensor<2x1x1x1xf32>
  })",
         {f32({2, 1, 1, 4, 1}, {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}), f32({1, 4, 1, 1}, {1, 2, 3, 4})},
         {2, 1, 1, 1}, {h1, h2}, 1e-6);
}

/// The gates of every step are 0 but the cell's: c grows by half of what came before. Row 0 has one step, row 1 none.
TEST_F(SequenceTest, LstmEndsAtLengthsAndBeginsThereBackward) {
  double c = 0.5 * std::tanh(1.0);
  expect(R"(func.func @f(%g: tensor<2x2x1x4x1xf32>, %r: tensor<1x4x1x1xf32>, %l: tensor<2xi32>) -> tensor<2x1x2x1xf32> {
    %y, %h, %c = graph.lstm %g, %r lengths %l {direction = "backward", activations = ["Sigmoid", "Tanh", "Tanh"],
      alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false}
      : (tensor<2x2x1x4x1xf32>, tensor<1x4x1x1xf32>, tensor<2xi32>)
      -> (tensor<2x1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>)
    return %y : tensor<2x1x2x1xf32>
  })",
         {f32({2, 2, 1, 4, 1}, {0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}), f32({1, 4, 1, 1}, {0, 0, 0, 0}),
          tensor(ElementType::I32, {2}, {1, -3})},
         {2, 1, 2, 1}, {0.5 * std::tanh(c), 0, 0, 0}, 1e-6);
}

TEST_F(SequenceTest, GruResetsItsProduct) {
  double z1 = sigmoid(0.1), n1 = std::tanh(0.3 + sigmoid(0.2) * 0.5), h1 = (1 - z1) * n1;
  double z2 = sigmoid(0.4 + h1), n2 = std::tanh(0.6 + sigmoid(0.5 + 2 * h1) * (3 * h1 + 0.5)),
         h2 = (1 - z2) * n2 + z2 * h1;
  expect(
      R"(func.func @f(%g: tensor<2x1x1x3x1xf32>, %r: tensor<1x3x1x1xf32>, %b: tensor<1x1xf32>) -> tensor<2x1x1x1xf32> {
    %y, %h = graph.gru %g, %r bias %b {direction = "forward", activations = ["Sigmoid", "Tanh"],
      alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64}
      : (tensor<2x1x1x3x1xf32>, tensor<1x3x1x1xf32>, tensor<1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>)
    return %y : tensor<2x1x1x1xf32>
  })",
      {f32({2, 1, 1, 3, 1}, {0.1, 0.2, 0.3, 0.4, 0.5, 0.6}), f32({1, 3, 1, 1}, {1, 2, 3}), f32({1, 1}, {0.5})},
      {2, 1, 1, 1}, {h1, h2}, 1e-6);
}

TEST_F(SequenceTest, AttentionWeighsValues) {
  double w = std::exp(2.0);
  expect(
      R"(func.func @f(%q: tensor<1x1x1x2xf32>, %k: tensor<1x1x2x2xf32>, %v: tensor<1x1x2x1xf32>) -> tensor<1x1x1x1xf32> {
    %0 = graph.attention %q, %k, %v {scale = 0.5 : f64, softcap = 0.0 : f64}
      : (tensor<1x1x1x2xf32>, tensor<1x1x2x2xf32>, tensor<1x1x2x1xf32>) -> tensor<1x1x1x1xf32>
    return %0 : tensor<1x1x1x1xf32>
  })",
      {f32({1, 1, 1, 2}, {1, 3}), f32({1, 1, 2, 2}, {1, 1, 0, 0}), f32({1, 1, 2, 1}, {10, 20})}, {1, 1, 1, 1},
      {(10 * w + 20) / (w + 1)}, 1e-5);
}

TEST_F(SequenceTest, AttentionOfAMaskedRowIsZero) {
  expect(R"(func.func @f(%q: tensor<1x1x2x1xf32>, %k: tensor<1x1x2x1xf32>, %m: tensor<2x2xi1>) -> tensor<1x1x2x1xf32> {
    %0 = graph.attention %q, %k, %k mask %m {causal_offset = #graph.dim<0>, scale = 1.0 : f64, softcap = 0.0 : f64}
      : (tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<2x2xi1>) -> tensor<1x1x2x1xf32>
    return %0 : tensor<1x1x2x1xf32>
  })",
         {f32({1, 1, 2, 1}, {1, 2}), f32({1, 1, 2, 1}, {5, 7}), tensor(ElementType::Bool, {2, 2}, {0, 1, 0, 1})},
         {1, 1, 2, 1}, {0, 7});
}

TEST_F(SequenceTest, AttentionOfAMaskedRowIsNanWhereASoftmaxIsMeant) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (int keys : {2, 0}) {
    std::string t = std::to_string(keys), k = "tensor<1x1x" + t + "x1xf32>", m = "tensor<2x" + t + "xi1>";
    expect("func.func @f(%q: tensor<1x1x2x1xf32>, %k: " + k + ", %m: " + m +
               ") -> tensor<1x1x2x1xf32> {\n"
               "  %0 = graph.attention %q, %k, %k mask %m {scale = 1.0 : f64, softcap = 0.0 : f64, nan_rows} : "
               "(tensor<1x1x2x1xf32>, " +
               k + ", " + k + ", " + m + ") -> tensor<1x1x2x1xf32>\n  return %0 : tensor<1x1x2x1xf32>\n}",
           {f32({1, 1, 2, 1}, {1, 2}), f32({1, 1, keys, 1}, keys ? std::vector<double>{5, 7} : std::vector<double>{}),
            tensor(ElementType::Bool, {2, keys}, keys ? std::vector<double>{0, 0, 0, 1} : std::vector<double>{})},
           {1, 1, 2, 1}, {keys ? nan : 0, keys ? 7.0 : 0});
  }
}

TEST_F(SequenceTest, RotaryEmbeddingTurnsHalves) {
  expect(R"(func.func @f(%x: tensor<1x5xf32>, %c: tensor<1x2xf32>, %s: tensor<1x2xf32>) -> tensor<1x5xf32> {
    %0 = graph.rotary_embedding %x, %c, %s : (tensor<1x5xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x5xf32>
    return %0 : tensor<1x5xf32>
  })",
         {f32({1, 5}, {1, 2, 3, 4, 5}), f32({1, 2}, {0, 1}), f32({1, 2}, {1, 2})}, {1, 5}, {-3, -6, 1, 8, 5});
}

TEST_F(SequenceTest, RmsNormalizationDividesByTheRoot) {
  expect(R"(func.func @f(%x: tensor<2x2xf32>, %s: tensor<2xf32>) -> tensor<2x2xf32> {
    %0 = graph.rms_normalization %x, %s {axis = 1 : i64, epsilon = 4.0 : f64} : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
    return %0 : tensor<2x2xf32>
  })",
         {f32({2, 2}, {1, 3, 0, 0}), f32({2}, {3, 6})}, {2, 2}, {1, 6, 0, 0}, 1e-6);
}

TEST_F(SequenceTest, CumSumRunsBackwardWithoutItself) {
  expect(R"(func.func @f(%x: tensor<2x3xi64>) -> tensor<2x3xi64> {
    %0 = graph.cumsum %x {axis = 1 : i64, exclusive = true, reverse = true} : tensor<2x3xi64> -> tensor<2x3xi64>
    return %0 : tensor<2x3xi64>
  })",
         {i64({2, 3}, {1, 2, 3, 4, 5, 6})}, {2, 3}, {5, 3, 0, 11, 6, 0});
}
