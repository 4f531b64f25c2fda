//===- KernelBuilderBase.cpp - Memory accesses as vector ops --------------===//
#include "tenon/Codegen/Common/KernelBuilderBase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {

static Value zeroOf(OpBuilder &b, Location loc, Type type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

Location KernelBuilderBase::locationOf(Operation *) const { return loc(); }

Value KernelBuilderBase::loadConsecutive(OpBuilder &b, VectorType type, Value buffer, Value offset, Value mask) {
  if (!mask)
    return vector::LoadOp::create(b, loc(), type, buffer, ValueRange{offset});
  return vector::MaskedLoadOp::create(b, loc(), type, buffer, ValueRange{offset}, mask, zeroOf(b, loc(), type));
}

Value KernelBuilderBase::gather(OpBuilder &b, VectorType type, Value buffer, Value base, Value offsets, Value mask) {
  if (!mask) {
    auto bits = type.clone(b.getI1Type());
    mask = arith::ConstantOp::create(b, loc(), DenseElementsAttr::get(bits, b.getBoolAttr(true)));
  }
  return vector::GatherOp::create(b, loc(), type, buffer, ValueRange{base}, offsets, mask, zeroOf(b, loc(), type));
}

void KernelBuilderBase::storeConsecutive(OpBuilder &b, Value vector, Value buffer, Value offset, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(b, loc(), buffer, ValueRange{offset}, mask, vector);
  else
    vector::StoreOp::create(b, loc(), vector, buffer, ValueRange{offset});
}

void KernelBuilderBase::prefetch(OpBuilder &b, Value buffer, Value offset) {
  memref::PrefetchOp::create(b, loc(), buffer, ValueRange{offset},
                             /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

Value KernelBuilderBase::evaluateOther(Evaluator &, Operation *, ArrayRef<Coord>) {
  llvm_unreachable("the target's test of a region admits only what it evaluates");
}

} // namespace tenon::codegen
