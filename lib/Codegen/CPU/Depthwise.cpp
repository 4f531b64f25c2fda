//===- Depthwise.cpp - Convolutions of each channel by itself -------------===//
//
// Work group g = (image, block of output rows). A tile of 2 rows x 7 pixels x 16 channels loads each input vector once
// for all the outputs that use it. Channels are the innermost loop: neighbouring vectors share cache lines and pages.
//
// Where the width is known, x is read in place: tiles at the left and right border leave out the columns outside, and a
// row above or below the image is replaced by a row of zeros in scratch. Otherwise the padded rows of a block are
// copied.
//
// Bytes are widened to 16 bits and multiplied in pairs, two taps of a column at once (DepthwiseInteger.cpp).
//
//===----------------------------------------------------------------------===//
#include "Conv.h"
#include "DepthwiseInteger.h"

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
  graph::DimAttr bytes = graph::max(paddedRowElements(g) * (g.elementBytes * g.strideHeight), constant(1));
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
  const CpuTarget &target;
  EpilogueFn epilogue;
  int64_t tilePixels;
  RowBlocks blocks;
  std::optional<ConvInput> input; ///< where x is copied
  Value x, w, y, bias, zeros, padding;
  int64_t wBase = 0; ///< of the weights in w
  std::optional<ZeroPoints> integers;

  /// Outputs (row .. row + rows, pixel .. pixel + pixels). Their window of the input: row r starts at bases[r] of
  /// buffers[r]; columns outside [validBegin, validEnd) are outside the image.
  struct Tile {
    Value image, row, pixel;
    int64_t rows, pixels;
    int64_t validBegin, validEnd;
    SmallVector<Value> buffers, bases;
  };

  int64_t reachRows(int64_t rows) const {
    return (rows - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight + 1;
  }
  int64_t reachPixels(int64_t pixels) const {
    return (pixels - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1;
  }

  /// Outputs of 16 channels: every input vector is loaded once and added to the outputs it belongs to.
  void emitChannels(const Tile &t, Value channel, Value lanes) {
    const int64_t padded = llvm::alignTo(g.columns, vectorWidth);
    SmallVector<Value> weights;
    for (int64_t tap = 0; tap < g.kernelHeight * g.kernelWidth; ++tap)
      weights.push_back(loadVector(k, w, addConstant(k, channel, wBase + tap * padded)));
    OpBuilder &b = k.builder();
    Value start = bias ? loadVector(k, bias, channel, lanes)
                       : Value(arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(getVectorType(k))));
    SmallVector<Value> sums(t.rows * t.pixels, start);
    for (int64_t row = 0; row < reachRows(t.rows); ++row)
      for (int64_t pixel = t.validBegin; pixel < t.validEnd; ++pixel)
        addInput(t, row, pixel, channel, lanes, weights, sums);
    store(t, channel, lanes, sums);
  }

  /// Adds the input at (row, pixel) of the tile's window.
  void addInput(const Tile &t, int64_t row, int64_t pixel, Value channel, Value lanes, ArrayRef<Value> weights,
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
          Value index = addConstant(k, k.add(t.bases[row], channel), pixel * g.channels);
          loaded = loadVector(k, t.buffers[row], index, lanes);
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

  void emitVector(const Tile &t, Value channel, Value lanes) {
    if (!integers)
      return emitChannels(t, channel, lanes);
    DepthwiseWindow window{t.rows, t.pixels, t.validBegin, t.validEnd, t.buffers, t.bases};
    store(t, channel, lanes, emitDepthwisePairs(g, k, target, *integers, w, window, channel, lanes));
  }

  void emitTile(const Tile &t) {
    const int64_t whole = g.columns / vectorWidth * vectorWidth;
    if (whole)
      forLoop(k, k.constant(0), k.constant(whole), vectorWidth, [&](Value channel) { emitVector(t, channel, {}); });
    if (whole != g.columns)
      emitVector(t, k.constant(whole), k.constant(g.columns - whole));
  }

  /// Tiles of rows [row, row + rows) from the padded copy.
  void emitCopiedRow(Value image, Value firstRow, Value row, int64_t rows) {
    forTiles(k, k.constant(0), k.param(g.outWidth), {}, tilePixels, [&](Value pixel, int64_t pixels) {
      Tile t{image, row, pixel, rows, pixels, 0, reachPixels(pixels), {}, {}};
      Value base = input->base(image, firstRow, row, pixel);
      for (int64_t r = 0; r < reachRows(rows); ++r) {
        t.buffers.push_back(input->buffer());
        t.bases.push_back(k.add(base, mulConstant(k, input->rowStride(), r)));
      }
      emitTile(t);
    });
  }

  /// A tile of rows in place, at an output column that may be known.
  void emitPlacedTile(Value image, Value row, int64_t rows, Value pixel, int64_t pixels) {
    Tile t{image, row, pixel, rows, pixels, 0, reachPixels(pixels), {}, {}};
    const int64_t width = *g.width.getConstant();
    if (std::optional<int64_t> known = getConstant(pixel)) {
      const int64_t left = *known * g.strideWidth - g.padLeft;
      t.validBegin = std::max<int64_t>(0, -left);
      t.validEnd = std::min(t.validEnd, width - left);
    }
    Value column = mulConstant(k, addConstant(k, mulConstant(k, pixel, g.strideWidth), -g.padLeft), g.channels);
    Value height = k.param(g.height);
    for (int64_t r = 0; r < reachRows(rows); ++r) {
      Value inputRow = addConstant(k, mulConstant(k, row, g.strideHeight), r - g.padTop);
      Value base = mulConstant(k, k.add(k.mul(image, height), inputRow), width * g.channels);
      Value buffer = x;
      if (zeros) {
        OpBuilder &b = k.builder();
        Value inside = arith::CmpIOp::create(b, k.loc(), arith::CmpIPredicate::ult, inputRow, height);
        buffer = arith::SelectOp::create(b, k.loc(), inside, x, zeros);
        base = arith::SelectOp::create(b, k.loc(), inside, base, k.constant(0));
      }
      t.buffers.push_back(buffer);
      t.bases.push_back(k.add(base, column));
    }
    emitTile(t);
  }

  /// Tiles of a row in place: runs of equal tiles inside the image are loops, tiles at the border stand alone.
  void emitPlacedRow(Value image, Value row, int64_t rows) {
    const int64_t width = *g.width.getConstant(), all = *g.outWidth.getConstant();
    const int64_t tiles = llvm::divideCeil(all, tilePixels);
    auto startOf = [&](int64_t tile) { return tile * all / tiles; };
    auto pixelsOf = [&](int64_t tile) { return startOf(tile + 1) - startOf(tile); };
    auto isInside = [&](int64_t tile) {
      const int64_t left = startOf(tile) * g.strideWidth - g.padLeft;
      return left >= 0 && left + reachPixels(pixelsOf(tile)) <= width;
    };
    for (int64_t tile = 0; tile < tiles;) {
      int64_t end = tile + 1;
      while (end < tiles && isInside(tile) && isInside(end) && pixelsOf(end) == pixelsOf(tile))
        ++end;
      if (end == tile + 1)
        emitPlacedTile(image, row, rows, k.constant(startOf(tile)), pixelsOf(tile));
      else
        forLoop(k, k.constant(startOf(tile)), k.constant(startOf(end)), pixelsOf(tile),
                [&](Value pixel) { emitPlacedTile(image, row, rows, pixel, pixelsOf(tile)); });
      tile = end;
    }
  }

  /// Where the input comes from, and the scratch that it and decoded weights need.
  void prepare(std::optional<WeightDecoder> decoder) {
    const bool isPlaced = g.width.getConstant() && g.outWidth.getConstant();
    const int64_t decoded = decoder ? decoder->depthwiseElements() : 0;
    Value scratch;
    if (!isPlaced) {
      input.emplace(g, k, x, padding, blocks, decoded);
      scratch = input->scratch();
    } else if (g.padTop || g.padBottom || decoder) {
      scratch = k.scratch((g.width * g.channels + decoded) * g.elementBytes, padding.getType());
    }
    if (isPlaced && (g.padTop || g.padBottom))
      zeros = scratch;
    if (!decoder)
      return;
    wBase = zeros ? *g.width.getConstant() * g.channels : 0; // a copied input leaves the start
    decoder->decodeDepthwise(scratch, k.constant(wBase));
    w = scratch;
  }

  void emit() {
    k.setGrid(g.images * blocks.blocks);
    if (zeros)
      fillElements(k, padding, zeros, k.constant(0), k.param(g.width * g.channels));
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      Value image = divide(k, group, k.param(blocks.blocks)), rows = k.param(blocks.rows);
      Value first = k.mul(remainder(k, group, k.param(blocks.blocks)), rows);
      Value end = minimum(k, k.add(first, rows), k.param(g.outHeight));
      if (input)
        input->load(image, first, end);
      forTiles(k, first, end, blocks.extent(g, tileRows), tileRows, [&](Value row, int64_t count) {
        if (input)
          emitCopiedRow(image, first, row, count);
        else
          emitPlacedRow(image, row, count);
      });
    });
  }
};

} // namespace

/// Of bytes without VNNI fewer, as CpuTarget::integerRows.
static int64_t getTilePixels(const HeavyRegion &region, const CpuTarget &target) {
  if (target.tileVectors != 2)
    return 2;
  return region.isInteger() && !target.hasVnni ? 3 : 7;
}

void emitDepthwiseConv(const HeavyRegion &region, const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                       EpilogueFn epilogue) {
  DepthwiseEmitter emitter{g,  k,  target, epilogue, getTilePixels(region, target), getRowBlocks(g), {}, {}, {}, {}, {},
                           {}, {}, 0,      {}};
  emitter.padding = paddingOf(region, k);
  if (region.isInteger())
    emitter.integers.emplace(region, k, /*packed=*/false);
  emitter.x = k.buffer(region.bufferOf(0));
  emitter.w = k.buffer(region.bufferOf(1));
  emitter.y = k.buffer(region.resultBuffer());
  if (region.biasBuffer())
    emitter.bias = k.buffer(*region.biasBuffer());
  emitter.prepare(region.createDecoder(k));
  emitter.emit();
}

} // namespace tenon::codegen
