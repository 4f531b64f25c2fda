//===- Gru.cpp - The recurrence of a gated recurrent unit ------------------===//
//
// Update, reset and candidate of 16 units at once (Recurrence.h).
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/GruOp.h"
#include "Recurrence.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {
namespace {

RecurrenceOperands operandsOf(GruOp op) {
  return {op.getGates(), op.getR(),    op.getLengths(),     op.getDirection(),
          op.getAlpha(), op.getBeta(), op.getActivations(), op.getClip().convertToDouble()};
}

class GruEmitter : public RecurrenceEmitter {
public:
  GruEmitter(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target)
      : RecurrenceEmitter(region, operandsOf(cast<GruOp>(region.op)), k, target), op(cast<GruOp>(region.op)) {}

private:
  void startRow(Value n) override { startState(region.buffer(k, op.getInitialH()), yH, n); }

  void finishUnits(const Row &at, Value unit, Value state, Value lanes, ArrayRef<Value> products,
                   ArrayRef<Value> parts) override {
    Value old = loadVector(k, yH, state, lanes), recurrent = products[2];
    if (op.getBias())
      recurrent = addF(recurrent, loadVector(k, region.buffer(k, op.getBias()),
                                             k.add(mulConstant(k, direction, hidden), unit), lanes));
    Value update = activate(0, addF(products[0], parts[0]));
    Value reset = activate(0, addF(products[1], parts[1]));
    Value candidate = activate(1, addF(parts[2], mulF(reset, recurrent)));
    storeOutput(at, unit, addF(candidate, mulF(update, subF(old, candidate))), lanes);
  }

  GruOp op;
};

} // namespace

void emitGru(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target) {
  GruEmitter(region, k, target).run();
}

} // namespace tenon::codegen
