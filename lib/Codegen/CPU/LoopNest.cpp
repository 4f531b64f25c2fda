//===- LoopNest.cpp - The loops around an evaluator -----------------------===//
#include "LoopNest.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

GroupShape GroupShape::get(MLIRContext *context, ArrayRef<DimAttr> dims, int64_t elements) {
  GroupShape shape;
  DimAttr one = DimAttr::constant(context, 1);
  shape.columns = dims.empty() ? one : dims.back();
  shape.rows = dims.empty() ? one : product(context, dims.drop_back());
  shape.columnsPerGroup = std::max<int64_t>(elements / 64, 1) * 64;
  shape.rowsPerGroup = max(floorDiv(DimAttr::constant(context, shape.columnsPerGroup), max(shape.columns, one)), one);
  shape.columnGroups = ceilDiv(shape.columns, shape.columnsPerGroup);
  shape.groups = ceilDiv(shape.rows, shape.rowsPerGroup) * shape.columnGroups;
  return shape;
}

/// The coordinates of row `row` of the dimensions `extents`.
static SmallVector<Value> delinearize(const IndexMath &math, Value row, ArrayRef<Value> extents) {
  SmallVector<Value> coords(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    coords[i] = i == 0 ? row : math.rem(row, extents[i]);
    if (i > 0)
      row = math.div(row, extents[i]);
  }
  return coords;
}

/// The coordinates of the next row.
static SmallVector<Value> increment(const IndexMath &math, ValueRange coords, ArrayRef<Value> extents) {
  SmallVector<Value> next(coords);
  Value one = math.constant(1), zero = math.constant(0), carry;
  for (size_t i = coords.size(); i-- > 0;) {
    Value moved = math.add(coords[i], one);
    if (carry)
      moved = math.select(carry, moved, coords[i]);
    if (i == 0) {
      next[i] = moved;
      break;
    }
    carry = math.equal(moved, extents[i]);
    next[i] = math.select(carry, zero, moved);
  }
  return next;
}

static scf::ForOp openLoop(const IndexMath &math, Value from, Value to, Value step, ValueRange carried = {}) {
  auto loop = scf::ForOp::create(math.b, math.loc, from, to, step, carried);
  math.b.setInsertionPointToStart(loop.getBody());
  return loop;
}

static void closeLoop(const IndexMath &math, scf::ForOp loop, ValueRange carried = {}) {
  if (loop.getNumResults() > 0)
    scf::YieldOp::create(math.b, math.loc, carried);
  math.b.setInsertionPointAfter(loop);
}

void forEachRow(KernelBuilder &kernel, const IndexMath &math, ArrayRef<DimAttr> dims, const GroupShape &shape,
                DimAttr first, RowFn fn) {
  Value zero = math.constant(0), one = math.constant(1);
  Value offset = kernel.param(first);
  Value from = math.sub(math.max(kernel.begin(), offset), offset);
  Value to = math.sub(math.min(kernel.end(), math.add(offset, kernel.param(shape.groups))), offset);
  auto groups = openLoop(math, from, to, one);
  Value group = groups.getInductionVar(), rowGroup = group, column = zero, columns = kernel.param(shape.columns);
  Value columnsEnd = columns;
  auto fixedColumns = shape.columns.getConstant();
  if (!fixedColumns || *fixedColumns > shape.columnsPerGroup) {
    Value columnGroups = kernel.param(shape.columnGroups), step = math.constant(shape.columnsPerGroup);
    rowGroup = math.div(group, columnGroups);
    column = math.mul(math.rem(group, columnGroups), step);
    columnsEnd = math.min(math.add(column, step), columns);
  }
  if (dims.size() < 2) {
    fn({}, column, columnsEnd);
  } else {
    SmallVector<Value> extents;
    for (DimAttr dim : dims.drop_back())
      extents.push_back(kernel.param(dim));
    Value rowsPerGroup = kernel.param(shape.rowsPerGroup);
    Value row = math.mul(rowGroup, rowsPerGroup);
    Value last = math.min(math.add(row, rowsPerGroup), kernel.param(shape.rows));
    auto rows = openLoop(math, row, last, one, delinearize(math, row, extents));
    fn(SmallVector<Value>(rows.getRegionIterArgs()), column, columnsEnd);
    closeLoop(math, rows, increment(math, rows.getRegionIterArgs(), extents));
  }
  closeLoop(math, groups);
}

/// Short rows of known length: no loop at all.
static SmallVector<Value> unrolledVectors(const IndexMath &math, int64_t from, int64_t to, unsigned unroll,
                                          ValueRange carried, VectorFn fn) {
  SmallVector<Value> values(carried);
  size_t perSlot = values.size() / unroll;
  unsigned slot = 0;
  for (int64_t j = from; j < to; j += math.width, slot = (slot + 1) % unroll) {
    Value lanes = to - j < math.width ? math.constant(to - j) : Value();
    auto mine = MutableArrayRef<Value>(values).slice(slot * perSlot, perSlot);
    llvm::copy(fn(math.constant(j), lanes, mine), mine.begin());
  }
  return values;
}

SmallVector<Value> forEachVector(const IndexMath &math, Value from, Value to, unsigned unroll, ValueRange carried,
                                 VectorFn fn) {
  auto fixedFrom = getConstantIntValue(from), fixedTo = getConstantIntValue(to);
  if (fixedFrom && fixedTo && *fixedTo - *fixedFrom <= 8 * math.width)
    return unrolledVectors(math, *fixedFrom, *fixedTo, unroll, carried, fn);
  SmallVector<Value> values(carried);
  size_t perSlot = values.size() / unroll;
  Value width = math.constant(math.width), block = math.constant(math.width * unroll);
  Value middle = math.add(from, math.mul(math.div(math.sub(to, from), block), block));
  auto main = openLoop(math, from, middle, block, values);
  SmallVector<Value> next;
  for (unsigned u = 0; u < unroll; ++u) {
    Value j = math.add(main.getInductionVar(), math.constant(u * math.width));
    next.append(fn(j, {}, main.getRegionIterArgs().slice(u * perSlot, perSlot)));
  }
  closeLoop(math, main, next);
  llvm::copy(main.getResults(), values.begin());
  if (fixedFrom && fixedTo && (*fixedTo - *fixedFrom) % (math.width * unroll) == 0)
    return values;
  auto rest = openLoop(math, middle, to, width, ValueRange(values).take_front(perSlot));
  Value j = rest.getInductionVar();
  closeLoop(math, rest, fn(j, math.min(math.sub(to, j), width), rest.getRegionIterArgs()));
  llvm::copy(rest.getResults(), values.begin());
  return values;
}

void forEachVector(const IndexMath &math, Value from, Value to, unsigned unroll, function_ref<void(Value, Value)> fn) {
  forEachVector(math, from, to, unroll, {}, [&](Value j, Value lanes, ValueRange) {
    fn(j, lanes);
    return SmallVector<Value>();
  });
}

} // namespace tenon::codegen
