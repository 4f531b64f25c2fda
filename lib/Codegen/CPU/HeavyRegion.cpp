//===- HeavyRegion.cpp - Regions around a matrix product or convolution ---===//
#include "HeavyRegion.h"

#include "Generic.h"
#include "HeavyEmit.h"
#include "ZeroPoints.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A zero point that kernels read: one number, or one for each of `columns`.
bool isZeroPoint(Value zero, int64_t columns) {
  if (!zero)
    return true;
  RankedTensorType type = typeOf(zero);
  if (!type.hasStaticShape())
    return false;
  const int64_t count = type.getNumElements();
  return count == 1 || (count == columns && type.getShape().back() == columns);
}

/// Columns of the weights, if they are known.
int64_t countColumns(Operation *heavy) {
  RankedTensorType w = typeOf(heavy->getOperand(1));
  if (isa<graph::IntegerConvOp>(heavy))
    return w.getDimSize(0);
  return w.getShape()[w.getRank() - (cast<graph::IntegerMatMulOp>(heavy).getTransposeW() ? 2 : 1)];
}

bool hasZeroPoints(Operation *heavy) {
  IntegerOperands operands = *IntegerOperands::get(heavy);
  return isZeroPoint(operands.xZero, -1) && isZeroPoint(operands.wZero, countColumns(heavy));
}

/// An operand of the region, or one number inside it.
bool isReadable(Value zero) {
  auto constant = zero ? zero.getDefiningOp<graph::ConstantOp>() : nullptr;
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return !zero || isa<BlockArgument>(zero) || (dense && dense.isSplat());
}

/// A second matrix that other ops compute: products of floats pack it as they go, those of integers do not.
bool isComputed(graph::DispatchOp dispatch, Value w) {
  Operation *source = dispatch.getInputs()[cast<BlockArgument>(w).getArgNumber()].getDefiningOp();
  return source && !isa<graph::ConstantOp>(source);
}

bool hasIntegerStrategy(graph::DispatchOp dispatch, Operation *heavy) {
  IntegerOperands operands = *IntegerOperands::get(heavy);
  auto conv = dyn_cast<graph::IntegerConvOp>(heavy);
  if (conv && (!conv.getChannelsLast() || !typeOf(operands.w).hasStaticShape()))
    return false;
  return isa<BlockArgument>(operands.x) && isa<BlockArgument>(operands.w) && !isComputed(dispatch, operands.w) &&
         hasZeroPoints(heavy) && isReadable(operands.xZero) && isReadable(operands.wZero);
}

bool hasFloatStrategy(const HeavyRegion &region) {
  auto conv = dyn_cast<graph::ConvOp>(region.heavy);
  if (conv && (!conv.getChannelsLast() || !typeOf(conv.getW()).hasStaticShape()))
    return false;
  auto isOperand = [&](Value v) {
    return isa<BlockArgument>(v) || (region.encoded && v.getDefiningOp() == region.encoded->decoder);
  };
  return llvm::all_of(region.heavy->getOperands(),
                      [&](Value v) { return isOperand(v) && typeOf(v).getElementType().isF32(); });
}

/// What epilogues store.
bool canStore(Type type) { return type.isF32() || type.isInteger(8) || type.isInteger(32); }

/// True if the kernel can have what is stored in its own order: nothing else reads that.
bool isDecodedHere(const EncodedWeights &encoded) {
  return encoded.decoder->hasOneUse() && llvm::all_of(encoded.decoder->getOpOperands(), [&](OpOperand &operand) {
           const bool isPacked = !encoded.formatOf(operand.getOperandNumber()).empty();
           return isa<BlockArgument>(operand.get()) && (!isPacked || operand.get().hasOneUse());
         });
}

} // namespace

bool hasIntegerKernel(Operation *op) {
  std::optional<IntegerOperands> operands = IntegerOperands::get(op);
  if (!operands || !operands->w.getDefiningOp<graph::ConstantOp>() || !hasZeroPoints(op))
    return false;
  RankedTensorType x = typeOf(operands->x), w = typeOf(operands->w);
  if (!w.hasStaticShape() || w.getNumElements() == 0)
    return false;
  auto conv = dyn_cast<graph::IntegerConvOp>(op);
  if (!conv)
    return w.getRank() == 2;
  // The other groups are computed one by one (ConvPlain.cpp).
  const int64_t groups = conv.getGroup(), columns = w.getDimSize(0);
  const bool isDepthwise = w.getDimSize(1) == 1 && columns == groups, isPacked = columns / groups % weightPanel == 0;
  return (x.getRank() == 3 || x.getRank() == 4) && (groups == 1 || isPacked || isDepthwise);
}

std::optional<HeavyRegion> HeavyRegion::match(graph::DispatchOp dispatch) {
  HeavyRegion region{dispatch};
  Block &block = dispatch.getBody().front();
  for (Operation &op : block.without_terminator()) {
    if (!isa<graph::MatMulOp, graph::ConvOp, graph::IntegerMatMulOp, graph::IntegerConvOp>(op))
      continue;
    if (region.heavy)
      return std::nullopt;
    region.heavy = &op;
  }
  if (!region.heavy)
    return std::nullopt;
  region.encoded = EncodedWeights::match(region.heavy);
  if (region.encoded && !isDecodedHere(*region.encoded))
    return std::nullopt;
  if (!(region.isInteger() ? hasIntegerStrategy(dispatch, region.heavy) : hasFloatStrategy(region)))
    return std::nullopt;
  OperandRange yielded = block.getTerminator()->getOperands();
  if (yielded.size() != 1 || !canStore(typeOf(yielded[0]).getElementType()) || isa<BlockArgument>(yielded[0]) ||
      !Epilogue::isSupported(dispatch, region.heavy->getResult(0)))
    return std::nullopt;
  return region;
}

SmallVector<Type> HeavyRegion::bufferTypes() const {
  SmallVector<Type> types;
  for (Type type : dispatch->getOperandTypes())
    types.push_back(cast<RankedTensorType>(type).getElementType());
  types.push_back(cast<RankedTensorType>(dispatch->getResult(0).getType()).getElementType());
  return types;
}

bool HeavyRegion::isTransposed() const {
  if (auto product = dyn_cast<graph::MatMulOp>(heavy))
    return product.getTransposeW();
  return cast<graph::IntegerMatMulOp>(heavy).getTransposeW();
}

StringRef getIntegerFormat(Operation *heavy, StringRef format) {
  if (!IntegerOperands::isSigned(heavy->getOperand(0)))
    return format;
  return llvm::StringSwitch<StringRef>(format)
      .Case("kn4", "kn4u")
      .Case("nk4", "nk4u")
      .Case("oihw4", "oihw4u")
      .Default("oihw4tu");
}

std::optional<unsigned> HeavyRegion::biasBuffer() const {
  auto conv = dyn_cast<graph::ConvOp>(heavy);
  return conv && conv.getBias() ? std::optional(bufferOf(2)) : std::nullopt;
}

unsigned HeavyRegion::bufferOf(unsigned operand) const {
  const bool isEncoded = encoded && operand == 1;
  Value v = isEncoded ? encoded->decoder->getOperand(0) : heavy->getOperand(operand);
  return cast<BlockArgument>(v).getArgNumber();
}

std::optional<WeightDecoder> HeavyRegion::createDecoder(KernelBuilder &k) const {
  if (!encoded)
    return std::nullopt;
  auto bufferAt = [&](unsigned i) {
    OperandRange operands = encoded->decoder->getOperands();
    return i < operands.size() ? k.buffer(cast<BlockArgument>(operands[i]).getArgNumber()) : Value();
  };
  return WeightDecoder(*encoded, k, bufferAt(0), bufferAt(1), bufferAt(2));
}

StringRef HeavyRegion::formatOf(unsigned operand) const {
  ArrayAttr formats = dispatch.getFormatsAttr();
  return formats ? cast<StringAttr>(formats[bufferOf(operand)]).getValue() : StringRef();
}

RankedTensorType HeavyRegion::operandType(unsigned i) const {
  return cast<RankedTensorType>(heavy->getOperand(i).getType());
}

RankedTensorType HeavyRegion::resultType() const { return cast<RankedTensorType>(heavy->getResult(0).getType()); }

/// Divides once and then counts: a division costs more than a multiply-add of the tile.
SmallVector<SmallVector<Value>> unflatten(KernelBuilder &k, ArrayRef<graph::DimAttr> dims, Value first, int64_t count) {
  SmallVector<Value> coords(dims.size(), k.constant(0));
  SmallVector<unsigned> moving;
  for (auto [i, dim] : llvm::enumerate(dims))
    if (!dim.isConstant(1))
      moving.push_back(i);
  Value rest = first;
  for (size_t i = moving.size(); i-- > 1;) {
    Value extent = k.param(dims[moving[i]]);
    coords[moving[i]] = remainder(k, rest, extent);
    rest = divide(k, rest, extent);
  }
  if (!moving.empty())
    coords[moving[0]] = rest;
  SmallVector<SmallVector<Value>> all{coords};
  OpBuilder &b = k.builder();
  for (int64_t row = 1; row < count; ++row) {
    Value carry = k.constant(1);
    for (size_t i = moving.size(); i-- > 0;) {
      Value &coord = coords[moving[i]];
      coord = k.add(coord, carry);
      if (i == 0)
        break;
      Value wraps = b.createOrFold<arith::CmpIOp>(k.loc(), arith::CmpIPredicate::eq, coord, k.param(dims[moving[i]]));
      coord = b.createOrFold<arith::SelectOp>(k.loc(), wraps, k.constant(0), coord);
      carry = b.createOrFold<arith::SelectOp>(k.loc(), wraps, k.constant(1), k.constant(0));
    }
    all.push_back(coords);
  }
  return all;
}

} // namespace tenon::codegen
