//===- WeightPacking.cpp - Constant weights in a kernel's order -----------===//
#include "tenon/Codegen/CPU/WeightPacking.h"

#include "IntegerPacking.h"
#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace mlir;

namespace tenon::codegen {
namespace {

/// A packed format as a copy: element (column, k) of the source, k = (tap, channel), has the source offset
/// column * columnStride + tap * tapStride + channel * channelStride.
struct Shape {
  int64_t columns, taps, channels;
  int64_t columnStride, tapStride, channelStride;
  int64_t panel;      ///< columns of a panel
  int64_t allColumns; ///< columns after padding
};

Shape getShape(RankedTensorType type, StringRef format) {
  ArrayRef<int64_t> dims = type.getShape();
  if (format == "kn")
    return {dims[1], 1, dims[0], 1, 0, dims[1], weightPanel, static_cast<int64_t>(llvm::alignTo(dims[1], weightPanel))};
  if (format == "nk")
    return {dims[0], 1, dims[1], dims[1], 0, 1, weightPanel, static_cast<int64_t>(llvm::alignTo(dims[0], weightPanel))};
  int64_t taps = 1;
  for (int64_t extent : dims.drop_front(2))
    taps *= extent;
  if (format == "oihw")
    return {dims[0], taps, dims[1],     dims[1] * taps,
            1,       taps, weightPanel, static_cast<int64_t>(llvm::alignTo(dims[0], weightPanel))};
  if (format == "ohwi")
    return {dims[0], taps, dims[1], dims[1] * taps, 1, taps, 1, dims[0]};
  if (format == "hwio")
    return {dims[0], taps, dims[1], dims[1] * taps, 1, taps, std::max<int64_t>(dims[0], 1), dims[0]};
  assert(format == "depthwise" && "unknown packed format");
  int64_t padded = llvm::alignTo(dims[0], vectorWidth);
  return {dims[0], taps, 1, taps, 1, 0, padded, padded};
}

/// r [D, gates, H, H] of an LSTM or GRU.
struct LstmShape {
  int64_t directions, gates, hidden, blocks;

  explicit LstmShape(RankedTensorType type)
      : directions(type.getDimSize(0)), gates(type.getDimSize(1)), hidden(type.getDimSize(2)),
        blocks(llvm::divideCeil(hidden, vectorWidth)) {}
  int64_t elements() const { return directions * blocks * hidden * gates * vectorWidth; }
};

void packLstm(LstmShape s, size_t bytes, const char *source, char *target) {
  for (int64_t d = 0; d < s.directions; ++d)
    for (int64_t unit = 0; unit < s.hidden; ++unit)
      for (int64_t gate = 0; gate < s.gates; ++gate)
        for (int64_t j = 0; j < s.hidden; ++j) {
          int64_t from = ((d * s.gates + gate) * s.hidden + unit) * s.hidden + j;
          int64_t line = (d * s.blocks + unit / vectorWidth) * s.hidden + j;
          int64_t to = (line * s.gates + gate) * vectorWidth + unit % vectorWidth;
          std::memcpy(target + to * bytes, source + from * bytes, bytes);
        }
}

/// Numbers of 4 bits, each in a byte, in panels whose rows have column i in the low and column i + panel / 2 in the
/// high half of byte i; signed ones with 8 added.
void packHalves(const Shape &s, bool isSigned, const char *source, char *target) {
  const char flip = isSigned ? 8 : 0;
  for (int64_t first = 0; first < s.allColumns; first += s.panel) {
    const int64_t valid = std::min(s.panel, s.columns - first), half = s.panel / 2;
    for (int64_t tap = 0; tap < s.taps; ++tap)
      for (int64_t channel = 0; channel < s.channels; ++channel, target += half) {
        const char *from = source + first * s.columnStride + tap * s.tapStride + channel * s.channelStride;
        for (int64_t i = 0; i < valid; ++i)
          target[i % half] |= ((from[i * s.columnStride] & 15) ^ flip) << (i < half ? 0 : 4);
      }
  }
}

constexpr StringRef halvesSuffix = "/2";

} // namespace

int64_t packedElements(RankedTensorType type, StringRef format) {
  if (format.empty())
    return type.getNumElements();
  if (format.consume_back(halvesSuffix))
    return packedElements(type, format) / 2;
  if (format == "lstm")
    return LstmShape(type).elements();
  if (auto integers = IntegerPacking::get(type, format))
    return integers->bytes();
  Shape s = getShape(type, format);
  return s.allColumns * s.taps * s.channels;
}

void packWeights(RankedTensorType type, StringRef format, ArrayRef<char> source, MutableArrayRef<char> target) {
  if (format.empty()) {
    std::memcpy(target.data(), source.data(), source.size());
    return;
  }
  const size_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  std::memset(target.data(), 0, target.size());
  if (format.consume_back(halvesSuffix))
    return packHalves(getShape(type, format), !type.getElementType().isUnsignedInteger(), source.data(), target.data());
  if (format == "lstm")
    return packLstm(LstmShape(type), bytes, source.data(), target.data());
  if (auto integers = IntegerPacking::get(type, format))
    return integers->pack(type, format, source, target);
  const Shape s = getShape(type, format);
  char *to = target.data();
  for (int64_t first = 0; first < s.allColumns; first += s.panel) {
    const int64_t valid = std::min(s.panel, s.columns - first);
    for (int64_t tap = 0; tap < s.taps; ++tap)
      for (int64_t channel = 0; channel < s.channels; ++channel, to += s.panel * bytes) {
        const char *from =
            source.data() + (first * s.columnStride + tap * s.tapStride + channel * s.channelStride) * bytes;
        for (int64_t i = 0; i < valid; ++i)
          std::memcpy(to + i * bytes, from + i * s.columnStride * bytes, bytes);
      }
  }
}

} // namespace tenon::codegen
