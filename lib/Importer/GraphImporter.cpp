//===- GraphImporter.cpp - The model's graph as a function of graph ops ---===//
//
// Nodes are imported in order; a call of a function (of the model, or the body ONNX defines for an operator without a
// rule) pushes a frame, so that nothing recurses on the model.
//
//===----------------------------------------------------------------------===//
#include "GraphImporter.h"

#include "Graph/IR/InputElement.h"
#include "Graph/IR/NarrowTypes.h"
#include "Graph/IR/SpecialOps.h"
#include "Nearest.h"
#include "OnnxBridge.h"
#include "ShapeInputs.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

static StringRef normalDomain(StringRef domain) { return domain == "ai.onnx" ? StringRef() : domain; }

static std::string functionKey(StringRef domain, StringRef name, StringRef overload) {
  return (normalDomain(domain) + "\n" + name + "\n" + overload).str();
}

GraphImporter::GraphImporter(std::shared_ptr<ModelFile> file, MLIRContext &context, const ImportOptions &options)
    : builder(&context), file(std::move(file)), context(&context), options(options), registry(Registry::get()),
      module(ModuleOp::create(getNameLocation(
          &context, this->file->proto.graph().name().empty() ? "main" : this->file->proto.graph().name()))),
      script(*module) {
  for (const auto &function : this->file->proto.functions())
    functions[functionKey(function.domain(), function.name(), function.overload())] = &function;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Segment &GraphImporter::openSegment(Location loc) {
  Segment &segment = script.open(loc);
  builder.setInsertionPointToEnd(&segment.function.getBody().front());
  return segment;
}

Value GraphImporter::materialize(ModelValue &value) {
  Segment &segment = openSegment(value.loc);
  if (value.op && value.op.getParentRegion() == &segment.function.getBody())
    return value.op;
  Value &result = segment.values[&value];
  if (result)
    return result;
  if (value.constant)
    return result = ConstantOp::create(builder, value.loc, value.constant);
  if (!value.known) {
    segment.arguments.push_back(numberOf(value));
    return result = segment.function.getBody().front().addArgument(value.type, value.loc);
  }
  // graph.dims makes scalars and vectors.
  bool isVector = value.type.getRank() <= 1;
  auto type = isVector ? value.type : RankedTensorType::get({value.type.getNumElements()}, value.type.getElementType());
  result = DimsOp::create(builder, value.loc, type, ShapeAttr::get(context, *value.known));
  return result = isVector ? result : ReshapeOp::create(builder, value.loc, value.type, result).getResult();
}

ModelValue *GraphImporter::addTensor(const onnx::TensorProto &tensor, Location loc) {
  Type elementType = getElementType(context, tensor.data_type());
  if (!elementType) {
    emitError(loc, Code::UnsupportedElementType, nearestElementType(tensor.data_type()))
        << "tensor '" << tensor.name() << "' has element type " << onnx::TensorProto::DataType_Name(tensor.data_type());
    return nullptr;
  }
  auto type = RankedTensorType::get(SmallVector<int64_t>(tensor.dims().begin(), tensor.dims().end()), elementType);
  ElementsAttr constant =
      isNarrow(elementType) ? makeNarrowConstant(*file, tensor, type, loc) : makeConstant(file, tensor, type, loc);
  return constant ? addValue({type, loc, {}, constant, getKnownElements(constant)}) : nullptr;
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

/// Extents given by --shape bind the symbols of their input everywhere.
LogicalResult GraphImporter::bindFixedShapes() {
  llvm::StringMap<const onnx::ValueInfoProto *> inputs;
  for (const auto &input : file->proto.graph().input()) {
    inputs[input.name()] = &input;
    for (const auto &dim : input.type().tensor_type().shape().dim())
      usedSymbols[dim.dim_param()] = 0;
  }
  // In the order of the model's inputs, so that messages do not depend on hashing.
  for (const auto &entry : options.fixedShapes)
    if (!inputs.contains(entry.getKey()))
      return emitError(getNameLocation(context, entry.getKey()), Code::ShapeOption)
             << "the model has no input '" << entry.getKey() << "'";
  for (const auto &input : file->proto.graph().input()) {
    auto it = options.fixedShapes.find(input.name());
    if (it == options.fixedShapes.end() || !input.type().tensor_type().has_shape())
      continue;
    Location loc = getNameLocation(context, input.name());
    const auto &dims = input.type().tensor_type().shape().dim();
    if (size_t(dims.size()) != it->second.size())
      return emitError(loc, Code::ShapeOption)
             << "input '" << input.name() << "' has " << dims.size() << " dimensions, not " << it->second.size();
    for (auto [dim, extent] : llvm::zip(dims, it->second)) {
      if (extent < 0)
        continue;
      int64_t bound = dim.has_dim_param() && !dim.dim_param().empty()
                          ? boundSymbols.try_emplace(dim.dim_param(), extent).first->second
                      : dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value()
                                                                    : extent;
      if (bound != extent)
        return emitError(loc, Code::ShapeOption)
               << "extent " << extent << " of input '" << input.name() << "' contradicts " << bound;
    }
  }
  return success();
}

std::string GraphImporter::makeSymbolName() {
  std::string name;
  do
    name = "d" + std::to_string(nextSymbol++);
  while (!usedSymbols.try_emplace(name, 0).second);
  return name;
}

/// The symbol of a dimension's name, which has no meaning of its own.
std::string GraphImporter::getSymbolName(StringRef name) {
  if (!isReservedSymbol(name))
    return name.str();
  std::string &renamed = renamedSymbols[name];
  return renamed.empty() ? renamed = makeSymbolName() : renamed;
}

/// The elements of an input that shapes may be computed from, as symbols; nothing for other inputs.
static std::optional<Dims> getElements(MLIRContext *context, unsigned index, RankedTensorType type) {
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  if ((!integer || integer.getWidth() == 1) && !type.getElementType().isF32())
    return std::nullopt;
  if (type.getRank() > 1 || !type.hasStaticShape() || type.getNumElements() > maxKnownElements)
    return std::nullopt;
  Dims elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(inputElement(context, index, unsigned(i)));
  return elements;
}

FailureOr<Dims> GraphImporter::importShape(const onnx::ValueInfoProto &input) {
  Location loc = getNameLocation(context, input.name());
  const auto &type = input.type().tensor_type();
  auto fixed = options.fixedShapes.find(input.name());
  bool isFixed = fixed != options.fixedShapes.end();
  Dims dims;
  if (!type.has_shape()) {
    if (!isFixed)
      return emitError(loc, Code::UnknownRank) << "input '" << input.name() << "' declares no shape";
    for (int64_t extent : fixed->second)
      dims.push_back(extent < 0 ? DimAttr::symbol(context, makeSymbolName()) : DimAttr::constant(context, extent));
    return dims;
  }
  if (type.shape().dim_size() > maxRank)
    return emitError(loc, Code::TooManyNodes) << "the input has " << type.shape().dim_size() << " dimensions";
  for (auto [i, dim] : llvm::enumerate(type.shape().dim())) {
    if (dim.has_dim_value() && dim.dim_value() < -1)
      return emitError(loc, Code::MalformedGraph) << "input '" << input.name() << "' has extent " << dim.dim_value();
    auto bound = boundSymbols.find(dim.dim_param());
    if (dim.has_dim_value() && dim.dim_value() >= 0)
      dims.push_back(DimAttr::constant(context, dim.dim_value()));
    else if (dim.has_dim_param() && !dim.dim_param().empty())
      dims.push_back(bound != boundSymbols.end() ? DimAttr::constant(context, bound->second)
                                                 : DimAttr::symbol(context, getSymbolName(dim.dim_param())));
    else if (isFixed && fixed->second[i] >= 0)
      dims.push_back(DimAttr::constant(context, fixed->second[i]));
    else
      dims.push_back(DimAttr::symbol(context, makeSymbolName()));
  }
  return dims;
}

LogicalResult GraphImporter::importInitializers(const onnx::GraphProto &graph, Frame &frame) {
  for (const auto &tensor : graph.initializer()) {
    ModelValue *value = addTensor(tensor, getNameLocation(context, tensor.name()));
    if (!value)
      return failure();
    frame.scope[tensor.name()] = value;
  }
  for (const auto &tensor : graph.sparse_initializer())
    return emitError(getNameLocation(context, tensor.values().name()), Code::UnsupportedValueType)
           << "'" << tensor.values().name() << "' is a sparse initializer";
  return success();
}

/// The type of an input; null with an error.
FailureOr<RankedTensorType> GraphImporter::importType(const onnx::ValueInfoProto &input) {
  Location loc = getNameLocation(context, input.name());
  if (!input.type().has_tensor_type())
    return emitError(loc, Code::UnsupportedValueType) << "input '" << input.name() << "' is not a tensor";
  int32_t dataType = input.type().tensor_type().elem_type();
  Type elementType = getElementType(context, dataType);
  if (!elementType)
    return emitError(loc, Code::UnsupportedElementType, nearestElementType(dataType))
           << "input '" << input.name() << "' has element type " << dataType;
  auto dims = importShape(input);
  if (failed(dims))
    return failure();
  int64_t size = 8;
  for (DimAttr dim : *dims)
    if (dim.getConstant().value_or(0) > 0 &&
        (__builtin_mul_overflow(size, *dim.getConstant(), &size) || size > maxTensorBytes))
      return emitError(loc, Code::TensorTooLarge) << "input '" << input.name() << "' has more than 2^62 bytes";
  return getTensorType(*dims, elementType);
}

LogicalResult GraphImporter::importInputs(Frame &frame) {
  if (failed(bindFixedShapes()))
    return failure();
  const auto &graph = file->proto.graph();
  readDeclarations(graph);
  Segment &segment = openSegment(module->getLoc());
  if (failed(importInitializers(graph, frame)))
    return failure();
  const llvm::StringSet<> shapeInputs = findShapeInputs(graph);
  Block &block = segment.function.getBody().front();
  for (const auto &input : graph.input()) {
    if (frame.scope.contains(input.name()))
      continue;
    if (auto value = importValue(input)) {
      if (!*value && failed(passOver({input.name()})))
        return failure();
      if (*value)
        modelInputs.push_back(frame.scope[input.name()] = *value);
      continue;
    }
    auto type = importType(input);
    if (failed(type)) {
      if (failed(passOver({input.name()})))
        return failure();
      continue;
    }
    const unsigned index = block.getNumArguments();
    Value argument = block.addArgument(*type, getNameLocation(context, input.name()));
    auto elements = getElements(context, index, *type);
    const Number number = script.addNumber();
    segment.arguments.push_back(number);
    for (auto [axis, dim] : llvm::enumerate(getDims(*type)))
      if (dim.isSymbol())
        script.define(dim.getName(), number, unsigned(axis), /*isElement=*/false);
    for (auto [i, element] : llvm::enumerate(elements.value_or(Dims())))
      script.define(element.getName(), number, unsigned(i), /*isElement=*/true);
    const bool isKnown = shapeInputs.contains(input.name()) && elements && !type->getElementType().isF32();
    modelInputs.push_back(
        addValue({*type, argument.getLoc(), argument, {}, isKnown ? elements : std::nullopt, number}));
    frame.scope[input.name()] = modelInputs.back();
  }
  return success();
}

LogicalResult GraphImporter::importOutputs(const Frame &frame) {
  SmallVector<ModelValue *> outputs;
  for (const auto &output : file->proto.graph().output()) {
    ModelValue *value = frame.scope.lookup(output.name());
    outputs.push_back(value);
    int32_t declared = output.type().tensor_type().elem_type();
    if (value->type && declared != 0 && declared != getOnnxType(value->type.getElementType()))
      return emitError(getNameLocation(context, output.name()), Code::ShapeMismatch)
             << "output '" << output.name() << "' is declared with element type " << declared << ", but has "
             << value->type.getElementType();
  }
  if (script.isTrivial() && llvm::all_of(outputs, [](ModelValue *value) { return bool(value->type); }) &&
      llvm::all_of(modelInputs, [](ModelValue *value) { return bool(value->type); }))
    return returnOutputs(outputs);
  finishScript(outputs);
  return success();
}

/// Ends the only function.
LogicalResult GraphImporter::returnOutputs(ArrayRef<ModelValue *> outputs) {
  SmallVector<Value> results;
  for (ModelValue *output : outputs)
    results.push_back(materialize(*output));
  Segment &segment = script.getFirst();
  func::FuncOp function = segment.function;
  if (ArrayAttr equal = segment.requirements.toAttribute(context))
    function->setAttr("graph.equal", equal);
  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setType(FunctionType::get(context, function.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  for (auto [i, argument] : llvm::enumerate(function.getBody().getArguments()))
    function.setArgAttr(unsigned(i), "graph.name", cast<NameLoc>(argument.getLoc()).getName());
  for (auto [i, output] : llvm::enumerate(file->proto.graph().output()))
    function.setResultAttr(unsigned(i), "graph.name", builder.getStringAttr(output.name()));
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// The node with references to its function's attributes replaced by what the call states.
const onnx::NodeProto &GraphImporter::resolveAttributes(Frame &frame, const onnx::NodeProto &node) {
  if (llvm::none_of(node.attribute(), [](const auto &a) { return !a.ref_attr_name().empty(); }))
    return node;
  onnx::NodeProto resolved = node;
  resolved.clear_attribute();
  for (const auto &attribute : node.attribute()) {
    if (attribute.ref_attr_name().empty()) {
      *resolved.add_attribute() = attribute;
      continue;
    }
    const auto *value = frame.attributes.lookup(attribute.ref_attr_name());
    if (!value)
      continue;
    auto *copy = resolved.add_attribute();
    *copy = *value;
    copy->set_name(attribute.name());
  }
  return ownedNodes.emplace_back(std::move(resolved));
}

static bool isControlFlow(StringRef op) { return op == "If" || op == "Loop" || op == "Scan"; }

static SmallVector<StringRef> outputsOf(const onnx::NodeProto &node) {
  return {node.output().begin(), node.output().end()};
}

static bool isUnusable(const ModelValue *value) { return value && !value->type && !value->kind; }

LogicalResult GraphImporter::importNode(Frame &frame, const onnx::NodeProto &original) {
  const onnx::NodeProto &node = resolveAttributes(frame, original);
  Location loc = frame.callLoc ? *frame.callLoc : getNodeLocation(context, node);
  if (++numNodes > maxNodes)
    return emitError(loc, Code::TooManyNodes) << "more than " << maxNodes << " nodes after inlining functions";
  SmallVector<ModelValue *> inputs;
  for (const auto &name : node.input())
    inputs.push_back(name.empty() ? nullptr : frame.lookup(name));
  if (llvm::any_of(inputs, isUnusable))
    return passOver(outputsOf(original));

  if (const auto *function = functions.lookup(functionKey(node.domain(), node.op_type(), node.overload())))
    return pushFunction(frame, node, *function, inputs, loc);
  StringRef domain = normalDomain(node.domain());
  auto version = frame.opsets.find(domain);
  if (version == frame.opsets.end())
    return emitError(loc, Code::OpsetVersion) << "the model does not import the domain '" << domain << "'";
  int64_t opset = version->second;
  NodeImporter importer(*this, node, loc, opset, inputs);
  if (domain.empty() && isControlFlow(node.op_type()))
    return importControlFlow(node, loc, opset, inputs);
  if (domain.empty())
    if (auto done = importHostOperator(importer, inputs)) {
      if (failed(*done))
        return failure();
      return importer.isInlined() ? inlineSchemaFunction(frame, importer, inputs)
                                  : bindOutputs(node, importer.getResults(), loc);
    }
  if (domain.empty() && node.op_type() == "Squeeze")
    if (auto done = splitSqueeze(importer))
      return *done;
  makeShapeOperandsKnown(node, inputs);
  openSegment(loc);

  auto evaluated = evaluateSymbolically(importer);
  if (failed(evaluated))
    return failure();
  if (!*evaluated) {
    Rule rule = registry.find(domain, node.op_type(), opset);
    if (rule && failed(rule(importer)))
      return failure();
    if (!rule || importer.isInlined())
      return inlineSchemaFunction(frame, importer, inputs);
  }
  if (!*evaluated && !importer.getResults().empty() && importer.getResults()[0])
    importer.getResults()[0]->ones = findComparedWithOne(importer);
  for (auto [name, result] : llvm::zip(node.output(), importer.getResults())) {
    if (name.empty())
      continue;
    if (!result)
      return importer.error(Code::UnsupportedForm) << "output '" << name << "' is not supported";
    frame.scope[name] = result;
  }
  return success();
}

LogicalResult GraphImporter::inlineSchemaFunction(Frame &frame, NodeImporter &importer, ArrayRef<ModelValue *> inputs) {
  const onnx::NodeProto &node = importer.node;
  std::vector<onnx::TypeProto> types(inputs.size());
  for (auto [type, input] : llvm::zip(types, inputs))
    if (input)
      setTypeProto(type, *input);
  if (auto function = getSchemaFunction(node, int(importer.opset), types))
    return pushFunction(frame, node, ownedFunctions.emplace_back(std::move(*function)), inputs, importer.loc);
  return emitUnknownOperator(importer.loc, node, importer.opset);
}

void GraphImporter::setTypeProto(onnx::TypeProto &proto, const ModelValue &value) {
  const ValueKind kind = kindOf(value);
  onnx::TypeProto *type = &proto;
  if (kind.isOptional)
    type = type->mutable_optional_type()->mutable_elem_type();
  if (kind.isSequence)
    type = type->mutable_sequence_type()->mutable_elem_type();
  auto *tensor = type->mutable_tensor_type();
  tensor->set_elem_type(getOnnxType(kind.elementType));
  if (!kind.dims)
    return;
  tensor->mutable_shape();
  for (DimAttr extent : *kind.dims) {
    auto *dim = tensor->mutable_shape()->add_dim();
    if (extent && extent.getConstant())
      dim->set_dim_value(*extent.getConstant());
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::pushFunction(Frame &frame, const onnx::NodeProto &node,
                                          const onnx::FunctionProto &function, ArrayRef<ModelValue *> inputs,
                                          Location loc) {
  if (inputs.size() > size_t(function.input_size()) || node.output_size() > function.output_size())
    return emitError(loc, Code::WrongOperands) << "function '" << function.name() << "' has " << function.input_size()
                                               << " inputs and " << function.output_size() << " outputs";
  // The checker bounds local functions; bodies of the standard nest a few deep.
  if (frames.size() > size_t(2 * maxFunctions))
    return emitError(loc, Code::FunctionCalls) << "functions call each other more than " << 2 * maxFunctions << " deep";
  Frame &callee = frames.emplace_back();
  for (auto [i, name] : llvm::enumerate(function.input()))
    callee.scope[name] = i < inputs.size() ? inputs[i] : nullptr;
  callee.opsets = frame.opsets;
  for (const auto &opset : function.opset_import())
    callee.opsets[normalDomain(opset.domain())] = opset.version();
  for (const auto &attribute : function.attribute_proto())
    callee.attributes[attribute.name()] = &attribute;
  for (const auto &attribute : node.attribute())
    callee.attributes[attribute.name()] = &attribute;
  callee.nodes = &function.node();
  callee.node = &node;
  callee.outputs.assign(function.output().begin(), function.output().end());
  callee.finish = [this, &node, loc](ArrayRef<ModelValue *> results) { return bindOutputs(node, results, loc); };
  callee.callLoc = loc;
  callee.mayRepeat = true;
  return success();
}

LogicalResult GraphImporter::pushGraph(const onnx::NodeProto &node, const onnx::GraphProto &graph,
                                       ArrayRef<ModelValue *> inputs, Location loc,
                                       std::function<LogicalResult(ArrayRef<ModelValue *>)> finish) {
  if (inputs.size() != size_t(graph.input_size()))
    return emitError(loc, Code::WrongOperands)
           << "the graph '" << graph.name() << "' has " << graph.input_size() << " inputs, given are " << inputs.size();
  if (frames.size() > size_t(2 * maxFunctions))
    return emitError(loc, Code::FunctionCalls) << "graphs nest more than " << 2 * maxFunctions << " deep";
  readDeclarations(graph);
  Frame &caller = frames.back();
  Frame &callee = frames.emplace_back();
  callee.outer = &caller;
  callee.opsets = caller.opsets;
  callee.attributes = caller.attributes;
  callee.nodes = &graph.node();
  callee.node = &node;
  for (const auto &output : graph.output())
    callee.outputs.push_back(output.name());
  callee.finish = std::move(finish);
  callee.callLoc = caller.callLoc;
  for (auto [input, value] : llvm::zip(graph.input(), inputs))
    callee.scope[input.name()] = value;
  if (succeeded(importInitializers(graph, callee)))
    return success();
  frames.pop_back(); // the node fails in the frame that it is in
  return failure();
}

LogicalResult GraphImporter::bindOutputs(const onnx::NodeProto &node, ArrayRef<ModelValue *> results, Location loc) {
  for (auto [i, name] : llvm::enumerate(node.output())) {
    if (name.empty())
      continue;
    if (i >= results.size() || !results[i])
      return emitError(loc, Code::UnsupportedForm) << "output '" << name << "' is not computed";
    frames.back().scope[name] = results[i];
  }
  return success();
}

LogicalResult GraphImporter::popFrame() {
  Frame &frame = frames.back();
  SmallVector<ModelValue *> results;
  for (StringRef name : frame.outputs)
    results.push_back(frame.lookup(name));
  if (frame.outer && llvm::is_contained(results, nullptr))
    return emitError(frame.callLoc.value_or(builder.getUnknownLoc()), Code::UndefinedName)
           << "a graph does not compute one of its outputs";
  auto finish = std::move(frame.finish);
  const onnx::NodeProto *node = frame.node;
  frames.pop_back();
  if (llvm::any_of(results, isUnusable))
    return passOver(outputsOf(*node));
  if (succeeded(finish(results)))
    return success();
  return passOver(outputsOf(*node));
}

/// Where errors are collected: gives names that could not be imported values that nobody can use.
LogicalResult GraphImporter::passOver(ArrayRef<StringRef> names) {
  hasFailed = true;
  if (!options.keepsGoing)
    return failure();
  for (StringRef name : names)
    frames.back().scope[name] = addValue({{}, builder.getUnknownLoc(), {}, {}, std::nullopt});
  return success();
}

LogicalResult GraphImporter::runFrames() {
  while (true) {
    Frame &frame = frames.back();
    if (frame.next < frame.nodes->size()) {
      const onnx::NodeProto &node = frame.nodes->Get(frame.next++);
      if (failed(importNode(frame, node)) && failed(passOver(outputsOf(node))))
        return failure();
    } else if (frames.size() == 1) {
      return success();
    } else if (failed(popFrame())) {
      return failure();
    }
  }
}

OwningOpRef<ModuleOp> GraphImporter::import() {
  const auto &model = file->proto;
  Frame &frame = frames.emplace_back();
  for (const auto &opset : model.opset_import())
    frame.opsets[normalDomain(opset.domain())] = opset.version();
  frame.opsets.try_emplace("", 1);
  frame.nodes = &model.graph().node();
  frame.mayRepeat = true;
  if (failed(importInputs(frame)) || failed(runFrames()) || hasFailed || failed(importOutputs(frame)))
    return {};
  return std::move(module);
}

} // namespace tenon::importer
