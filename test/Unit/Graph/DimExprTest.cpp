//===- DimExprTest.cpp - Arithmetic on symbolic extents -------------------===//
#include "Graph/IR/DimExpr.h"
#include "Graph/IR/GraphDialect.h"

#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace tenon::graph;

namespace {

class DimExprTest : public testing::Test {
protected:
  DimExprTest() {
    context.loadDialect<GraphDialect>();
    n = symbol("N");
    m = symbol("M");
  }

  DimAttr constant(int64_t value) { return DimAttr::constant(&context, value); }
  DimAttr symbol(StringRef name) { return DimAttr::symbol(&context, name); }

  /// The value for N = n, M = m; other symbols are unknown.
  static std::optional<int64_t> evaluate(DimAttr e, int64_t n, int64_t m) {
    return e.evaluate([&](StringRef name) -> std::optional<int64_t> {
      return name == "N" ? std::optional(n) : name == "M" ? std::optional(m) : std::nullopt;
    });
  }

  MLIRContext context;
  DimAttr n, m;
};

} // namespace

TEST_F(DimExprTest, EqualPolynomialsAreTheSameAttribute) {
  EXPECT_EQ(n + m, m + n);
  EXPECT_EQ((n + 1) * (m + 2), m * n + n * 2 + m + 2);
  EXPECT_EQ(n * 3 - n - n, n);
  EXPECT_EQ(n - n, constant(0));
  EXPECT_EQ(n * 0, constant(0));
  EXPECT_NE(n + m, n * m);
}

TEST_F(DimExprTest, DivisionTakesOutWhatIsExact) {
  EXPECT_EQ(floorDiv(n * 4 + 2, 2), n * 2 + 1);
  EXPECT_EQ(floorDiv(n * m, n), m);
  EXPECT_EQ(floorDiv(n * 2 + 3, 2), n + 1);
  EXPECT_EQ(floorDiv(floorDiv(n, 2), 3), floorDiv(n, 6));
  EXPECT_EQ(floorDiv(constant(-7), 2), constant(-4));
  EXPECT_EQ(ceilDiv(constant(-7), 2), constant(-3));
  EXPECT_EQ(ceilDiv(n * 2 + 1, 2), n + 1);
}

TEST_F(DimExprTest, DivisionByZeroIsLeftToRunTime) {
  EXPECT_EQ(evaluate(floorDiv(n, constant(0)), 4, 0), std::nullopt);
  EXPECT_EQ(evaluate(floorDiv(n, m), 7, 2), 3);
  EXPECT_EQ(evaluate(floorDiv(n, m), 7, 0), std::nullopt);
}

TEST_F(DimExprTest, MinimaAndMaximaFoldWhereTheOrderIsKnown) {
  EXPECT_EQ(min(n, n + 1), n);
  EXPECT_EQ(max(n, n + m), n + m);
  EXPECT_EQ(min(n, constant(INT64_MAX)), n);
  EXPECT_EQ(max(constant(3), constant(5)), constant(5));
  EXPECT_EQ(min(n, m), min(m, n));
  EXPECT_EQ(evaluate(min(n, m), 4, 3), 3);
  EXPECT_EQ(evaluate(max(n, m), 4, 3), 4);
}

TEST_F(DimExprTest, BroadcastsAsOnnxDoes) {
  EXPECT_EQ(broadcast(n, constant(1)), n);
  EXPECT_EQ(broadcast(n, n), n);
  EXPECT_FALSE(broadcast(constant(2), constant(3)));
  EXPECT_EQ(broadcast(broadcast(n, m), m), broadcast(m, n));
  EXPECT_EQ(evaluate(broadcast(n, m), 1, 5), 5);
  EXPECT_EQ(evaluate(broadcast(n, m), 5, 1), 5);
  EXPECT_EQ(evaluate(broadcast(n, m), 0, 1), 0);
  EXPECT_EQ(evaluate(broadcast(n, m), 4, 5), std::nullopt);
}

TEST_F(DimExprTest, NeverClaimsANegativeValueIsNot) {
  EXPECT_TRUE((n * m + 2).isNonNegative());
  EXPECT_FALSE((n - 1).isNonNegative());
  EXPECT_FALSE((n - m).isNonNegative());
  EXPECT_TRUE(max(n - 5, constant(0)).isNonNegative());
  EXPECT_FALSE(min(n - 5, m).isNonNegative());
}

TEST_F(DimExprTest, EvaluationFailsOnUnknownSymbolsAndOverflow) {
  EXPECT_EQ(evaluate(symbol("K") + 1, 1, 1), std::nullopt);
  EXPECT_EQ(evaluate(n * m, int64_t(1) << 40, int64_t(1) << 40), std::nullopt);
  EXPECT_EQ(evaluate(n + m, INT64_MAX, 1), std::nullopt);
}

TEST_F(DimExprTest, CoefficientsSaturate) {
  DimAttr huge = constant(INT64_MAX);
  EXPECT_EQ(huge + 1, huge);
  EXPECT_EQ(huge * 2, huge);
  EXPECT_EQ(huge * -2, constant(INT64_MIN));
}

TEST_F(DimExprTest, CollectsSymbolsInOrder) {
  SetVector<StringAttr> symbols;
  (floorDiv(m, 2) + n * m).collectSymbols(symbols);
  ASSERT_EQ(symbols.size(), 2u);
  EXPECT_EQ(symbols[0].getValue(), "M");
  EXPECT_EQ(symbols[1].getValue(), "N");
}

TEST_F(DimExprTest, TypesCarryAnEncodingOnlyWhereNeeded) {
  Type f32 = Float32Type::get(&context);
  RankedTensorType fixed = getTensorType({constant(2), constant(3)}, f32);
  EXPECT_EQ(fixed, RankedTensorType::get({2, 3}, f32));
  RankedTensorType symbolic = getTensorType({n, constant(3)}, f32);
  EXPECT_TRUE(symbolic.isDynamicDim(0));
  EXPECT_EQ(symbolic.getDimSize(1), 3);
  EXPECT_EQ(getDims(symbolic), (SmallVector<DimAttr>{n, constant(3)}));
  EXPECT_EQ(getDim(symbolic, 0), n);
  EXPECT_EQ(product(&context, getDims(symbolic)), n * 3);
  EXPECT_EQ(product(&context, {}), constant(1));
}

/// The normal form has the value of the expression it was built from: random trees against plain arithmetic.
TEST_F(DimExprTest, NormalFormKeepsTheValue) {
  std::mt19937 random(1);
  auto floorDivide = [](int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); };
  for (int round = 0; round < 500; ++round) {
    int64_t nValue = random() % 20, mValue = random() % 20;
    DimAttr e = n;
    int64_t value = nValue;
    for (int step = 0; step < 6; ++step) {
      int64_t c = static_cast<int64_t>(random() % 7) - 2;
      switch (random() % 7) {
      case 0:
        e = e + m * c, value += mValue * c;
        break;
      case 1:
        e = e * (c + 1), value *= c + 1;
        break;
      case 2:
        e = floorDiv(e, std::abs(c) + 1), value = floorDivide(value, std::abs(c) + 1);
        break;
      case 3:
        e = ceilDiv(e, std::abs(c) + 1), value = -floorDivide(-value, std::abs(c) + 1);
        break;
      case 4:
        e = min(e, m + c), value = std::min(value, mValue + c);
        break;
      case 5:
        e = max(e, n * c), value = std::max(value, nValue * c);
        break;
      default:
        e = e - n, value -= nValue;
      }
    }
    EXPECT_EQ(evaluate(e, nValue, mValue), value) << "round " << round;
    if (e.isNonNegative())
      EXPECT_GE(value, 0) << "round " << round;
  }
}
