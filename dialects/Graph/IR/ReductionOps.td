//===- ReductionOps.td - Reductions: one row each -------------------------===//
#ifndef GRAPH_REDUCTION_OPS
#define GRAPH_REDUCTION_OPS

include "Graph/IR/GraphOpBase.td"

class Graph_Reduce<string mnemonic, string onnx, string formula, string neutral, string floatBody, string intBody,
                   string reference, bit mean = 0>
    : Graph_InferredOp<mnemonic, [DeclareOpInterfaceMethods<IterationSpaceOpInterface>,
                                  DeclareOpInterfaceMethods<ReductionOpInterface, ["isMean"]>]> {
  let summary = onnx # ": " # formula # " over axes";
  let description = formula # [{ over `axes` (sorted, non-negative); each becomes 1 with `keepdims`, else disappears.
    An empty list of axes leaves x as it is (the importer resolves "all axes").  C1 axes are sorted, unique and below the rank.  ONNX: }] # onnx;
  let arguments = (ins AnyRankedTensor:$x, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::mlir::TypedAttr $cppClass::getNeutral(::mlir::Type type) { return makeNeutral(type, }] # neutral # [{); }
    ::mlir::Value $cppClass::buildCombine(::mlir::OpBuilder &b, ::mlir::Location loc, ::mlir::Value x, ::mlir::Value y) {
      using namespace ::mlir;
      if (isFloatLike(x))
        return }] # floatBody # [{;
      return }] # intBody # [{;
    }
    bool $cppClass::isMean() { return }] # !if(mean, "true", "false") # [{; }
    double $cppClass::evaluateCombine(double x, double y) { return }] # reference # [{; }
    ::llvm::StringRef $cppClass::getOnnxName() { return "}] # onnx # [{"; }
    ::llvm::ArrayRef<int64_t> $cppClass::getReducedAxes() { return getAxes(); }
    bool $cppClass::keepsDims() { return getKeepdims(); }
    ::mlir::LogicalResult $cppClass::verify() { return verifyReduction(*this); }
    ::tenon::graph::IterationSpace $cppClass::getIterationSpace() { return getReductionSpace(*this); }
    ::mlir::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context, std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferReduction(loc, adaptor.getX().getType(), adaptor.getAxes(), adaptor.getKeepdims(), types);
    }
  }];
}

def ReduceSumOp : Graph_Reduce<"reduce_sum", "ReduceSum", "sum", "Neutral::Zero", "arith::AddFOp::create(b, loc, x, y)", "arith::AddIOp::create(b, loc, x, y)", "x + y">;
def ReduceMeanOp : Graph_Reduce<"reduce_mean", "ReduceMean", "mean", "Neutral::Zero", "arith::AddFOp::create(b, loc, x, y)", "arith::AddIOp::create(b, loc, x, y)", "x + y", 1>;
def ReduceProdOp : Graph_Reduce<"reduce_prod", "ReduceProd", "product", "Neutral::One", "arith::MulFOp::create(b, loc, x, y)", "arith::MulIOp::create(b, loc, x, y)", "x * y">;
def ReduceMaxOp : Graph_Reduce<"reduce_max", "ReduceMax", "maximum", "Neutral::Lowest", "buildMaximum(b, loc, x, y)", "arith::MaxSIOp::create(b, loc, x, y)", "x != x || x > y ? x : y">;
def ReduceMinOp : Graph_Reduce<"reduce_min", "ReduceMin", "minimum", "Neutral::Highest", "buildMinimum(b, loc, x, y)", "arith::MinSIOp::create(b, loc, x, y)", "x != x || x < y ? x : y">;

def CumSumOp : Graph_InferredOp<"cumsum"> {
  let summary = "Running sums along an axis";
  let description = [{
    y[i] = x[0] + .. + x[i] along `axis`; from the other end with `reverse`; without x[i] itself with `exclusive`.
    C1 0 <= axis < rank.  ONNX: CumSum-14 with a constant axis.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$axis, BoolAttr:$exclusive, BoolAttr:$reverse);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

#endif // GRAPH_REDUCTION_OPS
