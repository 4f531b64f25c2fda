//===- GemmEncoded.cpp - Which weights a kernel decodes itself ------------===//
#include "GemmEncoded.h"

#include "Conv.h"
#include "Graph/IR/QuantizationOps.h"
#include "Graph/IR/SpecialOps.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Formats live as long as the program.
StringRef halved(StringRef layout) {
  return llvm::StringSwitch<StringRef>(layout).Case("kn", "kn/2").Case("nk", "nk/2").Case("oihw", "oihw/2").Default("");
}

/// Extents of the dense weights, in packed order. False where they are not those of a packed product.
bool readLayout(Operation *heavy, RankedTensorType dense, EncodedWeights &e) {
  if (!dense.hasStaticShape() || dense.getNumElements() == 0 || !dense.getElementType().isF32())
    return false;
  ArrayRef<int64_t> dims = dense.getShape();
  if (auto product = dyn_cast<graph::MatMulOp>(heavy)) {
    if (dense.getRank() != 2)
      return false;
    const bool transposed = product.getTransposeW();
    e.layout = transposed ? "nk" : "kn";
    e.columns = dims[transposed ? 0 : 1];
    e.channels = dims[transposed ? 1 : 0];
    return true;
  }
  auto conv = cast<graph::ConvOp>(heavy);
  e.layout = getConvWeightFormat(conv);
  e.columns = dims[0];
  e.channels = dims[1];
  for (int64_t extent : dims.drop_front(2))
    e.taps *= extent;
  return !e.layout.empty();
}

bool isStoredType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() == 8 || integer.getWidth() == 4;
  return isa<Float8E4M3FNType, Float8E5M2Type>(type);
}

/// The way the scales are shared; false where no kernel knows it.
bool readScales(graph::DequantizeOp op, EncodedWeights &e) {
  auto dense = cast<RankedTensorType>(op.getResult().getType());
  auto scale = cast<RankedTensorType>(op.getScale().getType());
  const int64_t rank = dense.getRank(), axis = op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis();
  const int64_t columnAxis = e.layout == "kn" ? 1 : 0, channelAxis = e.layout == "kn" ? 0 : 1;
  e.hasZero = static_cast<bool>(op.getZeroPoint());
  if (!scale.hasStaticShape() || (e.hasZero && !isa<IntegerType>(e.element)))
    return false;
  if (scale.getRank() == 0)
    return e.scales = EncodedWeights::Scales::Tensor, true;
  if (op.getBlockSize() == 0)
    return e.scales = EncodedWeights::Scales::Columns, axis == columnAxis;
  e.scales = EncodedWeights::Scales::Blocks;
  e.block = op.getBlockSize();
  return axis == channelAxis && e.layout != "depthwise";
}

bool readDequantize(graph::DequantizeOp op, EncodedWeights &e) {
  e.element = cast<RankedTensorType>(op.getQ().getType()).getElementType();
  return isStoredType(e.element) && readScales(op, e);
}

bool readSparse(graph::Unpack2To4Op op, EncodedWeights &e) {
  e.element = cast<RankedTensorType>(op.getValues().getType()).getElementType();
  return e.layout == "kn";
}

} // namespace

std::optional<EncodedWeights> EncodedWeights::match(Operation *heavy) {
  if (!isa<graph::MatMulOp, graph::ConvOp>(heavy))
    return std::nullopt;
  EncodedWeights e;
  e.decoder = heavy->getOperand(1).getDefiningOp();
  if (!isa_and_nonnull<graph::DequantizeOp, graph::Unpack2To4Op>(e.decoder) ||
      !readLayout(heavy, cast<RankedTensorType>(e.decoder->getResult(0).getType()), e))
    return std::nullopt;
  auto dequantize = dyn_cast<graph::DequantizeOp>(e.decoder);
  if (dequantize ? readDequantize(dequantize, e) : readSparse(cast<graph::Unpack2To4Op>(e.decoder), e))
    return e;
  return std::nullopt;
}

StringRef EncodedWeights::formatOf(unsigned operand) const {
  if (isSparse())
    return operand == 0 ? layout : halved(layout);
  if (operand == 0)
    return isHalved() ? halved(layout) : layout;
  return scales == Scales::Blocks ? layout : "";
}

bool decodesWeights(Operation *heavy, bool willBeChannelsLast) {
  auto conv = dyn_cast<graph::ConvOp>(heavy);
  if (conv && !conv.getChannelsLast() && !willBeChannelsLast)
    return false;
  std::optional<EncodedWeights> e = EncodedWeights::match(heavy);
  auto isConstant = [](Value v) {
    auto bytes = v.getDefiningOp<graph::BitcastOp>();
    return static_cast<bool>((bytes ? bytes.getX() : v).getDefiningOp<graph::ConstantOp>());
  };
  return e && llvm::all_of(e->decoder->getOperands(), isConstant);
}

} // namespace tenon::codegen
