//===- GraphOpBase.td - What all graph operations share -------------------===//
#ifndef GRAPH_OP_BASE
#define GRAPH_OP_BASE

include "Graph/IR/GraphAttributes.td"
include "Interfaces/GraphInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Graph_Op<string mnemonic, list<Trait> traits = []> : Op<Graph_Dialect, mnemonic, traits>;

/// An op whose result type follows from operands and attributes: define `inferReturnTypes(context, loc, adaptor, types)`.
class Graph_InferredOp<string mnemonic, list<Trait> traits = []>
    : Graph_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)>;

#endif // GRAPH_OP_BASE
