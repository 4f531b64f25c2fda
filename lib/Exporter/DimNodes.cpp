//===- DimNodes.cpp - Extents as values of the model -----------------------===//
#include "Graph/IR/DimExpr.h"
#include "Graph/IR/InputElement.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {

Name GraphWriter::element(Name x, Type elementType, int64_t index) {
  Type i64 = IntegerType::get(context, 64);
  if (elementType && elementType.isF32()) // f64 holds every one
    x = add("Mul", {cast(x, Float64Type::get(context)), number(Float64Type::get(context), 4294967296.0)});
  return slice(add("Reshape", {cast(x, i64), integer(-1)}), 0, index, index + 1);
}

/// A symbol: an element of the last argument, a dimension of an argument, or an element of one.
Name GraphWriter::symbol(StringRef name) {
  for (auto [i, symbol] : llvm::enumerate(scope.symbols ? scope.symbols.getValue() : ArrayRef<mlir::Attribute>()))
    if (cast<StringAttr>(symbol) == name)
      return slice(get(scope.arguments.back()), 0, int64_t(i), int64_t(i) + 1);
  if (auto element = parseInputElement(name)) {
    Value argument = scope.arguments[element->first];
    return this->element(get(argument), cast<RankedTensorType>(argument.getType()).getElementType(), element->second);
  }
  DimAttr wanted = DimAttr::symbol(context, name);
  for (Value argument : scope.arguments)
    for (auto [axis, dim] : llvm::enumerate(getDims(cast<RankedTensorType>(argument.getType()))))
      if (dim == wanted)
        return add("Shape", {get(argument)}, {{"start", int64_t(axis)}, {"end", int64_t(axis) + 1}});
  return {};
}

/// first op rest0 op rest1 ..; `first` is left out where it is neutral.
Name GraphWriter::fold(StringRef op, int64_t first, int64_t neutral, ArrayRef<Name> rest) {
  Name result = first == neutral && !rest.empty() ? Name() : integer(first);
  for (const Name &name : rest)
    result = result.empty() ? name : add(op, {result, name});
  return result;
}

Name GraphWriter::combine(DimAttr dim) {
  SmallVector<Name> parts;
  for (DimAttr part : dim.dims())
    parts.push_back(extent(part));
  switch (dim.getKind()) {
  case DimKind::Constant:
    return integer(dim.getValue());
  case DimKind::Symbol:
    return symbol(dim.getName().getValue());
  case DimKind::Sum:
    return fold("Add", dim.getValue(), 0, parts);
  case DimKind::Product:
    return fold("Mul", dim.getValue(), 1, parts);
  case DimKind::FloorDiv: // ONNX's Div truncates, its Mod has the sign of the divisor
    return add("Div", {add("Sub", {parts[0], add("Mod", parts)}), parts[1]});
  case DimKind::Min:
    return add("Min", parts);
  case DimKind::Max:
    return add("Max", parts);
  case DimKind::Broadcast: // a unless that is 1
    return add("Where", {add("Equal", {parts[0], integer(1)}), parts[1], parts[0]});
  }
  llvm_unreachable("all kinds are handled");
}

Name GraphWriter::extent(DimAttr dim) {
  if (auto it = scope.extents.find(dim); it != scope.extents.end())
    return it->second;
  Name name = combine(dim);
  return scope.extents[dim] = name;
}

Name GraphWriter::shape(ArrayRef<DimAttr> dims) {
  if (llvm::all_of(dims, [](DimAttr dim) { return dim.getConstant().has_value(); })) {
    Ints values;
    for (DimAttr dim : dims)
      values.push_back(*dim.getConstant());
    return integers(values);
  }
  SmallVector<Name> parts;
  for (DimAttr dim : dims)
    parts.push_back(extent(dim));
  return parts.size() == 1 ? parts.front() : add("Concat", parts, {{"axis", int64_t(0)}});
}

} // namespace tenon::exporter
