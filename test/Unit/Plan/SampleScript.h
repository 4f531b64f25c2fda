//===- SampleScript.h - Scripts made by hand -------------------------------===//
#ifndef TENON_TEST_UNIT_PLAN_SAMPLESCRIPT_H
#define TENON_TEST_UNIT_PLAN_SAMPLESCRIPT_H

#include "SamplePlan.h"

namespace tenon::test {

inline std::unique_ptr<plan::BlockT> makeBlock(std::vector<uint32_t> inputs, std::vector<uint32_t> results) {
  auto block = std::make_unique<plan::BlockT>();
  block->inputs = std::move(inputs);
  block->results = std::move(results);
  return block;
}

template <typename Operation>
Operation &addStep(plan::BlockT &block, Operation operation, std::string node = "") {
  auto step = std::make_unique<plan::ScriptStepT>();
  step->op.Set(std::move(operation));
  step->node = std::move(node);
  block.steps.push_back(std::move(step));
  return *static_cast<Operation *>(block.steps.back()->op.value);
}

inline plan::HostT makeHost(plan::HostOp op, std::vector<uint32_t> inputs, std::vector<int64_t> attributes,
                            std::vector<uint32_t> outputs) {
  plan::HostT host;
  host.op = op;
  host.inputs = std::move(inputs);
  host.attributes = std::move(attributes);
  host.outputs = std::move(outputs);
  return host;
}

inline std::unique_ptr<plan::ScriptTensorT> makeScriptTensor(std::string name, plan::ElementType type,
                                                             std::vector<int64_t> dims) {
  auto tensor = std::make_unique<plan::ScriptTensorT>();
  tensor->name = std::move(name);
  tensor->type = type;
  tensor->dim_names.resize(dims.size());
  tensor->dims = std::move(dims);
  return tensor;
}

/// all = x inserted `trips` times into an empty sequence, joined along axis 0; n = how often: of a model without
/// kernels. Inputs x [-1] (0) and trips (1). The loop carries the sequence and stacks its number of elements.
inline PlanMaker makeScript() {
  PlanMaker m;
  m.plan.functions.clear();
  m.plan.script = std::make_unique<plan::ScriptT>();
  plan::ScriptT &script = *m.plan.script;
  script.inputs.push_back(makeScriptTensor("x", plan::ElementType::F32, {-1}));
  script.inputs.push_back(makeScriptTensor("trips", plan::ElementType::I64, {}));
  script.outputs.push_back(makeScriptTensor("all", plan::ElementType::F32, {-1}));
  script.outputs.push_back(makeScriptTensor("n", plan::ElementType::I64, {-1}));
  script.values = 11;
  script.body = makeBlock({0, 1}, {10, 9});
  addStep(*script.body, makeHost(plan::HostOp::SequenceEmpty, {}, {int64_t(plan::ElementType::F32)}, {2}));
  plan::RepeatT repeat;
  repeat.trips = 1;
  repeat.carried = {2};
  repeat.outputs = {8, 9};
  repeat.body = makeBlock({3, 4, 5}, {4, 6, 7});
  addStep(*repeat.body, makeHost(plan::HostOp::SequenceInsert, {5, 0}, {}, {6}));
  addStep(*repeat.body, makeHost(plan::HostOp::SequenceLength, {6}, {}, {7}));
  auto stacking = std::make_unique<plan::StackingT>();
  stacking->type = plan::ElementType::I64;
  repeat.stacked.push_back(std::move(stacking));
  addStep(*script.body, std::move(repeat), "loop");
  addStep(*script.body, makeHost(plan::HostOp::ConcatFromSequence, {8}, {0, 0}, {10}), "join");
  return m;
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_PLAN_SAMPLESCRIPT_H
