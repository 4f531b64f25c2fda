//===- Movement.cpp - Data movement as a change of coordinates ------------===//
#include "tenon/Codegen/Common/Evaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

Value Evaluator::computeMovement(Operation *op, ArrayRef<Coord> coords) {
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](TransposeOp transpose) {
        SmallVector<Coord> source(coords);
        for (auto [i, axis] : llvm::enumerate(transpose.getPerm()))
          source[axis] = coords[i];
        return evaluate(transpose.getX(), source);
      })
      .Case([&](ExpandOp expand) {
        return evaluate(expand.getX(), broadcastCoords(expand.getX(), getDims(tensorOf(expand.getResult())), coords));
      })
      .Case([&](SliceOp slice) {
        SmallVector<Coord> source;
        for (auto [coord, start, step] : llvm::zip_equal(coords, slice.getStarts().getDims(), slice.getSteps()))
          source.push_back(math.add(math.mul(coord, math.constant(step)), math.uniform(kernel.param(start))));
        return evaluate(slice.getX(), source);
      })
      .Case([&](ReshapeOp reshape) { return computeReshape(reshape, coords); })
      .Case([&](ConcatOp concat) { return computeConcat(concat, coords); })
      .Case([&](PadOp pad) { return computePad(pad, coords); })
      .Case([&](GatherOp gather) { return computeGather(gather, coords); })
      .Case([&](RangeOp range) { return computeRange(range, coords[0]); })
      .Case([&](DimsOp dims) { return computeDims(dims, coords); })
      .Default([&](Operation *other) { return kernel.evaluateOther(*this, other, coords); });
}

/// Dimensions are matched from the right into groups of equal products; within a group the row-major index is split
/// anew.
Value Evaluator::computeReshape(ReshapeOp op, ArrayRef<Coord> coords) {
  auto from = getDims(tensorOf(op.getResult())), to = getDims(tensorOf(op.getX()));
  SmallVector<Value> fromExtents = extents(op.getResult()), toExtents = extents(op.getX());
  if (Value buffer = buffers.lookup(op.getX()))
    return load(buffer, math.flatten(coords, fromExtents), tensorOf(op.getX()).getElementType());
  SmallVector<Coord> source(to.size());
  size_t i = from.size(), j = to.size();
  MLIRContext *context = op.getContext();
  while (i > 0 || j > 0) {
    // One group: [i, iEnd) of the result holds the elements of [j, jEnd) of the operand.
    size_t iEnd = i, jEnd = j;
    if (i > 0)
      --i;
    if (j > 0)
      --j;
    auto size = [&](ArrayRef<DimAttr> dims, size_t begin, size_t end) {
      return product(context, dims.slice(begin, end - begin));
    };
    while (size(from, i, iEnd) != size(to, j, jEnd) && (i > 0 || j > 0)) {
      auto a = size(from, i, iEnd).getConstant(), c = size(to, j, jEnd).getConstant();
      bool growFrom = j == 0 || (i > 0 && a && c && *a < *c);
      bool growTo = i == 0 || (j > 0 && a && c && *c < *a);
      if (growFrom || growTo) {
        --(growFrom ? i : j);
        continue;
      }
      i = j = 0; // symbolic products that do not match: one group of all that is left
    }
    Coord flat = math.flatten(coords.slice(i, iEnd - i), ArrayRef<Value>(fromExtents).slice(i, iEnd - i));
    for (size_t k = jEnd; k > j; --k) {
      if (k - 1 == j) {
        source[j] = flat;
        break;
      }
      Value extent = toExtents[k - 1];
      auto like = [&](Value x) { return isa<VectorType>(x.getType()) ? math.splat(extent) : extent; };
      source[k - 1] = math.map(flat, [&](Value x) { return math.rem(x, like(x)); });
      flat = math.map(flat, [&](Value x) { return math.div(x, like(x)); });
    }
  }
  return evaluate(op.getX(), source);
}

Value Evaluator::computeConcat(ConcatOp op, ArrayRef<Coord> coords) {
  size_t axis = op.getAxis();
  Type type = vectorOf(registerType(tensorOf(op.getResult()).getElementType()));
  SmallVector<Value> starts{math.constant(0)};
  for (Value input : op.getInputs())
    starts.push_back(math.add(starts.back(), kernel.param(getDim(tensorOf(input), axis))));
  auto take = [&](size_t i) {
    SmallVector<Coord> source(coords);
    source[axis] = math.add(coords[axis], math.uniform(math.sub(math.constant(0), starts[i])));
    return evaluate(op.getInputs()[i], source);
  };
  // The kernel's loops run over one input at a time (bindPart).
  if (auto part = parts.find(op); part != parts.end())
    return take(part->second);
  if (!coords[axis].isUniform())
    return mixConcat(op, coords, starts);
  std::function<Value(size_t)> from = [&](size_t i) -> Value {
    if (i + 1 == op.getInputs().size())
      return take(i);
    return branch(
        math.less(coords[axis].base, starts[i + 1]), type, [&] { return take(i); }, [&] { return from(i + 1); });
  };
  return from(0);
}

/// Lanes along the axis may come from several inputs: each is read where it is (lanes elsewhere clamped), then
/// selected.
Value Evaluator::mixConcat(ConcatOp op, ArrayRef<Coord> coords, ArrayRef<Value> starts) {
  size_t axis = op.getAxis();
  Type type = registerType(tensorOf(op.getResult()).getElementType());
  Value position = math.toVector(coords[axis]);
  Value result = splatConstant(type, b.getZeroAttr(type));
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    Value extent = kernel.param(getDim(tensorOf(input), axis));
    Value previous = result;
    auto select = [&, input = input, i = i]() -> Value {
      Value own = math.sub(position, math.splat(starts[i])), zero = math.constantLike(own, 0);
      SmallVector<Coord> source(coords);
      Value last = math.splat(math.sub(extent, math.constant(1)));
      source[axis] = {{}, {}, math.max(math.min(own, last), zero), false};
      Value here = math.less(math.sub(zero, math.constantLike(own, 1)), own);
      return math.select(here, evaluate(input, source), previous);
    };
    result = branch(math.less(math.constant(0), extent), vectorOf(type), select, [&] { return previous; });
  }
  return result;
}

/// Where `coord` of the padded tensor lies in x, for reflect and edge; for constant, clamped into x.
Coord Evaluator::padCoord(PadOp op, const Coord &coord, unsigned dim) {
  int64_t begin = op.getBegins()[dim];
  if (begin == 0 && op.getEnds()[dim] == 0)
    return coord;
  Value extent = kernel.param(getDim(tensorOf(op.getX()), dim));
  return math.map(math.add(coord, math.uniform(math.constant(-begin))), [&](Value x) {
    Value zero = math.constantLike(x, 0);
    Value last = math.sub(isa<VectorType>(x.getType()) ? math.splat(extent) : extent, math.constantLike(x, 1));
    if (op.getMode() == "reflect") {
      x = math.max(x, math.sub(zero, x));
      x = math.min(x, math.sub(math.add(last, last), x));
    }
    return math.max(math.min(x, last), zero);
  });
}

Value Evaluator::computePad(PadOp op, ArrayRef<Coord> coords) {
  SmallVector<Coord> source;
  for (auto [i, coord] : llvm::enumerate(coords))
    source.push_back(padCoord(op, coord, i));
  if (op.getMode() != "constant")
    return evaluate(op.getX(), source);
  Type type = registerType(tensorOf(op.getX()).getElementType());
  auto [scalarInside, laneInside] = padInside(op, coords);
  auto outside = [&] { return splat(padValue(op, type)); };
  return branch(
      scalarInside, vectorOf(type),
      [&, laneInside = laneInside] {
        Value x = evaluate(op.getX(), source);
        return laneInside ? math.select(laneInside, x, outside()) : x;
      },
      outside);
}

std::pair<Value, Value> Evaluator::padInside(PadOp op, ArrayRef<Coord> coords) {
  Value scalar = arith::ConstantOp::create(b, math.loc, b.getBoolAttr(true)), lane;
  auto both = [&](Value x, Value y) { return x ? b.createOrFold<arith::AndIOp>(math.loc, x, y) : y; };
  for (auto [i, coord] : llvm::enumerate(coords)) {
    int64_t begin = op.getBegins()[i];
    if (begin == 0 && op.getEnds()[i] == 0)
      continue;
    Value extent = kernel.param(getDim(tensorOf(op.getX()), i));
    Coord moved = math.add(coord, math.uniform(math.constant(-begin)));
    if (moved.isUniform()) {
      scalar = both(scalar, math.less(math.sub(math.constant(0), math.constant(1)), moved.base));
      scalar = both(scalar, math.less(moved.base, extent));
      continue;
    }
    Value x = math.toVector(moved);
    lane = both(lane, math.less(math.constantLike(x, -1), x));
    lane = both(lane, math.less(x, math.splat(extent)));
    // Lanes are clamped into x, so x must not be empty.
    scalar = both(scalar, math.less(math.constant(0), extent));
  }
  return {scalar, lane};
}

Value Evaluator::padValue(PadOp op, Type type) {
  double value = op.getValue().convertToDouble();
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, math.loc, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, math.loc, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value Evaluator::computeGather(GatherOp op, ArrayRef<Coord> coords) {
  size_t axis = op.getAxis(), indexRank = tensorOf(op.getIndices()).getRank();
  ArrayRef<Coord> at = coords.slice(axis, indexRank);
  Value vector = evaluate(op.getIndices(), at);
  Coord picked;
  if (llvm::all_of(at, [](const Coord &c) { return c.isUniform(); }))
    picked = math.uniform(
        arith::IndexCastOp::create(b, math.loc, b.getIndexType(), vector::ExtractOp::create(b, math.loc, vector, 0)));
  else
    picked.each = arith::IndexCastOp::create(b, math.loc, vectorOf(b.getIndexType()), vector);
  Value extent = kernel.param(getDim(tensorOf(op.getX()), axis));
  picked = math.map(picked, [&](Value x) {
    Value n = isa<VectorType>(x.getType()) ? math.splat(extent) : extent, zero = math.constantLike(x, 0);
    x = math.select(math.less(x, zero), math.add(x, n), x);
    return math.max(math.min(x, math.sub(n, math.constantLike(x, 1))), zero);
  });
  SmallVector<Coord> source(coords.take_front(axis));
  source.push_back(picked);
  source.append(coords.begin() + axis + indexRank, coords.end());
  return evaluate(op.getX(), source);
}

Value Evaluator::fromIndex(const Coord &coord, Type elementType) {
  Type i64 = b.getI64Type(), type = registerType(elementType);
  Value wide = arith::IndexCastOp::create(b, math.loc, vectorOf(i64), math.toVector(coord));
  if (isa<FloatType>(type))
    return arith::SIToFPOp::create(b, math.loc, vectorOf(type), wide);
  if (type == i64)
    return wide;
  return arith::TruncIOp::create(b, math.loc, vectorOf(type), wide);
}

Value Evaluator::computeRange(RangeOp op, const Coord &coord) {
  Coord value = math.add(math.mul(coord, math.constant(op.getStep())), math.uniform(kernel.param(op.getStart())));
  return fromIndex(value, tensorOf(op.getResult()).getElementType());
}

Value Evaluator::computeDims(DimsOp op, ArrayRef<Coord> coords) {
  ArrayRef<DimAttr> values = op.getValues().getDims();
  Coord value = math.uniform(kernel.param(values.front()));
  if (!coords.empty())
    for (auto [i, dim] : llvm::enumerate(values.drop_front())) {
      Value at = kernel.param(dim);
      auto pick = [&](Value x, Value position) {
        bool isVector = isa<VectorType>(x.getType());
        return math.select(math.equal(position, math.constantLike(position, i + 1)), isVector ? math.splat(at) : at, x);
      };
      value = coords[0].isUniform() ? math.uniform(pick(value.base, coords[0].base))
                                    : Coord{{}, {}, pick(math.toVector(value), math.toVector(coords[0])), false};
    }
  return fromIndex(value, tensorOf(op.getResult()).getElementType());
}

} // namespace tenon::codegen
