// Scripts made by hand, without kernels: loops, lifetimes, what is wrong with the values.
#include "Plan/SampleScript.h"
#include "SampleSession.h"

#include <gtest/gtest.h>

using namespace tenon;
using plan::ScriptKind;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

std::unique_ptr<Session> open(PlanMaker m) {
  auto session = load(std::move(m));
  EXPECT_TRUE(bool(session)) << session.status().str();
  return session ? std::move(*session) : nullptr;
}

Tensor number(const int64_t &value) { return Tensor::borrow(&value, tenon::ElementType::I64, {}); }

std::string failureOf(PlanMaker m, int64_t trips) {
  const std::vector<float> x = {1};
  auto outputs = open(std::move(m))->run(std::vector<Tensor>{floats(x, {1}), number(trips)});
  return outputs ? "" : outputs.status().error().code + " " + outputs.status().error().node;
}

} // namespace

TEST(Script, RunsALoop) {
  auto session = open(makeScript());
  const std::vector<float> x = {1, 2};
  for (int64_t trips : {3, 1, 3}) {
    auto outputs = session->run(std::vector<Tensor>{floats(x, {2}), number(trips)});
    ASSERT_TRUE(bool(outputs)) << outputs.status().str();
    EXPECT_EQ((*outputs)[0].dims, std::vector<int64_t>({2 * trips}));
    EXPECT_EQ(toVector((*outputs)[0]).back(), 2);
    EXPECT_EQ((*outputs)[1].dims, std::vector<int64_t>({trips}));
    EXPECT_EQ((*outputs)[1].as<int64_t>()[trips - 1], trips);
  }
}

TEST(Script, DescribesItsInputs) {
  auto session = open(makeScript());
  ASSERT_EQ(session->inputs().size(), 2u);
  EXPECT_EQ(session->inputs()[0].name, "x");
  EXPECT_EQ(session->inputs()[0].dims, std::vector<int64_t>({-1}));
  EXPECT_EQ(session->outputs()[1].name, "n");
}

TEST(Script, StacksNothingWithoutIterations) {
  PlanMaker m = makeScript();
  m.plan.script->body->results = {0, 9};
  m.plan.script->body->steps.pop_back(); // nothing can be joined
  const int64_t trips = -1;
  auto outputs = open(std::move(m))->run(std::vector<Tensor>{floats({}, {0}), number(trips)});
  ASSERT_TRUE(bool(outputs)) << outputs.status().str();
  EXPECT_EQ((*outputs)[1].dims, std::vector<int64_t>({0}));
}

TEST(Script, OutputsOwnTheirMemory) {
  PlanMaker m = makeScript();
  m.plan.script->body->results = {0, 9}; // x itself
  const std::vector<float> x = {1, 2};
  auto outputs = open(std::move(m))->runValues(std::vector<Value>{floats(x, {2}), number(1)});
  ASSERT_TRUE(bool(outputs)) << outputs.status().str();
  EXPECT_NE((*outputs)[0].tensor.data.get(), x.data());
}

TEST(Script, WritesIntoTensorsOfTheCaller) {
  auto session = open(makeScript());
  const std::vector<float> x = {1, 2};
  std::vector<float> target(4);
  const int64_t trips = 2;
  const std::vector<NamedTensor> inputs = {{"trips", number(trips)}, {"x", floats(x, {2})}};
  auto run = [&](std::vector<int64_t> dims) {
    return session->run(inputs, {}, std::vector<NamedTensor>{{"all", floats(target, std::move(dims))}});
  };
  ASSERT_TRUE(bool(run({4})));
  EXPECT_EQ(target, std::vector<float>({1, 2, 1, 2}));
  EXPECT_EQ(run({3}).status().error().code, "TN7013");
}

TEST(Script, NamesTheNodeThatFails) { EXPECT_EQ(failureOf(makeScript(), 0), "TN7018 join"); }

TEST(Script, ChecksKindsOfInputs) {
  auto session = open(makeScript());
  const int64_t trips = 1;
  auto fail = [&](Value x) {
    return session->runValues(std::vector<Value>{std::move(x), number(trips)}).status().error().code;
  };
  EXPECT_EQ(fail(Value()), "TN7018");
  EXPECT_EQ(fail(Value::sequence(tenon::ElementType::F32)), "TN7018");
  EXPECT_EQ(fail(number(trips)), "TN7005");
  EXPECT_EQ(fail(floats({}, {0, 1})), "TN7006");
}

TEST(Script, RunRefusesSequences) {
  PlanMaker m = makeScript();
  m.plan.script->outputs[0]->kind = ScriptKind::Sequence;
  EXPECT_EQ(failureOf(std::move(m), 1), "TN7018 ");
}

TEST(Script, ACountMustBeANumber) {
  PlanMaker m = makeScript();
  m.plan.script->body->steps[1]->op.AsRepeat()->trips = 2; // the empty sequence
  EXPECT_EQ(failureOf(std::move(m), 1), "TN7018 loop");
}

TEST(Script, AConditionMustBeABool) {
  PlanMaker m = makeScript();
  m.plan.script->body->steps[1]->op.AsRepeat()->condition = 0;
  EXPECT_EQ(failureOf(std::move(m), 1), "TN7018 loop");
}
