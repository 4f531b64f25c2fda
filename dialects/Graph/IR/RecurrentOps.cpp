//===- RecurrentOps.cpp - Types, rules and spaces of recurrences ----------===//
#include "Graph/IR/Activations.h"
#include "Graph/IR/GruOp.h"
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/RecurrentOps.cpp.inc"

void tenon::graph::GraphDialect::registerRecurrentOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/RecurrentOps.cpp.inc"
      >();
  addOperations<GruOp>();
}

namespace tenon::graph {

static DimAttr constantDim(MLIRContext *context, int64_t value) { return DimAttr::constant(context, value); }

int64_t LstmOp::getNumDirections() { return getGates().getType().getDimSize(2); }
int64_t LstmOp::getHiddenSize() { return getGates().getType().getDimSize(4); }

LogicalResult LstmOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto gates = tensorType(adaptor.getGates().getType());
  if (gates.getRank() != 5)
    return inferenceError(loc, "gates must have rank 5, got " + Twine(gates.getRank()));
  auto dims = getDims(gates);
  types.push_back(getTensorType({dims[0], dims[2], dims[1], dims[4]}, gates.getElementType()));
  Type state = getTensorType({dims[2], dims[1], dims[4]}, gates.getElementType());
  types.append(2, state);
  return success();
}

/// True unless the type is known to differ from `dims` and `element` (null: integers).
static bool mayBe(Value v, ArrayRef<DimAttr> dims, Type element) {
  if (!v)
    return true;
  auto type = tensorType(v.getType());
  bool hasElement = element
                        ? type.getElementType() == element
                        : type.getElementType().isSignlessInteger(32) || type.getElementType().isSignlessInteger(64);
  return hasElement && mayHaveDims(type, dims);
}

LogicalResult LstmOp::verify() {
  // C1
  bool isBoth = getDirection() == "both";
  if (!isBoth && getDirection() != "forward" && getDirection() != "backward")
    return emitOpError() << "direction must be forward, backward or both, got " << getDirection();
  // C2
  auto gates = getGates().getType();
  if (gates.getRank() != 5)
    return emitOpError() << "gates must have rank 5, got " << gates.getRank();
  ArrayRef<int64_t> shape = gates.getShape();
  if (shape[2] != (isBoth ? 2 : 1) || shape[3] != 4 || ShapedType::isDynamic(shape[4]))
    return emitOpError() << "gates must be [T, N, " << (isBoth ? 2 : 1) << ", 4, H] with a constant H, got " << gates;
  auto dims = getDims(gates);
  Type element = gates.getElementType();
  MLIRContext *context = getContext();
  if (!mayBe(getR(), {dims[2], constantDim(context, 4), dims[4], dims[4]}, element))
    return emitOpError() << "r must be [" << shape[2] << ", 4, " << shape[4] << ", " << shape[4] << "], got "
                         << getR().getType();
  // C3
  for (Value state : {getInitialH(), getInitialC()})
    if (!mayBe(state, {dims[2], dims[1], dims[4]}, element))
      return emitOpError() << "an initial state must be [" << shape[2] << ", N, " << shape[4] << "], got "
                           << state.getType();
  if (!mayBe(getLengths(), {dims[1]}, Type()))
    return emitOpError() << "lengths must be N integers, got " << getLengths().getType();
  if (!mayBe(getPeepholes(), {dims[2], constantDim(context, 3), dims[4]}, element))
    return emitOpError() << "peepholes must be [" << shape[2] << ", 3, " << shape[4] << "], got "
                         << getPeepholes().getType();
  // C4
  if (getActivations().size() != 3 || getAlpha().size() != 3 || getBeta().size() != 3)
    return emitOpError() << "needs three activations with alpha and beta, got " << getActivations().size();
  for (auto name : getActivations().getAsValueRange<StringAttr>())
    if (!Activation::get(name))
      return emitOpError() << "unknown activation " << name;
  return success();
}

/// Loops: time, direction, row, gate, unit, and the unit before that is summed over. Time is sequential.
IterationSpace LstmOp::getIterationSpace() {
  using utils::IteratorType;
  MLIRContext *context = getContext();
  auto dims = getDims(getGates().getType());
  IterationSpace space;
  space.extents = {dims[0], dims[2], dims[1], dims[3], dims[4], dims[4]};
  space.iterators = {IteratorType::reduction, IteratorType::parallel, IteratorType::parallel,
                     IteratorType::reduction, IteratorType::parallel, IteratorType::reduction};
  AffineExpr t, d, n, g, h, k;
  bindDims(context, t, d, n, g, h, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) { return AffineMap::get(6, 0, exprs, context); };
  space.maps = {map({t, n, d, g, h}), map({d, g, h, k})};
  for (Value state : {getInitialH(), getInitialC()})
    if (state)
      space.maps.push_back(map({d, n, h}));
  if (getLengths())
    space.maps.push_back(map({n}));
  if (getPeepholes())
    space.maps.push_back(map({d, getAffineConstantExpr(0, context), h}));
  space.maps.append({map({t, d, n, h}), map({d, n, h}), map({d, n, h})});
  return space;
}

double LstmOp::getFlopsPerPoint() { return 2; }

} // namespace tenon::graph
