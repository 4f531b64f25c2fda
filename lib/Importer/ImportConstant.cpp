//===- ImportConstant.cpp - Constants, copies and casts -------------------===//
#include "Graph/IR/NarrowTypes.h"
#include "Graph/IR/SpecialOps.h"
#include "GraphImporter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

LogicalResult importConstant(NodeImporter &n) {
  Builder b(n.context);
  if (const auto *value = n.findAttr("value"))
    return n.setTensor(0, value->t());
  if (const auto *value = n.findAttr("value_int"))
    return n.setConstant(0, DenseElementsAttr::get(RankedTensorType::get({}, b.getI64Type()), int64_t(value->i())));
  if (const auto *value = n.findAttr("value_float"))
    return n.setConstant(0, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), value->f()));
  if (const auto *value = n.findAttr("value_ints"))
    return n.setConstant(0,
                         DenseElementsAttr::get(RankedTensorType::get({value->ints_size()}, b.getI64Type()),
                                                ArrayRef<int64_t>(value->ints().data(), size_t(value->ints_size()))));
  if (const auto *value = n.findAttr("value_floats"))
    return n.setConstant(0,
                         DenseElementsAttr::get(RankedTensorType::get({value->floats_size()}, b.getF32Type()),
                                                ArrayRef<float>(value->floats().data(), size_t(value->floats_size()))));
  return n.error(Code::UnsupportedForm, "state the elements by attribute 'value', 'value_floats' or 'value_ints'")
         << "only dense tensors and numbers are supported";
}

LogicalResult importIdentity(NodeImporter &n) { return n.forward(0, 0); }

LogicalResult importBitCast(NodeImporter &n) {
  Value x = n.input(0);
  Type element = getElementType(n.context, int32_t(n.intAttr("to", 0)));
  if (!x || !element)
    return x ? LogicalResult(n.typeError(n.intAttr("to", 0)) << "cannot cast to element type " << n.intAttr("to", 0))
             : failure();
  return n.setOutput(n.createTyped<BitcastOp>(getTensorType(dimsOf(x), element), x));
}

LogicalResult castTo(NodeImporter &n, Type elementType, int64_t code) {
  if (!elementType)
    return n.typeError(code) << "cannot cast to element type " << code;
  // One constant number stays one: rules ask for padding values and the like.
  ModelValue *x = n.getInput(0);
  bool isWide = isa<FloatType>(elementType) && !isNarrow(elementType); // narrow numbers saturate, and are no constants
  auto values = x && x->constant && isWide ? n.knownFloats(0) : std::nullopt;
  if (values && values->size() == 1) {
    APFloat value(values->front());
    bool losesInfo;
    value.convert(cast<FloatType>(elementType).getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return n.setConstant(0, DenseElementsAttr::get(getTensorType(getDims(x->type), elementType), value));
  }
  Value v = n.input(0);
  if (!v || (!isNarrow(elementType) && !isNarrow(typeOf(v).getElementType())))
    return n.setOutput(n.cast(v, elementType));
  Expressions c{n.getBuilder(), n.loc};
  if (typeOf(v).getElementType() == elementType)
    return n.forward(0, 0);
  if (isNarrow(typeOf(v).getElementType()))
    v = readNarrow(c, v);
  auto mode = n.choiceAttr("round_mode", "up", {"up", "down", "nearest"});
  if (failed(mode))
    return failure();
  if (!isNarrow(elementType))
    return n.setOutput(c.cast(v, elementType));
  return n.setOutput(writeNarrow(c, v, elementType, {n.intAttr("saturate", 1) != 0, *mode}));
}

LogicalResult importCast(NodeImporter &n) {
  // Opset 1 names the type.
  int64_t to = n.intAttr("to", 0);
  onnx::TensorProto::DataType named;
  if (n.opset < 6 && onnx::TensorProto::DataType_Parse(n.stringAttr("to", ""), &named))
    to = named;
  return castTo(n, getElementType(n.context, int32_t(to)), to);
}

LogicalResult importCastLike(NodeImporter &n) {
  RankedTensorType like = n.inputType(1);
  return like ? castTo(n, like.getElementType(), 0) : failure();
}

LogicalResult importConstantOfShape(NodeImporter &n) {
  auto dims = n.shapeOperand(0);
  if (failed(dims))
    return failure();
  Value fill;
  if (const auto *value = n.findAttr("value")) {
    ModelValue *tensor = n.addTensor(value->t());
    if (!tensor)
      return failure();
    if (tensor->type.getNumElements() != 1)
      return n.error(Code::WrongAttribute) << "attribute 'value' must have one element";
    fill = n.reshape(tensor->op ? tensor->op : n.constant(tensor->constant), {});
  } else {
    fill = n.scalar(Float32Type::get(n.context), 0);
  }
  if (!fill)
    return failure();
  return n.setOutput(n.createTyped<ExpandOp>(getTensorType(*dims, typeOf(fill).getElementType()), fill));
}

} // namespace

void addConstantRules(Registry &r) {
  r.add("Constant", 1, importConstant);
  r.add("Identity", 1, importIdentity);
  r.add("Cast", 1, importCast);
  r.add("BitCast", 26, importBitCast);
  r.add("CastLike", 15, importCastLike);
  r.add("ConstantOfShape", 9, importConstantOfShape);
}

} // namespace tenon::importer
