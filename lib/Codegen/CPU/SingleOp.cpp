//===- SingleOp.cpp - Kernels of one op that fuses with nothing -----------===//
#include "SingleOp.h"

#include "Graph/IR/GruOp.h"
#include "Graph/IR/SpecialOps.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/Common/Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

static Type elementTypeOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

bool hasAttentionKernel(AttentionOp op) {
  auto isFixed = [](RankedTensorType type) { return !type.isDynamicDim(3) && type.getDimSize(3) > 0; };
  return elementTypeOf(op.getQ()).isF32() && isFixed(op.getQ().getType()) && isFixed(op.getV().getType());
}

static bool hasStrategy(Operation *op) {
  auto isF32 = [](Value v) { return !v || elementTypeOf(v).isF32(); };
  auto isNumber = [](Value v) {
    Type type = elementTypeOf(v);
    return type.isF32() || type.isF64() || (isa<IntegerType>(type) && !type.isInteger(1));
  };
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](LstmOp lstm) {
        return isF32(lstm.getGates()) && lstm.getR().getType().hasStaticShape() && lstm.getHiddenSize() > 0;
      })
      .Case([&](GruOp gru) {
        return isF32(gru.getGates()) && cast<RankedTensorType>(gru.getR().getType()).hasStaticShape() &&
               gru.getHiddenSize() > 0;
      })
      .Case([&](AttentionOp attention) { return hasAttentionKernel(attention); })
      .Case<CumSumOp, CumProdOp>([&](Operation *running) { return isNumber(running->getOperand(0)); })
      .Case([&](ScatterOp scatter) {
        return isNumber(scatter.getX()) ||
               (scatter.getReduction() == "none" && elementTypeOf(scatter.getX()).isInteger(1));
      })
      .Case([&](TopKOp top) { return isNumber(top.getX()); })
      .Case([&](DetOp det) { return isNumber(det.getX()); }) // of floats: its verifier
      .Case([&](DftOp) { return true; })
      .Default([](Operation *) { return false; });
}

std::optional<SingleOpRegion> SingleOpRegion::match(DispatchOp dispatch) {
  Block &block = dispatch.getBody().front();
  Operation &op = block.front();
  if (op.getNextNode() != block.getTerminator() || !hasStrategy(&op) ||
      !llvm::all_of(op.getOperands(), [](Value v) { return isa<BlockArgument>(v); }) ||
      block.getTerminator()->getOperands() != ValueRange(op.getResults()))
    return std::nullopt;
  return SingleOpRegion{dispatch, &op};
}

SmallVector<Type> SingleOpRegion::bufferTypes() const {
  SmallVector<Type> types;
  for (Type type : llvm::concat<const Type>(dispatch->getOperandTypes(), dispatch->getResultTypes()))
    types.push_back(cast<RankedTensorType>(type).getElementType());
  return types;
}

Value SingleOpRegion::buffer(KernelBuilder &k, Value operand) const {
  return operand ? k.buffer(cast<BlockArgument>(operand).getArgNumber()) : Value();
}

Value SingleOpRegion::resultBuffer(KernelBuilder &k, unsigned i) const {
  return k.buffer(dispatch.getInputs().size() + i);
}

StringRef SingleOpRegion::formatOf(Value operand) const {
  ArrayAttr formats = dispatch.getFormatsAttr();
  return formats ? cast<StringAttr>(formats[cast<BlockArgument>(operand).getArgNumber()]).getValue() : StringRef();
}

KernelInfo emitSingleOp(const SingleOpRegion &region, StringRef name, const CpuTarget &target, ModuleOp kernels) {
  SmallVector<Type> elementTypes = region.bufferTypes(), memoryTypes;
  for (Type type : elementTypes)
    memoryTypes.push_back(registerType(type));
  KernelBuilder k(kernels, name, memoryTypes);
  TypeSwitch<Operation *>(region.op)
      .Case([&](LstmOp) { emitLstm(region, k, target); })
      .Case([&](GruOp) { emitGru(region, k, target); })
      .Case([&](AttentionOp) { emitAttention(region, k, target); })
      .Case<CumSumOp, CumProdOp>([&](Operation *) { emitCumulative(region, k); })
      .Case([&](ScatterOp) { emitScatter(region, k); })
      .Case([&](TopKOp) { emitTopK(region, k); })
      .Case([&](DetOp) { emitDeterminant(region, k); })
      .Case([&](DftOp) { emitDft(region, k); });
  KernelInfo info = k.finish();
  info.bufferTypes = elementTypes;
  return info;
}

} // namespace tenon::codegen
