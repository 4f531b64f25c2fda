//===- ElementwiseOps.td - Elementwise operators: one row each ------------===//
//
// A row states an operator once: mnemonic, ONNX name, formula for people, the code that builds its scalar or vector
// form for floats and for integers ("" = not defined), and the reference value over T = double, int64_t or uint64_t.
// In the code: b, loc, x, y, z; `isUnsigned`, of the last operand's integers; `splat(b, loc, x, c)` is the constant c
// shaped like x. Vectors and scalars alike: no function that LLVM would call from a library.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_ELEMENTWISE_OPS
#define GRAPH_ELEMENTWISE_OPS

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

// ---- unary ----
def AbsOp : Graph_Unary<"abs", "Abs", "|x|", "math::AbsFOp::create(b, loc, x)", "isUnsigned ? x : math::AbsIOp::create(b, loc, x)", "x < 0 ? -x : x">;
def NegOp : Graph_Unary<"neg", "Neg", "-x", "arith::NegFOp::create(b, loc, x)", "arith::SubIOp::create(b, loc, splat(b, loc, x, 0), x)", "-x">;
def ExpOp : Graph_Unary<"exp", "Exp", "e^x", "math::ExpOp::create(b, loc, x)", "", "std::exp(x)">;
def LogOp : Graph_Unary<"log", "Log", "ln x", "math::LogOp::create(b, loc, x)", "", "std::log(x)">;
def SqrtOp : Graph_Unary<"sqrt", "Sqrt", "sqrt(x)", "math::SqrtOp::create(b, loc, x)", "", "std::sqrt(x)">;
def ReciprocalOp : Graph_Unary<"reciprocal", "Reciprocal", "1 / x", "arith::DivFOp::create(b, loc, splat(b, loc, x, 1), x)", "", "1.0 / x">;
def ErfOp : Graph_Unary<"erf", "Erf", "erf(x)", "math::ErfOp::create(b, loc, x)", "", "std::erf(x)">;
def TanhOp : Graph_Unary<"tanh", "Tanh", "tanh(x)", "math::TanhOp::create(b, loc, x)", "", "std::tanh(x)">;
def SinOp : Graph_Unary<"sin", "Sin", "sin(x)", "math::SinOp::create(b, loc, x)", "", "std::sin(x)">;
def CosOp : Graph_Unary<"cos", "Cos", "cos(x)", "math::CosOp::create(b, loc, x)", "", "std::cos(x)">;
def TanOp : Graph_Unary<"tan", "Tan", "tan(x)", "math::TanOp::create(b, loc, x)", "", "std::tan(x)">;
def AsinOp : Graph_Unary<"asin", "Asin", "asin(x)", "math::AsinOp::create(b, loc, x)", "", "std::asin(x)">;
def AcosOp : Graph_Unary<"acos", "Acos", "acos(x)", "math::AcosOp::create(b, loc, x)", "", "std::acos(x)">;
def AtanOp : Graph_Unary<"atan", "Atan", "atan(x)", "math::AtanOp::create(b, loc, x)", "", "std::atan(x)">;
def SinhOp : Graph_Unary<"sinh", "Sinh", "sinh(x)", "buildSinh(b, loc, x)", "", "std::sinh(x)">;
def CoshOp : Graph_Unary<"cosh", "Cosh", "cosh(x)", "buildCosh(b, loc, x)", "", "std::cosh(x)">;
def AsinhOp : Graph_Unary<"asinh", "Asinh", "asinh(x)", "buildAsinh(b, loc, x)", "", "std::asinh(x)">;
def AcoshOp : Graph_Unary<"acosh", "Acosh", "acosh(x)", "buildAcosh(b, loc, x)", "", "std::acosh(x)">;
def AtanhOp : Graph_Unary<"atanh", "Atanh", "atanh(x)", "buildAtanh(b, loc, x)", "", "std::atanh(x)">;
def FloorOp : Graph_Unary<"floor", "Floor", "floor(x)", "math::FloorOp::create(b, loc, x)", "", "std::floor(x)">;
def CeilOp : Graph_Unary<"ceil", "Ceil", "ceil(x)", "math::CeilOp::create(b, loc, x)", "", "std::ceil(x)">;
def RoundOp : Graph_Unary<"round", "Round", "x rounded to nearest, ties to even", "math::RoundEvenOp::create(b, loc, x)", "", "std::nearbyint(x)">;
def ReluOp : Graph_Unary<"relu", "Relu", "max(x, 0), NaN stays", "buildMaximum(b, loc, x, splat(b, loc, x, 0))", "isUnsigned ? x : arith::MaxSIOp::create(b, loc, x, splat(b, loc, x, 0))", "x < 0 ? T(0) : x">;
def SigmoidOp : Graph_Unary<"sigmoid", "Sigmoid", "1 / (1 + e^-x)", "buildSigmoid(b, loc, x)", "", "1.0 / (1.0 + std::exp(-x))">;
def SignOp : Graph_Unary<"sign", "Sign", "-1, 0 or 1 as x is negative, 0 or positive", "buildSign(b, loc, x, isUnsigned)", "buildSign(b, loc, x, isUnsigned)", "T(x > 0) - T(x < 0)">;
def IsNaNOp : Graph_Unary<"is_nan", "IsNaN", "x is not a number", "arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x)", "", "T(x != x)", "bool">;
def IsInfOp : Graph_Unary<"is_inf", "IsInf", "x is infinite, of a sign that is asked for", "buildIsInf(b, loc, x, getDetectNegative(), getDetectPositive())", "", "T(std::isinf(x) && (x < 0 ? getDetectNegative() : getDetectPositive()))", "bool"> {
  let arguments = (ins AnyRankedTensor:$x, BoolAttr:$detect_negative, BoolAttr:$detect_positive);
}
def BitNotOp : Graph_Unary<"bit_not", "BitwiseNot", "every bit of x inverted", "", "arith::XOrIOp::create(b, loc, x, splat(b, loc, x, -1))", "T(~static_cast<uint64_t>(x))">;
def NotOp : Graph_Unary<"not", "Not", "logical not x", "", "arith::XOrIOp::create(b, loc, x, splat(b, loc, x, 1))", "T(!x)">;
def HardSigmoidOp : Graph_Unary<"hard_sigmoid", "HardSigmoid", "max(0, min(1, alpha * x + beta))", "buildHardSigmoid(b, loc, x, getAlpha().convertToDouble(), getBeta().convertToDouble())", "", "std::max(0.0, std::min(1.0, getAlpha().convertToDouble() * x + getBeta().convertToDouble()))"> {
  let arguments = (ins AnyRankedTensor:$x, F64Attr:$alpha, F64Attr:$beta);
}
def LeakyReluOp : Graph_Unary<"leaky_relu", "LeakyRelu", "x < 0 ? alpha * x : x", "buildLeakyRelu(b, loc, x, getAlpha().convertToDouble())", "", "x < 0 ? getAlpha().convertToDouble() * x : x"> {
  let arguments = (ins AnyRankedTensor:$x, F64Attr:$alpha);
}

// ---- binary ----
def AddOp : Graph_Binary<"add", "Add", "x + y", "arith::AddFOp::create(b, loc, x, y)", "arith::AddIOp::create(b, loc, x, y)", "x + y">;
def SubOp : Graph_Binary<"sub", "Sub", "x - y", "arith::SubFOp::create(b, loc, x, y)", "arith::SubIOp::create(b, loc, x, y)", "x - y">;
def MulOp : Graph_Binary<"mul", "Mul", "x * y", "arith::MulFOp::create(b, loc, x, y)", "arith::MulIOp::create(b, loc, x, y)", "x * y">;
def DivOp : Graph_Binary<"div", "Div", "x / y, integers truncate", "arith::DivFOp::create(b, loc, x, y)", "buildDivide(b, loc, x, y, isUnsigned)", "referenceDivide<T>(x, y)">;
def PowOp : Graph_Binary<"pow", "Pow", "x ^ y, integers wrap", "buildPower(b, loc, x, y)", "buildIntegerPower(b, loc, x, y, isUnsigned)", "referencePower<T>(x, y)">;
def MinOp : Graph_Binary<"min", "Min", "min(x, y), NaN if either is", "buildMinimum(b, loc, x, y)", "buildIntegerMinimum(b, loc, x, y, isUnsigned)", "y != y || y < x ? y : x">;
def MaxOp : Graph_Binary<"max", "Max", "max(x, y), NaN if either is", "buildMaximum(b, loc, x, y)", "buildIntegerMaximum(b, loc, x, y, isUnsigned)", "y != y || y > x ? y : x">;
def AndOp : Graph_Binary<"and", "And", "x and y", "", "arith::AndIOp::create(b, loc, x, y)", "T(x && y)">;
def OrOp : Graph_Binary<"or", "Or", "x or y", "", "arith::OrIOp::create(b, loc, x, y)", "T(x || y)">;
def EqualOp : Graph_Binary<"equal", "Equal", "x = y", "arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y)", "arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y)", "T(x == y)", "bool">;
def LessOp : Graph_Binary<"less", "Less", "x < y", "arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y)", "arith::CmpIOp::create(b, loc, isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y)", "T(x < y)", "bool">;
def GreaterOp : Graph_Binary<"greater", "Greater", "x > y", "arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y)", "arith::CmpIOp::create(b, loc, isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt, x, y)", "T(x > y)", "bool">;

def GreaterOrEqualOp : Graph_Binary<"greater_or_equal", "GreaterOrEqual", "x >= y", "arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, x, y)", "arith::CmpIOp::create(b, loc, isUnsigned ? arith::CmpIPredicate::uge : arith::CmpIPredicate::sge, x, y)", "T(x >= y)", "bool">;
def LessOrEqualOp : Graph_Binary<"less_or_equal", "LessOrEqual", "x <= y", "arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, x, y)", "arith::CmpIOp::create(b, loc, isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle, x, y)", "T(x <= y)", "bool">;
def BitAndOp : Graph_Binary<"bit_and", "BitwiseAnd", "x and y, bit by bit", "", "arith::AndIOp::create(b, loc, x, y)", "referenceBits<T>(x, y, std::bit_and<uint64_t>())">;
def BitOrOp : Graph_Binary<"bit_or", "BitwiseOr", "x or y, bit by bit", "", "arith::OrIOp::create(b, loc, x, y)", "referenceBits<T>(x, y, std::bit_or<uint64_t>())">;
def BitXorOp : Graph_Binary<"bit_xor", "BitwiseXor", "x exclusive or y, bit by bit", "", "arith::XOrIOp::create(b, loc, x, y)", "referenceBits<T>(x, y, std::bit_xor<uint64_t>())">;
def BitShiftOp : Graph_Binary<"bit_shift", "BitShift", "x shifted by y bits, to the right with its sign; by all of them where y is negative or the width or more", "", "buildShift(b, loc, x, y, isUnsigned, getLeft())", "referenceShift<T>(x, y, getLeft())"> {
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$y, BoolAttr:$left);
}
def ModOp : Graph_Binary<"mod", "Mod", "the rest of x / y; with `fmod` it has the sign of x, else that of y; 0 for the integer y = 0", "buildFloatRemainder(b, loc, x, y, getFmod())", "buildRemainder(b, loc, x, y, isUnsigned, getFmod())", "referenceRemainder<T>(x, y, getFmod())"> {
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$y, BoolAttr:$fmod);
}

// ---- ternary ----
def WhereOp : Graph_Elementwise<"where", "Where", 3, "x ? y : z", "arith::SelectOp::create(b, loc, x, y, z)", "arith::SelectOp::create(b, loc, x, y, z)", "x != 0 ? y : z"> {
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$y, AnyRankedTensor:$z);
  let assemblyFormat = "$x `,` $y `,` $z attr-dict `:` `(` type($x) `,` type($y) `,` type($z) `)` `->` type($result)";
}

// Cast is elementwise, but its result type is its own.
def CastOp : Graph_Op<"cast", [Pure, DeclareOpInterfaceMethods<ElementwiseOpInterface>,
                               DeclareOpInterfaceMethods<IterationSpaceOpInterface>]> {
  let summary = "Cast: x converted to the result's element type";
  let description = [{
    Float to integer truncates; to bool: x != 0.  C1 same shape.  ONNX: Cast (out-of-range values are undefined there).
  }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // GRAPH_ELEMENTWISE_OPS
