//===- LstmTest.cpp - Recurrences -----------------------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// The text of an LSTM over T steps of N rows, `d` directions, `h` units. `extra` names further operands in the op's
/// syntax; `extraTypes` are theirs.
struct Lstm {
  std::string operands, body;

  Lstm(int d, int h, const std::string &direction, const std::string &extra = "", const std::string &extraTypes = "",
       const std::string &attributes = R"(activations = ["Sigmoid", "Tanh", "Tanh"],
         alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false)") {
    std::string ds = std::to_string(d), hs = std::to_string(h);
    std::string gates = "tensor<?x?x" + ds + "x4x" + hs + "xf32, #graph.shape<[T, N, " + ds + ", 4, " + hs + "]>>";
    std::string r = "tensor<" + ds + "x4x" + hs + "x" + hs + "xf32>";
    std::string y = "tensor<?x" + ds + "x?x" + hs + "xf32, #graph.shape<[T, " + ds + ", N, " + hs + "]>>";
    std::string state = getState(d, h), types = extraTypes;
    operands = gates + "; " + r;
    for (size_t at; !types.empty(); types = at == std::string::npos ? "" : types.substr(at + 2)) {
      at = types.find("; ");
      operands += "; " + types.substr(0, at);
    }
    std::string list = extraTypes.empty() ? "" : ", " + extraTypes;
    for (size_t at; (at = list.find("; ")) != std::string::npos;)
      list.replace(at, 2, ", ");
    body = "%y, %h, %c = graph.lstm %0, %1 " + extra + " {direction = \"" + direction + "\", " + attributes + "} : (" +
           gates + ", " + r + list + ") -> (" + y + ", " + state + ", " + state + ")\n" +
           "graph.yield %y, %h, %c : " + y + ", " + state + ", " + state;
  }

  static std::string getState(int d, int h) {
    std::string ds = std::to_string(d), hs = std::to_string(h);
    return "tensor<" + ds + "x?x" + hs + "xf32, #graph.shape<[" + ds + ", N, " + hs + "]>>";
  }
};

TEST(Lstm, RunsForwardAtAnySize) {
  Lstm text(1, 20, "forward");
  RegionCheck check(text.operands, text.body);
  check.low = -0.5, check.high = 0.5;
  for (int64_t n : {1, 2, 7, 8, 9, 19})
    check.run({{"T", 5}, {"N", n}}, 1e-5);
  check.run({{"T", 0}, {"N", 3}});
  check.run({{"T", 1}, {"N", 0}});
  check.run({{"T", 40}, {"N", 3}}, 1e-5);
}

TEST(Lstm, RunsBackwardAndBothWays) {
  Lstm backward(1, 16, "backward"), both(2, 33, "both");
  for (const Lstm &text : {backward, both}) {
    RegionCheck check(text.operands, text.body);
    check.low = -0.5, check.high = 0.5;
    check.run({{"T", 6}, {"N", 10}}, 1e-5);
    check.run({{"T", 1}, {"N", 1}}, 1e-5);
  }
}

TEST(Lstm, StartsFromStates) {
  std::string state = Lstm::getState(2, 8);
  Lstm text(2, 8, "both", "initial %2, %3", state + "; " + state);
  RegionCheck check(text.operands, text.body);
  check.run({{"T", 3}, {"N", 5}}, 1e-5);
}

TEST(Lstm, EndsRowsAtTheirLengths) {
  for (const char *type : {"i32", "i64"}) {
    Lstm text(2, 8, "both", "lengths %2", std::string("tensor<?x") + type + ", #graph.shape<[N]>>");
    RegionCheck check(text.operands, text.body);
    // Lengths from -2 to 8 of 5 steps: those outside are clamped. Gates are as large.
    check.low = -2, check.high = 9;
    check.run({{"T", 5}, {"N", 21}}, 1e-5);
  }
}

TEST(Lstm, HasPeepholesClipsAndOtherActivations) {
  Lstm text(1, 24, "forward", "peepholes %2", "tensor<1x3x24xf32>",
            R"(activations = ["HardSigmoid", "Softsign", "LeakyRelu"], alpha = array<f64: 0.3, 0.0, 0.1>,
               beta = array<f64: 0.4, 0.0, 0.0>, clip = 0.7 : f64, input_forget = true)");
  RegionCheck check(text.operands, text.body);
  check.run({{"T", 4}, {"N", 6}}, 1e-5);
}

TEST(Lstm, KnowsEveryActivation) {
  for (const char *name : {"Relu", "Affine", "ThresholdedRelu", "ScaledTanh", "Elu", "Softplus"}) {
    Lstm text(1, 5, "forward", "", "",
              std::string("activations = [\"Sigmoid\", \"") + name +
                  R"(", "Tanh"], alpha = array<f64: 0.0, 0.5, 0.0>, beta = array<f64: 0.0, 0.25, 0.0>,
                  clip = 0.0 : f64, input_forget = false)");
    RegionCheck check(text.operands, text.body);
    check.run({{"T", 3}, {"N", 4}}, 1e-5);
  }
}

} // namespace
} // namespace tenon::codegen
