//===- Lstm.cpp - The recurrence of a long short-term memory --------------===//
//
// A work group is one direction of up to 8 rows of the batch, through all time steps. A step multiplies the rows' last
// h by r in blocks of 16 hidden units, all four gates of a block in one register tile, and finishes these units at
// once: gates, cell, output. y_c and y_h hold the states: c is replaced unit by unit, h (which every block of a step
// reads) when the step has ended.
//
// r is packed (format "lstm") as [D, ceil(H / 16), H, 4, 16], padded with zeros; one that is computed at run time is
// packed to scratch memory first.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/Activations.h"
#include "HeavyEmit.h"
#include "SingleOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {
namespace {

/// Rows of a work group: enough to use each packed row of r for several, few enough to share work between threads.
constexpr int64_t groupRows = 8;
/// Elements of a packed row of r: 16 units of 4 gates.
constexpr int64_t packedRow = 4 * vectorWidth;

/// A row in a time step.
struct Row {
  Value n;      ///< its number in the batch
  Value t;      ///< the time it reads and writes
  Value active; ///< i1: not beyond its length; null: always
};

class LstmEmitter {
public:
  LstmEmitter(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target)
      : op(cast<LstmOp>(region.op)), region(region), k(k), b(k.builder()), target(target), hidden(op.getHiddenSize()),
        blocks(llvm::divideCeil(hidden, vectorWidth)), packedSize(blocks * hidden * packedRow) {
    auto dims = getDims(op.getGates().getType());
    steps = k.param(dims[0]);
    rows = k.param(dims[1]);
    rowGroups = ceilDiv(dims[1], groupRows);
    k.setGrid(rowGroups * op.getNumDirections());
    if (auto fixed = dims[1].getConstant(); fixed && *fixed <= groupRows)
      extent.length = *fixed;
    gates = region.buffer(k, op.getGates());
    r = region.buffer(k, op.getR());
    y = region.resultBuffer(k, 0);
    yH = region.resultBuffer(k, 1);
    yC = region.resultBuffer(k, 2);
    for (auto [i, name] : llvm::enumerate(op.getActivations().getAsValueRange<StringAttr>())) {
      activations.push_back(*Activation::get(name));
      activations.back().alpha = op.getAlpha()[i];
      activations.back().beta = op.getBeta()[i];
    }
  }

  void run() {
    bool isPacked = region.formatOf(op.getR()) == "lstm";
    if (!isPacked)
      packed = k.scratch(DimAttr::constant(op.getContext(), packedSize * 4), b.getF32Type());
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
      forLoop(k, first, last, 1, [&](Value n) {
        startState(region.buffer(k, op.getInitialH()), yH, n);
        startState(region.buffer(k, op.getInitialC()), yC, n);
      });
      forLoop(k, k.constant(0), steps, 1, [&](Value s) { emitStep(s); });
    });
  }

private:
  Value row(Value n) { return k.add(k.mul(direction, rows), n); }
  Value select(Value condition, Value x, Value y) {
    return condition ? b.createOrFold<arith::SelectOp>(k.loc(), condition, x, y) : x;
  }
  Value addF(Value x, Value y) { return arith::AddFOp::create(b, k.loc(), x, y); }
  Value mulF(Value x, Value y) { return arith::MulFOp::create(b, k.loc(), x, y); }
  Value splat(double value) {
    auto type = getVectorType(k);
    return arith::ConstantOp::create(b, k.loc(), DenseElementsAttr::get(type, b.getF32FloatAttr(value).getValue()));
  }

  void startState(Value from, Value state, Value n) {
    Value at = mulConstant(k, row(n), hidden);
    if (from)
      copyElements(k, from, at, state, at, k.constant(hidden));
    else
      zeroElements(k, state, at, k.constant(hidden));
  }

  /// r of this direction, [4, H, H], to scratch: element (block, j, gate, lane) is r[gate, block * 16 + lane, j].
  void pack() {
    zeroElements(k, packed, k.constant(0), k.constant(packedSize));
    forLoop(k, k.constant(0), k.constant(4), 1, [&](Value gate) {
      forLoop(k, k.constant(0), k.constant(hidden), 1, [&](Value unit) {
        Value line = k.add(mulConstant(k, k.add(mulConstant(k, direction, 4), gate), hidden), unit);
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

  Row rowAt(Value s, Value n) {
    Row result{n, s, {}};
    Value length = steps;
    if (op.getLengths()) {
      Value stored = memref::LoadOp::create(b, k.loc(), region.buffer(k, op.getLengths()), n);
      length = arith::IndexCastOp::create(b, k.loc(), b.getIndexType(), stored);
      length = minimum(k, maximum(k, length, k.constant(0)), steps);
      result.active = less(k, s, length);
    }
    Value turned = select(result.active, sub(k, addConstant(k, length, -1), s), s);
    if (op.getDirection() == "backward")
      result.t = turned;
    else if (op.getDirection() == "both")
      result.t = select(less(k, k.constant(0), direction), turned, s);
    return result;
  }

  Value outputAt(const Row &at) {
    Value line = k.add(k.mul(at.t, k.constant(op.getNumDirections())), direction);
    return mulConstant(k, k.add(k.mul(line, rows), at.n), hidden);
  }

  void emitStep(Value s) {
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
  void emitBlock(Value s, Value block, Value lanes) {
    const int64_t tileRows = target.tileVectors > 1 ? 4 : 1; // 16 of 32 registers, or 8 of 16, accumulate
    forTiles(k, first, last, extent, tileRows, [&](Value n, int64_t count) {
      RegisterTile tile;
      tile.x = yH;
      tile.xBase = mulConstant(k, row(n), hidden);
      for (int64_t i = 0; i < count; ++i)
        tile.rowOffsets.push_back(k.constant(i * hidden));
      tile.w = packed;
      tile.wBase = k.add(packedBase, mulConstant(k, block, hidden * packedRow));
      tile.vectors = 4;
      tile.loops.push_back({k.constant(0), k.constant(hidden), k.constant(1), packedRow});
      SmallVector<Value> sums = tile.emit(k);
      for (int64_t i = 0; i < count; ++i)
        finishUnits(rowAt(s, addConstant(k, n, i)), block, lanes, ArrayRef<Value>(sums).slice(4 * i, 4));
    });
  }

  Value activate(unsigned i, Value x) {
    double clip = op.getClip().convertToDouble();
    if (clip > 0)
      x = arith::MaximumFOp::create(b, k.loc(), arith::MinimumFOp::create(b, k.loc(), x, splat(clip)), splat(-clip));
    return activations[i].build(b, k.loc(), x);
  }

  /// Adds peephole p times `state`.
  Value withPeephole(Value sum, int64_t p, Value unit, Value lanes, Value state) {
    if (!op.getPeepholes())
      return sum;
    Value at = mulConstant(k, addConstant(k, mulConstant(k, direction, 3), p), hidden);
    return addF(sum, mulF(loadVector(k, region.buffer(k, op.getPeepholes()), k.add(at, unit), lanes), state));
  }

  void finishUnits(const Row &at, Value block, Value lanes, ArrayRef<Value> products) {
    Value unit = mulConstant(k, block, vectorWidth);
    Value line = k.add(mulConstant(k, k.add(k.mul(at.t, rows), at.n), op.getNumDirections()), direction);
    Value gateBase = k.add(mulConstant(k, line, 4 * hidden), unit);
    SmallVector<Value> sums;
    for (auto [gate, sum] : llvm::enumerate(products))
      sums.push_back(addF(sum, loadVector(k, gates, addConstant(k, gateBase, gate * hidden), lanes)));
    Value state = k.add(mulConstant(k, row(at.n), hidden), unit);
    Value old = loadVector(k, yC, state, lanes);
    Value input = activate(0, withPeephole(sums[0], 0, unit, lanes, old));
    Value forget = op.getInputForget() ? Value(arith::SubFOp::create(b, k.loc(), splat(1), input))
                                       : activate(0, withPeephole(sums[2], 2, unit, lanes, old));
    Value cell = addF(mulF(forget, old), mulF(input, activate(1, sums[3])));
    Value output = activate(0, withPeephole(sums[1], 1, unit, lanes, cell));
    Value h = mulF(output, activations[2].build(b, k.loc(), cell));
    storeVector(k, select(at.active, cell, old), yC, state, lanes);
    storeVector(k, select(at.active, h, splat(0)), y, k.add(outputAt(at), unit), lanes);
  }

  LstmOp op;
  const SingleOpRegion &region;
  KernelBuilder &k;
  OpBuilder &b;
  const CpuTarget &target;
  int64_t hidden, blocks, packedSize;
  SmallVector<Activation, 3> activations;
  Value steps, rows, gates, r, y, yH, yC;
  DimAttr rowGroups;
  Extent extent;
  // Of the group.
  Value direction, first, last, packed, packedBase;
};

} // namespace

void emitLstm(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target) {
  LstmEmitter(region, k, target).run();
}

} // namespace tenon::codegen
