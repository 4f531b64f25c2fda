//===- ScriptWriter.cpp - Writing the script of a plan ---------------------===//
#include "ScriptWriter.h"

#include "Graph/IR/DimExpr.h"
#include "tenon/Conversion/DispatchToPlan.h"
#include "tenon/Plan/ScriptForms.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::plan_ir;

namespace {

class ScriptWriter {
public:
  explicit ScriptWriter(const llvm::StringMap<uint32_t> &functions) : functions(functions) {}

  std::unique_ptr<plan::ScriptT> write(ScriptOp script) {
    auto result = std::make_unique<plan::ScriptT>();
    addTensors(script.getInputs(), result->inputs);
    addTensors(script.getOutputs(), result->outputs);
    result->body = convert(script.getBody());
    result->values = numValues;
    return result;
  }

private:
  static void addTensors(ArrayAttr infos, std::vector<std::unique_ptr<plan::ScriptTensorT>> &list);
  std::unique_ptr<plan::BlockT> convert(Region &region);
  void convert(Operation &op, plan::ScriptStepT &step);
  plan::CallT convertCall(CallOp op);
  plan::RepeatT convertRepeat(RepeatOp op);

  uint32_t number(Value value) {
    if (!value || value.getDefiningOp<AbsentOp>())
      return UINT32_MAX;
    auto [it, isNew] = numbers.try_emplace(value, numValues);
    numValues += isNew;
    return it->second;
  }
  std::vector<uint32_t> numberAll(ValueRange values) {
    std::vector<uint32_t> result;
    for (Value value : values)
      result.push_back(number(value));
    return result;
  }

  const llvm::StringMap<uint32_t> &functions;
  DenseMap<Value, uint32_t> numbers;
  uint32_t numValues = 0;
};

} // namespace

void ScriptWriter::addTensors(ArrayAttr infos, std::vector<std::unique_ptr<plan::ScriptTensorT>> &list) {
  for (auto info : infos.getAsRange<DictionaryAttr>()) {
    auto tensor = std::make_unique<plan::ScriptTensorT>();
    auto type = cast<TensorType>(info.getAs<TypeAttr>("type").getValue());
    tensor->name = info.getAs<StringAttr>("name").str();
    tensor->type = getElementType(type.getElementType());
    tensor->kind = info.contains("sequence") ? plan::ScriptKind::Sequence : plan::ScriptKind::Tensor;
    tensor->optional = info.contains("optional");
    tensor->ranked = type.hasRank();
    if (auto ranked = dyn_cast<RankedTensorType>(type))
      for (graph::DimAttr dim : graph::getDims(ranked)) {
        tensor->dims.push_back(dim.getConstant().value_or(-1));
        tensor->dim_names.push_back(dim.isSymbol() ? dim.getName().str() : "");
      }
    list.push_back(std::move(tensor));
  }
}

std::unique_ptr<plan::BlockT> ScriptWriter::convert(Region &region) {
  auto block = std::make_unique<plan::BlockT>();
  block->inputs = numberAll(region.getArguments());
  for (Operation &op : region.front().without_terminator()) {
    if (isa<AbsentOp>(op))
      continue;
    auto step = std::make_unique<plan::ScriptStepT>();
    if (auto names = getNodeNames(op.getLoc()); !names.empty())
      step->node = names.front();
    convert(op, *step);
    block->steps.push_back(std::move(step));
  }
  block->results = numberAll(region.front().getTerminator()->getOperands());
  return block;
}

void ScriptWriter::convert(Operation &op, plan::ScriptStepT &step) {
  if (auto call = dyn_cast<CallOp>(op))
    return step.op.Set(convertCall(call));
  if (auto host = dyn_cast<HostOp>(op)) {
    plan::HostT data;
    data.op = *plan::findHostOp(host.getOp());
    data.inputs = numberAll(host.getArguments());
    data.attributes = host.getNumbers().vec();
    data.outputs = numberAll(host.getResults());
    return step.op.Set(std::move(data));
  }
  if (auto branch = dyn_cast<BranchOp>(op)) {
    plan::BranchT data;
    data.condition = number(branch.getCondition());
    data.on_true = convert(branch.getOnTrue());
    data.on_false = convert(branch.getOnFalse());
    data.outputs = numberAll(branch.getResults());
    return step.op.Set(std::move(data));
  }
  step.op.Set(convertRepeat(cast<RepeatOp>(op)));
}

plan::CallT ScriptWriter::convertCall(CallOp op) {
  plan::CallT data;
  data.function = functions.lookup(op.getCallee());
  data.inputs = numberAll(op.getArguments());
  for (auto [value, index, isElement] : llvm::zip(op.getRead(), op.getIndices(), op.getElements()))
    data.readings.emplace_back(number(value), uint32_t(index), isElement);
  data.outputs = numberAll(op.getResults());
  return data;
}

plan::RepeatT ScriptWriter::convertRepeat(RepeatOp op) {
  plan::RepeatT data;
  data.trips = number(op.getTrips());
  data.condition = number(op.getCondition());
  data.carried = numberAll(op.getCarried());
  data.body = convert(op.getBody());
  for (auto info : op.getStacked().getAsRange<DictionaryAttr>()) {
    auto stacking = std::make_unique<plan::StackingT>();
    auto type = cast<TensorType>(info.getAs<TypeAttr>("type").getValue());
    stacking->axis = uint32_t(info.getAs<IntegerAttr>("axis").getInt());
    stacking->reverse = info.contains("reverse");
    stacking->type = getElementType(type.getElementType());
    if (auto ranked = dyn_cast<RankedTensorType>(type))
      for (int64_t extent : ranked.getShape())
        stacking->dims.push_back(ShapedType::isDynamic(extent) ? -1 : extent);
    data.stacked.push_back(std::move(stacking));
  }
  data.outputs = numberAll(op.getResults());
  return data;
}

std::unique_ptr<plan::ScriptT> tenon::writeScript(ScriptOp script, const llvm::StringMap<uint32_t> &functions) {
  return ScriptWriter(functions).write(script);
}
