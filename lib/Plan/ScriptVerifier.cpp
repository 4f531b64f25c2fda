//===- ScriptVerifier.cpp - Static verification of a script ---------------===//
//
// Blocks nest at most as deep as FlatBuffers' verifier admits, so that recursion on them is bounded.
//
//===----------------------------------------------------------------------===//
#include "ScriptVerifier.h"

#include "FunctionVerifier.h"
#include "tenon/Plan/ScriptForms.h"

#include <set>
#include <vector>

namespace tenon::plan {

namespace {

constexpr uint32_t absent = 4294967295u;
constexpr uint32_t maxValues = 1 << 22;
constexpr uint32_t maxRank = 64;

using Values = flatbuffers::Vector<uint32_t>;
using Dims = flatbuffers::Vector<int64_t>;

class ScriptVerifier {
public:
  ScriptVerifier(const Plan &plan, const Script &script) : plan(plan), script(script) {}

  Status run() {
    if (script.values() > maxValues)
      return fail("TN6021", "there are " + std::to_string(script.values()) + " values");
    written.resize(script.values());
    visible.resize(script.values());
    TENON_RETURN_IF_ERROR(checkTensors("input", script.inputs()));
    TENON_RETURN_IF_ERROR(checkTensors("output", script.outputs()));
    return checkBlock(*script.body(), length(script.inputs()), length(script.outputs()));
  }

private:
  const Plan &plan;
  const Script &script;
  std::vector<bool> written, visible;
  std::string where = "script";

  Status fail(const char *code, const std::string &what) const { return Status::error(code, where + ": " + what); }

  Status read(uint32_t value) const {
    if (value >= visible.size() || !visible[value])
      return fail("TN6011", "value " + std::to_string(value) + " is read where it is not known");
    return Status::success();
  }
  Status read(const Values *values, bool mayBeAbsent = false) const {
    for (uint32_t i = 0; i < length(values); ++i)
      if (!mayBeAbsent || values->Get(i) != absent)
        TENON_RETURN_IF_ERROR(read(values->Get(i)));
    return Status::success();
  }
  Status write(const Values *values, std::vector<uint32_t> &own) {
    for (uint32_t i = 0; i < length(values); ++i) {
      const uint32_t value = values->Get(i);
      if (value >= written.size() || written[value])
        return fail("TN6011", "value " + std::to_string(value) + " does not exist, or is written twice");
      written[value] = visible[value] = true;
      own.push_back(value);
    }
    return Status::success();
  }
  Status expect(const char *what, size_t found, size_t expected) const {
    if (found == expected)
      return Status::success();
    return fail("TN6016", std::to_string(found) + " " + what + ", expected " + std::to_string(expected));
  }

  Status checkDims(const Dims *dims) const {
    if (length(dims) > maxRank)
      return fail("TN6021", "a rank of " + std::to_string(length(dims)));
    for (uint32_t i = 0; i < length(dims); ++i)
      if (dims->Get(i) < -1)
        return fail("TN6021", "an extent of " + std::to_string(dims->Get(i)));
    return Status::success();
  }
  Status checkTensors(const char *kind, const flatbuffers::Vector<flatbuffers::Offset<ScriptTensor>> *tensors) const;
  Status checkBlock(const Block &block, size_t inputs, size_t results);
  Status checkStep(const ScriptStep &step, std::vector<uint32_t> &own);
  Status checkCall(const Call &call);
  Status checkHost(const Host &host);
  Status checkRepeat(const Repeat &repeat);
};

Status ScriptVerifier::checkTensors(const char *kind,
                                    const flatbuffers::Vector<flatbuffers::Offset<ScriptTensor>> *tensors) const {
  std::set<std::string> names;
  for (uint32_t i = 0; i < length(tensors); ++i) {
    const ScriptTensor &tensor = *tensors->Get(i);
    if (!tensor.name() || !names.insert(tensor.name()->str()).second)
      return fail("TN6021", std::string(kind) + " " + std::to_string(i) + " has no name, or that of another");
    if (tensor.type() > ElementType::MAX || tensor.kind() > ScriptKind::MAX)
      return fail("TN6021", std::string(kind) + " " + std::to_string(i) + " has an unknown type");
    TENON_RETURN_IF_ERROR(checkDims(tensor.dims()));
    if (!tensor.ranked() && length(tensor.dims()) != 0)
      return fail("TN6021", std::string(kind) + " " + std::to_string(i) + " has extents but no rank");
    TENON_RETURN_IF_ERROR(expect("names of extents", length(tensor.dim_names()), length(tensor.dims())));
  }
  return Status::success();
}

Status ScriptVerifier::checkBlock(const Block &block, size_t inputs, size_t results) {
  std::vector<uint32_t> own;
  TENON_RETURN_IF_ERROR(expect("inputs of a block", length(block.inputs()), inputs));
  TENON_RETURN_IF_ERROR(expect("results of a block", length(block.results()), results));
  TENON_RETURN_IF_ERROR(write(block.inputs(), own));
  for (uint32_t i = 0; i < length(block.steps()); ++i) {
    const std::string outer = where;
    where += (where == "script" ? ", step " : ".") + std::to_string(i);
    TENON_RETURN_IF_ERROR(checkStep(*block.steps()->Get(i), own));
    where = outer;
  }
  TENON_RETURN_IF_ERROR(read(block.results()));
  for (uint32_t value : own)
    visible[value] = false;
  return Status::success();
}

Status ScriptVerifier::checkStep(const ScriptStep &step, std::vector<uint32_t> &own) {
  if (const Call *call = step.op_as_Call()) {
    TENON_RETURN_IF_ERROR(checkCall(*call));
    return write(call->outputs(), own);
  }
  if (const Host *host = step.op_as_Host()) {
    TENON_RETURN_IF_ERROR(checkHost(*host));
    return write(host->outputs(), own);
  }
  if (const Branch *branch = step.op_as_Branch()) {
    TENON_RETURN_IF_ERROR(read(branch->condition()));
    for (const Block *block : {branch->on_true(), branch->on_false()})
      TENON_RETURN_IF_ERROR(checkBlock(*block, 0, length(branch->outputs())));
    return write(branch->outputs(), own);
  }
  const Repeat *repeat = step.op_as_Repeat();
  if (!repeat)
    return fail("TN6021", "an unknown operation");
  TENON_RETURN_IF_ERROR(checkRepeat(*repeat));
  return write(repeat->outputs(), own);
}

Status ScriptVerifier::checkCall(const Call &call) {
  if (call.function() >= length(plan.functions()))
    return fail("TN6011", "function " + std::to_string(call.function()) + " does not exist");
  const Function &function = *plan.functions()->Get(call.function());
  TENON_RETURN_IF_ERROR(read(call.inputs()));
  for (uint32_t i = 0; i < length(call.readings()); ++i)
    TENON_RETURN_IF_ERROR(read(call.readings()->Get(i)->value()));
  const bool reads = length(call.readings()) != 0;
  TENON_RETURN_IF_ERROR(expect("inputs of a function", length(call.inputs()) + reads, length(function.inputs())));
  return expect("outputs of a function", length(call.outputs()), length(function.outputs()));
}

Status ScriptVerifier::checkHost(const Host &host) {
  if (host.op() > HostOp::MAX)
    return fail("TN6021", "an unknown operator");
  const HostOpForm form = formOf(host.op());
  const uint32_t inputs = length(host.inputs());
  if (inputs < form.minInputs || inputs > form.maxInputs)
    return fail("TN6016", std::to_string(inputs) + " operands of " + EnumNameHostOp(host.op()));
  for (uint32_t i = 0; i < form.minInputs; ++i)
    TENON_RETURN_IF_ERROR(read(host.inputs()->Get(i)));
  TENON_RETURN_IF_ERROR(read(host.inputs(), /*mayBeAbsent=*/true));
  TENON_RETURN_IF_ERROR(expect("numbers of an operator", length(host.attributes()), form.attributes));
  return expect("results of an operator", length(host.outputs()), form.results);
}

Status ScriptVerifier::checkRepeat(const Repeat &repeat) {
  for (uint32_t value : {repeat.trips(), repeat.condition()})
    if (value != absent)
      TENON_RETURN_IF_ERROR(read(value));
  TENON_RETURN_IF_ERROR(read(repeat.carried()));
  const size_t carried = length(repeat.carried()), stacked = length(repeat.stacked());
  for (uint32_t i = 0; i < stacked; ++i) {
    const Stacking &stacking = *repeat.stacked()->Get(i);
    if (stacking.type() > ElementType::MAX || stacking.axis() > length(stacking.dims()))
      return fail("TN6021", "a result is stacked along no axis");
    TENON_RETURN_IF_ERROR(checkDims(stacking.dims()));
  }
  TENON_RETURN_IF_ERROR(checkBlock(*repeat.body(), 2 + carried, 1 + carried + stacked));
  return expect("results of a loop", length(repeat.outputs()), carried + stacked);
}

} // namespace

Status verifyScript(const Plan &plan, const Script &script) { return ScriptVerifier(plan, script).run(); }

} // namespace tenon::plan
