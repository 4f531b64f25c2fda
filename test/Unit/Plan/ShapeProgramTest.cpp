#include "tenon/Plan/ShapeProgram.h"
#include "SamplePlan.h"

#include <gtest/gtest.h>

#include <limits>

using namespace tenon;
using namespace tenon::plan;

namespace {
constexpr int64_t minimum = std::numeric_limits<int64_t>::min();

/// Evaluates one instruction on constants a, b, c.
Expected<int64_t> evaluate(ShapeOp op, int64_t a, int64_t b, int64_t c = 0) {
  test::PlanMaker m;
  const uint32_t x = m.constant(a), y = m.constant(b), z = m.constant(c);
  m.value(op, x, y, z);
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, Plan::Pack(builder, &m.plan));
  std::vector<int64_t> values;
  const Plan &plan = *GetPlan(builder.GetBufferPointer());
  TENON_RETURN_IF_ERROR(evaluateShapes(*plan.functions()->Get(0), {}, {}, values));
  return values.back();
}

std::string failureOf(ShapeOp op, int64_t a, int64_t b) {
  Expected<int64_t> value = evaluate(op, a, b);
  return value ? "none" : value.status().error().code + " " + value.status().error().message;
}
} // namespace

TEST(ShapeProgram, ComputesEveryOperation) {
  EXPECT_EQ(*evaluate(ShapeOp::Add, 2, 3), 5);
  EXPECT_EQ(*evaluate(ShapeOp::Sub, 2, 3), -1);
  EXPECT_EQ(*evaluate(ShapeOp::Mul, 2, 3), 6);
  EXPECT_EQ(*evaluate(ShapeOp::Min, 2, 3), 2);
  EXPECT_EQ(*evaluate(ShapeOp::Max, 2, 3), 3);
  EXPECT_EQ(*evaluate(ShapeOp::Equal, 3, 3), 1);
  EXPECT_EQ(*evaluate(ShapeOp::Less, 3, 3), 0);
  EXPECT_EQ(*evaluate(ShapeOp::Select, 1, 7, 8), 7);
  EXPECT_EQ(*evaluate(ShapeOp::Select, 0, 7, 8), 8);
}

TEST(ShapeProgram, DividesTowardsMinusInfinity) {
  EXPECT_EQ(*evaluate(ShapeOp::FloorDiv, 7, 2), 3);
  EXPECT_EQ(*evaluate(ShapeOp::FloorDiv, -7, 2), -4);
  EXPECT_EQ(*evaluate(ShapeOp::FloorDiv, 7, -2), -4);
  EXPECT_EQ(*evaluate(ShapeOp::FloorDiv, -8, 2), -4);
  EXPECT_EQ(*evaluate(ShapeOp::Mod, -7, 2), 1);
  EXPECT_EQ(*evaluate(ShapeOp::Mod, 7, -2), -1);
}

TEST(ShapeProgram, BroadcastsAsOnnxDoes) {
  EXPECT_EQ(*evaluate(ShapeOp::Broadcast, 5, 5), 5);
  EXPECT_EQ(*evaluate(ShapeOp::Broadcast, 5, 1), 5);
  EXPECT_EQ(*evaluate(ShapeOp::Broadcast, 1, 5), 5);
  EXPECT_EQ(*evaluate(ShapeOp::Broadcast, 1, 0), 0);
  EXPECT_EQ(failureOf(ShapeOp::Broadcast, 4, 5), "TN7009 shape value 3: extents 4 and 5 do not broadcast");
}

TEST(ShapeProgram, NoticesOverflow) {
  const std::string expected = "TN7009 shape value 3: overflow in arithmetic on -9223372036854775808 and 2";
  EXPECT_EQ(failureOf(ShapeOp::Mul, minimum, 2), expected);
  EXPECT_EQ(failureOf(ShapeOp::Sub, minimum, 2), expected);
  EXPECT_NE(failureOf(ShapeOp::Add, minimum, -1), "none");
}

TEST(ShapeProgram, NoticesImpossibleDivisions) {
  EXPECT_EQ(failureOf(ShapeOp::FloorDiv, 4, 0), "TN7009 shape value 3: cannot divide 4 by 0");
  EXPECT_NE(failureOf(ShapeOp::Mod, 4, 0), "none");
  EXPECT_NE(failureOf(ShapeOp::FloorDiv, minimum, -1), "none");
}

TEST(ShapeProgram, ReadsElementsOfInputs) {
  test::PlanMaker m;
  const uint32_t three = m.constant(3);
  m.function().inputs.push_back(m.tensor("x", {three}, {""}));
  m.function().inputs.push_back(m.tensor("s", {three}, {""}, ElementType::I64));
  m.mul(m.value(ShapeOp::InputValue, 1, 2), m.value(ShapeOp::InputValue, 1, 0));
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, Plan::Pack(builder, &m.plan));
  const Function &function = *GetPlan(builder.GetBufferPointer())->functions()->Get(0);
  EXPECT_EQ(countElementsRead(function), (std::vector<size_t>{0, 3}));
  const std::vector<std::vector<int64_t>> dims = {{3}, {3}}, elements = {{}, {-5, 0, 7}}, few = {{}, {1}};
  std::vector<int64_t> values;
  ASSERT_TRUE(evaluateShapes(function, dims, elements, values).ok());
  EXPECT_EQ(values.back(), -35);
  EXPECT_FALSE(evaluateShapes(function, dims, few, values).ok());
}
