//===- DoubleEmit.h - Arithmetic that functions of f64 are made of --------===//
#ifndef TENON_LIB_CODEGEN_CPU_DOUBLEEMIT_H
#define TENON_LIB_CODEGEN_CPU_DOUBLEEMIT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

namespace tenon::codegen {

/// Arithmetic on f64 and i64, scalars or vectors alike.
struct DoubleEmit {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type real, integer;

  DoubleEmit(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type)
      : b(b), loc(loc), real(type), integer(b.getI64Type()) {
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(type))
      integer = mlir::VectorType::get(vector.getShape(), integer);
  }
  mlir::Value constant(mlir::Type type, mlir::Attribute value) {
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(type))
      return mlir::arith::ConstantOp::create(b, loc, mlir::DenseElementsAttr::get(vector, value));
    return mlir::arith::ConstantOp::create(b, loc, llvm::cast<mlir::TypedAttr>(value));
  }
  mlir::Value number(double value) { return constant(real, b.getF64FloatAttr(value)); }
  mlir::Value bits(int64_t value) { return constant(integer, b.getI64IntegerAttr(value)); }
  mlir::Value add(mlir::Value x, mlir::Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  mlir::Value div(mlir::Value x, mlir::Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  mlir::Value abs(mlir::Value x) { return mlir::math::AbsFOp::create(b, loc, x); }
  mlir::Value sqrt(mlir::Value x) { return mlir::math::SqrtOp::create(b, loc, x); }
  mlir::Value exp(mlir::Value x) { return mlir::math::ExpOp::create(b, loc, x); }
  mlir::Value withSign(mlir::Value x, mlir::Value sign) { return mlir::math::CopySignOp::create(b, loc, x, sign); }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value x, double y) {
    return mlir::arith::CmpFOp::create(b, loc, predicate, x, number(y));
  }
  mlir::Value isAbove(mlir::Value x, double y) { return compare(mlir::arith::CmpFPredicate::OGT, x, y); }
  mlir::Value equals(mlir::Value x, double y) { return compare(mlir::arith::CmpFPredicate::OEQ, x, y); }
  mlir::Value asBits(mlir::Value x) { return mlir::arith::BitcastOp::create(b, loc, integer, x); }
  mlir::Value asReal(mlir::Value x) { return mlir::arith::BitcastOp::create(b, loc, real, x); }
  /// 2^k of an i64, -1022 <= k <= 1023.
  mlir::Value power(mlir::Value k) {
    return asReal(mlir::arith::ShLIOp::create(b, loc, mlir::arith::AddIOp::create(b, loc, k, bits(1023)), bits(52)));
  }
  /// coefficients[0] + x (coefficients[1] + ..)
  mlir::Value polynomial(mlir::Value x, llvm::ArrayRef<double> coefficients) {
    mlir::Value sum = number(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, number(c));
    return sum;
  }
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_DOUBLEEMIT_H
