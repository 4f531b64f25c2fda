//===- IntegerPacking.cpp - Weights of products of bytes ------------------===//
#include "IntegerPacking.h"

#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon::codegen {

/// Element (column, run, position) of the source is at column * columnStride + run * runStride + (position / inner) *
/// outerStride + (position % inner) * innerStride.
struct SourceOrder {
  int64_t columnStride, runStride, inner, outerStride, innerStride;
};

static SourceOrder getOrder(RankedTensorType type, StringRef format) {
  ArrayRef<int64_t> dims = type.getShape();
  format.consume_back("u");
  if (format == "kn4")
    return {1, 0, dims[0], 0, dims[1]};
  if (format == "nk4")
    return {dims[1], 0, dims[1], 0, 1};
  int64_t taps = 1;
  for (int64_t extent : dims.drop_front(2))
    taps *= extent;
  // w [M, C, K1..Kr]: a run is one tap, or the taps of the last dimension.
  const int64_t run = format == "oihw4t" ? 1 : dims.back();
  return {dims[1] * taps, run, dims[1], 1, taps};
}

std::optional<IntegerPacking> IntegerPacking::get(RankedTensorType type, StringRef format) {
  IntegerPacking p;
  p.isUnsigned = format.consume_back("u");
  p.isFlipped = p.isUnsigned != type.getElementType().isUnsignedInteger();
  ArrayRef<int64_t> dims = type.getShape();
  p.runs = 1;
  if (format == "kn4" || format == "nk4") {
    const bool isTransposed = format == "nk4";
    p.columns = dims[isTransposed ? 0 : 1];
    p.runLength = dims[isTransposed ? 1 : 0];
    return p;
  }
  if (format != "oihw4" && format != "oihw4t")
    return std::nullopt;
  p.columns = dims[0];
  p.runLength = dims[1];
  for (int64_t extent : dims.drop_front(2).drop_back())
    p.runs *= extent;
  (format == "oihw4t" ? p.runs : p.runLength) *= dims.back();
  return p;
}

int64_t IntegerPacking::panelBytes() const { return runs * stepsOfRun() * weightPanel * 4 + weightPanel * 4; }

int64_t IntegerPacking::bytes() const { return llvm::divideCeil(columns, weightPanel) * panelBytes(); }

void IntegerPacking::pack(RankedTensorType type, StringRef format, ArrayRef<char> source,
                          MutableArrayRef<char> target) const {
  const SourceOrder order = getOrder(type, format);
  const int64_t lineBytes = weightPanel * 4, sumsOffset = panelBytes() - lineBytes;
  const char flip = isFlipped ? char(0x80) : 0;
  std::fill(target.begin(), target.end(), 0);
  for (int64_t column = 0; column < columns; ++column) {
    char *panel = target.data() + column / weightPanel * panelBytes(), *lane = panel + column % weightPanel * 4;
    int32_t sum = 0;
    for (int64_t run = 0; run < runs; ++run) {
      const char *from = source.data() + column * order.columnStride + run * order.runStride;
      for (int64_t p = 0; p < runLength; ++p) {
        const char byte = from[p / order.inner * order.outerStride + p % order.inner * order.innerStride] ^ flip;
        lane[(run * stepsOfRun() + p / 4) * lineBytes + p % 4] = byte;
        sum += isUnsigned ? int32_t(uint8_t(byte)) : int32_t(int8_t(byte));
      }
    }
    llvm::support::endian::write32le(lane + sumsOffset, uint32_t(sum));
  }
}

} // namespace tenon::codegen
