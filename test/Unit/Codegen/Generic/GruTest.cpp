//===- GruTest.cpp - Gated recurrent units ----------------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// The text of a GRU over T steps of N rows, `d` directions, `h` units, with every operand.
struct Gru {
  std::string operands, body;

  Gru(int d, int h, const std::string &direction,
      const std::string &attributes = R"(activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>,
                                         beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64)") {
    std::string ds = std::to_string(d), hs = std::to_string(h);
    std::string gates = "tensor<?x?x" + ds + "x3x" + hs + "xf32, #graph.shape<[T, N, " + ds + ", 3, " + hs + "]>>";
    std::string r = "tensor<" + ds + "x3x" + hs + "x" + hs + "xf32>", bias = "tensor<" + ds + "x" + hs + "xf32>";
    std::string y = "tensor<?x" + ds + "x?x" + hs + "xf32, #graph.shape<[T, " + ds + ", N, " + hs + "]>>";
    std::string state = "tensor<" + ds + "x?x" + hs + "xf32, #graph.shape<[" + ds + ", N, " + hs + "]>>";
    std::string lengths = "tensor<?xi64, #graph.shape<[N]>>";
    operands = gates + "; " + r + "; " + bias + "; " + state + "; " + lengths;
    body = "%y, %h = graph.gru %0, %1 bias %2 initial %3 lengths %4 {direction = \"" + direction + "\", " + attributes +
           "} : (" + gates + ", " + r + ", " + bias + ", " + state + ", " + lengths + ") -> (" + y + ", " + state +
           ")\ngraph.yield %y, %h : " + y + ", " + state;
  }
};

TEST(Gru, RunsAtAnySize) {
  Gru text(1, 20, "forward");
  RegionCheck check(text.operands, text.body);
  check.low = -0.9, check.high = 7; // lengths from 0 to 7
  for (int64_t n : {1, 2, 8, 9, 19})
    check.run({{"T", 5}, {"N", n}}, 1e-5);
  check.run({{"T", 0}, {"N", 3}});
  check.run({{"T", 1}, {"N", 0}});
}

TEST(Gru, RunsBackwardAndBothWays) {
  Gru backward(1, 16, "backward"), both(2, 33, "both");
  for (const Gru &text : {backward, both}) {
    RegionCheck check(text.operands, text.body);
    check.low = -2, check.high = 9; // lengths outside of the sequence are clamped
    check.run({{"T", 6}, {"N", 10}}, 1e-5);
    check.run({{"T", 1}, {"N", 1}}, 1e-5);
  }
}

TEST(Gru, ClipsAndHasOtherActivations) {
  Gru text(1, 24, "forward", R"(activations = ["HardSigmoid", "LeakyRelu"], alpha = array<f64: 0.3, 0.1>,
                                beta = array<f64: 0.4, 0.0>, clip = 0.7 : f64)");
  RegionCheck check(text.operands, text.body);
  check.low = -1, check.high = 5;
  check.run({{"T", 4}, {"N", 6}}, 1e-5);
}

} // namespace
} // namespace tenon::codegen
