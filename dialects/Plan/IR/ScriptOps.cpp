//===- ScriptOps.cpp - Ops of scripts -------------------------------------===//
#include "Plan/IR/PlanOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "tenon/Plan/ScriptForms.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::plan_ir;

static size_t countResults(Region &region) { return region.front().getTerminator()->getNumOperands(); }

/// Blocks end in a yield of `results` values and take `arguments`.
static LogicalResult verifyBlock(Operation *op, Region &region, size_t arguments, size_t results) {
  Block &block = region.front();
  if (block.getNumArguments() != arguments)
    return op->emitOpError() << "has a block of " << block.getNumArguments() << " arguments, expected " << arguments;
  if (block.empty() || !isa<YieldOp>(block.back()))
    return op->emitOpError() << "has a block that does not end in plan.yield";
  if (countResults(region) != results)
    return op->emitOpError() << "has a block of " << countResults(region) << " results, expected " << results;
  return success();
}

LogicalResult ScriptOp::verify() { // C1, C2
  return verifyBlock(*this, getBody(), getInputs().size(), getOutputs().size());
}

LogicalResult CallOp::verify() {
  if (getRead().size() != getIndices().size() || getRead().size() != getElements().size())
    return emitOpError() << "has " << getRead().size() << " values to read, but " << getIndices().size()
                         << " indices and " << getElements().size() << " kinds";
  Operation *callee = SymbolTable::lookupNearestSymbolFrom((*this)->getParentOfType<ModuleOp>(), getCalleeAttr());
  if (!callee) // C1
    return emitOpError() << "function " << getCallee() << " is not defined";
  size_t arguments = 0, results = 0;
  if (auto function = dyn_cast<FunctionOpInterface>(callee)) {
    arguments = function.getNumArguments();
    results = function.getNumResults();
  } else if (auto program = dyn_cast<ProgramOp>(callee)) {
    arguments = size_t(llvm::range_size(program.getOps<InputOp>()));
    results = size_t(llvm::range_size(program.getOps<OutputOp>()));
  }
  if (arguments != getArguments().size() + !getRead().empty() || results != getNumResults())
    return emitOpError() << "does not fit the " << arguments << " arguments and " << results << " results of "
                         << getCallee();
  return success();
}

LogicalResult HostOp::verify() {
  auto op = plan::findHostOp(getOp());
  if (!op) // C1
    return emitOpError() << "there is no operator " << getOp();
  plan::HostOpForm form = plan::formOf(*op);
  const size_t operands = getArguments().size();
  if (operands < form.minInputs || operands > form.maxInputs || getNumbers().size() != form.attributes ||
      getNumResults() != form.results)
    return emitOpError() << getOp() << " does not take " << operands << " operands and " << getNumbers().size()
                         << " numbers for " << getNumResults() << " results";
  return success();
}

LogicalResult BranchOp::verify() {
  if (failed(verifyBlock(*this, getOnTrue(), 0, getNumResults())))
    return failure();
  return verifyBlock(*this, getOnFalse(), 0, getNumResults());
}

LogicalResult RepeatOp::verify() {
  if (getNumResults() != getCarried().size() + getStacked().size())
    return emitOpError() << "has " << getNumResults() << " results";
  return verifyBlock(*this, getBody(), getCarried().size() + 2, getNumResults() + 1);
}
