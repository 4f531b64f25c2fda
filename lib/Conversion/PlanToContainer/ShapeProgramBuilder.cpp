//===- ShapeProgramBuilder.cpp - From extent expressions to shape programs ===//
#include "ShapeProgramBuilder.h"

#include "Graph/IR/InputElement.h"

using namespace tenon;
using namespace tenon::graph;
using plan::ShapeOp;

void ShapeProgramBuilder::bind(mlir::StringAttr symbol, uint32_t input, uint32_t axis) {
  bindings.try_emplace(symbol, input, axis);
}

uint32_t ShapeProgramBuilder::add(ShapeOp op, uint32_t a, uint32_t b, int64_t immediate) {
  instructions.emplace_back(op, a, b, 0, immediate);
  return instructions.size() - 1;
}

uint32_t ShapeProgramBuilder::constant(int64_t value) {
  auto [it, isNew] = constants.try_emplace(value, 0);
  if (isNew)
    it->second = add(ShapeOp::Constant, 0, 0, value);
  return it->second;
}

void ShapeProgramBuilder::bindElement(mlir::StringAttr symbol, uint32_t input, uint32_t element) {
  elements.try_emplace(symbol, input, element);
}

uint32_t ShapeProgramBuilder::symbol(mlir::StringAttr name) {
  if (auto it = elements.find(name); it != elements.end())
    return add(ShapeOp::InputValue, it->second.first, it->second.second);
  if (auto element = parseInputElement(name.getValue()))
    return add(ShapeOp::InputValue, element->first, element->second);
  auto [kind, rest] = name.getValue().split(':');
  auto [input, axis] = rest.split(':');
  uint32_t i, a;
  if (kind == "input" && !input.getAsInteger(10, i) && !axis.getAsInteger(10, a))
    return add(ShapeOp::InputDim, i, a);
  auto it = bindings.find(name);
  assert(it != bindings.end() && "every symbol of a graph is a dimension of an input");
  return add(ShapeOp::InputDim, it->second.first, it->second.second);
}

uint32_t ShapeProgramBuilder::fold(ShapeOp op, DimAttr e, int64_t neutral) {
  std::optional<uint32_t> total;
  if (e.getValue() != neutral)
    total = constant(e.getValue());
  for (DimAttr operand : e.dims()) {
    uint32_t next = value(operand);
    total = total ? add(op, *total, next) : next;
  }
  return *total;
}

uint32_t ShapeProgramBuilder::value(DimAttr e) {
  if (auto it = values.find(e); it != values.end())
    return it->second;
  auto binary = [&](ShapeOp op) {
    auto operands = llvm::to_vector(e.dims());
    uint32_t a = value(operands[0]), b = value(operands[1]);
    return add(op, a, b);
  };
  uint32_t result = 0;
  switch (e.getKind()) {
  case DimKind::Constant:
    result = constant(e.getValue());
    break;
  case DimKind::Symbol:
    result = symbol(e.getName());
    break;
  case DimKind::Sum:
    result = fold(ShapeOp::Add, e, 0);
    break;
  case DimKind::Product:
    result = fold(ShapeOp::Mul, e, 1);
    break;
  case DimKind::FloorDiv:
    result = binary(ShapeOp::FloorDiv);
    break;
  case DimKind::Min:
    result = binary(ShapeOp::Min);
    break;
  case DimKind::Max:
    result = binary(ShapeOp::Max);
    break;
  case DimKind::Broadcast:
    result = binary(ShapeOp::Broadcast);
    break;
  }
  values[e] = result;
  return result;
}

uint32_t ShapeProgramBuilder::equal(DimAttr a, DimAttr b) {
  uint32_t x = value(a), y = value(b);
  return add(ShapeOp::Equal, x, y);
}
