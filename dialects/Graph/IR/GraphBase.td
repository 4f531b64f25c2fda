//===- GraphBase.td - The graph dialect -----------------------------------===//
#ifndef GRAPH_BASE
#define GRAPH_BASE

include "mlir/IR/OpBase.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::tenon::graph";
  let summary = "ONNX operators on tensors with value semantics, at one normalised opset";
  let description = [{
    Names and meanings are ONNX's; the importer resolves old opsets, defaults and auto_pad. Every dimension of every
    tensor is a constant or an expression over named symbols (`#graph.shape`).
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    // Each defined in the .cpp file of its category.
    void registerAttentionOps();
    void registerContractionOps();
    void registerDataMovementOps();
    void registerUnaryOps();
    void registerBinaryOps();
    void registerNormalizationOps();
    void registerRecurrentOps();
    void registerReductionOps();
    void registerStructureOps();
    void registerWindowOps();
  }];
}

#endif // GRAPH_BASE
