//===- NodeImporter.cpp - What an import rule sees of its node -------------===//
#include "NodeImporter.h"

#include "Graph/IR/ScalarAttribute.h"
#include "GraphImporter.h"
#include "Nearest.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

NodeImporter::NodeImporter(GraphImporter &importer, const onnx::NodeProto &node, Location loc, int64_t opset,
                           SmallVector<ModelValue *> inputs)
    : node(node), loc(loc), opset(opset), context(loc.getContext()), importer(importer), inputs(std::move(inputs)),
      results(size_t(node.output_size()), nullptr) {}

OpBuilder &NodeImporter::getBuilder() { return importer.builder; }

InFlightDiagnostic NodeImporter::error(Code code, const Twine &remedy) const {
  auto diagnostic = emitError(loc, code, remedy);
  diagnostic << node.op_type() << " (opset " << opset << "): ";
  return diagnostic;
}

InFlightDiagnostic NodeImporter::typeError(Type got, bool takesFloats) const {
  const unsigned width = got.getIntOrFloatBitWidth();
  StringRef nearest = takesFloats ? (width > 24 ? "double" : "float") : (width > 32 ? "int64" : "int32");
  auto diagnostic = error(Code::UnsupportedElementType,
                          "cast the operand to " + nearest + ", the nearest type that " + node.op_type() + " takes");
  diagnostic << (takesFloats ? "operands must be floating point" : "operands must be integers") << ", got " << got;
  return diagnostic;
}

InFlightDiagnostic NodeImporter::typeError(int64_t dataType) const {
  return error(Code::UnsupportedElementType, nearestElementType(dataType));
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Value NodeImporter::optionalInput(size_t i) { return hasInput(i) ? importer.materialize(*inputs[i]) : Value(); }

Value NodeImporter::input(size_t i) {
  if (!hasInput(i))
    error(Code::WrongOperands) << "operand " << i << " is missing";
  return optionalInput(i);
}

RankedTensorType NodeImporter::inputType(size_t i) {
  if (hasInput(i))
    return inputs[i]->type;
  error(Code::WrongOperands) << "operand " << i << " is missing";
  return {};
}

std::optional<Ints> NodeImporter::knownInts(size_t i) const {
  const Dims *elements = known(i);
  if (!elements)
    return std::nullopt;
  Ints values;
  for (DimAttr element : *elements) {
    if (!element.getConstant())
      return std::nullopt;
    values.push_back(*element.getConstant());
  }
  return values;
}

std::optional<SmallVector<double>> NodeImporter::knownFloats(size_t i) const {
  if (!hasInput(i))
    return std::nullopt;
  SmallVector<double> values;
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(inputs[i]->constant)) {
    if (dense.getNumElements() <= maxKnownElements && isa<FloatType>(dense.getElementType())) {
      for (APFloat value : dense.getValues<APFloat>()) {
        bool losesInfo;
        value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
        values.push_back(value.convertToDouble());
      }
      return values;
    }
  }
  auto integers = knownInts(i);
  if (!integers)
    return std::nullopt;
  values.assign(integers->begin(), integers->end());
  return values;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const onnx::AttributeProto *NodeImporter::findAttr(StringRef name) const {
  for (const auto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t NodeImporter::intAttr(StringRef name, int64_t defaultValue) const {
  const auto *attribute = findAttr(name);
  return attribute ? attribute->i() : defaultValue;
}

double NodeImporter::floatAttr(StringRef name, double defaultValue) const {
  const auto *attribute = findAttr(name);
  return attribute ? double(attribute->f()) : defaultValue;
}

std::string NodeImporter::stringAttr(StringRef name, StringRef defaultValue) const {
  const auto *attribute = findAttr(name);
  return attribute ? attribute->s() : defaultValue.str();
}

FailureOr<std::string> NodeImporter::choiceAttr(StringRef name, StringRef defaultValue,
                                                ArrayRef<StringRef> values) const {
  std::string value = stringAttr(name, defaultValue);
  if (!llvm::is_contained(values, value))
    return error(Code::WrongAttribute, nearestValue(value, values)) << name << " '" << value << "' is unknown";
  return value;
}

std::optional<Ints> NodeImporter::intsAttr(StringRef name) const {
  const auto *attribute = findAttr(name);
  if (!attribute)
    return std::nullopt;
  return Ints(attribute->ints().begin(), attribute->ints().end());
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

LogicalResult NodeImporter::setOutput(size_t i, Value value) {
  if (!value)
    return failure();
  if (i < results.size())
    results[i] = importer.addValue({typeOf(value), loc, value, {}, std::nullopt});
  return success();
}

LogicalResult NodeImporter::setValue(size_t i, ModelValue *value) {
  if (i < results.size())
    results[i] = value;
  return success(value != nullptr);
}

LogicalResult NodeImporter::forward(size_t i, size_t input) {
  if (!inputType(input))
    return failure();
  if (i < results.size())
    results[i] = inputs[input];
  return success();
}

LogicalResult NodeImporter::setKnown(size_t i, RankedTensorType type, Dims elements) {
  if (failed(checkComplexity(elements)))
    return failure();
  if (i < results.size())
    results[i] = importer.addValue({type, loc, {}, {}, std::move(elements)});
  return success();
}

LogicalResult NodeImporter::setConstant(size_t i, ElementsAttr value) {
  if (!value)
    return failure();
  if (i < results.size())
    results[i] = importer.addValue({cast<RankedTensorType>(value.getType()), loc, {}, value, getKnownElements(value)});
  return success();
}

ModelValue *NodeImporter::addTensor(const onnx::TensorProto &tensor) { return importer.addTensor(tensor, loc); }

void NodeImporter::requireEqual(DimAttr a, DimAttr b, StringRef what) {
  importer.openSegment(loc).requirements.requireEqual(a, b, loc, what);
}

bool NodeImporter::isAssumedOne(DimAttr extent) const { return importer.findIsOne(extent).value_or(false); }

LogicalResult NodeImporter::setTensor(size_t i, const onnx::TensorProto &tensor) {
  ModelValue *value = addTensor(tensor);
  if (value && i < results.size())
    results[i] = value;
  return success(value != nullptr);
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

LogicalResult NodeImporter::checkComplexity(ArrayRef<DimAttr> dims) const {
  for (DimAttr d : dims)
    if (d.getComplexity() > maxDimComplexity)
      return error(Code::ExpressionTooComplex) << "an extent is an expression of " << d.getComplexity() << " terms";
  return success();
}

LogicalResult NodeImporter::checkType(RankedTensorType type) const {
  if (type.getRank() > maxRank)
    return error(Code::TooManyNodes) << "the result has " << type.getRank() << " dimensions";
  int64_t bytes = 8;
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isDynamic(extent))
      continue;
    if (extent < 0)
      return error(Code::ShapeMismatch) << "the result has a dimension of extent " << extent;
    if (extent > 0 && (__builtin_mul_overflow(bytes, extent, &bytes) || bytes > maxTensorBytes))
      return error(Code::TensorTooLarge) << "the result has more than 2^62 bytes";
  }
  return checkComplexity(graph::getDims(type));
}

RankedTensorType NodeImporter::getPlaceholderType() const {
  return RankedTensorType::get({}, Float32Type::get(context));
}

bool NodeImporter::operandsValid(ArrayRef<Value> operands) const {
  return llvm::all_of(operands, [](Value v) { return v != nullptr; });
}

/// Runs `check` and gives back the first error it emitted on failure, instead of emitting it.
static std::optional<std::string> captureError(MLIRContext *context, function_ref<LogicalResult()> check) {
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (message.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      message = diagnostic.str();
    return success();
  });
  if (succeeded(check()))
    return std::nullopt;
  return message.empty() ? std::string("operands do not fit") : message;
}

LogicalResult NodeImporter::infer(OperationState &state, SmallVector<Type> &types,
                                  function_ref<LogicalResult(SmallVector<Type> &)> inferTypes) const {
  if (auto message = captureError(context, [&] { return inferTypes(types); }))
    return error(Code::ShapeMismatch) << *message;
  for (Type type : types)
    if (failed(checkType(cast<RankedTensorType>(type))))
      return failure();
  return success();
}

Value NodeImporter::finish(OperationState &state) {
  Operation *op = importer.builder.create(state);
  auto message = captureError(context, [&] { return verify(op, /*verifyRecursively=*/false); });
  if (!message) {
    importer.openSegment(loc).requirements.collect(op);
    return op->getResult(0);
  }
  op->erase();
  error(Code::ShapeMismatch) << *message;
  return {};
}

Value NodeImporter::scalar(Type elementType, double value) { return constant(scalarAttribute(elementType, value)); }

Value NodeImporter::constant(ElementsAttr value) {
  return value ? ConstantOp::create(getBuilder(), loc, value).getResult() : Value();
}

Value NodeImporter::reshape(Value x, ArrayRef<DimAttr> dims) {
  if (!x)
    return {};
  auto type = getTensorType(dims, typeOf(x).getElementType());
  return type == x.getType() ? x : createTyped<ReshapeOp>(type, x);
}

Value NodeImporter::cast(Value x, Type elementType) {
  if (!x || typeOf(x).getElementType() == elementType)
    return x;
  return createTyped<CastOp>(getTensorType(dimsOf(x), elementType), x);
}

//===----------------------------------------------------------------------===//
// Axes and shape operands
//===----------------------------------------------------------------------===//

FailureOr<int64_t> NodeImporter::normalizeAxis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return error(Code::WrongAttribute) << "axis " << axis << " is outside [" << -rank << ", " << rank << ")";
  return axis < 0 ? axis + rank : axis;
}

FailureOr<Ints> NodeImporter::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) const {
  Ints result;
  for (int64_t axis : axes) {
    auto normal = normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    result.push_back(*normal);
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return error(Code::WrongAttribute) << "an axis is given twice";
  return result;
}

FailureOr<std::optional<Ints>> NodeImporter::axes(size_t i, int64_t sinceInput) const {
  if (opset < sinceInput)
    return intsAttr("axes");
  if (!hasInput(i))
    return std::optional<Ints>();
  auto values = constantOperand(i);
  if (failed(values))
    return failure();
  return std::optional<Ints>(std::move(*values));
}

FailureOr<Dims> NodeImporter::shapeOperand(size_t i) const {
  if (const Dims *elements = known(i))
    return *elements;
  if (!hasInput(i))
    return error(Code::WrongOperands) << "operand " << i << " is missing";
  return error(Code::DataDependentShape) << "operand " << i << " ('" << node.input(int(i))
                                         << "') is computed from run-time data";
}

FailureOr<Ints> NodeImporter::constantOperand(size_t i) const {
  auto elements = shapeOperand(i);
  if (failed(elements))
    return failure();
  if (auto values = knownInts(i))
    return *values;
  return error(Code::DataDependentShape) << "operand " << i << " ('" << node.input(int(i)) << "') must be a constant";
}

} // namespace tenon::importer
