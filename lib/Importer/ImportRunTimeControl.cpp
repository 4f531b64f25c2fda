//===- ImportRunTimeControl.cpp - If, Loop and Scan that a run decides ------===//
//
// Branches and bodies become blocks of the script. What a loop carries has the extents it starts with; where the body
// changes one, that extent gets a symbol of its own and the body is imported again, until its results fit.
//
//===----------------------------------------------------------------------===//
#include "ImportRunTimeControl.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

/// Blocks nest up to here, so that nobody who reads a plan runs out of stack.
static constexpr size_t maxDepth = 16;

static LogicalResult checkDepth(NodeImporter &n, const Script &script) {
  if (script.getDepth() < maxDepth)
    return success();
  return n.error(Code::ControlFlow) << "branches and loops nest more than " << maxDepth << " deep";
}

/// A scalar, or a tensor of one element.
static bool isSingle(const ModelValue *value, unsigned width) {
  return value && value->type && value->type.hasStaticShape() && value->type.getNumElements() == 1 &&
         value->type.getElementType().isInteger(width);
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::RunTimeIf::start(const std::shared_ptr<RunTimeIf> &self) {
  NodeImporter &n = self->n;
  if (failed(checkDepth(n, self->importer.script)))
    return failure();
  if (!isSingle(n.getInput(0), 1))
    return n.error(Code::WrongOperands) << "the condition is no bool of one element";
  self->condition = self->importer.numberOf(*n.getInput(0));
  return enter(self, 0);
}

LogicalResult GraphImporter::RunTimeIf::enter(const std::shared_ptr<RunTimeIf> &self, unsigned side) {
  NodeImporter &n = self->n;
  GraphImporter &importer = self->importer;
  self->blocks[side] = importer.script.enter();
  return importer.pushGraph(n.node, self->getBranch(side), {}, n.loc, [self, side](ArrayRef<ModelValue *> results) {
    for (ModelValue *result : results) {
      self->blocks[side]->results.push_back(self->importer.numberOf(*result));
      self->kinds[side].push_back(kindOf(*result));
    }
    self->importer.script.leave();
    return side == 0 ? enter(self, 1) : self->finish();
  });
}

LogicalResult GraphImporter::RunTimeIf::finish() {
  if (kinds[0].size() != kinds[1].size())
    return n.error(Code::WrongOperands) << "the branches have " << kinds[0].size() << " and " << kinds[1].size()
                                        << " results";
  SmallVector<ValueKind> joined = kinds[0];
  for (auto [i, kind, other] : llvm::enumerate(joined, kinds[1]))
    if (failed(joinKinds(kind, other)))
      return n.error(Code::ShapeMismatch) << "result " << i << " of the branches has different types";
  for (auto [i, kind, other] : llvm::enumerate(kinds[0], kinds[1]))
    if (kind.dims && other.dims && !kind.isSequence && kind.dims->size() != other.dims->size()) {
      auto declared = n.wantsOutput(i) ? importer.declaredRank(n.node.output(int(i))) : std::nullopt;
      return split(declared && *declared == int64_t(other.dims->size()) ? 1 : 0);
    }
  ScriptStep &step = importer.script.addStep(ScriptStep::Branch, n.loc);
  step.condition = condition;
  step.inputs = {condition};
  step.blocks[0] = blocks[0];
  step.blocks[1] = blocks[1];
  SmallVector<ModelValue *> results;
  for (ValueKind &kind : joined) {
    hideLocal(importer.script, kind);
    step.outputs.push_back(importer.script.addNumber());
    results.push_back(importer.addHostValue(step.outputs.back(), kind, n.loc));
  }
  return importer.bindOutputs(n.node, results, n.loc);
}

LogicalResult GraphImporter::RunTimeIf::split(unsigned preferred) {
  unsigned imported = 0;
  if (importer.maySplit())
    imported = importer.splitRest(condition, n.loc,
                                  [&](unsigned side) { return importer.pushBranch(n.node, getBranch(side), n.loc); });
  if (imported == bothSides)
    return success();
  return assume(imported ? imported - 1 : preferred);
}

LogicalResult GraphImporter::RunTimeIf::assume(unsigned side) {
  ModelValue &value = *n.getInput(0);
  importer.makeKnown(value);
  n.requireEqual(value.known->front(), n.dim(side == 0), "the branch whose results have the rank that the plan is for");
  return importer.pushBranch(n.node, getBranch(side), n.loc);
}

void GraphImporter::hideLocal(const Script &script, ValueKind &kind) {
  for (DimAttr &dim : kind.dims ? MutableArrayRef<DimAttr>(*kind.dims) : MutableArrayRef<DimAttr>())
    if (dim && !script.isVisible(dim))
      dim = {};
}

//===----------------------------------------------------------------------===//
// Loop and Scan
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::RunTimeLoop::start(const std::shared_ptr<RunTimeLoop> &self) {
  if (failed(checkDepth(self->n, self->importer.script)) || failed(self->isScan ? self->readScan() : self->readLoop()))
    return failure();
  return attempt(self);
}

LogicalResult GraphImporter::RunTimeLoop::carry(size_t first, size_t end) {
  for (size_t i = first; i < end; ++i) {
    if (!n.hasInput(i))
      return n.error(Code::WrongOperands) << "operand " << i << " is missing";
    initial.push_back(importer.numberOf(*n.getInput(i)));
    carried.push_back(kindOf(*n.getInput(i)));
  }
  return success();
}

LogicalResult GraphImporter::RunTimeLoop::readLoop() {
  if ((n.hasInput(0) && !isSingle(n.getInput(0), 64)) || (n.hasInput(1) && !isSingle(n.getInput(1), 1)))
    return n.error(Code::WrongOperands) << "the number of iterations or the condition is no scalar";
  trips = n.hasInput(0) ? importer.numberOf(*n.getInput(0)) : noNumber;
  condition = n.hasInput(1) ? importer.numberOf(*n.getInput(1)) : noNumber;
  return carry(2, n.getNumInputs());
}

LogicalResult GraphImporter::RunTimeLoop::readScan() {
  const int64_t count = n.intAttr("num_scan_inputs", 0), inputs = int64_t(n.getNumInputs());
  if (count < 1 || count > inputs)
    return n.error(Code::WrongAttribute) << "num_scan_inputs is " << count;
  const size_t states = size_t(inputs - count);
  if (failed(carry(0, states)))
    return failure();
  for (size_t i = states; i < size_t(inputs); ++i) {
    RankedTensorType type = n.inputType(i);
    auto axis =
        type ? n.normalizeAxis(listed("scan_input_axes", i - states), type.getRank()) : FailureOr<int64_t>(failure());
    if (failed(axis))
      return failure();
    DimAttr extent = getDim(type, unsigned(*axis));
    if (scanned.empty())
      length = extent;
    else if (length != extent)
      n.requireEqual(length, extent, "inputs of one length");
    Dims dims = getDims(type);
    dims.erase(dims.begin() + *axis);
    scanned.push_back({importer.numberOf(*n.getInput(i)), *axis, listed("scan_input_directions", i - states) != 0, dims,
                       type.getElementType()});
  }
  ScriptStep &step = importer.script.addStep(ScriptStep::Host, n.loc);
  step.op = "Extent";
  step.numbers = {scanned.front().axis};
  step.inputs = {scanned.front().number};
  step.outputs = {importer.script.addNumber()};
  trips = step.outputs.front();
  return success();
}

/// Imports the body for what is carried as far as it is known.
LogicalResult GraphImporter::RunTimeLoop::attempt(const std::shared_ptr<RunTimeLoop> &self) {
  GraphImporter &importer = self->importer;
  Script &script = importer.script;
  NodeImporter &n = self->n;
  self->block = script.enter();
  MLIRContext *context = n.context;
  auto add = [&](const ValueKind &kind) {
    self->block->inputs.push_back(script.addNumber());
    return importer.addHostValue(self->block->inputs.back(), kind, n.loc);
  };
  ModelValue *iteration = add({false, false, false, IntegerType::get(context, 64), Dims()});
  ModelValue *goesOn = add({false, false, false, IntegerType::get(context, 1), Dims()});
  SmallVector<ModelValue *> inputs;
  if (!self->isScan)
    inputs = {iteration, goesOn};
  else
    self->block->results.push_back(*goesOn->number); // all of them
  for (const ValueKind &kind : self->carried)
    inputs.push_back(add(kind));
  for (const Scanned &input : self->scanned) {
    ScriptStep &step = script.addStep(ScriptStep::Host, n.loc);
    step.op = "TakeElement";
    step.numbers = {input.axis, input.isReversed};
    step.inputs = {input.number, *iteration->number};
    step.outputs = {script.addNumber()};
    inputs.push_back(importer.addHostTensor(step.outputs.front(), input.dims, input.elementType, n.loc));
  }
  return importer.pushGraph(n.node, n.findAttr("body")->g(), inputs, n.loc,
                            [self](ArrayRef<ModelValue *> results) { return finishBody(self, results); });
}

LogicalResult GraphImporter::RunTimeLoop::finishBody(const std::shared_ptr<RunTimeLoop> &self,
                                                     ArrayRef<ModelValue *> results) {
  NodeImporter &n = self->n;
  GraphImporter &importer = self->importer;
  const size_t others = self->carried.size() + !self->isScan;
  if (results.size() < others)
    return n.error(Code::WrongOperands) << "the body has " << results.size() << " results";
  if (!self->isScan && !isSingle(results.front(), 1))
    return n.error(Code::WrongOperands) << "the condition is no bool of one element";
  for (ModelValue *result : results)
    self->block->results.push_back(importer.numberOf(*result));
  importer.script.leave();
  bool fits = true;
  for (auto [i, kind] : llvm::enumerate(self->carried)) {
    const ValueKind before = kind;
    if (failed(joinKinds(kind, kindOf(*results[i + !self->isScan]))))
      return n.error(Code::ShapeMismatch) << "the body changes the type of value " << i;
    hideLocal(importer.script, kind);
    fits &= kind == before;
  }
  if (!fits)
    return attempt(self);
  return self->finish(results.drop_front(others));
}

LogicalResult GraphImporter::RunTimeLoop::finish(ArrayRef<ModelValue *> stacked) {
  Builder builder(n.context);
  SmallVector<ValueKind> kinds = carried;
  SmallVector<Attribute> stackings;
  SmallVector<Dims> intended(carried.size());
  for (auto [i, value] : llvm::enumerate(stacked)) {
    ValueKind kind = kindOf(*value);
    if (kind.isSequence || kind.isOptional || !kind.dims)
      return n.error(Code::UnknownRank) << "only a run knows the rank of what is stacked";
    auto axis = n.normalizeAxis(isScan ? listed("scan_output_axes", i) : 0, int64_t(kind.dims->size()) + 1);
    if (failed(axis))
      return failure();
    hideLocal(importer.script, kind);
    SmallVector<int64_t> shape;
    for (DimAttr dim : *kind.dims)
      shape.push_back(dim && dim.getConstant() ? *dim.getConstant() : ShapedType::kDynamic);
    NamedAttrList info;
    info.append("axis", builder.getI64IntegerAttr(*axis));
    info.append("type", TypeAttr::get(RankedTensorType::get(shape, kind.elementType)));
    if (isScan && listed("scan_output_directions", i) != 0)
      info.append("reverse", builder.getUnitAttr());
    stackings.push_back(info.getDictionary(n.context));
    // After no iteration the run knows constant extents alone; the others are what they were meant to be.
    DimAttr count = isScan ? length : DimAttr();
    Dims meant = *kind.dims;
    for (DimAttr &dim : *kind.dims)
      dim = dim && dim.getConstant() ? dim : DimAttr();
    kind.dims->insert(kind.dims->begin() + *axis, count);
    meant.insert(meant.begin() + *axis, count);
    intended.push_back(meant);
    kinds.push_back(kind);
  }
  ScriptStep &step = importer.script.addStep(ScriptStep::Repeat, n.loc);
  step.trips = trips;
  step.condition = condition;
  step.inputs = initial;
  step.stacked = std::move(stackings);
  step.blocks[0] = block;
  for (size_t i = 0; i < kinds.size(); ++i)
    step.outputs.push_back(importer.script.addNumber());
  SmallVector<Number> numbers(step.outputs);
  SmallVector<ModelValue *> results;
  for (auto [number, kind, dims] : llvm::zip(numbers, kinds, intended)) {
    ModelValue *value = importer.addHostValue(number, kind, n.loc);
    results.push_back(dims.empty() ? value : withExtents(value, dims));
    if (!results.back())
      return failure();
  }
  return importer.bindOutputs(n.node, results, n.loc);
}

ModelValue *GraphImporter::RunTimeLoop::withExtents(ModelValue *value, Dims dims) {
  for (auto [dim, own] : llvm::zip(dims, getDims(value->type)))
    dim = dim ? dim : own;
  if (dims == getDims(value->type))
    return value;
  Value reshaped = n.reshape(importer.materialize(*value), dims);
  return reshaped ? importer.addValue({typeOf(reshaped), n.loc, reshaped, {}, std::nullopt}) : nullptr;
}

} // namespace tenon::importer
