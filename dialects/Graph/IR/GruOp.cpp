//===- GruOp.cpp - Types and rules of gated recurrent units ----------------===//
#include "Graph/IR/GruOp.h"

#include "Graph/IR/Activations.h"
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/GruOp.cpp.inc"

namespace tenon::graph {

int64_t GruOp::getNumDirections() { return getGates().getType().getDimSize(2); }
int64_t GruOp::getHiddenSize() { return getGates().getType().getDimSize(4); }

LogicalResult GruOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  auto gates = tensorType(adaptor.getGates().getType());
  if (gates.getRank() != 5)
    return inferenceError(loc, "gates must have rank 5, got " + Twine(gates.getRank()));
  auto dims = getDims(gates);
  types.push_back(getTensorType({dims[0], dims[2], dims[1], dims[4]}, gates.getElementType()));
  types.push_back(getTensorType({dims[2], dims[1], dims[4]}, gates.getElementType()));
  return success();
}

LogicalResult GruOp::verify() {
  // C1
  bool isBoth = getDirection() == "both";
  if (!isBoth && getDirection() != "forward" && getDirection() != "backward")
    return emitOpError() << "direction must be forward, backward or both, got " << getDirection();
  // C2
  auto gates = getGates().getType();
  ArrayRef<int64_t> shape = gates.getShape();
  if (gates.getRank() != 5 || shape[2] != (isBoth ? 2 : 1) || shape[3] != 3 || ShapedType::isDynamic(shape[4]))
    return emitOpError() << "gates must be [T, N, " << (isBoth ? 2 : 1) << ", 3, H] with a constant H, got " << gates;
  auto dims = getDims(gates);
  Type element = gates.getElementType();
  auto isReal = [&](Value v, ArrayRef<DimAttr> expected) {
    return !v ||
           (tensorType(v.getType()).getElementType() == element && mayHaveDims(tensorType(v.getType()), expected));
  };
  if (!isReal(getR(), {dims[2], dims[3], dims[4], dims[4]}))
    return emitOpError() << "r must be [" << shape[2] << ", 3, " << shape[4] << ", " << shape[4] << "], got "
                         << getR().getType();
  // C3
  if (!isReal(getBias(), {dims[2], dims[4]}))
    return emitOpError() << "bias must be [" << shape[2] << ", " << shape[4] << "], got " << getBias().getType();
  if (!isReal(getInitialH(), {dims[2], dims[1], dims[4]}))
    return emitOpError() << "the initial state must be [" << shape[2] << ", N, " << shape[4] << "], got "
                         << getInitialH().getType();
  if (Value lengths = getLengths()) {
    Type integer = tensorType(lengths.getType()).getElementType();
    if (!(integer.isSignlessInteger(32) || integer.isSignlessInteger(64)) ||
        !mayHaveDims(tensorType(lengths.getType()), {dims[1]}))
      return emitOpError() << "lengths must be N integers, got " << lengths.getType();
  }
  // C4
  if (getActivations().size() != 2 || getAlpha().size() != 2 || getBeta().size() != 2)
    return emitOpError() << "needs two activations with alpha and beta, got " << getActivations().size();
  for (auto name : getActivations().getAsValueRange<StringAttr>())
    if (!Activation::get(name))
      return emitOpError() << "unknown activation " << name;
  return success();
}

} // namespace tenon::graph
