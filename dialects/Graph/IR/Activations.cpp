//===- Activations.cpp - The activation functions of recurrences ----------===//
#include "Graph/IR/Activations.h"

#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace tenon::graph {

namespace {

/// Arithmetic on values of the type of `like`.
struct FloatMath {
  OpBuilder &b;
  Location loc;
  Value like;

  Value constant(double value) { return splat(b, loc, like, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value whenAbove(Value x, double threshold, Value then, Value otherwise) {
    Value above = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, constant(threshold));
    return arith::SelectOp::create(b, loc, above, then, otherwise);
  }
};

/// A function, its parameters where none are stated, its value and its code.
struct Row {
  StringRef name;
  double alpha, beta;
  double (*evaluate)(double x, double alpha, double beta);
  Value (*build)(FloatMath &m, Value x, double alpha, double beta);
};

constexpr Row rows[] = {
    {"Sigmoid", 0, 0, [](double x, double, double) { return 1 / (1 + std::exp(-x)); },
     [](FloatMath &m, Value x, double, double) { return buildSigmoid(m.b, m.loc, x); }},
    {"Tanh", 0, 0, [](double x, double, double) { return std::tanh(x); },
     [](FloatMath &m, Value x, double, double) -> Value { return math::TanhOp::create(m.b, m.loc, x); }},
    {"Relu", 0, 0, [](double x, double, double) { return x < 0 ? 0 : x; },
     [](FloatMath &m, Value x, double, double) { return buildMaximum(m.b, m.loc, x, m.constant(0)); }},
    {"Affine", 1, 0, [](double x, double alpha, double beta) { return alpha * x + beta; },
     [](FloatMath &m, Value x, double alpha, double beta) {
       return m.add(m.mul(x, m.constant(alpha)), m.constant(beta));
     }},
    {"LeakyRelu", 0.01, 0, [](double x, double alpha, double) { return x < 0 ? alpha * x : x; },
     [](FloatMath &m, Value x, double alpha, double) { return buildLeakyRelu(m.b, m.loc, x, alpha); }},
    {"ThresholdedRelu", 1, 0, [](double x, double alpha, double) { return x > alpha ? x : 0; },
     [](FloatMath &m, Value x, double alpha, double) { return m.whenAbove(x, alpha, x, m.constant(0)); }},
    {"ScaledTanh", 1, 1, [](double x, double alpha, double beta) { return alpha * std::tanh(beta * x); },
     [](FloatMath &m, Value x, double alpha, double beta) {
       Value scaled = m.mul(x, m.constant(beta));
       return m.mul(math::TanhOp::create(m.b, m.loc, scaled), m.constant(alpha));
     }},
    {"HardSigmoid", 0.2, 0.5,
     [](double x, double alpha, double beta) { return std::min(std::max(alpha * x + beta, 0.0), 1.0); },
     [](FloatMath &m, Value x, double alpha, double beta) { return buildHardSigmoid(m.b, m.loc, x, alpha, beta); }},
    {"Elu", 1, 0, [](double x, double alpha, double) { return x < 0 ? alpha * std::expm1(x) : x; },
     [](FloatMath &m, Value x, double alpha, double) {
       Value below = m.mul(m.add(m.exp(x), m.constant(-1)), m.constant(alpha));
       return m.whenAbove(x, 0, x, below);
     }},
    {"Softsign", 0, 0, [](double x, double, double) { return x / (1 + std::abs(x)); },
     [](FloatMath &m, Value x, double, double) -> Value {
       return arith::DivFOp::create(m.b, m.loc, x, m.add(m.abs(x), m.constant(1)));
     }},
    // ln(1 + e^x) without overflow.
    {"Softplus", 0, 0, [](double x, double, double) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); },
     [](FloatMath &m, Value x, double, double) {
       Value decay = m.exp(arith::NegFOp::create(m.b, m.loc, m.abs(x)));
       return m.add(buildMaximum(m.b, m.loc, x, m.constant(0)), math::Log1pOp::create(m.b, m.loc, decay));
     }},
};

const Row &findRow(StringRef name) {
  const Row *row = llvm::find_if(rows, [&](const Row &r) { return r.name.equals_insensitive(name); });
  assert(row != std::end(rows) && "an activation is made by Activation::get");
  return *row;
}

} // namespace

std::optional<Activation> Activation::get(StringRef name) {
  for (const Row &row : rows)
    if (row.name.equals_insensitive(name))
      return Activation{row.name, row.alpha, row.beta};
  return std::nullopt;
}

llvm::SmallVector<StringRef> Activation::getNames() {
  return llvm::map_to_vector(rows, [](const Row &row) -> StringRef { return row.name; });
}

double Activation::evaluate(double x) const { return findRow(name).evaluate(x, alpha, beta); }

Value Activation::build(OpBuilder &b, Location loc, Value x) const {
  FloatMath m{b, loc, x};
  return findRow(name).build(m, x, alpha, beta);
}

} // namespace tenon::graph
