//===- GemmEncodedDecode.cpp - Stored weights to f32 vectors --------------===//
//
// A packed row of 32 columns holds bytes, or 16 bytes whose low and high halves are the columns i and i + 16; signed
// numbers of 4 bits are stored with 8 added. Floats of 8 bits become those of 16, which processors convert.
//
//===----------------------------------------------------------------------===//
#include "GemmEncoded.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {

static VectorType vectorOf(Type element) { return VectorType::get({vectorWidth}, element); }

static Value splatOf(KernelBuilder &k, Type element, int64_t value) {
  OpBuilder &b = k.builder();
  auto attr = DenseElementsAttr::get(vectorOf(element), APInt(element.getIntOrFloatBitWidth(), value, true, true));
  return arith::ConstantOp::create(b, k.loc(), attr);
}

Value WeightDecoder::splat(int64_t value) { return splatOf(k, k.builder().getI32Type(), value); }

/// Bytes as a vector of i8.
Value WeightDecoder::loadBytes(Value buffer, Value index, Value lanes, int64_t count) {
  OpBuilder &b = k.builder();
  auto type = VectorType::get({count}, b.getI8Type());
  if (!lanes)
    return vector::LoadOp::create(b, k.loc(), type, buffer, index);
  Value mask = vector::CreateMaskOp::create(b, k.loc(), vectorOf(b.getI1Type()), lanes);
  Value zeros = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, k.loc(), type, buffer, index, mask, zeros);
}

/// Integers in bytes of their own as i32; of those of 4 bits only the low half counts.
Value WeightDecoder::toInteger(Value bytes) {
  OpBuilder &b = k.builder();
  VectorType type = vectorOf(b.getI32Type());
  const bool isUnsigned = e.element.isUnsignedInteger();
  if (!e.isNibble())
    return isUnsigned ? arith::ExtUIOp::create(b, k.loc(), type, bytes).getResult()
                      : arith::ExtSIOp::create(b, k.loc(), type, bytes).getResult();
  Value wide = arith::ExtUIOp::create(b, k.loc(), type, bytes);
  Value low = arith::AndIOp::create(b, k.loc(), wide, splat(15));
  if (isUnsigned)
    return low;
  Value flipped = arith::XOrIOp::create(b, k.loc(), low, splat(8));
  return arith::SubIOp::create(b, k.loc(), flipped, splat(8));
}

/// Floats of 8 bits as an f16. E5M2 is its upper byte. E4M3 gives the number / 256, as its exponent is 8 lower; its
/// only NaN is what would be 480: adding 1 to the last place sets bit 14, which makes a NaN of the f16.
Value WeightDecoder::toHalfBits(Value bytes) {
  OpBuilder &b = k.builder();
  Location loc = k.loc();
  auto type = cast<VectorType>(bytes.getType()).clone(b.getI16Type());
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, APInt(16, value)));
  };
  Value wide = arith::ExtSIOp::create(b, loc, type, bytes); // the sign in all upper bits
  if (isa<Float8E5M2Type>(e.element))
    return arith::ShLIOp::create(b, loc, wide, constant(8));
  Value bits = arith::ShLIOp::create(b, loc, wide, constant(7));
  bits = arith::AndIOp::create(b, loc, bits, constant(0xbf80));
  Value next = arith::AddIOp::create(b, loc, bits, constant(0x80));
  return arith::OrIOp::create(b, loc, bits, arith::AndIOp::create(b, loc, next, constant(0x4000)));
}

/// What is subtracted from stored numbers: the zero point, and what packing added.
static Value addZeros(KernelBuilder &k, Value zero, Value added) {
  return zero && added ? arith::AddIOp::create(k.builder(), k.loc(), zero, added).getResult() : zero ? zero : added;
}

WeightDecoder::Factors WeightDecoder::loadFactors(Value index, ArrayRef<Value> lanes) {
  OpBuilder &b = k.builder();
  Value added = e.isHalved() && !e.element.isUnsignedInteger() ? splat(8) : Value();
  Factors factors;
  for (auto [v, valid] : llvm::enumerate(lanes)) {
    Value zeroPoint;
    if (e.scales == EncodedWeights::Scales::Tensor) {
      Value scalar = memref::LoadOp::create(b, k.loc(), scale, k.constant(0));
      factors.scale.push_back(vector::BroadcastOp::create(b, k.loc(), getVectorType(k), scalar));
      if (zero) {
        Value byte = memref::LoadOp::create(b, k.loc(), zero, k.constant(0));
        zeroPoint = toInteger(vector::BroadcastOp::create(b, k.loc(), vectorOf(b.getI8Type()), byte));
      }
    } else {
      Value at = addConstant(k, index, v * vectorWidth);
      factors.scale.push_back(loadVector(k, scale, at, valid));
      if (zero)
        zeroPoint = toInteger(loadBytes(zero, at, valid));
    }
    factors.zero.push_back(addZeros(k, zeroPoint, added));
    if (isa<Float8E4M3FNType>(e.element)) { // see toHalfBits; exact unless a scale is above 2^119
      auto all = DenseElementsAttr::get(getVectorType(k), APFloat(256.0f));
      Value &factor = factors.scale.back();
      factor = arith::MulFOp::create(b, k.loc(), factor, arith::ConstantOp::create(b, k.loc(), all));
    }
  }
  return factors;
}

WeightDecoder::Factors WeightDecoder::loadFactors(Value panel, Value row, int64_t offset, ArrayRef<Value> lanes) {
  if (e.isSparse())
    return {};
  if (!sharedRows())
    return loadFactors(addConstant(k, mulConstant(k, panel, weightPanel), offset), lanes);
  // Packed, so that nothing lies past the end.
  Value scaleRow;
  if (e.channels % e.block == 0) {
    scaleRow = divide(k, row, k.constant(e.block));
  } else {
    Value tap = divide(k, row, k.constant(e.channels)), channel = remainder(k, row, k.constant(e.channels));
    scaleRow =
        k.add(mulConstant(k, tap, llvm::divideCeil(e.channels, e.block)), divide(k, channel, k.constant(e.block)));
  }
  Value index = addConstant(k, mulConstant(k, scaleRow, weightPanel), offset);
  return loadFactors(index, SmallVector<Value>(lanes.size()));
}

/// (number - zero) * scale, the number an i32 or f32 vector.
Value WeightDecoder::dequantize(Value number, const Factors &factors, size_t v) {
  OpBuilder &b = k.builder();
  if (factors.zero[v])
    number = arith::SubIOp::create(b, k.loc(), number, factors.zero[v]);
  if (!cast<VectorType>(number.getType()).getElementType().isF32())
    number = arith::SIToFPOp::create(b, k.loc(), getVectorType(k), number);
  return arith::MulFOp::create(b, k.loc(), number, factors.scale[v]);
}

SmallVector<Value> WeightDecoder::decodeHalved(Value row, int64_t offset, const Factors &factors) {
  OpBuilder &b = k.builder();
  Value bytes = loadBytes(values, mulConstant(k, row, weightPanel / 2));
  Value wide = arith::ExtUIOp::create(b, k.loc(), vectorOf(b.getI32Type()), bytes);
  SmallVector<Value> result;
  for (size_t v = 0; v < factors.scale.size(); ++v) {
    const bool isHigh = offset / vectorWidth + v == 1;
    Value number = isHigh ? arith::ShRUIOp::create(b, k.loc(), wide, splat(4)).getResult()
                          : arith::AndIOp::create(b, k.loc(), wide, splat(15)).getResult();
    result.push_back(dequantize(number, factors, v));
  }
  return result;
}

/// Row 4 g + r of a group of four: the first or second of its two values where its place is r.
SmallVector<Value> WeightDecoder::decodeSparse(Value group, Value place, int64_t offset, int64_t vectors) {
  OpBuilder &b = k.builder();
  Location loc = k.loc();
  Type i32 = b.getI32Type();
  Value number = arith::IndexCastOp::create(b, loc, i32, place);
  Value places = vector::BroadcastOp::create(b, loc, vectorOf(i32), number);
  Value pairs = arith::ExtUIOp::create(b, loc, vectorOf(i32), loadBytes(scale, mulConstant(k, group, weightPanel / 2)));
  Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(getVectorType(k)));
  SmallVector<Value> result;
  for (int64_t v = 0; v < vectors; ++v) {
    const int64_t shift = (offset / vectorWidth + v) * 4;
    auto isAt = [&](int64_t second) -> Value {
      Value bits = arith::ShRUIOp::create(b, loc, pairs, splat(shift + 2 * second));
      bits = arith::AndIOp::create(b, loc, bits, splat(3));
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, bits, places);
    };
    Value at = addConstant(k, mulConstant(k, group, 2 * weightPanel), offset + v * vectorWidth);
    Value first = loadVector(k, values, at), second = loadVector(k, values, addConstant(k, at, weightPanel));
    Value value = arith::SelectOp::create(b, loc, isAt(1), second, none);
    result.push_back(arith::SelectOp::create(b, loc, isAt(0), first, value));
  }
  return result;
}

/// The vectors from `index` on; those of a panel's row together, as 16-bit lanes fill a register.
SmallVector<Value> WeightDecoder::decodeFloats(Value index, const Factors &factors) {
  OpBuilder &b = k.builder();
  const int64_t count = factors.scale.size();
  Value bits = toHalfBits(loadBytes(values, index, {}, count * vectorWidth));
  SmallVector<Value> result;
  for (int64_t v = 0; v < count; ++v) {
    Value part = vector::ExtractStridedSliceOp::create(b, k.loc(), bits, v * vectorWidth, vectorWidth, 1);
    Value half = arith::BitcastOp::create(b, k.loc(), vectorOf(b.getF16Type()), part);
    result.push_back(dequantize(arith::ExtFOp::create(b, k.loc(), getVectorType(k), half), factors, v));
  }
  return result;
}

SmallVector<Value> WeightDecoder::decodeRow(Value row, int64_t offset, int64_t vectors, const Factors &factors) {
  if (e.isSparse())
    return decodeSparse(divide(k, row, k.constant(4)), remainder(k, row, k.constant(4)), offset, vectors);
  if (e.isHalved())
    return decodeHalved(row, offset, factors);
  Value at = addConstant(k, mulConstant(k, row, weightPanel), offset);
  if (!isa<IntegerType>(e.element))
    return decodeFloats(at, factors);
  SmallVector<Value> result;
  for (int64_t v = 0; v < vectors; ++v)
    result.push_back(dequantize(toInteger(loadBytes(values, addConstant(k, at, v * vectorWidth))), factors, v));
  return result;
}

void WeightDecoder::prefetch(Value row) {
  constexpr int64_t ahead = 32;
  const int64_t elements = e.isHalved() || e.isSparse() ? weightPanel / 2 : weightPanel;
  memref::PrefetchOp::create(k.builder(), k.loc(), values, mulConstant(k, addConstant(k, row, ahead), elements),
                             /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

/// Valid lanes of the vectors from `column` on; null where all are.
SmallVector<Value> WeightDecoder::lanesOf(Value column, int64_t vectors) {
  SmallVector<Value> lanes(vectors);
  if (e.columns % weightPanel)
    for (auto [v, valid] : llvm::enumerate(lanes)) {
      Value left = sub(k, k.constant(e.columns), addConstant(k, column, v * vectorWidth));
      valid = maximum(k, minimum(k, left, k.constant(vectorWidth)), k.constant(0));
    }
  return lanes;
}

void WeightDecoder::decodePanel(Value panel, Value to) {
  constexpr int64_t vectors = weightPanel / vectorWidth;
  Value base = mulConstant(k, panel, e.depth());
  SmallVector<Value> lanes = lanesOf(mulConstant(k, panel, weightPanel), vectors);
  auto storeRow = [&](ArrayRef<Value> decoded, Value row) {
    for (auto [v, value] : llvm::enumerate(decoded))
      storeVector(k, value, to, addConstant(k, mulConstant(k, row, weightPanel), v * vectorWidth));
  };
  auto decodeRows = [&](Value first, Value end, const Factors &factors) {
    forLoop(k, first, end, 1, [&](Value row) { storeRow(decodeRow(k.add(base, row), 0, vectors, factors), row); });
  };
  if (e.isSparse()) // the four rows of a group share their loads
    return forLoop(k, k.constant(0), k.constant(e.depth() / 4), 1, [&](Value group) {
      Value of = k.add(mulConstant(k, panel, e.depth() / 4), group);
      for (int64_t place = 0; place < 4; ++place)
        storeRow(decodeSparse(of, k.constant(place), 0, vectors), addConstant(k, mulConstant(k, group, 4), place));
    });
  if (!sharedRows())
    return decodeRows(k.constant(0), k.constant(e.depth()), loadFactors(panel, {}, 0, lanes));
  forLoop(k, k.constant(0), k.constant(e.depth()), e.channels, [&](Value tap) {
    Value tapEnd = addConstant(k, tap, e.channels);
    forLoop(k, tap, tapEnd, e.block, [&](Value first) {
      Value end = minimum(k, addConstant(k, first, e.block), tapEnd);
      decodeRows(first, end, loadFactors(panel, k.add(base, first), 0, lanes));
    });
  });
}

void WeightDecoder::decodeDepthwise(Value to, Value first) {
  const int64_t padded = llvm::alignTo(e.columns, vectorWidth);
  forLoop(k, k.constant(0), k.constant(padded), vectorWidth, [&](Value column) {
    Value lanes = lanesOf(column, 1).front();
    Factors factors = loadFactors(column, {lanes});
    forLoop(k, column, k.constant(e.taps * padded), padded, [&](Value at) {
      bool isFloat = !isa<IntegerType>(e.element);
      Value decoded =
          isFloat ? decodeFloats(at, factors).front() : dequantize(toInteger(loadBytes(values, at)), factors, 0);
      storeVector(k, decoded, to, k.add(first, at));
    });
  });
}

} // namespace tenon::codegen
