//===- StructureOps.td - Dispatch regions ---------------------------------===//
#ifndef GRAPH_STRUCTURE_OPS
#define GRAPH_STRUCTURE_OPS

include "Graph/IR/GraphOpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def DispatchOp : Graph_Op<"dispatch", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "Graph ops that become one kernel";
  let description = [{
    The block's arguments are the operands, its graph.yield gives the results. `formats[i]`, where not empty, says that
    operand i, a constant, is handed to the kernel packed (codegen's WeightPacking lists the formats); its type stays the
    logical one.

    ```mlir
    %y = graph.dispatch(%x, %w) {
    ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>):
      %0 = graph.matmul %a, %b : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
      %1 = graph.relu %0 : tensor<4x2xf32> -> tensor<4x2xf32>
      graph.yield %1 : tensor<4x2xf32>
    } : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, OptionalAttr<StrArrayAttr>:$formats);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $inputs `)` $body attr-dict `:` functional-type($inputs, $results)";
  let hasVerifier = 1;
}

def YieldOp : Graph_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["DispatchOp"]>]> {
  let summary = "The results of a dispatch region";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif // GRAPH_STRUCTURE_OPS
