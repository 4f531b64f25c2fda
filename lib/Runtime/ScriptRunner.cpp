//===- ScriptRunner.cpp - Runs the script of a plan ------------------------===//
#include "ScriptRunner.h"

#include "Binding.h"
#include "HostOps/HostOps.h"
#include "tenon/Plan/Vectors.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace tenon::runtime {

static constexpr uint32_t absent = 4294967295u;

using Numbers = flatbuffers::Vector<uint32_t>;

using plan::length;

static std::vector<TensorInfo> describe(const flatbuffers::Vector<flatbuffers::Offset<plan::ScriptTensor>> *tensors) {
  std::vector<TensorInfo> infos;
  for (uint32_t i = 0; i < length(tensors); ++i) {
    const plan::ScriptTensor &tensor = *tensors->Get(i);
    TensorInfo info{tensor.name()->str(), ElementType(tensor.type()), {}, {}};
    info.kind = tensor.kind() == plan::ScriptKind::Sequence ? ValueKind::Sequence : ValueKind::Tensor;
    info.isOptional = tensor.optional();
    info.isRanked = tensor.ranked();
    for (uint32_t k = 0; k < length(tensor.dims()); ++k) {
      info.dims.push_back(tensor.dims()->Get(k));
      info.dimNames.push_back(tensor.dim_names()->Get(k)->str());
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

ScriptRunner::ScriptRunner(const plan::Script &script, std::span<const std::unique_ptr<FunctionRunner>> functions)
    : inputs(describe(script.inputs())), outputs(describe(script.outputs())), script(script), functions(functions) {
  findLastReads(*script.body());
}

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

namespace {
/// Calls `visit` for the numbers that an operation reads, those of its blocks included.
class Reads {
public:
  explicit Reads(std::function<void(uint32_t)> visit) : visit(std::move(visit)) {}

  void of(const plan::ScriptStep &step) {
    if (const plan::Call *call = step.op_as_Call()) {
      all(call->inputs());
      for (uint32_t i = 0; i < length(call->readings()); ++i)
        one(call->readings()->Get(i)->value());
    } else if (const plan::Host *host = step.op_as_Host()) {
      all(host->inputs());
    } else if (const plan::Branch *branch = step.op_as_Branch()) {
      one(branch->condition());
      of(*branch->on_true());
      of(*branch->on_false());
    } else if (const plan::Repeat *repeat = step.op_as_Repeat()) {
      one(repeat->trips());
      one(repeat->condition());
      all(repeat->carried());
      of(*repeat->body());
    }
  }

private:
  void one(uint32_t number) {
    if (number != absent)
      visit(number);
  }
  void all(const Numbers *numbers) {
    for (uint32_t i = 0; i < length(numbers); ++i)
      one(numbers->Get(i));
  }
  void of(const plan::Block &block) {
    for (uint32_t i = 0; i < length(block.steps()); ++i)
      of(*block.steps()->Get(i));
    all(block.results());
  }

  std::function<void(uint32_t)> visit;
};
} // namespace

static const Numbers *outputsOf(const plan::ScriptStep &step) {
  if (const plan::Call *call = step.op_as_Call())
    return call->outputs();
  if (const plan::Host *host = step.op_as_Host())
    return host->outputs();
  if (const plan::Branch *branch = step.op_as_Branch())
    return branch->outputs();
  return step.op_as_Repeat()->outputs();
}

void ScriptRunner::findLastReads(const plan::Block &block) {
  std::unordered_map<uint32_t, const plan::ScriptStep *> last; // of the values of this block
  for (uint32_t i = 0; i < length(block.inputs()); ++i)
    last[block.inputs()->Get(i)] = nullptr;
  for (uint32_t i = 0; i < length(block.steps()); ++i) {
    const plan::ScriptStep &step = *block.steps()->Get(i);
    Reads([&](uint32_t number) {
      if (auto it = last.find(number); it != last.end())
        it->second = &step;
    }).of(step);
    for (uint32_t k = 0; k < length(outputsOf(step)); ++k)
      last[outputsOf(step)->Get(k)] = &step; // where nothing reads it
    if (const plan::Branch *branch = step.op_as_Branch()) {
      findLastReads(*branch->on_true());
      findLastReads(*branch->on_false());
    } else if (const plan::Repeat *repeat = step.op_as_Repeat()) {
      findLastReads(*repeat->body());
    }
  }
  for (uint32_t i = 0; i < length(block.results()); ++i)
    last.erase(block.results()->Get(i));
  for (auto [number, step] : last)
    if (step)
      lastReads[step].push_back(number);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

Status ScriptRunner::checkInputs(std::span<const Value> values) const {
  for (size_t i = 0; i < values.size(); ++i) {
    const TensorInfo &info = inputs[i];
    const Value &value = values[i];
    if (value.kind == ValueKind::None ? !info.isOptional : value.kind != info.kind)
      return Status::error("TN7018", "input '" + info.name + "': expected " + describeKind(info.kind) + ", found " +
                                         describeKind(value.kind));
    if (value.kind == ValueKind::Tensor)
      TENON_RETURN_IF_ERROR(checkInput(info, value.tensor));
    if (value.kind == ValueKind::Sequence && value.type != info.type)
      return Status::error("TN7005", "input '" + info.name + "': the elements have another type");
    for (const Tensor &element : value.elements)
      TENON_RETURN_IF_ERROR(checkInput(info, element));
  }
  return Status::success();
}

Expected<std::vector<Value>> ScriptRunner::run(std::span<const Value> given, Profile *profile) const {
  TENON_RETURN_IF_ERROR(checkInputs(given));
  const plan::Block &body = *script.body();
  Run run{Values(script.values()), profile};
  for (size_t i = 0; i < given.size(); ++i)
    run.values[body.inputs()->Get(uint32_t(i))] = given[i];
  TENON_RETURN_IF_ERROR(runBlock(body, run));
  std::vector<Value> results;
  for (uint32_t i = 0; i < length(body.results()); ++i) {
    results.push_back(run.values[body.results()->Get(i)]);
    TENON_RETURN_IF_ERROR(makeOwned(results.back()));
  }
  return results;
}

Status ScriptRunner::runBlock(const plan::Block &block, Run &run) const {
  for (uint32_t i = 0; i < length(block.steps()); ++i) {
    const plan::ScriptStep &step = *block.steps()->Get(i);
    Status status = runStep(step, run);
    if (!status.ok()) {
      const ErrorInfo &error = status.error();
      if (error.node.empty() && step.node())
        return Status::error(error.code, error.message, step.node()->str(), error.remedy);
      return status;
    }
    if (auto it = lastReads.find(&step); it != lastReads.end())
      for (uint32_t number : it->second)
        run.values[number] = Value();
  }
  return Status::success();
}

Status ScriptRunner::runStep(const plan::ScriptStep &step, Run &run) const {
  if (const plan::Call *call = step.op_as_Call())
    return this->call(*call, run);
  if (const plan::Host *host = step.op_as_Host())
    return callHost(*host, run);
  if (const plan::Branch *branch = step.op_as_Branch())
    return this->branch(*branch, run);
  return repeat(*step.op_as_Repeat(), run);
}

static Status notA(const char *expected, const Value &value) {
  return Status::error("TN7018", std::string("expected ") + expected + ", found " + describeKind(value.kind));
}

/// A number that a function's shapes depend on.
static Expected<int64_t> read(const plan::Reading &reading, const Value &value) {
  if (value.kind != ValueKind::Tensor)
    return notA("a tensor", value);
  const Tensor &tensor = value.tensor;
  if (!reading.is_element()) {
    if (reading.index() < tensor.dims.size())
      return tensor.dims[reading.index()];
    return Status::error("TN7018", "a tensor of rank " + std::to_string(tensor.dims.size()) + " has no dimension " +
                                       std::to_string(reading.index()));
  }
  if (int64_t(reading.index()) >= tensor.elements())
    return Status::error("TN7018", "a tensor has no element " + std::to_string(reading.index()));
  return readElement(tensor, reading.index());
}

Status ScriptRunner::call(const plan::Call &call, Run &run) const {
  std::vector<Tensor> arguments;
  for (uint32_t i = 0; i < length(call.inputs()); ++i) {
    const Value &value = run.values[call.inputs()->Get(i)];
    if (value.kind != ValueKind::Tensor)
      return notA("a tensor", value);
    arguments.push_back(value.tensor);
  }
  if (const uint32_t count = length(call.readings())) {
    auto numbers = Tensor::allocate(ElementType::I64, {int64_t(count)});
    if (!numbers)
      return numbers.takeStatus();
    for (uint32_t i = 0; i < count; ++i) {
      const plan::Reading &reading = *call.readings()->Get(i);
      auto number = read(reading, run.values[reading.value()]);
      if (!number)
        return number.takeStatus();
      numbers->as<int64_t>()[i] = *number;
    }
    arguments.push_back(std::move(*numbers));
  }
  auto results = functions[call.function()]->run(std::move(arguments), run.profile, {});
  if (!results)
    return results.takeStatus();
  for (uint32_t i = 0; i < length(call.outputs()); ++i)
    run.values[call.outputs()->Get(i)] = std::move((*results)[i]);
  return Status::success();
}

Status ScriptRunner::callHost(const plan::Host &host, Run &run) const {
  std::vector<const Value *> operands;
  for (uint32_t i = 0; i < length(host.inputs()); ++i)
    operands.push_back(host.inputs()->Get(i) == absent ? nullptr : &run.values[host.inputs()->Get(i)]);
  const std::span<const int64_t> attributes =
      host.attributes() ? std::span(host.attributes()->data(), host.attributes()->size()) : std::span<const int64_t>();
  auto results = runHostOp(host.op(), {operands, attributes});
  if (!results)
    return results.takeStatus();
  for (uint32_t i = 0; i < length(host.outputs()); ++i)
    run.values[host.outputs()->Get(i)] = std::move((*results)[i]);
  return Status::success();
}

/// The only element of a tensor of bool.
static Expected<bool> readCondition(const Value &value) {
  if (value.kind != ValueKind::Tensor || value.tensor.type != ElementType::Bool || value.tensor.elements() != 1)
    return notA("a bool", value);
  return *value.tensor.as<uint8_t>() != 0;
}

Status ScriptRunner::branch(const plan::Branch &branch, Run &run) const {
  auto condition = readCondition(run.values[branch.condition()]);
  if (!condition)
    return condition.takeStatus();
  const plan::Block &block = *condition ? *branch.on_true() : *branch.on_false();
  TENON_RETURN_IF_ERROR(runBlock(block, run));
  for (uint32_t i = 0; i < length(branch.outputs()); ++i)
    run.values[branch.outputs()->Get(i)] = run.values[block.results()->Get(i)];
  return Status::success();
}

template <typename T>
static Expected<Value> makeScalar(ElementType type, T number) {
  auto tensor = Tensor::allocate(type, {});
  if (!tensor)
    return tensor.takeStatus();
  *tensor->as<T>() = number;
  return Value(std::move(*tensor));
}

/// The results of all iterations along a new dimension.
static Expected<Value> stack(const plan::Stacking &stacking, std::vector<Tensor> parts) {
  if (parts.empty()) {
    std::vector<int64_t> dims;
    for (uint32_t i = 0; i < length(stacking.dims()); ++i)
      dims.push_back(std::max<int64_t>(stacking.dims()->Get(i), 0));
    dims.insert(dims.begin() + stacking.axis(), 0);
    auto nothing = Tensor::allocate(ElementType(stacking.type()), std::move(dims));
    return nothing ? Expected<Value>(Value(std::move(*nothing))) : nothing.takeStatus();
  }
  if (stacking.reverse())
    std::reverse(parts.begin(), parts.end());
  const Value sequence = Value::sequence(parts.front().type, std::move(parts));
  const Value *operand = &sequence;
  const int64_t attributes[] = {int64_t(stacking.axis()), 1};
  auto result = runHostOp(plan::HostOp::ConcatFromSequence, {std::span(&operand, 1), attributes});
  return result ? Expected<Value>(std::move(result->front())) : result.takeStatus();
}

Status ScriptRunner::repeat(const plan::Repeat &repeat, Run &run) const {
  const plan::Block &body = *repeat.body();
  const uint32_t carried = length(repeat.carried()), stacked = length(repeat.stacked());
  int64_t trips = INT64_MAX;
  bool goesOn = true;
  if (repeat.trips() != absent) {
    auto read = runtime::read({repeat.trips(), 0, true}, run.values[repeat.trips()]);
    if (!read)
      return read.takeStatus();
    trips = *read;
  }
  if (repeat.condition() != absent) {
    auto condition = readCondition(run.values[repeat.condition()]);
    if (!condition)
      return condition.takeStatus();
    goesOn = *condition;
  }
  Values state;
  for (uint32_t i = 0; i < carried; ++i)
    state.push_back(run.values[repeat.carried()->Get(i)]);
  std::vector<std::vector<Tensor>> parts(stacked);
  for (int64_t iteration = 0; goesOn && iteration < trips; ++iteration) {
    auto number = makeScalar<int64_t>(ElementType::I64, iteration);
    auto always = makeScalar<uint8_t>(ElementType::Bool, 1);
    if (!number || !always)
      return Status::outOfMemory();
    run.values[body.inputs()->Get(0)] = std::move(*number);
    run.values[body.inputs()->Get(1)] = std::move(*always);
    for (uint32_t i = 0; i < carried; ++i)
      run.values[body.inputs()->Get(2 + i)] = std::move(state[i]);
    TENON_RETURN_IF_ERROR(runBlock(body, run));
    auto condition = readCondition(run.values[body.results()->Get(0)]);
    if (!condition)
      return condition.takeStatus();
    goesOn = *condition;
    for (uint32_t i = 0; i < carried; ++i)
      state[i] = run.values[body.results()->Get(1 + i)];
    for (uint32_t i = 0; i < stacked; ++i) {
      const Value &part = run.values[body.results()->Get(1 + carried + i)];
      if (part.kind != ValueKind::Tensor)
        return notA("a tensor", part);
      parts[i].push_back(part.tensor);
    }
  }
  for (uint32_t i = 0; i < carried; ++i)
    run.values[repeat.outputs()->Get(i)] = std::move(state[i]);
  for (uint32_t i = 0; i < stacked; ++i) {
    auto all = stack(*repeat.stacked()->Get(i), std::move(parts[i]));
    if (!all)
      return all.takeStatus();
    run.values[repeat.outputs()->Get(carried + i)] = std::move(*all);
  }
  return Status::success();
}

} // namespace tenon::runtime
