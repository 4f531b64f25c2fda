//===- BinaryOps.td - Other elementwise operators: one row each ----------===//
#ifndef GRAPH_BINARY_OPS
#define GRAPH_BINARY_OPS

include "Graph/IR/ElementwiseBase.td"

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

#endif // GRAPH_BINARY_OPS
