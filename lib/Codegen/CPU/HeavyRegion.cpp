//===- HeavyRegion.cpp - Regions around a matrix product or convolution ---===//
#include "HeavyRegion.h"

#include "Generic.h"
#include "HeavyEmit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

bool hasStrategy(Operation *heavy) {
  if (auto conv = dyn_cast<graph::ConvOp>(heavy))
    return conv.getChannelsLast() && conv.getW().getType().hasStaticShape();
  return true;
}

bool isF32Tensor(Value value) { return cast<RankedTensorType>(value.getType()).getElementType().isF32(); }

/// True if the kernel can have what is stored in its own order: nothing else reads that.
bool isDecodedHere(const EncodedWeights &encoded) {
  return encoded.decoder->hasOneUse() && llvm::all_of(encoded.decoder->getOpOperands(), [&](OpOperand &operand) {
           const bool isPacked = !encoded.formatOf(operand.getOperandNumber()).empty();
           return isa<BlockArgument>(operand.get()) && (!isPacked || operand.get().hasOneUse());
         });
}

/// Bytes hold what has fewer bits, or is no number of the processor.
Type storageOf(Type element) {
  const bool isByte = element.getIntOrFloatBitWidth() <= 8 && !element.isInteger(1);
  return isByte ? Type(IntegerType::get(element.getContext(), 8)) : element;
}

} // namespace

std::optional<HeavyRegion> HeavyRegion::match(graph::DispatchOp dispatch) {
  HeavyRegion region{dispatch};
  Block &block = dispatch.getBody().front();
  for (Operation &op : block.without_terminator()) {
    if (!isa<graph::MatMulOp, graph::ConvOp>(op))
      continue;
    if (region.heavy)
      return std::nullopt;
    region.heavy = &op;
  }
  if (!region.heavy || !hasStrategy(region.heavy))
    return std::nullopt;
  region.encoded = EncodedWeights::match(region.heavy);
  if (region.encoded && !isDecodedHere(*region.encoded))
    return std::nullopt;
  auto isOperand = [&](Value v) {
    return (isa<BlockArgument>(v) || (region.encoded && v.getDefiningOp() == region.encoded->decoder)) &&
           isF32Tensor(v);
  };
  if (!llvm::all_of(region.heavy->getOperands(), isOperand))
    return std::nullopt;
  OperandRange yielded = block.getTerminator()->getOperands();
  if (yielded.size() != 1 || yielded[0].getType() != region.heavy->getResult(0).getType() ||
      isa<BlockArgument>(yielded[0]) || !Epilogue::isSupported(dispatch, region.heavy->getResult(0)))
    return std::nullopt;
  return region;
}

SmallVector<Type> HeavyRegion::bufferTypes() const {
  SmallVector<Type> types;
  for (Type type : dispatch->getOperandTypes())
    types.push_back(storageOf(cast<RankedTensorType>(type).getElementType()));
  types.push_back(resultType().getElementType());
  return types;
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
