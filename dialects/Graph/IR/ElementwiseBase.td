//===- ElementwiseBase.td - What a row of an elementwise operator makes ---===//
//
// A row states an operator once: mnemonic, ONNX name, formula for people, the code that builds its scalar or vector
// form for floats and for integers ("" = not defined), and the reference value over T = double, int64_t or uint64_t.
// In the code: b, loc, x, y, z; `isUnsigned`, of the last operand's integers; `splat(b, loc, x, c)` is the constant c
// shaped like x. Vectors and scalars alike: no function that LLVM would call from a library.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_ELEMENTWISE_BASE
#define GRAPH_ELEMENTWISE_BASE

include "Graph/IR/GraphOpBase.td"

class Graph_Elementwise<string mnemonic, string onnx, int arity, string formula, string floatBody, string intBody,
                        string reference, string resultType = "">
    : Graph_Op<mnemonic, [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>,
                          DeclareOpInterfaceMethods<IterationSpaceOpInterface>,
                          DeclareOpInterfaceMethods<ElementwiseOpInterface>]> {
  let summary = onnx # ": " # formula;
  let description = "y = " # formula # ", elementwise; operands broadcast as in ONNX.  ONNX: " # onnx;
  let results = (outs AnyRankedTensor:$result);
  let hasFolder = 1;
  string operandNames = !if(!eq(arity, 1), "x", !if(!eq(arity, 2), "x, y", "x, y, z"));
  string unpack = "[[maybe_unused]] auto x = operands[0];" # !if(!gt(arity, 1), " [[maybe_unused]] auto y = operands[1];", "") #
                  !if(!gt(arity, 2), " [[maybe_unused]] auto z = operands[2];", "");
  let extraClassDefinition = [{
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &b, ::mlir::Location loc, ::mlir::ValueRange operands) {
      using namespace ::mlir;
      [[maybe_unused]] bool isUnsigned = hasUnsignedElements(getOperation()->getOperands().back());
      }] # unpack # [{
      if (isFloatLike(operands.back()))
        return }] # !if(!eq(floatBody, ""), "{}", floatBody) # [{;
      return }] # !if(!eq(intBody, ""), "{}", intBody) # [{;
    }
    double $cppClass::evaluateFloat(::llvm::ArrayRef<double> operands) {
      using T = double;
      (void)sizeof(T);
      }] # unpack # [{
      return }] # reference # [{;
    }
    int64_t $cppClass::evaluateInteger(::llvm::ArrayRef<int64_t> operands) {
      using T = int64_t;
      (void)sizeof(T);
      }] # unpack # [{
      return }] # !if(!eq(intBody, ""), "0", reference) # [{;
    }
    uint64_t $cppClass::evaluateUnsigned(::llvm::ArrayRef<uint64_t> operands) {
      using T = uint64_t;
      (void)sizeof(T);
      }] # unpack # [{
      return }] # !if(!eq(intBody, ""), "0", reference) # [{;
    }
    ::llvm::StringRef $cppClass::getOnnxName() { return "}] # onnx # [{"; }
    bool $cppClass::supportsIntegers() { return }] # !if(!eq(intBody, ""), "false", "true") # [{; }
    ::tenon::graph::IterationSpace $cppClass::getIterationSpace() { return getElementwiseSpace(*this); }
    ::mlir::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, std::optional<::mlir::Location> loc, ::mlir::ValueRange operands,
        ::mlir::DictionaryAttr, ::mlir::OpaqueProperties, ::mlir::RegionRange,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferElementwise(loc, operands, "}] # resultType # [{", types);
    }
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor) { return foldElementwise(*this); }
  }];
}

class Graph_Unary<string mnemonic, string onnx, string formula, string floatBody, string intBody, string reference,
                  string resultType = "">
    : Graph_Elementwise<mnemonic, onnx, 1, formula, floatBody, intBody, reference, resultType> {
  let arguments = (ins AnyRankedTensor:$x);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
}

class Graph_Binary<string mnemonic, string onnx, string formula, string floatBody, string intBody, string reference,
                   string resultType = "">
    : Graph_Elementwise<mnemonic, onnx, 2, formula, floatBody, intBody, reference, resultType> {
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$y);
  let assemblyFormat = "$x `,` $y attr-dict `:` `(` type($x) `,` type($y) `)` `->` type($result)";
}

#endif // GRAPH_ELEMENTWISE_BASE
