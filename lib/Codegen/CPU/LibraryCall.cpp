//===- LibraryCall.cpp - Kernels that call a function of the runtime ------===//
//
// What would be a poor loop nest. Their parameters are listed in lib/Runtime/Functions/Functions.h.
//
//===----------------------------------------------------------------------===//
#include "SingleOp.h"

#include "Graph/IR/SpecialOps.h"
#include "tenon/Plan/ElementType.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

/// The number of an element type with a strategy: f32, f64, or integers of whole bytes.
static int64_t numberOf(Type type) {
  if (type.isF32() || type.isF64())
    return int64_t(type.isF32() ? ElementType::F32 : ElementType::F64);
  auto first = type.isUnsignedInteger() ? ElementType::U8 : ElementType::I8;
  return int64_t(first) + llvm::Log2_32(type.getIntOrFloatBitWidth() / 8);
}

void emitTopK(const SingleOpRegion &region, KernelBuilder &k) {
  auto op = cast<TopKOp>(region.op);
  MLIRContext *context = op.getContext();
  auto type = op.getX().getType();
  auto dims = getDims(type);
  ArrayRef<DimAttr> all = dims;
  auto number = [&](int64_t value) { return DimAttr::constant(context, value); };
  DimAttr inner = product(context, all.drop_front(op.getAxis() + 1));
  k.setGrid(product(context, all.take_front(op.getAxis())) * inner);
  k.callLibrary(
      "tenon_top_k",
      {dims[op.getAxis()], inner, op.getK(), number(numberOf(type.getElementType())), number(op.getLargest())},
      op.getK() * 16);
}

void emitDeterminant(const SingleOpRegion &region, KernelBuilder &k) {
  auto op = cast<DetOp>(region.op);
  auto type = op.getX().getType();
  DimAttr m = getDims(type).back();
  k.setGrid(product(op.getContext(), getDims(op.getResult().getType())));
  k.callLibrary("tenon_determinant", {m, DimAttr::constant(op.getContext(), numberOf(type.getElementType()))},
                m * m * 8);
}

void emitDft(const SingleOpRegion &region, KernelBuilder &k) {
  auto op = cast<DftOp>(region.op);
  MLIRContext *context = op.getContext();
  auto x = op.getX().getType();
  auto dims = getDims(x), results = getDims(op.getResult().getType());
  auto number = [&](int64_t value) { return DimAttr::constant(context, value); };
  const size_t axis = op.getAxis();
  ArrayRef<DimAttr> all = dims;
  DimAttr inner = product(context, all.slice(axis + 1).drop_back());
  k.setGrid(product(context, all.take_front(axis)) * inner);
  k.callLibrary("tenon_fourier",
                {dims[axis], inner, op.getLength(), results[axis], dims.back(), results.back(), number(op.getInverse()),
                 number(numberOf(x.getElementType()))},
                op.getLength() * (36 * x.getElementTypeBitWidth() / 8));
}

} // namespace tenon::codegen
