//===- HeavyEmit.cpp - Loops and vectors of the heavy kernels -------------===//
#include "HeavyEmit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tenon::codegen {

Value sub(KernelBuilder &k, Value a, Value b) {
  return k.builder().createOrFold<arith::SubIOp>(k.loc(), a, b, arith::IntegerOverflowFlags::nsw);
}
Value divide(KernelBuilder &k, Value a, Value b) { return k.builder().createOrFold<arith::DivUIOp>(k.loc(), a, b); }
Value remainder(KernelBuilder &k, Value a, Value b) { return k.builder().createOrFold<arith::RemUIOp>(k.loc(), a, b); }
Value minimum(KernelBuilder &k, Value a, Value b) { return k.builder().createOrFold<arith::MinSIOp>(k.loc(), a, b); }
Value maximum(KernelBuilder &k, Value a, Value b) { return k.builder().createOrFold<arith::MaxSIOp>(k.loc(), a, b); }
Value less(KernelBuilder &k, Value a, Value b) {
  return k.builder().createOrFold<arith::CmpIOp>(k.loc(), arith::CmpIPredicate::slt, a, b);
}
Value addConstant(KernelBuilder &k, Value a, int64_t b) { return b == 0 ? a : k.add(a, k.constant(b)); }
Value mulConstant(KernelBuilder &k, Value a, int64_t b) { return b == 1 ? a : k.mul(a, k.constant(b)); }

std::optional<int64_t> getConstant(Value a) {
  APInt value;
  if (a && matchPattern(a, m_ConstantInt(&value)))
    return value.getSExtValue();
  return std::nullopt;
}

void forLoop(KernelBuilder &k, Value lower, Value upper, int64_t step, function_ref<void(Value)> body) {
  forLoop(k, lower, upper, step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value> forLoop(KernelBuilder &k, Value lower, Value upper, int64_t step, ValueRange inits,
                           function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  OpBuilder &b = k.builder();
  auto loop = scf::ForOp::create(b, k.loc(), lower, upper, k.constant(step), inits);
  OpBuilder::InsertionGuard guard(b);
  Block *block = loop.getBody();
  if (inits.empty())
    b.setInsertionPoint(block->getTerminator());
  else
    b.setInsertionPointToEnd(block);
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(b, k.loc(), next);
  return SmallVector<Value>(loop.getResults());
}

void ifThenElse(KernelBuilder &k, Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
  OpBuilder &b = k.builder();
  auto op = scf::IfOp::create(b, k.loc(), condition, /*withElseRegion=*/static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  then();
  if (!otherwise)
    return;
  b.setInsertionPoint(op.elseBlock()->getTerminator());
  otherwise();
}

/// Tiles of one width: [lower, lower + count * width).
static Value forWidth(KernelBuilder &k, Value lower, int64_t count, int64_t width,
                      function_ref<void(Value, int64_t)> body) {
  if (count == 0)
    return lower;
  Value upper = addConstant(k, lower, count * width);
  if (count == 1)
    body(lower, width);
  else
    forLoop(k, lower, upper, width, [&](Value i) { body(i, width); });
  return upper;
}

void forTiles(KernelBuilder &k, Value lower, Value upper, Extent extent, int64_t rows,
              function_ref<void(Value, int64_t)> body) {
  if (extent.length) {
    if (*extent.length <= 0)
      return;
    const int64_t tiles = llvm::divideCeil(*extent.length, rows), width = llvm::divideCeil(*extent.length, tiles);
    const int64_t wide = *extent.length - tiles * (width - 1);
    lower = forWidth(k, lower, wide, width, body);
    forWidth(k, lower, tiles - wide, width - 1, body);
    return;
  }
  for (int64_t width = rows; width > 0; width = extent.rest && width == rows ? *extent.rest : width / 2) {
    Value count = mulConstant(k, divide(k, sub(k, upper, lower), k.constant(width)), width);
    Value next = k.add(lower, count);
    forLoop(k, lower, next, width, [&](Value i) { body(i, width); });
    lower = next;
    if (extent.rest && width != rows)
      return;
  }
}

VectorType getVectorType(KernelBuilder &k) { return VectorType::get({vectorWidth}, k.builder().getF32Type()); }

VectorType getVectorType(Value buffer, int64_t lanes) {
  return VectorType::get({lanes}, cast<MemRefType>(buffer.getType()).getElementType());
}

static Value createMask(KernelBuilder &k, Value lanes) {
  auto type = VectorType::get({vectorWidth}, k.builder().getI1Type());
  return vector::CreateMaskOp::create(k.builder(), k.loc(), type, lanes);
}

Value loadVector(KernelBuilder &k, Value buffer, Value index, Value lanes) {
  OpBuilder &b = k.builder();
  VectorType type = getVectorType(buffer);
  if (!lanes)
    return vector::LoadOp::create(b, k.loc(), type, buffer, index);
  Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, k.loc(), type, buffer, index, createMask(k, lanes), zero);
}

void storeVector(KernelBuilder &k, Value vector, Value buffer, Value index, Value lanes) {
  if (lanes)
    vector::MaskedStoreOp::create(k.builder(), k.loc(), buffer, index, createMask(k, lanes), vector);
  else
    vector::StoreOp::create(k.builder(), k.loc(), vector, buffer, index);
}

/// Runs `body(index, lanes)` over [0, count) in vectors, the last one masked.
static void forVectors(KernelBuilder &k, Value count, function_ref<void(Value, Value)> body) {
  Value whole = mulConstant(k, divide(k, count, k.constant(vectorWidth)), vectorWidth);
  forLoop(k, k.constant(0), whole, vectorWidth, [&](Value i) { body(i, {}); });
  Value rest = sub(k, count, whole);
  if (getConstant(rest) != 0)
    ifThenElse(k, less(k, k.constant(0), rest), [&] { body(whole, rest); });
}

/// Runs `body(index, bytes)` over [0, count) bytes in vectors of 64, of 16, and one by one: AVX2 has no masks of bytes.
static void forByteVectors(KernelBuilder &k, Value count, function_ref<void(Value, int64_t)> body) {
  Value done = k.constant(0);
  for (int64_t width : {4 * vectorWidth, vectorWidth, int64_t(1)}) {
    Value whole = mulConstant(k, divide(k, count, k.constant(width)), width);
    forLoop(k, done, whole, width, [&](Value i) { body(i, width); });
    done = whole;
  }
}

static bool holdsBytes(Value buffer) { return cast<MemRefType>(buffer.getType()).getElementType().isInteger(8); }

void copyElements(KernelBuilder &k, Value from, Value fromIndex, Value to, Value toIndex, Value count) {
  if (holdsBytes(from))
    return forByteVectors(k, count, [&](Value i, int64_t width) {
      VectorType type = getVectorType(from, width);
      Value bytes = vector::LoadOp::create(k.builder(), k.loc(), type, from, k.add(fromIndex, i));
      storeVector(k, bytes, to, k.add(toIndex, i));
    });
  forVectors(k, count, [&](Value i, Value lanes) {
    storeVector(k, loadVector(k, from, k.add(fromIndex, i), lanes), to, k.add(toIndex, i), lanes);
  });
}

void fillElements(KernelBuilder &k, Value value, Value to, Value toIndex, Value count) {
  auto spread = [&](int64_t width) -> Value {
    return vector::BroadcastOp::create(k.builder(), k.loc(), getVectorType(to, width), value);
  };
  if (holdsBytes(to))
    return forByteVectors(k, count,
                          [&](Value i, int64_t width) { storeVector(k, spread(width), to, k.add(toIndex, i)); });
  Value all = spread(vectorWidth);
  forVectors(k, count, [&](Value i, Value lanes) { storeVector(k, all, to, k.add(toIndex, i), lanes); });
}

void zeroElements(KernelBuilder &k, Value to, Value toIndex, Value count) {
  Type type = getVectorType(to).getElementType();
  fillElements(k, arith::ConstantOp::create(k.builder(), k.loc(), k.builder().getZeroAttr(type)), to, toIndex, count);
}

/// Strips of a panel with `valid` columns, unrolled where they differ.
static void forPanel(KernelBuilder &k, const CpuTarget &target, Value panel, int64_t valid,
                     function_ref<void(const Strip &)> body) {
  const int64_t width = target.tileVectors * vectorWidth;
  for (int64_t offset = 0; offset < valid; offset += width) {
    Strip strip;
    strip.offset = offset;
    strip.column = addConstant(k, mulConstant(k, panel, weightPanel), offset);
    for (int64_t v = offset; v < std::min(offset + width, valid); v += vectorWidth)
      strip.lanes.push_back(valid - v < vectorWidth ? k.constant(valid - v) : Value());
    body(strip);
  }
}

void forStrips(KernelBuilder &k, const CpuTarget &target, Value panel, int64_t columns,
               function_ref<void(const Strip &)> body) {
  const int64_t last = columns / weightPanel, tail = columns % weightPanel;
  if (tail == 0)
    return forPanel(k, target, panel, weightPanel, body);
  if (last == 0)
    return forPanel(k, target, panel, tail, body);
  ifThenElse(
      k, less(k, panel, k.constant(last)), [&] { forPanel(k, target, panel, weightPanel, body); },
      [&] { forPanel(k, target, panel, tail, body); });
}

} // namespace tenon::codegen
