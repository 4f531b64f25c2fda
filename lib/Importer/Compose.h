//===- Compose.h - Expressions of graph ops --------------------------------===//
//
// For operators that are made of others. A null operand makes a null result: its error was emitted already.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_COMPOSE_H
#define TENON_IMPORTER_COMPOSE_H

#include "NodeImporter.h"

namespace tenon::importer {

/// Builds ops of a node. Elementwise operands broadcast and have one element type.
struct Compose {
  NodeImporter &n;

  template <typename OpTy, typename... Values>
  Value make(Values... operands) {
    return (... && operands) ? n.create<OpTy>(operands...) : Value();
  }
  Value add(Value x, Value y) { return make<graph::AddOp>(x, y); }
  Value sub(Value x, Value y) { return make<graph::SubOp>(x, y); }
  Value mul(Value x, Value y) { return make<graph::MulOp>(x, y); }
  Value div(Value x, Value y) { return make<graph::DivOp>(x, y); }
  Value min(Value x, Value y) { return make<graph::MinOp>(x, y); }
  Value max(Value x, Value y) { return make<graph::MaxOp>(x, y); }
  Value both(Value x, Value y) { return make<graph::AndOp>(x, y); }
  Value less(Value x, Value y) { return make<graph::LessOp>(x, y); }
  Value equal(Value x, Value y) { return make<graph::EqualOp>(x, y); }
  Value select(Value condition, Value x, Value y) { return make<graph::WhereOp>(condition, x, y); }
  Value add(Value x, double y) { return add(x, like(x, y)); }
  Value sub(Value x, double y) { return sub(x, like(x, y)); }
  Value mul(Value x, double y) { return mul(x, like(x, y)); }
  Value div(Value x, double y) { return div(x, like(x, y)); }
  Value max(Value x, double y) { return max(x, like(x, y)); }
  Value min(Value x, double y) { return min(x, like(x, y)); }
  Value less(Value x, double y) { return less(x, like(x, y)); }
  Value equal(Value x, double y) { return equal(x, like(x, y)); }
  Value atLeast(Value x, Value y) { return make<graph::GreaterOrEqualOp>(x, y); }
  Value floor(Value x) { return make<graph::FloorOp>(x); }
  /// e^x - 1 for x <= 0, as exact near 0 as elsewhere.
  Value expm1(Value x);
  /// ln(1 + e^x), as exact where it is near 0 as elsewhere, and without overflow.
  Value softplus(Value x);
  /// low <= x <= high
  Value clamp(Value x, Value low, Value high) { return max(min(x, high), low); }

  mlir::Type i64() const { return mlir::IntegerType::get(n.context, 64); }
  mlir::Type f32() const { return mlir::Float32Type::get(n.context); }
  /// A number of the element type of `x`.
  Value like(Value x, double value) { return x ? n.scalar(typeOf(x).getElementType(), value) : Value(); }
  /// An extent as a number.
  Value extent(DimAttr value, mlir::Type elementType);
  /// 0, 1, .. below `count` along dimension `axis` of `rank`; the other extents are 1.
  Value iota(DimAttr count, mlir::Type elementType, int64_t rank, int64_t axis);

  Value reshape(Value x, ArrayRef<DimAttr> dims) { return n.reshape(x, dims); }
  Value cast(Value x, mlir::Type type) { return n.cast(x, type); }
  Value transpose(Value x, ArrayRef<int64_t> perm);
  Value expand(Value x, ArrayRef<DimAttr> dims);
  /// `count` elements from `start` on along `axis`, every step-th.
  Value slice(Value x, int64_t axis, DimAttr start, DimAttr count, int64_t step = 1);
  /// Element `index` along `axis`, which disappears.
  Value pick(Value x, int64_t axis, int64_t index);
  template <typename OpTy>
  Value reduce(Value x, ArrayRef<int64_t> axes, bool keepsDims = true) {
    return x ? n.create<OpTy>(x, axes, keepsDims) : Value();
  }
  /// x[.., index, ..] along `axis`, where `index` has the rank of x and broadcasts with it but for that axis:
  /// y[i0, .., ia, ..] = x[i0, .., index[i0, .., ia, ..], ..] for the dims of `index` (1 stands for x's extent where
  /// `broadcasts`). Negative indices count from the end.
  Value gatherAlong(Value x, Value index, int64_t axis, bool broadcasts = false);
  /// Elements of x at a flat row-major index of any shape.
  Value gatherFlat(Value x, Value index);
  /// Whether 0 <= index < count.
  Value isInside(Value index, DimAttr count);
  /// Weights of the four taps around a position `fraction` behind the second, of the cubic with coefficient `a`.
  SmallVector<Value> cubicWeights(Value fraction, double a);
  /// `values` along a new dimension `axis`. At least one.
  Value stack(ArrayRef<Value> values, int64_t axis);
  /// An index that may be negative, made to count from the start.
  Value wrap(Value index, DimAttr count);
};

} // namespace tenon::importer

#endif // TENON_IMPORTER_COMPOSE_H
