//===- PrintControl.cpp - Text of scf, gpu and func ops -------------------===//
#include "../CudaKernelBuilder.h"
#include "CudaPrinter.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::codegen::cuda {

static StringRef reductionName(gpu::AllReduceOperation kind) {
  switch (kind) {
  case gpu::AllReduceOperation::ADD:
    return "Sum";
  case gpu::AllReduceOperation::MUL:
    return "Product";
  case gpu::AllReduceOperation::MAXSI:
  case gpu::AllReduceOperation::MAXUI:
  case gpu::AllReduceOperation::MAXIMUMF:
  case gpu::AllReduceOperation::MAXNUMF:
    return "Max";
  case gpu::AllReduceOperation::MINSI:
  case gpu::AllReduceOperation::MINUI:
  case gpu::AllReduceOperation::MINIMUMF:
  case gpu::AllReduceOperation::MINNUMF:
    return "Min";
  default:
    return "";
  }
}

std::optional<Expression> CudaPrinter::buildGpu(Operation *op) {
  auto special = [&](StringRef name, gpu::Dimension dimension) {
    return Expression{elementName(IndexType::get(op->getContext())) + "(" + name.str() + "." +
                      gpu::stringifyDimension(dimension).str() + ")"};
  };
  return TypeSwitch<Operation *, std::optional<Expression>>(op)
      .Case([&](gpu::ThreadIdOp id) { return special("threadIdx", id.getDimension()); })
      .Case([&](gpu::BlockIdOp id) { return special("blockIdx", id.getDimension()); })
      .Case([&](gpu::BlockDimOp size) { return special("blockDim", size.getDimension()); })
      .Case([&](gpu::GridDimOp size) { return special("gridDim", size.getDimension()); })
      .Case([&](gpu::AllReduceOp reduce) {
        return buildCall(("block" + reductionName(*reduce.getOp())).str(), reduce.getValue());
      })
      .Case([&](gpu::SubgroupReduceOp reduce) {
        StringRef name = reductionName(reduce.getOp());
        if (auto width = reduce.getClusterSize())
          return Expression{"warpReduce<" + std::to_string(*width) + ">(" + text(reduce.getValue()) + ", " +
                            name.str() + "())"};
        return buildCall(("warp" + name).str(), reduce.getValue());
      })
      .Default([](Operation *) { return std::nullopt; });
}

/// Statements; false for other ops.
bool CudaPrinter::printControl(Operation &op) {
  return TypeSwitch<Operation *, bool>(&op)
      .Case([&](scf::ForOp loop) { return printFor(loop), true; })
      .Case([&](scf::IfOp conditional) { return printIf(conditional), true; })
      .Case([&](scf::YieldOp yield) { return printYield(yield), true; })
      .Case([&](gpu::BarrierOp) { return line("__syncthreads();"), true; })
      .Case([&](func::ReturnOp end) {
        if (end.getNumOperands() > 0)
          line("return " + text(end.getOperand(0)) + ";");
        return true;
      })
      .Default([](Operation *) { return false; });
}

/// True if `init` is carried by the loop around this one, which does nothing with it but pass it on: nested loops then
/// share the variable.
static bool passesOn(Value init, Value result) {
  auto outer = dyn_cast<BlockArgument>(init);
  auto loop = outer ? dyn_cast<scf::ForOp>(outer.getOwner()->getParentOp()) : scf::ForOp();
  if (!loop || outer == loop.getInductionVar() || !init.hasOneUse() || !result.hasOneUse())
    return false;
  OpOperand &use = *result.use_begin();
  return isa<scf::YieldOp>(use.getOwner()) && use.getOwner()->getParentOp() == loop &&
         use.getOperandNumber() + 1 == outer.getArgNumber();
}

/// Carried values are variables of the enclosing block, shared by argument, result and yield.
void CudaPrinter::printFor(scf::ForOp loop) {
  for (auto [init, argument, result] :
       llvm::zip_equal(loop.getInitArgs(), loop.getRegionIterArgs(), loop.getResults())) {
    if (passesOn(init, result)) {
      named[argument] = named[result] = named[init];
      continue;
    }
    std::string name = nameFor(argument);
    line(typeName(init.getType()) + " " + name + " = " + text(init) + ";");
    named[argument] = named[result] = name;
  }
  static constexpr StringLiteral counters[] = {"i", "j", "k", "p", "q", "r", "s", "t"};
  Value variable = loop.getInductionVar();
  StringRef hint = getNameHint(variable.getLoc());
  bool ownHint = hint.consume_front("for:");
  std::string name = names.unique(ownHint ? hint : StringRef(counters[std::min<size_t>(loops, 7)]));
  named[variable] = name;
  if (loop->hasAttr(unrollAttr))
    line("#pragma unroll");
  std::string step =
      getConstantIntValue(loop.getStep()) == 1 ? "++" + name : name + " += " + text(loop.getStep(), Binding::Ternary);
  open("for (" + elementName(variable.getType()) + " " + name + " = " + text(loop.getLowerBound()) + "; " + name +
       " < " + text(loop.getUpperBound(), Binding::Shift) + "; " + step + ")");
  ++loops;
  printBlock(*loop.getBody());
  --loops;
  close();
}

void CudaPrinter::printIf(scf::IfOp op) {
  for (Value result : op.getResults()) {
    named[result] = nameFor(result);
    line(typeName(result.getType()) + " " + named[result] + ";");
  }
  open("if (" + text(op.getCondition()) + ")");
  printBlock(*op.thenBlock());
  bool isEmpty = !op.elseBlock() || (llvm::hasSingleElement(*op.elseBlock()) && op.getNumResults() == 0);
  if (!isEmpty) {
    --depth;
    line("} else {");
    ++depth;
    printBlock(*op.elseBlock());
  }
  close();
}

void CudaPrinter::printYield(scf::YieldOp yield) {
  Operation *parent = yield->getParentOp();
  SmallVector<std::pair<std::string, std::string>> moves;
  for (auto [result, value] : llvm::zip_equal(parent->getResults(), yield.getOperands())) {
    std::string right = text(value);
    if (right != named[result])
      moves.push_back({named[result], right});
  }
  // All right-hand sides are read before the first variable changes.
  bool isParallel = moves.size() > 1 && isa<scf::ForOp>(parent);
  if (isParallel)
    for (auto [i, move] : llvm::enumerate(moves)) {
      Type type = parent->getResult(0).getType();
      for (Value result : parent->getResults())
        if (named[result] == move.first)
          type = result.getType();
      std::string next = names.unique("next_" + move.first);
      line("const " + typeName(type) + " " + next + " = " + move.second + ";");
      move.second = next;
    }
  if (isParallel || moves.size() != 1) {
    for (auto &[left, right] : moves)
      line(left + " = " + right + ";");
    return;
  }
  for (auto [result, value] : llvm::zip_equal(parent->getResults(), yield.getOperands()))
    if (named[result] == moves[0].first)
      line(assignment(moves[0].first, value, moves[0].second));
}

} // namespace tenon::codegen::cuda
