//===- GraphInterfaces.td - What passes may ask an operation --------------===//
#ifndef GRAPH_INTERFACES
#define GRAPH_INTERFACES

include "mlir/IR/OpBase.td"

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let description = [{
    One result element from one element of each (broadcast) operand. The single statement of an elementwise op's
    meaning: importer, reference evaluator and code generation all read it.
  }];
  let cppNamespace = "::tenon::graph";
  let methods = [
    InterfaceMethod<[{
      Builds the computation of one element. `operands` are scalars of the operands' element types, or vectors of them,
      all of one shape; the result has the result's element type. Null if the element type is not supported.
    }], "::mlir::Value", "buildScalar",
        (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$operands)>,
    InterfaceMethod<"The value in double precision, for floating-point operands.",
        "double", "evaluateFloat", (ins "::llvm::ArrayRef<double>":$operands)>,
    InterfaceMethod<"The value for integer and boolean operands, before wrapping to the result's width.",
        "int64_t", "evaluateInteger", (ins "::llvm::ArrayRef<int64_t>":$operands)>,
    InterfaceMethod<"The same for unsigned operands.",
        "uint64_t", "evaluateUnsigned", (ins "::llvm::ArrayRef<uint64_t>":$operands)>,
    StaticInterfaceMethod<"The ONNX operator.", "::llvm::StringRef", "getOnnxName", (ins)>,
    StaticInterfaceMethod<"True if integer operands are supported.", "bool", "supportsIntegers", (ins)>,
  ];
}

def ReductionOpInterface : OpInterface<"ReductionOpInterface"> {
  let description = "Folds elements over `getAxes()` with an associative combiner, then maps the total.";
  let cppNamespace = "::tenon::graph";
  let methods = [
    InterfaceMethod<"The neutral element, as a constant attribute of `type` (a scalar type).",
        "::mlir::TypedAttr", "getNeutral", (ins "::mlir::Type":$type)>,
    InterfaceMethod<"Combines one (already mapped) element into the total; scalars or vectors.",
        "::mlir::Value", "buildCombine",
        (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Value":$element, "::mlir::Value":$total)>,
    InterfaceMethod<"True if the total is divided by the number of elements (ReduceMean).", "bool", "isMean", (ins),
        "", "return false;">,
    InterfaceMethod<"The same on doubles.", "double", "evaluateCombine", (ins "double":$element, "double":$total)>,
    StaticInterfaceMethod<"The ONNX operator.", "::llvm::StringRef", "getOnnxName", (ins)>,
    InterfaceMethod<"Reduced axes, sorted, non-negative.", "::llvm::ArrayRef<int64_t>", "getReducedAxes", (ins)>,
    InterfaceMethod<"True if reduced axes stay as extent 1.", "bool", "keepsDims", (ins)>,
  ];
}

def IterationSpaceOpInterface : OpInterface<"IterationSpaceOpInterface"> {
  let description = [{
    The loops of an op and the elements each operand and result is read or written at (the factor rule of Shardy, the
    generic form of linalg). Strategies, FLOP, bytes and fusion legality follow from it.
  }];
  let cppNamespace = "::tenon::graph";
  let methods = [
    InterfaceMethod<"The iteration space.", "::tenon::graph::IterationSpace", "getIterationSpace", (ins)>,
    InterfaceMethod<"Floating-point operations per point of the space.", "double", "getFlopsPerPoint", (ins), "", "return 1;">,
  ];
}

#endif // GRAPH_INTERFACES
