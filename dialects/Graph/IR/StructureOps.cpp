//===- StructureOps.cpp - Rules of dispatch regions -----------------------===//
#include "Graph/IR/CollectiveOps.h"
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/StructureOps.cpp.inc"

void tenon::graph::GraphDialect::registerStructureOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/StructureOps.cpp.inc"
      >();
  addOperations<AllReduceOp, AllGatherOp, ReduceScatterOp, AllToAllOp, SendOp, ReceiveOp>();
}

namespace tenon::graph {

LogicalResult DispatchOp::verify() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError() << "block arguments must have the types of the inputs";
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getValues().getTypes() != getResults().getTypes())
    return emitOpError() << "must end in graph.yield of its results";
  if (getFormats() && getFormats()->size() != getInputs().size())
    return emitOpError() << "formats must have " << getInputs().size() << " entries, got " << getFormats()->size();
  return success();
}

} // namespace tenon::graph
