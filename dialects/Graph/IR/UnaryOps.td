//===- UnaryOps.td - Elementwise operators of one operand: one row each --===//
#ifndef GRAPH_UNARY_OPS
#define GRAPH_UNARY_OPS

include "Graph/IR/ElementwiseBase.td"

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
def SoftsignOp : Graph_Unary<"softsign", "Softsign", "x / (1 + |x|)", "arith::DivFOp::create(b, loc, x, arith::AddFOp::create(b, loc, splat(b, loc, x, 1), math::AbsFOp::create(b, loc, x)))", "", "x / (1.0 + std::abs(x))">;
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

#endif // GRAPH_UNARY_OPS
