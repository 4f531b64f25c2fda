//===- Scalarize.cpp - Vectors of one lane as scalars ---------------------===//
#include "Simplify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::codegen::cuda {

/// T for vector<1xT>, and for memories of it; null for other types.
static Type toScalar(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() == 1 ? vector.getElementType() : Type();
  auto memory = dyn_cast<MemRefType>(type);
  Type element = memory ? toScalar(memory.getElementType()) : Type();
  return element ? Type(MemRefType::Builder(memory).setElementType(element)) : Type();
}

static void retype(Value value) {
  if (Type scalar = toScalar(value.getType()))
    value.setType(scalar);
}

/// The scalar form of an op on vectors of one lane; null where only its types change.
static Value replacement(Operation *op) {
  OpBuilder b(op);
  return TypeSwitch<Operation *, Value>(op)
      .Case<vector::BroadcastOp, vector::ExtractOp, vector::FromElementsOp>([&](Operation *move) {
        Value source = move->getOperand(0);
        return source.getType() == move->getResult(0).getType() ? source : Value();
      })
      .Case([&](vector::LoadOp load) -> Value {
        if (isa<VectorType>(load.getResult().getType()))
          return {};
        return memref::LoadOp::create(b, load.getLoc(), load.getBase(), load.getIndices());
      })
      .Default([](Operation *) { return Value(); });
}

static void scalarizeConstant(arith::ConstantOp constant) {
  auto dense = dyn_cast<SplatElementsAttr>(constant.getValue());
  if (dense && toScalar(dense.getType()))
    constant.setValueAttr(cast<TypedAttr>(dense.getSplatValue<Attribute>()));
}

void scalarizeKernel(func::FuncOp kernel) {
  kernel.walk([](Operation *op) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      scalarizeConstant(constant);
    llvm::for_each(op->getResults(), retype);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), retype);
  });
  SmallVector<Operation *> replaced;
  kernel.walk([&](Operation *op) {
    if (auto store = dyn_cast<vector::StoreOp>(op); store && !isa<VectorType>(store.getValueToStore().getType())) {
      OpBuilder b(op);
      memref::StoreOp::create(b, op->getLoc(), store.getValueToStore(), store.getBase(), store.getIndices());
      replaced.push_back(op);
    } else if (Value value = op->getNumResults() == 1 ? replacement(op) : Value()) {
      op->getResult(0).replaceAllUsesWith(value);
      replaced.push_back(op);
    }
  });
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
  Block &body = kernel.getBody().front();
  kernel.setType(
      FunctionType::get(kernel.getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
}

} // namespace tenon::codegen::cuda
