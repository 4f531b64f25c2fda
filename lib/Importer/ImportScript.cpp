//===- ImportScript.cpp - Values of scripts, and the script of a model ------===//
#include "Graph/IR/InputElement.h"
#include "GraphImporter.h"
#include "Plan/IR/PlanOps.h"
#include "ShapeInputs.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

ValueKind GraphImporter::kindOf(const ModelValue &value) {
  if (value.kind)
    return *value.kind;
  return {false, false, false, value.type.getElementType(), getDims(value.type)};
}

void GraphImporter::joinExtents(ValueKind &kind, const ValueKind &other) {
  if (!kind.dims || !other.dims || kind.dims->size() != other.dims->size()) {
    kind.dims.reset();
    return;
  }
  for (auto [dim, same] : llvm::zip(*kind.dims, *other.dims))
    dim = dim == same ? dim : DimAttr();
}

LogicalResult GraphImporter::joinKinds(ValueKind &kind, const ValueKind &other) {
  if (kind.elementType != other.elementType || (kind.isSequence != other.isSequence))
    return failure();
  kind.isOptional |= other.isOptional;
  if (kind.isEmpty)
    kind.dims = other.dims;
  else if (!other.isEmpty)
    joinExtents(kind, other);
  kind.isEmpty &= other.isEmpty;
  return success();
}

std::optional<ValueKind> GraphImporter::readKind(const onnx::TypeProto &proto) {
  const onnx::TypeProto *type = &proto;
  ValueKind kind;
  if (type->has_optional_type()) {
    kind.isOptional = true;
    type = &type->optional_type().elem_type();
  }
  if (type->has_sequence_type()) {
    kind.isSequence = true;
    type = &type->sequence_type().elem_type();
  }
  const auto &tensor = type->tensor_type();
  kind.elementType = getElementType(context, tensor.elem_type());
  if (!type->has_tensor_type() || !kind.elementType)
    return std::nullopt;
  if (!tensor.has_shape() || tensor.shape().dim_size() > maxRank)
    return kind;
  kind.dims.emplace();
  for (const auto &dim : tensor.shape().dim())
    kind.dims->push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? DimAttr::constant(context, dim.dim_value())
                                                                     : DimAttr());
  return kind;
}

Number GraphImporter::numberOf(ModelValue &value) {
  if (value.number)
    return *value.number;
  if (value.elements) {
    SmallVector<Number> inputs;
    for (ModelValue *element : *value.elements)
      inputs.push_back(numberOf(*element));
    ScriptStep &step = script.addStep(ScriptStep::Host, value.loc);
    step.op = "SequenceConstruct";
    step.numbers = {int64_t(plan_ir::getElementType(value.kind->elementType))};
    step.inputs = std::move(inputs);
    step.outputs = {script.addNumber()};
    return step.outputs.front(); // not kept: where it is asked for next, this step may not have run
  }
  if (value.op)
    return *(value.number = script.exportValue(value.op));
  return script.exportValue(materialize(value));
}

ModelValue *GraphImporter::addHostValue(Number number, const ValueKind &kind, Location loc) {
  if (!kind.isSequence && !kind.isOptional && kind.dims)
    return addHostTensor(number, *kind.dims, kind.elementType, loc);
  ModelValue *value = addValue({{}, loc, {}, {}, std::nullopt, number, kind});
  for (DimAttr &dim : value->kind->dims.value_or(Dims()))
    dim = dim && dim.getConstant() ? dim : DimAttr();
  return value;
}

ModelValue *GraphImporter::addHostTensor(Number number, ArrayRef<DimAttr> dims, Type elementType, Location loc) {
  Dims extents(dims);
  for (auto [axis, dim] : llvm::enumerate(extents))
    if (!dim) {
      dim = DimAttr::symbol(context, makeSymbolName());
      script.define(dim.getName(), number, unsigned(axis), /*isElement=*/false);
    }
  return addValue({getTensorType(extents, elementType), loc, {}, {}, std::nullopt, number});
}

std::optional<ModelValue *> GraphImporter::importValue(const onnx::ValueInfoProto &input) {
  if (!input.type().has_sequence_type() && !input.type().has_optional_type())
    return std::nullopt;
  Location loc = getNameLocation(context, input.name());
  auto kind = readKind(input.type());
  if (kind)
    return addHostValue(script.addNumber(), *kind, loc);
  emitError(loc, Code::UnsupportedValueType) << "input '" << input.name() << "' holds no tensors of a supported type";
  return nullptr;
}

void GraphImporter::readDeclarations(const onnx::GraphProto &graph) {
  for (const auto *list : {&graph.value_info(), &graph.output()})
    for (const auto &value : *list)
      declarations.try_emplace(value.name(), &value.type());
}

std::optional<int64_t> GraphImporter::declaredRank(StringRef name) const {
  const onnx::TypeProto *type = declarations.lookup(name);
  if (!type || !type->tensor_type().has_shape())
    return std::nullopt;
  return type->tensor_type().shape().dim_size();
}

void GraphImporter::makeKnown(ModelValue &value) {
  auto integer = dyn_cast_or_null<IntegerType>(value.type ? value.type.getElementType() : Type());
  if (value.known || !integer || value.type.getRank() > 1 || !value.type.hasStaticShape() ||
      value.type.getNumElements() > maxKnownElements)
    return;
  const Number number = numberOf(value);
  auto argument = dyn_cast_or_null<BlockArgument>(value.op); // the input of that number
  const bool isRead = argument && integer.getWidth() > 1;    // by the shape program itself
  const unsigned source = isRead ? argument.getArgNumber() : unsigned(modelInputs.size()) + nextElements++;
  if (!isRead)
    script.close();
  Dims elements;
  for (unsigned i = 0; i < unsigned(value.type.getNumElements()); ++i) {
    elements.push_back(inputElement(context, source, i));
    script.define(elements.back().getName(), number, i, /*isElement=*/true);
  }
  value.known = std::move(elements);
}

void GraphImporter::makeShapeOperandsKnown(const onnx::NodeProto &node, ArrayRef<ModelValue *> inputs) {
  if (!node.domain().empty() && node.domain() != "ai.onnx")
    return;
  for (int operand : getShapeOperands(node.op_type()))
    if (size_t(operand) < inputs.size() && inputs[size_t(operand)])
      makeKnown(*inputs[size_t(operand)]);
}

/// Name and type of an input or output of the script.
static Attribute describe(Builder &builder, StringRef name, const ValueKind &kind) {
  NamedAttrList list;
  list.append("name", builder.getStringAttr(name));
  Type type = UnrankedTensorType::get(kind.elementType);
  if (kind.dims) {
    Dims dims = *kind.dims;
    for (DimAttr &dim : dims)
      if (!dim || (!dim.getConstant() && !dim.isSymbol()))
        dim = DimAttr::symbol(builder.getContext(), "_");
    type = getTensorType(dims, kind.elementType);
  }
  list.append("type", TypeAttr::get(type));
  if (kind.isSequence)
    list.append("sequence", builder.getUnitAttr());
  if (kind.isOptional)
    list.append("optional", builder.getUnitAttr());
  return list.getDictionary(builder.getContext());
}

void GraphImporter::finishScript(ArrayRef<ModelValue *> outputs) {
  SmallVector<Number> ins, outs;
  SmallVector<Attribute> inInfos, outInfos;
  const auto &graph = file->proto.graph();
  for (ModelValue *input : modelInputs) {
    ins.push_back(*input->number);
    inInfos.push_back(describe(builder, cast<NameLoc>(input->loc).getName(), kindOf(*input)));
  }
  for (auto [info, output] : llvm::zip(graph.output(), outputs)) {
    outs.push_back(numberOf(*output));
    outInfos.push_back(describe(builder, info.name(), kindOf(*output)));
  }
  script.finish(ins, inInfos, outs, outInfos, module->getLoc());
}

} // namespace tenon::importer
