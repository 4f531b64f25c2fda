//===- ImportHostOps.cpp - Sequences, optionals, extents that data decide ---===//
//
// A sequence that is known, element by element, needs no step of the script: its elements are values of the graph.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "GraphImporter.h"
#include "Plan/IR/PlanOps.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

/// Sequences are known up to this many elements.
static constexpr size_t maxKnownSequence = 1024;

class GraphImporter::HostImporter {
public:
  HostImporter(GraphImporter &importer, NodeImporter &n) : importer(importer), n(n) {}

  using Rule = LogicalResult (HostImporter::*)();
  static Rule find(StringRef op) {
    return llvm::StringSwitch<Rule>(op)
        .Case("SequenceConstruct", &HostImporter::construct)
        .Case("SequenceEmpty", &HostImporter::empty)
        .Case("SequenceAt", &HostImporter::at)
        .Case("SequenceInsert", &HostImporter::insert)
        .Case("SequenceErase", &HostImporter::erase)
        .Case("SequenceLength", &HostImporter::length)
        .Case("ConcatFromSequence", &HostImporter::concat)
        .Case("SplitToSequence", &HostImporter::split)
        .Case("Optional", &HostImporter::optional)
        .Case("OptionalHasElement", &HostImporter::hasElement)
        .Case("OptionalGetElement", &HostImporter::getElement)
        .Case("NonZero", &HostImporter::nonZero)
        .Case("Unique", &HostImporter::unique)
        .Case("NonMaxSuppression", &HostImporter::suppress)
        .Case("Compress", &HostImporter::compress)
        .Default(nullptr);
  }

  LogicalResult construct();
  LogicalResult empty();
  LogicalResult at();
  LogicalResult insert();
  LogicalResult erase();
  LogicalResult length();
  LogicalResult concat();
  LogicalResult split();
  LogicalResult optional();
  LogicalResult hasElement();
  LogicalResult getElement();
  LogicalResult nonZero();
  LogicalResult unique();
  LogicalResult suppress();
  LogicalResult compress();

private:
  ModelValue *operand(size_t i) const { return n.getInput(i); }
  bool isTensor(size_t i) const { return operand(i) && operand(i)->type; }
  /// Operand 0, a sequence; null with an error.
  ModelValue *sequence() {
    if (operand(0) && operand(0)->kind && operand(0)->kind->isSequence && !operand(0)->kind->isOptional)
      return operand(0);
    n.error(Code::WrongOperands) << "operand 0 is no sequence";
    return nullptr;
  }
  /// The kind of a sequence of elements of these kinds.
  static ValueKind joinAll(ArrayRef<ValueKind> kinds);
  /// Position operand `i` within 0 to `size`; nothing where only a run knows it or the sequence.
  std::optional<size_t> position(size_t i, size_t size) const;
  /// A step with all operands of the node, whose `results` are numbered.
  SmallVector<Number> step(StringRef op, ArrayRef<int64_t> numbers, unsigned results = 1);
  LogicalResult set(size_t i, ModelValue *value) { return n.setValue(i, value); }
  LogicalResult setElements(SmallVector<ModelValue *> elements, ValueKind kind) {
    kind.isSequence = true;
    return set(0, importer.addValue({{}, n.loc, {}, {}, std::nullopt, std::nullopt, kind, std::move(elements)}));
  }
  Type i64() const { return IntegerType::get(n.context, 64); }

  GraphImporter &importer;
  NodeImporter &n;
};

bool GraphImporter::isHostOperator(StringRef op) { return HostImporter::find(op) != nullptr; }

std::optional<LogicalResult> GraphImporter::importHostOperator(NodeImporter &n, ArrayRef<ModelValue *> inputs) {
  if (auto rule = HostImporter::find(n.node.op_type())) {
    HostImporter host(*this, n);
    return (host.*rule)();
  }
  if (llvm::all_of(inputs, [](ModelValue *value) { return !value || value->type; }))
    return std::nullopt;
  if (n.node.op_type() == "Identity")
    return n.setValue(0, n.getInput(0));
  if (n.node.op_type() == "SequenceMap")
    return n.inlineBody();
  const ValueKind &kind = *(*llvm::find_if(inputs, [](ModelValue *value) { return value && value->kind; }))->kind;
  if (!kind.isSequence && !kind.isOptional)
    return n.error(Code::UnknownRank) << "only a run knows the rank of an operand";
  return n.error(Code::UnsupportedValueType) << "an operand is a sequence or optional";
}

SmallVector<Number> GraphImporter::HostImporter::step(StringRef op, ArrayRef<int64_t> numbers, unsigned results) {
  SmallVector<Number> inputs;
  for (size_t i = 0; i < n.getNumInputs(); ++i)
    inputs.push_back(operand(i) ? importer.numberOf(*operand(i)) : noNumber);
  while (!inputs.empty() && inputs.back() == noNumber)
    inputs.pop_back();
  ScriptStep &step = importer.script.addStep(ScriptStep::Host, n.loc);
  step.op = op;
  step.numbers.assign(numbers.begin(), numbers.end());
  step.inputs = std::move(inputs);
  for (unsigned i = 0; i < results; ++i)
    step.outputs.push_back(importer.script.addNumber());
  return step.outputs;
}

std::optional<size_t> GraphImporter::HostImporter::position(size_t i, size_t size) const {
  auto value = n.knownInts(i);
  if (!value || value->size() != 1)
    return std::nullopt;
  const int64_t at = value->front() < 0 ? value->front() + int64_t(size) : value->front();
  return at < 0 || at > int64_t(size) ? std::nullopt : std::optional<size_t>(at);
}

//===----------------------------------------------------------------------===//
// Sequences
//===----------------------------------------------------------------------===//

ValueKind GraphImporter::HostImporter::joinAll(ArrayRef<ValueKind> kinds) {
  ValueKind kind = kinds.front();
  for (const ValueKind &other : kinds.drop_front())
    joinExtents(kind, other);
  kind.isSequence = true;
  return kind;
}

LogicalResult GraphImporter::HostImporter::construct() {
  SmallVector<ModelValue *> elements;
  SmallVector<ValueKind> kinds;
  for (size_t i = 0; i < n.getNumInputs(); ++i) {
    if (!operand(i))
      return n.error(Code::WrongOperands) << "operand " << i << " is missing";
    elements.push_back(operand(i));
    kinds.push_back(kindOf(*operand(i)));
    if (kinds.back().isSequence || kinds.back().elementType != kinds.front().elementType)
      return n.error(Code::WrongOperands) << "operand " << i << " is no tensor of the type of the others";
  }
  if (elements.empty())
    return n.error(Code::WrongOperands) << "there are no operands";
  return setElements(std::move(elements), joinAll(kinds));
}

LogicalResult GraphImporter::HostImporter::empty() {
  ValueKind kind;
  kind.elementType = getElementType(n.context, int32_t(n.intAttr("dtype", onnx::TensorProto::FLOAT)));
  if (!kind.elementType)
    return n.typeError(n.intAttr("dtype", 0)) << "dtype " << n.intAttr("dtype", 0);
  kind.isEmpty = true;
  return setElements({}, kind);
}

LogicalResult GraphImporter::HostImporter::at() {
  ModelValue *x = sequence();
  if (!x || !isTensor(1))
    return x ? n.error(Code::WrongOperands) << "operand 1 is no position" : failure();
  if (x->elements)
    if (auto at = position(1, x->elements->size()); at && *at < x->elements->size())
      return set(0, (*x->elements)[*at]);
  ValueKind kind = kindOf(*x);
  kind.isSequence = false;
  return set(0, importer.addHostValue(step("SequenceAt", {}).front(), kind, n.loc));
}

LogicalResult GraphImporter::HostImporter::insert() {
  ModelValue *x = sequence();
  if (!x || !operand(1))
    return x ? n.error(Code::WrongOperands) << "there is no element to insert" : failure();
  ValueKind kind = kindOf(*operand(1));
  if (kind.isSequence || kind.elementType != x->kind->elementType)
    return n.error(Code::WrongOperands) << "the sequence has elements of another type";
  kind.isSequence = true;
  if (!x->kind->isEmpty)
    joinExtents(kind, *x->kind);
  if (x->elements && x->elements->size() < maxKnownSequence) {
    auto at = n.hasInput(2) ? position(2, x->elements->size()) : x->elements->size();
    if (at) {
      SmallVector<ModelValue *> elements = *x->elements;
      elements.insert(elements.begin() + int64_t(*at), operand(1));
      return setElements(std::move(elements), kind);
    }
  }
  return set(0, importer.addHostValue(step("SequenceInsert", {}).front(), kind, n.loc));
}

LogicalResult GraphImporter::HostImporter::erase() {
  ModelValue *x = sequence();
  if (!x)
    return failure();
  if (x->elements && !x->elements->empty()) {
    auto at = n.hasInput(1) ? position(1, x->elements->size()) : x->elements->size() - 1;
    if (at && *at < x->elements->size()) {
      SmallVector<ModelValue *> elements = *x->elements;
      elements.erase(elements.begin() + int64_t(*at));
      return setElements(std::move(elements), *x->kind);
    }
  }
  return set(0, importer.addHostValue(step("SequenceErase", {}).front(), *x->kind, n.loc));
}

LogicalResult GraphImporter::HostImporter::length() {
  ModelValue *x = sequence();
  if (!x)
    return failure();
  if (x->elements)
    return n.setKnown(0, RankedTensorType::get({}, i64()), {n.dim(int64_t(x->elements->size()))});
  return set(0, importer.addHostTensor(step("SequenceLength", {}).front(), {}, i64(), n.loc));
}

LogicalResult GraphImporter::HostImporter::concat() {
  ModelValue *x = sequence();
  if (!x)
    return failure();
  const bool isNew = n.intAttr("new_axis", 0) != 0;
  const int64_t axis = n.intAttr("axis", 0);
  if (x->elements && !x->elements->empty() && x->kind->dims) {
    auto normal = n.normalizeAxis(axis, int64_t(x->kind->dims->size()) + isNew);
    if (failed(normal))
      return failure();
    SmallVector<Value> parts;
    for (ModelValue *element : *x->elements)
      parts.push_back(importer.materialize(*element));
    if (isNew)
      return n.setOutput(Compose{n}.stack(parts, *normal));
    return parts.size() == 1 ? n.setOutput(parts.front()) : n.setOutput(n.create<ConcatOp>(parts, *normal));
  }
  ValueKind kind = *x->kind;
  kind.isSequence = false;
  if (kind.dims) {
    auto normal = n.normalizeAxis(axis, int64_t(kind.dims->size()) + isNew);
    if (failed(normal))
      return failure();
    if (isNew)
      kind.dims->insert(kind.dims->begin() + *normal, DimAttr());
    else
      (*kind.dims)[size_t(*normal)] = {};
  }
  return set(0, importer.addHostValue(step("ConcatFromSequence", {axis, isNew}).front(), kind, n.loc));
}

LogicalResult GraphImporter::HostImporter::split() {
  if (!isTensor(0))
    return n.error(Code::WrongOperands) << "operand 0 is no tensor";
  ValueKind kind = kindOf(*operand(0));
  kind.isSequence = true;
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), int64_t(kind.dims->size()));
  if (failed(axis))
    return failure();
  const bool keeps = n.hasInput(1) || n.intAttr("keepdims", 1) != 0;
  auto extent = (*kind.dims)[size_t(*axis)].getConstant();
  auto sizes = n.hasInput(1) ? n.knownInts(1) : std::optional<Ints>(Ints{1});
  const bool isChunk = !n.hasInput(1) || (isTensor(1) && operand(1)->type.getRank() == 0);
  if (extent && sizes && isChunk && sizes->front() > 0)
    sizes = Ints(size_t((*extent + sizes->front() - 1) / sizes->front()), sizes->front());
  if (extent && sizes && sizes->size() <= maxKnownSequence && llvm::all_of(*sizes, [](int64_t s) { return s >= 0; })) {
    SmallVector<ModelValue *> elements;
    SmallVector<ValueKind> kinds;
    int64_t start = 0;
    Value x = n.input(0);
    for (int64_t size : *sizes) {
      const int64_t count = std::min(size, *extent - start);
      if (count < 0)
        return n.error(Code::ShapeMismatch) << "the parts have more than " << *extent << " elements";
      Value part = keeps ? Compose{n}.slice(x, *axis, n.dim(start), n.dim(count)) : Compose{n}.pick(x, *axis, start);
      if (!part)
        return failure();
      elements.push_back(importer.addValue({typeOf(part), n.loc, part, {}, std::nullopt}));
      kinds.push_back(kindOf(*elements.back()));
      start += count;
    }
    if (!elements.empty())
      return setElements(std::move(elements), joinAll(kinds));
  }
  if (keeps)
    (*kind.dims)[size_t(*axis)] = {};
  else
    kind.dims->erase(kind.dims->begin() + *axis);
  return set(0, importer.addHostValue(step("SplitToSequence", {*axis, keeps}).front(), kind, n.loc));
}

//===----------------------------------------------------------------------===//
// Optionals
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::HostImporter::optional() {
  if (operand(0))
    return set(0, operand(0));
  const auto *type = n.findAttr("type");
  auto kind = type ? importer.readKind(type->tp()) : std::nullopt;
  if (!kind)
    return n.error(Code::UnsupportedValueType) << "an optional of an unsupported type";
  kind->isOptional = true;
  return set(0, importer.addHostValue(step("OptionalNone", {}).front(), *kind, n.loc));
}

LogicalResult GraphImporter::HostImporter::hasElement() {
  const bool isOpen = operand(0) && operand(0)->kind && operand(0)->kind->isOptional;
  Type boolean = IntegerType::get(n.context, 1);
  if (!isOpen)
    return n.setKnown(0, RankedTensorType::get({}, boolean), {n.dim(operand(0) != nullptr)});
  return set(0, importer.addHostTensor(step("OptionalHasElement", {}).front(), {}, boolean, n.loc));
}

LogicalResult GraphImporter::HostImporter::getElement() {
  if (!operand(0))
    return n.error(Code::WrongOperands) << "operand 0 is missing";
  if (!operand(0)->kind || !operand(0)->kind->isOptional)
    return set(0, operand(0));
  ValueKind kind = *operand(0)->kind;
  kind.isOptional = false;
  return set(0, importer.addHostValue(step("OptionalGetElement", {}).front(), kind, n.loc));
}

//===----------------------------------------------------------------------===//
// Extents that data decide
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::HostImporter::nonZero() {
  if (!isTensor(0))
    return n.error(Code::WrongOperands) << "operand 0 is no tensor";
  const int64_t rank = operand(0)->type.getRank();
  return set(0, importer.addHostTensor(step("NonZero", {}).front(), {rank ? n.dim(rank) : DimAttr(), DimAttr()}, i64(),
                                       n.loc));
}

LogicalResult GraphImporter::HostImporter::unique() {
  if (!isTensor(0))
    return n.error(Code::WrongOperands) << "operand 0 is no tensor";
  RankedTensorType type = operand(0)->type;
  Dims dims = getDims(type);
  const bool hasAxis = n.hasAttr("axis");
  auto axis = hasAxis ? n.normalizeAxis(n.intAttr("axis", 0), type.getRank()) : FailureOr<int64_t>(0);
  if (failed(axis))
    return failure();
  SmallVector<Number> results = step("Unique", {hasAxis, *axis, n.intAttr("sorted", 1)}, 4);
  DimAttr all = hasAxis ? dims[size_t(*axis)] : product(n.context, dims);
  if (hasAxis)
    dims[size_t(*axis)] = {};
  else
    dims = {DimAttr()};
  ModelValue *values = importer.addHostTensor(results[0], dims, type.getElementType(), n.loc);
  DimAttr count = getDim(values->type, unsigned(*axis));
  if (failed(set(0, values)) || failed(set(1, importer.addHostTensor(results[1], {count}, i64(), n.loc))) ||
      failed(set(2, importer.addHostTensor(results[2], {all}, i64(), n.loc))))
    return failure();
  return set(3, importer.addHostTensor(results[3], {count}, i64(), n.loc));
}

LogicalResult GraphImporter::HostImporter::suppress() {
  if (!isTensor(0) || !isTensor(1) || operand(0)->type.getRank() != 3 || operand(1)->type.getRank() != 3)
    return n.error(Code::WrongOperands) << "boxes and scores are no tensors of rank 3";
  return set(0, importer.addHostTensor(step("NonMaxSuppression", {n.intAttr("center_point_box", 0)}).front(),
                                       {DimAttr(), n.dim(3)}, i64(), n.loc));
}

LogicalResult GraphImporter::HostImporter::compress() {
  if (!isTensor(0) || !isTensor(1) || operand(1)->type.getRank() != 1)
    return n.error(Code::WrongOperands) << "operand 1 is no vector";
  const Number condition = importer.numberOf(*operand(1));
  ScriptStep &step = importer.script.addStep(ScriptStep::Host, n.loc);
  step.op = "NonZero";
  step.inputs = {condition};
  step.outputs = {importer.script.addNumber()};
  ModelValue *found = importer.addHostTensor(step.outputs.front(), {n.dim(1), DimAttr()}, i64(), n.loc);
  Value positions = importer.materialize(*found), x = n.input(0);
  positions = n.reshape(positions, {getDim(found->type, 1)});
  if (!n.hasAttr("axis"))
    return n.setOutput(Compose{n}.gatherFlat(x, positions));
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  return failed(axis) ? failure() : n.setOutput(n.create<GatherOp>(x, positions, *axis));
}

} // namespace tenon::importer
