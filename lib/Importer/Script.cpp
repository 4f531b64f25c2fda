//===- Script.cpp - What is done between functions --------------------------===//
#include "Script.h"

#include "Graph/IR/InputElement.h"
#include "Plan/IR/PlanOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

Segment &Script::open(Location loc) {
  if (segment)
    return *segment;
  segment = &segments.emplace_back();
  segment->block = current;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  std::string name = segments.size() == 1 ? "main" : "main_" + std::to_string(segments.size() - 1);
  segment->function = func::FuncOp::create(builder, loc, name, builder.getFunctionType({}, {}));
  segment->function.addEntryBlock();
  owners[segment->function] = segment;
  ScriptStep &step = current->steps.emplace_back(ScriptStep{ScriptStep::Call, loc});
  step.segment = segment;
  return *segment;
}

Number Script::exportValue(Value value) {
  Segment *owner = owners.at(value.getParentRegion()->getParentOp());
  Number number = addNumber(owner->block);
  owner->results.push_back({number, value});
  return number;
}

ScriptBlock *Script::enter() {
  close();
  ScriptBlock &block = blocks.emplace_back();
  block.outer = current;
  return current = &block;
}

void Script::leave() {
  close();
  current = current->outer;
}

size_t Script::getDepth() const {
  size_t depth = 0;
  for (const ScriptBlock *block = current; block->outer; block = block->outer)
    ++depth;
  return depth;
}

bool Script::isVisible(DimAttr dim) const {
  llvm::SetVector<StringAttr> names;
  dim.collectSymbols(names);
  return llvm::all_of(names, [&](StringAttr name) {
    auto it = symbols.find(name);
    const ScriptBlock *block = current;
    while (it != symbols.end() && block && block != definedIn[it->second.number])
      block = block->outer;
    return block != nullptr;
  });
}

ScriptStep &Script::addStep(ScriptStep::Kind kind, Location loc) {
  close();
  hasSteps = true;
  return current->steps.emplace_back(ScriptStep{kind, loc});
}

//===----------------------------------------------------------------------===//
// Finishing
//===----------------------------------------------------------------------===//

/// The symbols that types and attributes of a function mention.
static llvm::SetVector<StringAttr> collectSymbols(func::FuncOp function) {
  llvm::SetVector<StringAttr> names;
  AttrTypeWalker walker;
  walker.addWalk([&](DimAttr dim) { dim.collectSymbols(names); });
  function.walk([&](Operation *op) {
    walker.walk(op->getAttrDictionary());
    for (Type type : op->getResultTypes())
      walker.walk(type);
  });
  for (BlockArgument argument : function.getArguments())
    walker.walk(argument.getType());
  return names;
}

static void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Keeps the results that are read, the ops and arguments behind them, and adds the argument for symbols.
void Script::finishSegment(Segment &s) {
  func::FuncOp function = s.function;
  Block &block = function.getBody().front();
  MLIRContext *context = function.getContext();
  llvm::erase_if(s.results, [&](auto &result) { return !isLive[result.first]; });
  SmallVector<Value> values;
  for (auto &[number, value] : s.results)
    values.push_back(value);
  OpBuilder builder = OpBuilder::atBlockEnd(&block);
  auto ret = func::ReturnOp::create(builder, function.getLoc(), values);
  eraseDeadOps(block);
  for (unsigned i = block.getNumArguments(); i-- > 0;)
    if (block.getArgument(i).use_empty()) {
      block.eraseArgument(i);
      s.arguments.erase(s.arguments.begin() + i);
    }
  if (ArrayAttr equal = s.requirements.toAttribute(context))
    function->setAttr("graph.equal", equal);
  llvm::SetVector<StringAttr> symbolNames = collectSymbols(function);
  for (BlockArgument argument : block.getArguments())
    for (DimAttr dim : getDims(cast<RankedTensorType>(argument.getType())))
      if (dim.isSymbol() && !parseInputElement(dim.getName().getValue()))
        symbolNames.remove(dim.getName());
  SmallVector<Attribute> attributes(symbolNames.begin(), symbolNames.end());
  if (!symbolNames.empty()) {
    function->setAttr(symbolsAttr, builder.getArrayAttr(attributes));
    block.addArgument(RankedTensorType::get({int64_t(symbolNames.size())}, builder.getI64Type()), function.getLoc());
  }
  unbound[&s] = llvm::to_vector(symbolNames);
  function.setType(builder.getFunctionType(block.getArgumentTypes(), ret.getOperandTypes()));
  for (auto [i, number] : llvm::enumerate(s.arguments))
    if (StringAttr name = names.lookup(number))
      function.setArgAttr(unsigned(i), "graph.name", name);
}

/// Leaves out what a loop stacks for nobody.
void Script::dropStacked(ScriptStep &loop) {
  const size_t carried = loop.inputs.size();
  SmallVector<Number> &results = loop.blocks[0]->results;
  const size_t others = results.size() - loop.stacked.size();
  for (size_t i = loop.stacked.size(); i-- > 0;)
    if (!isLive[loop.outputs[carried + i]]) {
      loop.outputs.erase(loop.outputs.begin() + carried + i);
      loop.stacked.erase(loop.stacked.begin() + i);
      results.erase(results.begin() + others + i);
    }
}

/// From the last step to the first, so that what a value is read for is known before the step that makes it.
void Script::markLive(ScriptBlock &block) {
  auto markAll = [&](ArrayRef<Number> numbers) {
    for (Number number : numbers)
      if (number != noNumber)
        isLive[number] = true;
  };
  markAll(block.results);
  for (ScriptStep &step : llvm::reverse(block.steps)) {
    if (step.kind == ScriptStep::Call) {
      if (llvm::none_of(step.segment->results, [&](auto &result) { return isLive[result.first]; }))
        continue;
      finishSegment(*step.segment);
      markAll(step.segment->arguments);
      for (StringAttr symbol : unbound[step.segment])
        isLive[symbols.at(symbol).number] = true;
      continue;
    }
    if (llvm::none_of(step.outputs, [&](Number number) { return isLive[number]; }))
      continue;
    if (step.kind == ScriptStep::Repeat)
      dropStacked(step);
    markAll(step.inputs);
    markAll({step.trips, step.condition});
    for (ScriptBlock *inner : step.blocks)
      if (inner)
        markLive(*inner);
  }
}

Value Script::valueOf(Number number, OpBuilder &builder, Location loc) {
  if (number == noNumber)
    return plan_ir::AbsentOp::create(builder, loc, plan_ir::ValueType::get(loc.getContext()));
  return written.at(number);
}

void Script::writeStep(ScriptStep &step, OpBuilder &builder) {
  Type type = plan_ir::ValueType::get(builder.getContext());
  auto read = [&](ArrayRef<Number> numbers) {
    return llvm::map_to_vector(numbers, [&](Number number) { return valueOf(number, builder, step.loc); });
  };
  auto optional = [&](Number number) { return number == noNumber ? Value() : written.at(number); };
  SmallVector<Number> outputs = step.outputs;
  Operation *op = nullptr;
  if (step.kind == ScriptStep::Call) {
    Segment &s = *step.segment;
    if (Operation &first = s.function.getBody().front().front(); !isa<func::ReturnOp>(first))
      step.loc = first.getLoc(); // the node that errors name
    SmallVector<Value> values;
    SmallVector<int64_t> indices;
    SmallVector<bool> elements;
    for (StringAttr symbol : unbound[&s]) {
      const Source &source = symbols.at(symbol);
      values.push_back(written.at(source.number));
      indices.push_back(source.index);
      elements.push_back(source.isElement);
    }
    outputs = llvm::map_to_vector(s.results, [](auto &result) { return result.first; });
    op = plan_ir::CallOp::create(builder, step.loc, SmallVector<Type>(outputs.size(), type), s.function.getSymName(),
                                 read(s.arguments), values, indices, elements);
  } else if (step.kind == ScriptStep::Host) {
    op = plan_ir::HostOp::create(builder, step.loc, SmallVector<Type>(outputs.size(), type), step.op, read(step.inputs),
                                 step.numbers);
  } else if (step.kind == ScriptStep::Branch) {
    auto branch = plan_ir::BranchOp::create(builder, step.loc, SmallVector<Type>(outputs.size(), type),
                                            written.at(step.condition));
    write(*step.blocks[0], OpBuilder::atBlockEnd(&branch.getOnTrue().emplaceBlock()));
    write(*step.blocks[1], OpBuilder::atBlockEnd(&branch.getOnFalse().emplaceBlock()));
    op = branch;
  } else {
    auto repeat =
        plan_ir::RepeatOp::create(builder, step.loc, SmallVector<Type>(outputs.size(), type), optional(step.trips),
                                  optional(step.condition), read(step.inputs), builder.getArrayAttr(step.stacked));
    write(*step.blocks[0], OpBuilder::atBlockEnd(&repeat.getBody().emplaceBlock()));
    op = repeat;
  }
  for (auto [number, result] : llvm::zip(outputs, op->getResults()))
    written[number] = result;
}

void Script::write(ScriptBlock &block, OpBuilder builder) {
  Location loc = builder.getUnknownLoc();
  for (Number number : block.inputs)
    written[number] = builder.getBlock()->addArgument(plan_ir::ValueType::get(builder.getContext()), loc);
  for (ScriptStep &step : block.steps) {
    bool isRead = step.kind == ScriptStep::Call
                      ? unbound.contains(step.segment)
                      : llvm::any_of(step.outputs, [&](Number number) { return isLive[number]; });
    if (isRead)
      writeStep(step, builder);
  }
  SmallVector<Value> results;
  for (Number number : block.results)
    results.push_back(valueOf(number, builder, loc));
  plan_ir::YieldOp::create(builder, loc, results);
}

void Script::finish(ArrayRef<Number> inputs, ArrayRef<Attribute> inputInfos, ArrayRef<Number> outputs,
                    ArrayRef<Attribute> outputInfos, Location loc) {
  close();
  ScriptBlock &root = blocks.front();
  root.inputs.assign(inputs.begin(), inputs.end());
  root.results.assign(outputs.begin(), outputs.end());
  for (auto [number, info] : llvm::zip(inputs, inputInfos))
    names[number] = cast<DictionaryAttr>(info).getAs<StringAttr>("name");
  isLive.assign(definedIn.size(), false);
  markLive(root);
  for (Segment &s : segments)
    if (!unbound.contains(&s))
      s.function.erase();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto script = plan_ir::ScriptOp::create(builder, loc, "script", builder.getArrayAttr(inputInfos),
                                          builder.getArrayAttr(outputInfos));
  write(root, OpBuilder::atBlockEnd(&script.getBody().emplaceBlock()));
}

} // namespace tenon::importer
