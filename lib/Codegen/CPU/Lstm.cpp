//===- Lstm.cpp - The recurrence of a long short-term memory --------------===//
//
// Gates, cell and output of 16 units at once (Recurrence.h). y_c holds the state c, which is replaced unit by unit.
//
//===----------------------------------------------------------------------===//
#include "Recurrence.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {
namespace {

RecurrenceOperands operandsOf(LstmOp op) {
  return {op.getGates(), op.getR(),    op.getLengths(),     op.getDirection(),
          op.getAlpha(), op.getBeta(), op.getActivations(), op.getClip().convertToDouble()};
}

class LstmEmitter : public RecurrenceEmitter {
public:
  LstmEmitter(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target)
      : RecurrenceEmitter(region, operandsOf(cast<LstmOp>(region.op)), k, target), op(cast<LstmOp>(region.op)),
        yC(region.resultBuffer(k, 2)) {}

private:
  void startRow(Value n) override {
    startState(region.buffer(k, op.getInitialH()), yH, n);
    startState(region.buffer(k, op.getInitialC()), yC, n);
  }

  /// Adds peephole p times `state`.
  Value withPeephole(Value sum, int64_t p, Value unit, Value lanes, Value state) {
    if (!op.getPeepholes())
      return sum;
    Value at = mulConstant(k, addConstant(k, mulConstant(k, direction, 3), p), hidden);
    return addF(sum, mulF(loadVector(k, region.buffer(k, op.getPeepholes()), k.add(at, unit), lanes), state));
  }

  void finishUnits(const Row &at, Value unit, Value state, Value lanes, ArrayRef<Value> products,
                   ArrayRef<Value> parts) override {
    SmallVector<Value> sums;
    for (auto [product, part] : llvm::zip_equal(products, parts))
      sums.push_back(addF(product, part));
    Value old = loadVector(k, yC, state, lanes);
    Value input = activate(0, withPeephole(sums[0], 0, unit, lanes, old));
    Value forget =
        op.getInputForget() ? subF(splat(1), input) : activate(0, withPeephole(sums[2], 2, unit, lanes, old));
    Value cell = addF(mulF(forget, old), mulF(input, activate(1, sums[3])));
    Value output = activate(0, withPeephole(sums[1], 1, unit, lanes, cell));
    Value h = mulF(output, activations[2].build(b, k.loc(), cell));
    storeVector(k, select(at.active, cell, old), yC, state, lanes);
    storeOutput(at, unit, h, lanes);
  }

  LstmOp op;
  Value yC;
};

} // namespace

void emitLstm(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target) {
  LstmEmitter(region, k, target).run();
}

} // namespace tenon::codegen
