//===- Expressions.h - Arithmetic of graph ops ----------------------------===//
//
// For ops that are made of others. Elementwise operands broadcast and have one element type.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_IR_EXPRESSIONS_H
#define GRAPH_IR_EXPRESSIONS_H

#include "Graph/IR/GraphOps.h"
#include "Graph/IR/ScalarAttribute.h"

namespace tenon::graph {

/// Builds ops at the insertion point of `b`.
struct Expressions {
  mlir::OpBuilder &b;
  mlir::Location loc;

  using Value = mlir::Value;
  static mlir::RankedTensorType typeOf(Value v) { return mlir::cast<mlir::RankedTensorType>(v.getType()); }
  static mlir::Type elementOf(Value v) { return typeOf(v).getElementType(); }
  static mlir::SmallVector<DimAttr> dimsOf(Value v) { return getDims(typeOf(v)); }

  mlir::Type integer(unsigned width) { return b.getIntegerType(width); }
  mlir::Type u8() { return mlir::IntegerType::get(b.getContext(), 8, mlir::IntegerType::Unsigned); }
  mlir::Type f32() { return b.getF32Type(); }
  DimAttr dim(int64_t value) { return DimAttr::constant(b.getContext(), value); }
  mlir::DenseI64ArrayAttr ints(mlir::ArrayRef<int64_t> values) { return b.getDenseI64ArrayAttr(values); }

  template <typename Op, typename... Args>
  Value make(Args &&...args) {
    return Op::create(b, loc, std::forward<Args>(args)...);
  }
  /// A number of the element type of `x`.
  Value like(Value x, double value) { return make<ConstantOp>(scalarAttribute(elementOf(x), value)); }
  Value add(Value x, Value y) { return make<AddOp>(x, y); }
  Value sub(Value x, Value y) { return make<SubOp>(x, y); }
  Value mul(Value x, Value y) { return make<MulOp>(x, y); }
  Value div(Value x, Value y) { return make<DivOp>(x, y); }
  Value add(Value x, double y) { return add(x, like(x, y)); }
  Value sub(Value x, double y) { return sub(x, like(x, y)); }
  Value mul(Value x, double y) { return mul(x, like(x, y)); }
  Value min(Value x, double y) { return make<MinOp>(x, like(x, y)); }
  Value max(Value x, double y) { return make<MaxOp>(x, like(x, y)); }
  Value less(Value x, Value y) { return make<LessOp>(x, y); }
  Value less(Value x, double y) { return less(x, like(x, y)); }
  Value equal(Value x, double y) { return make<EqualOp>(x, like(x, y)); }
  Value both(Value x, Value y) { return make<AndOp>(x, y); }
  Value either(Value x, Value y) { return make<OrOp>(x, y); }
  Value select(Value condition, Value x, Value y) { return make<WhereOp>(mlir::ValueRange{condition, x, y}); }
  Value bitsAnd(Value x, int64_t mask) { return make<BitAndOp>(x, like(x, double(mask))); }
  Value shiftLeft(Value x, int bits) { return make<BitShiftOp>(x, like(x, bits), b.getBoolAttr(true)); }
  Value shiftRight(Value x, int bits) { return make<BitShiftOp>(x, like(x, bits), b.getBoolAttr(false)); }

  Value cast(Value x, mlir::Type element) {
    return elementOf(x) == element ? x : make<CastOp>(getTensorType(dimsOf(x), element), x);
  }
  Value reshape(Value x, mlir::ArrayRef<DimAttr> dims) {
    auto type = getTensorType(dims, elementOf(x));
    return type == x.getType() ? x : make<ReshapeOp>(type, x);
  }
  Value transpose(Value x, mlir::ArrayRef<int64_t> perm) { return make<TransposeOp>(x, ints(perm)); }
  Value expand(Value x, mlir::ArrayRef<DimAttr> dims) { return make<ExpandOp>(getTensorType(dims, elementOf(x)), x); }
  /// `count` elements from `start` on along `axis`.
  Value slice(Value x, int64_t axis, DimAttr start, DimAttr count) {
    auto dims = dimsOf(x);
    mlir::SmallVector<DimAttr> starts(dims.size(), dim(0));
    starts[axis] = start;
    dims[axis] = count;
    auto type = getTensorType(dims, elementOf(x));
    if (type == x.getType())
      return x;
    mlir::SmallVector<int64_t> steps(dims.size(), 1);
    return make<SliceOp>(type, x, ShapeAttr::get(b.getContext(), starts), ints(steps));
  }
};

} // namespace tenon::graph

#endif // GRAPH_IR_EXPRESSIONS_H
