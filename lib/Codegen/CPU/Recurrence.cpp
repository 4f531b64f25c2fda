//===- Recurrence.cpp - What recurrences over time share -------------------===//
#include "Recurrence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

/// Rows of a work group: enough to use each packed row of r for several, few enough to share work between threads.
constexpr int64_t groupRows = 8;

RecurrenceEmitter::RecurrenceEmitter(const SingleOpRegion &region, const RecurrenceOperands &operands, KernelBuilder &k,
                                     const CpuTarget &target)
    : region(region), k(k), b(k.builder()), operands(operands), target(target) {
  auto dims = getDims(cast<RankedTensorType>(operands.gates.getType()));
  ArrayRef<int64_t> shape = cast<RankedTensorType>(operands.gates.getType()).getShape();
  directions = shape[2];
  gateCount = shape[3];
  hidden = shape[4];
  blocks = llvm::divideCeil(hidden, vectorWidth);
  packedRow = gateCount * vectorWidth;
  packedSize = blocks * hidden * packedRow;
  steps = k.param(dims[0]);
  rows = k.param(dims[1]);
  rowGroups = ceilDiv(dims[1], groupRows);
  k.setGrid(rowGroups * directions);
  if (auto fixed = dims[1].getConstant(); fixed && *fixed <= groupRows)
    extent.length = *fixed;
  gates = region.buffer(k, operands.gates);
  r = region.buffer(k, operands.r);
  y = region.resultBuffer(k, 0);
  yH = region.resultBuffer(k, 1);
  for (auto [i, name] : llvm::enumerate(operands.activations.getAsValueRange<StringAttr>())) {
    activations.push_back(*Activation::get(name));
    activations.back().alpha = operands.alpha[i];
    activations.back().beta = operands.beta[i];
  }
}

void RecurrenceEmitter::run() {
  bool isPacked = region.formatOf(operands.r) == "lstm";
  if (!isPacked)
    packed = k.scratch(DimAttr::constant(b.getContext(), packedSize * 4), b.getF32Type());
  forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
    Value perDirection = k.param(rowGroups);
    direction = divide(k, group, perDirection);
    first = mulConstant(k, remainder(k, group, perDirection), groupRows);
    last = minimum(k, addConstant(k, first, groupRows), rows);
    if (isPacked)
      packed = r;
    else
      pack();
    packedBase = isPacked ? mulConstant(k, direction, packedSize) : k.constant(0);
    forLoop(k, first, last, 1, [&](Value n) { startRow(n); });
    forLoop(k, k.constant(0), steps, 1, [&](Value s) { emitStep(s); });
  });
}

Value RecurrenceEmitter::select(Value condition, Value x, Value y) {
  return condition ? b.createOrFold<arith::SelectOp>(k.loc(), condition, x, y) : x;
}
Value RecurrenceEmitter::addF(Value x, Value y) { return arith::AddFOp::create(b, k.loc(), x, y); }
Value RecurrenceEmitter::subF(Value x, Value y) { return arith::SubFOp::create(b, k.loc(), x, y); }
Value RecurrenceEmitter::mulF(Value x, Value y) { return arith::MulFOp::create(b, k.loc(), x, y); }
Value RecurrenceEmitter::splat(double value) {
  auto type = getVectorType(k);
  return arith::ConstantOp::create(b, k.loc(), DenseElementsAttr::get(type, b.getF32FloatAttr(value).getValue()));
}

Value RecurrenceEmitter::activate(unsigned i, Value x) {
  if (double clip = operands.clip; clip > 0)
    x = arith::MaximumFOp::create(b, k.loc(), arith::MinimumFOp::create(b, k.loc(), x, splat(clip)), splat(-clip));
  return activations[i].build(b, k.loc(), x);
}

void RecurrenceEmitter::startState(Value from, Value state, Value n) {
  Value at = mulConstant(k, row(n), hidden);
  if (from)
    copyElements(k, from, at, state, at, k.constant(hidden));
  else
    zeroElements(k, state, at, k.constant(hidden));
}

/// r of this direction, [gates, H, H], to scratch: element (block, j, gate, lane) is r[gate, block * 16 + lane, j].
void RecurrenceEmitter::pack() {
  zeroElements(k, packed, k.constant(0), k.constant(packedSize));
  forLoop(k, k.constant(0), k.constant(gateCount), 1, [&](Value gate) {
    forLoop(k, k.constant(0), k.constant(hidden), 1, [&](Value unit) {
      Value line = k.add(mulConstant(k, k.add(mulConstant(k, direction, gateCount), gate), hidden), unit);
      Value from = mulConstant(k, line, hidden);
      Value block = divide(k, unit, k.constant(vectorWidth)), lane = remainder(k, unit, k.constant(vectorWidth));
      Value to = k.add(k.add(mulConstant(k, block, hidden * packedRow), mulConstant(k, gate, vectorWidth)), lane);
      forLoop(k, k.constant(0), k.constant(hidden), 1, [&](Value j) {
        Value element = memref::LoadOp::create(b, k.loc(), r, k.add(from, j));
        memref::StoreOp::create(b, k.loc(), element, packed, k.add(to, mulConstant(k, j, packedRow)));
      });
    });
  });
}

RecurrenceEmitter::Row RecurrenceEmitter::rowAt(Value s, Value n) {
  Row result{n, s, {}};
  Value length = steps;
  if (operands.lengths) {
    Value stored = memref::LoadOp::create(b, k.loc(), region.buffer(k, operands.lengths), n);
    length = arith::IndexCastOp::create(b, k.loc(), b.getIndexType(), stored);
    length = minimum(k, maximum(k, length, k.constant(0)), steps);
    result.active = less(k, s, length);
  }
  Value turned = select(result.active, sub(k, addConstant(k, length, -1), s), s);
  if (operands.direction == "backward")
    result.t = turned;
  else if (operands.direction == "both")
    result.t = select(less(k, k.constant(0), direction), turned, s);
  return result;
}

Value RecurrenceEmitter::outputAt(const Row &at) {
  Value line = k.add(mulConstant(k, at.t, directions), direction);
  return mulConstant(k, k.add(k.mul(line, rows), at.n), hidden);
}

void RecurrenceEmitter::storeOutput(const Row &at, Value unit, Value h, Value lanes) {
  storeVector(k, select(at.active, h, splat(0)), y, k.add(outputAt(at), unit), lanes);
}

void RecurrenceEmitter::emitStep(Value s) {
  const int64_t whole = hidden / vectorWidth, tail = hidden % vectorWidth;
  forLoop(k, k.constant(0), k.constant(whole), 1, [&](Value block) { emitBlock(s, block, {}); });
  if (tail)
    emitBlock(s, k.constant(whole), k.constant(tail));
  forLoop(k, first, last, 1, [&](Value n) {
    Row at = rowAt(s, n);
    auto keep = [&] { copyElements(k, y, outputAt(at), yH, mulConstant(k, row(n), hidden), k.constant(hidden)); };
    if (at.active)
      ifThenElse(k, at.active, keep);
    else
      keep();
  });
}

/// All rows, 16 units.
void RecurrenceEmitter::emitBlock(Value s, Value block, Value lanes) {
  const int64_t tileRows = target.tileVectors > 1 ? 4 : 1; // at most 16 of 32 registers, or 8 of 16, accumulate
  forTiles(k, first, last, extent, tileRows, [&](Value n, int64_t count) {
    RegisterTile tile;
    tile.x = yH;
    tile.xBase = mulConstant(k, row(n), hidden);
    for (int64_t i = 0; i < count; ++i)
      tile.rowOffsets.push_back(k.constant(i * hidden));
    tile.w = packed;
    tile.wBase = k.add(packedBase, mulConstant(k, block, hidden * packedRow));
    tile.vectors = gateCount;
    tile.loops.push_back({k.constant(0), k.constant(hidden), k.constant(1), packedRow});
    SmallVector<Value> sums = tile.emit(k);
    for (int64_t i = 0; i < count; ++i)
      finishRow(rowAt(s, addConstant(k, n, i)), block, lanes, ArrayRef<Value>(sums).slice(gateCount * i, gateCount));
  });
}

void RecurrenceEmitter::finishRow(const Row &at, Value block, Value lanes, ArrayRef<Value> products) {
  Value unit = mulConstant(k, block, vectorWidth);
  Value line = k.add(mulConstant(k, k.add(k.mul(at.t, rows), at.n), directions), direction);
  Value gateBase = k.add(mulConstant(k, line, gateCount * hidden), unit);
  SmallVector<Value> parts;
  for (int64_t gate = 0; gate < gateCount; ++gate)
    parts.push_back(loadVector(k, gates, addConstant(k, gateBase, gate * hidden), lanes));
  finishUnits(at, unit, k.add(mulConstant(k, row(at.n), hidden), unit), lanes, products, parts);
}

} // namespace tenon::codegen
