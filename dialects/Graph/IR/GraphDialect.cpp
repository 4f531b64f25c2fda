//===- GraphDialect.cpp - The graph dialect -------------------------------===//
#include "Graph/IR/GraphDialect.h"

#include "Graph/IR/GraphOps.h"
#include "Graph/IR/SplitRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon::graph;

#include "Graph/IR/GraphDialect.cpp.inc"

void GraphDialect::initialize() {
  registerAttributes();
  registerAttentionOps();
  registerContractionOps();
  registerDataMovementOps();
  registerUnaryOps();
  registerBinaryOps();
  registerNormalizationOps();
  registerRecurrentOps();
  registerReductionOps();
  registerStructureOps();
  registerWindowOps();
  registerSplitModels(*getContext());
}

Operation *GraphDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}
