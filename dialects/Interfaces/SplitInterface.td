//===- SplitInterface.td - How an op can be split over ranks ----------------===//
//
// Apart from GraphInterfaces.td, as only the partition asks it.
//
//===----------------------------------------------------------------------===//
#ifndef SPLIT_INTERFACE
#define SPLIT_INTERFACE

include "mlir/IR/OpBase.td"

def SplitOpInterface : OpInterface<"SplitOpInterface"> {
  let description = [{
    How an op can be split over ranks, where that does not follow from its iteration space, and its local form where that
    is not the same op on smaller tensors. Ask `getSplitRule` and `createLocal` of Graph/IR/SplitRules.h, which know the
    other ops too.
  }];
  let cppNamespace = "::tenon::graph";
  let methods = [
    InterfaceMethod<"The loops that may be split, and the dimensions that they run over.",
        "::tenon::graph::SplitRule", "getSplitRule", (ins)>,
    InterfaceMethod<[{
      The part of the op that computes `part`, with operands that are the parts which the rule asks for. Results have the
      types `types`.
    }], "::mlir::SmallVector<::mlir::Value>", "createLocalPart",
        (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands, "::mlir::TypeRange":$types,
             "const ::tenon::graph::LocalPart &":$part), "",
        "return ::tenon::graph::cloneLocal(builder, $_op, operands, types);">,
  ];
}

#endif // SPLIT_INTERFACE
