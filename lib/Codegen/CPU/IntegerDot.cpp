//===- IntegerDot.cpp - Products of bytes ---------------------------------===//
#include "IntegerDot.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {

static VectorType vectorOf(KernelBuilder &k, int64_t lanes, unsigned bits) {
  return VectorType::get({lanes}, k.builder().getIntegerType(bits));
}

IntegerDot::Bytes IntegerDot::prepare(Value vector, bool isSigned) {
  OpBuilder &b = k.builder();
  Location loc = k.loc();
  auto reinterpret = [&](VectorType type) -> Value {
    return vector.getType() == type ? vector : vector::BitCastOp::create(b, loc, type, vector);
  };
  if (target.hasVnni)
    return {reinterpret(vectorOf(k, 64, 8)), {}};
  VectorType type = vectorOf(k, 32, 16);
  Value words = reinterpret(type);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getI16IntegerAttr(value)));
  };
  Value eight = constant(8);
  if (!isSigned)
    return {arith::AndIOp::create(b, loc, words, constant(0xff)), arith::ShRUIOp::create(b, loc, words, eight)};
  Value left = arith::ShLIOp::create(b, loc, words, eight);
  return {arith::ShRSIOp::create(b, loc, left, eight), arith::ShRSIOp::create(b, loc, words, eight)};
}

Value IntegerDot::call(StringRef intrinsic, ValueRange operands) {
  VectorType type = vectorOf(k, target.vectorBits / 32, 32);
  StringAttr name = k.builder().getStringAttr(intrinsic);
  return LLVM::CallIntrinsicOp::create(k.builder(), k.loc(), type, name, operands).getResult(0);
}

/// Half i of a vector that takes two registers.
Value IntegerDot::half(Value vector, int64_t i) {
  const int64_t lanes = cast<VectorType>(vector.getType()).getNumElements() / 2;
  return vector::ExtractStridedSliceOp::create(k.builder(), k.loc(), vector, ArrayRef<int64_t>{i * lanes},
                                               ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{1});
}

Value IntegerDot::join(Value low, Value high) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, vectorWidth));
  return vector::ShuffleOp::create(k.builder(), k.loc(), low, high, order);
}

Value IntegerDot::multiply(Value a, Value b) {
  if (target.vectorBits == 512)
    return call("llvm.x86.avx512.pmaddw.d.512", {a, b});
  auto part = [&](int64_t i) { return call("llvm.x86.avx2.pmadd.wd", {half(a, i), half(b, i)}); };
  Value low = part(0), high = part(1);
  return join(low, high);
}

/// A VNNI instruction on sums and two operands of their size.
Value IntegerDot::callVnni(StringRef name, Value sums, Value a, Value b) {
  const std::string intrinsic = ("llvm.x86.avx512." + name + "." + Twine(target.vectorBits)).str();
  if (target.vectorBits == 512)
    return call(intrinsic, {sums, a, b});
  auto part = [&](int64_t i) { return call(intrinsic, {half(sums, i), half(a, i), half(b, i)}); };
  Value low = part(0), high = part(1);
  return join(low, high);
}

Value IntegerDot::accumulate(Value sums, const Bytes &a, const Bytes &b) {
  if (target.hasVnni)
    return callVnni("vpdpbusd", sums, a.even, b.even);
  Value even = multiply(a.even, b.even), odd = multiply(a.odd, b.odd);
  // The products first: the chain through the sums is one addition a step.
  Value both = arith::AddIOp::create(k.builder(), k.loc(), even, odd);
  return arith::AddIOp::create(k.builder(), k.loc(), sums, both);
}

Value IntegerDot::accumulatePairs(Value sums, Value a, Value b) {
  if (target.hasVnni)
    return callVnni("vpdpwssd", sums, a, b);
  return arith::AddIOp::create(k.builder(), k.loc(), sums, multiply(a, b));
}

} // namespace tenon::codegen
