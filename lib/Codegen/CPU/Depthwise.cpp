//===- Depthwise.cpp - Convolutions of each channel by itself -------------===//
//
// Work group g = (image, block of output rows). A tile of 2 rows x 7 pixels x 16 channels loads each input vector once
// for all the outputs that use it. Channels are the innermost loop: neighbouring vectors share cache lines and pages.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// The copied input of a block stays in the second-level cache.
constexpr int64_t blockBytes = 256 * 1024;
constexpr int64_t maxRowBlocks = 8, tileRows = 2;

RowBlocks getRowBlocks(const ConvGeometry &g) {
  auto constant = [&](int64_t value) { return graph::DimAttr::constant(g.width.getContext(), value); };
  graph::DimAttr bytes = graph::max(paddedRowElements(g) * (4 * g.strideHeight), constant(1));
  graph::DimAttr rows =
      graph::min(graph::ceilDiv(g.outHeight, maxRowBlocks), graph::floorDiv(constant(blockBytes), bytes));
  // A multiple of the rows of a tile.
  rows = graph::max(graph::ceilDiv(rows, tileRows) * tileRows, constant(tileRows));
  RowBlocks blocks;
  blocks.rows = graph::min(rows, graph::max(g.outHeight, constant(1)));
  blocks.blocks = graph::ceilDiv(g.outHeight, blocks.rows);
  return blocks;
}

struct DepthwiseEmitter {
  const ConvGeometry &g;
  KernelBuilder &k;
  EpilogueFn epilogue;
  int64_t tilePixels;
  RowBlocks blocks;
  ConvInput input;
  Value w, y, bias;

  struct Tile {
    Value image, firstRow, row, pixel;
    int64_t rows, pixels;
  };

  /// Outputs of 16 channels: every input vector is loaded once and added to the outputs it belongs to.
  void emitChannels(const Tile &t, Value channel, Value lanes) {
    const int64_t padded = llvm::alignTo(g.columns, vectorWidth);
    SmallVector<Value> weights;
    for (int64_t tap = 0; tap < g.kernelHeight * g.kernelWidth; ++tap)
      weights.push_back(loadVector(k, w, addConstant(k, channel, tap * padded)));
    OpBuilder &b = k.builder();
    Value start = bias ? loadVector(k, bias, channel, lanes)
                       : Value(arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(getVectorType(k))));
    SmallVector<Value> sums(t.rows * t.pixels, start);
    Value base = k.add(input.base(t.image, t.firstRow, t.row, t.pixel), channel);
    const int64_t reachRows = (t.rows - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight + 1;
    const int64_t reachPixels = (t.pixels - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1;
    for (int64_t row = 0; row < reachRows; ++row)
      for (int64_t pixel = 0; pixel < reachPixels; ++pixel)
        addInput(t, row, pixel, base, lanes, weights, sums);
    store(t, channel, lanes, sums);
  }

  /// Adds the input at (row, pixel) of the tile's window.
  void addInput(const Tile &t, int64_t row, int64_t pixel, Value base, Value lanes, ArrayRef<Value> weights,
                MutableArrayRef<Value> sums) {
    Value loaded;
    for (int64_t i = 0; i < t.rows; ++i)
      for (int64_t j = 0; j < t.pixels; ++j) {
        const int64_t down = row - i * g.strideHeight, right = pixel - j * g.strideWidth;
        if (down < 0 || right < 0 || down % g.dilationHeight || right % g.dilationWidth)
          continue;
        const int64_t tapRow = down / g.dilationHeight, tapColumn = right / g.dilationWidth;
        if (tapRow >= g.kernelHeight || tapColumn >= g.kernelWidth)
          continue;
        if (!loaded) {
          Value offset = addConstant(k, mulConstant(k, input.rowStride(), row), pixel * g.channels);
          loaded = loadVector(k, input.buffer(), k.add(base, offset), lanes);
        }
        Value &sum = sums[i * t.pixels + j];
        sum = vector::FMAOp::create(k.builder(), k.loc(), loaded, weights[tapRow * g.kernelWidth + tapColumn], sum);
      }
  }

  void store(const Tile &t, Value channel, Value lanes, ArrayRef<Value> sums) {
    Value outHeight = k.param(g.outHeight), outWidth = k.param(g.outWidth);
    for (int64_t i = 0; i < t.rows; ++i) {
      Value row = addConstant(k, t.row, i);
      Value rowBase = k.mul(k.add(k.mul(t.image, outHeight), row), outWidth);
      Value base = k.add(mulConstant(k, k.add(rowBase, t.pixel), g.columns), channel);
      for (int64_t j = 0; j < t.pixels; ++j) {
        SmallVector<Value> at = g.coords(t.image, row, addConstant(k, t.pixel, j), channel);
        Value result = epilogue(k.builder(), k.loc(), sums[i * t.pixels + j], at, lanes);
        storeVector(k, result, y, addConstant(k, base, j * g.columns), lanes);
      }
    }
  }

  void emitTile(const Tile &t) {
    const int64_t whole = g.columns / vectorWidth * vectorWidth;
    if (whole)
      forLoop(k, k.constant(0), k.constant(whole), vectorWidth, [&](Value channel) { emitChannels(t, channel, {}); });
    if (whole != g.columns)
      emitChannels(t, k.constant(whole), k.constant(g.columns - whole));
  }

  void emit() {
    k.setGrid(g.images * blocks.blocks);
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      Value image = divide(k, group, k.param(blocks.blocks)), rows = k.param(blocks.rows);
      Value first = k.mul(remainder(k, group, k.param(blocks.blocks)), rows);
      Value end = minimum(k, k.add(first, rows), k.param(g.outHeight));
      input.load(image, first, end);
      forTiles(k, first, end, blocks.extent(g, tileRows), tileRows, [&](Value row, int64_t rowCount) {
        forTiles(k, k.constant(0), k.param(g.outWidth), Extent{g.outWidth.getConstant(), {}}, tilePixels,
                 [&](Value pixel, int64_t pixels) { emitTile({image, first, row, pixel, rowCount, pixels}); });
      });
    });
  }
};

} // namespace

void emitDepthwiseConv(const HeavyRegion &region, const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                       EpilogueFn epilogue) {
  RowBlocks blocks = getRowBlocks(g);
  DepthwiseEmitter emitter{g,
                           k,
                           epilogue,
                           target.tileVectors == 2 ? 7 : 2,
                           blocks,
                           ConvInput(g, k, k.buffer(region.bufferOf(0)), blocks),
                           k.buffer(region.bufferOf(1)),
                           k.buffer(region.resultBuffer()),
                           {}};
  if (cast<graph::ConvOp>(region.heavy).getBias())
    emitter.bias = k.buffer(region.bufferOf(2));
  emitter.emit();
}

} // namespace tenon::codegen
