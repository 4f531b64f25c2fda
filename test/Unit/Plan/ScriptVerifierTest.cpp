// One case per rule about scripts: a good script, one change, the code and a piece of the message.
#include "SampleScript.h"
#include "tenon/Plan/Verifier.h"

#include <gtest/gtest.h>

#include <functional>

using namespace tenon;
using namespace tenon::plan;
using namespace tenon::test;

namespace {

Status verify(const PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, Plan::Pack(builder, &plan));
  return verifyPlan({builder.GetBufferPointer(), builder.GetSize()}, 0, 0).takeStatus();
}

void expectFailure(const std::function<void(ScriptT &)> &change, const std::string &code, const std::string &text) {
  PlanMaker m = makeScript();
  change(*m.plan.script);
  Status status = verify(m.plan);
  ASSERT_FALSE(status.ok()) << "expected " << code << " " << text;
  EXPECT_EQ(status.error().code, code) << status.str();
  EXPECT_NE(status.error().message.find(text), std::string::npos) << status.str();
}

HostT &hostOf(BlockT &block, size_t step) { return *block.steps[step]->op.AsHost(); }
RepeatT &loopOf(ScriptT &script) { return *script.body->steps[1]->op.AsRepeat(); }

} // namespace

TEST(ScriptVerifier, AcceptsTheSample) {
  PlanMaker m = makeScript();
  EXPECT_TRUE(verify(m.plan).ok()) << verify(m.plan).str();
}

TEST(ScriptVerifier, NeedsAScriptWhereThereIsNoFunction) {
  PlanMaker m = makeScript();
  m.plan.script.reset();
  EXPECT_EQ(verify(m.plan).error().code, "TN6021");
}

TEST(ScriptVerifier, ChecksWhereValuesAreKnown) {
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).inputs = {7}; }, "TN6011", "value 7 is read where it is not known");
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).inputs = {99}; }, "TN6011", "value 99 is read");
  expectFailure([](ScriptT &s) { s.body->results = {10, 6}; }, "TN6011", "value 6 is read");
  expectFailure([](ScriptT &s) { std::swap(s.body->steps[1], s.body->steps[2]); }, "TN6011", "value 8 is read");
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).outputs = {9}; }, "TN6011",
                "value 9 does not exist, or is written");
  expectFailure([](ScriptT &s) { s.values = 10; }, "TN6011", "value 10 does not exist");
  expectFailure([](ScriptT &s) { s.values = 1u << 31; }, "TN6021", "values");
}

TEST(ScriptVerifier, ChecksOperators) {
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).op = HostOp(200); }, "TN6021",
                "script, step 2: an unknown operator");
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).inputs = {8, 0}; }, "TN6016", "2 operands of ConcatFromSequence");
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).inputs = {UINT32_MAX}; }, "TN6011", "is read where");
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).attributes = {0}; }, "TN6016",
                "1 numbers of an operator, expected 2");
  expectFailure([](ScriptT &s) { hostOf(*s.body, 2).outputs = {}; }, "TN6016", "0 results of an operator, expected 1");
}

TEST(ScriptVerifier, ChecksLoops) {
  expectFailure([](ScriptT &s) { loopOf(s).body->inputs = {3, 4}; }, "TN6016", "2 inputs of a block, expected 3");
  expectFailure([](ScriptT &s) { loopOf(s).body->results = {4, 6}; }, "TN6016", "2 results of a block, expected 3");
  expectFailure([](ScriptT &s) { loopOf(s).outputs = {8}; }, "TN6016", "1 results of a loop, expected 2");
  expectFailure([](ScriptT &s) { loopOf(s).condition = 5; }, "TN6011", "value 5 is read");
  expectFailure([](ScriptT &s) { loopOf(s).stacked[0]->axis = 1; }, "TN6021", "stacked along no axis");
  expectFailure([](ScriptT &s) { loopOf(s).stacked[0]->dims = {-2}; }, "TN6021", "an extent of -2");
}

TEST(ScriptVerifier, ChecksBranches) {
  auto addBranch = [](ScriptT &s, std::vector<uint32_t> results) {
    BranchT branch;
    branch.condition = 0;
    branch.on_true = makeBlock({}, std::move(results));
    branch.on_false = makeBlock({}, {1});
    branch.outputs = {11};
    s.values = 12;
    addStep(*s.body, std::move(branch));
  };
  PlanMaker m = makeScript();
  addBranch(*m.plan.script, {0});
  EXPECT_TRUE(verify(m.plan).ok()) << verify(m.plan).str();
  expectFailure([&](ScriptT &s) { addBranch(s, {}); }, "TN6016", "0 results of a block, expected 1");
  expectFailure([&](ScriptT &s) { addBranch(s, {5}); }, "TN6011", "value 5 is read");
}

TEST(ScriptVerifier, ChecksCalls) {
  expectFailure([](ScriptT &s) { addStep(*s.body, CallT()); }, "TN6011", "function 0 does not exist");
  PlanMaker m = makeSample();
  m.plan.script = std::move(makeScript().plan.script);
  addStep(*m.plan.script->body, CallT());
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, Plan::Pack(builder, &m.plan));
  Status status = verifyPlan({builder.GetBufferPointer(), builder.GetSize()}, 64, 0).takeStatus();
  EXPECT_NE(status.str().find("0 inputs of a function"), std::string::npos) << status.str();
}

TEST(ScriptVerifier, ChecksInputsAndOutputs) {
  expectFailure([](ScriptT &s) { s.inputs[1]->name = "x"; }, "TN6021", "input 1 has no name, or that of another");
  expectFailure([](ScriptT &s) { s.inputs[0]->type = plan::ElementType(99); }, "TN6021", "input 0 has an unknown type");
  expectFailure([](ScriptT &s) { s.outputs[0]->ranked = false; }, "TN6021", "output 0 has extents but no rank");
  expectFailure([](ScriptT &s) { s.outputs[0]->dim_names.clear(); }, "TN6016", "0 names of extents, expected 1");
  expectFailure([](ScriptT &s) { s.inputs.pop_back(); }, "TN6016", "2 inputs of a block, expected 1");
}

TEST(ScriptVerifier, RefusesBlocksThatNestTooDeep) {
  PlanMaker m = makeScript();
  BlockT *block = m.plan.script->body.get();
  for (int i = 0; i < 40; ++i) {
    BranchT branch;
    branch.condition = 0;
    branch.on_true = makeBlock({}, {});
    branch.on_false = makeBlock({}, {});
    block = addStep(*block, std::move(branch)).on_true.get();
  }
  EXPECT_EQ(verify(m.plan).error().code, "TN6010");
}
