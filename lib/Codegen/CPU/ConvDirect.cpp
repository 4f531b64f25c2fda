//===- ConvDirect.cpp - Convolutions without a matrix in between ----------===//
//
// Work group g = (image, block of output rows, chunk of weight panels), chunks innermost. A tile of up to 14 pixels
// (one row, or two rows of a narrow image) times 32 channels accumulates over (kernel row, kernel column x channel): in
// plain channels-last the last two are one contiguous run of the input.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"
#include "ZeroPoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Pixels of a block: from about 98 on, streaming the weights once a block costs nothing (49 FLOP a byte).
constexpr int64_t blockPixels = 98;
/// The copied input of a block stays in the second-level cache.
constexpr int64_t blockBytes = 512 * 1024;
/// Work groups of a layer, so that threads can share it.
constexpr int64_t wantedGroups = 4, maxRowBlocks = 8;
/// Weights above this size do not stay in cache between tiles and are prefetched.
constexpr int64_t prefetchBytes = 200 * 1000;
/// Weights above this size come from memory or the last-level cache each time.
constexpr int64_t streamedBytes = 1024 * 1024;

RowBlocks getRowBlocks(const ConvGeometry &g) {
  auto constant = [&](int64_t value) { return graph::DimAttr::constant(g.width.getContext(), value); };
  graph::DimAttr rows = graph::max(graph::ceilDiv(constant(blockPixels), graph::max(g.outWidth, constant(1))),
                                   graph::ceilDiv(g.outHeight, maxRowBlocks));
  if (g.isPadded()) {
    graph::DimAttr bytes = graph::max(paddedRowElements(g) * (g.elementBytes * g.strideHeight), constant(1));
    rows = graph::min(rows, graph::floorDiv(constant(blockBytes), bytes));
  }
  return RowBlocks::get(g, rows);
}

struct DirectEmitter {
  const HeavyRegion &region;
  const ConvGeometry &g;
  KernelBuilder &k;
  const CpuTarget &target;
  EpilogueFn epilogue;
  RowBlocks blocks;
  std::optional<WeightDecoder> decoder; ///< of weights whose panels are decoded to the start of scratch
  ConvInput input;
  Value w, y, bias;
  PanelLayout layout;
  std::optional<ZeroPoints> zeros;

  DirectEmitter(const HeavyRegion &region, const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                EpilogueFn epilogue)
      : region(region), g(g), k(k), target(target), epilogue(epilogue), blocks(getRowBlocks(g)),
        decoder(region.createDecoder(k)), input(g, k, k.buffer(region.bufferOf(0)), paddingOf(region, k), blocks,
                                                decoder ? decoder->panelBytes() / 4 : 0),
        w(decoder ? input.scratch() : k.buffer(region.bufferOf(1))), y(k.buffer(region.resultBuffer())),
        layout(g.layout()) {
    if (region.isInteger())
      zeros.emplace(region, k, /*packed=*/true);
    if (region.biasBuffer())
      bias = k.buffer(*region.biasBuffer());
  }

  int64_t maxTileRows() const { return zeros ? target.integerRows : target.tileRows; }

  int64_t panels() const { return llvm::divideCeil(g.columns, weightPanel); }

  /// Panels of a chunk: all, unless there are too few blocks to share.
  int64_t chunkPanels() const {
    const bool isHeavy = layout.bytes(g.columns) > 1024 * 1024;
    int64_t groups = isHeavy ? 1 : wantedGroups;
    if (std::optional<int64_t> known = blocks.blocks.getConstant())
      groups = *known;
    return llvm::divideCeil(panels(), llvm::divideCeil(wantedGroups, std::max<int64_t>(groups, 1)));
  }

  /// Rows of a tile: several where the image is narrower than half of the tile.
  int64_t tileRows() const {
    std::optional<int64_t> width = g.outWidth.getConstant();
    return width && *width > 0 ? std::max<int64_t>(1, maxTileRows() / *width) : 1;
  }

  /// Rows of the kernel that count. Of integers all do: the sums of weights that zero points need are over all.
  std::pair<Value, Value> kernelRows(Value firstRow, int64_t rows) {
    if (zeros)
      return {k.constant(0), k.constant(g.kernelHeight)};
    return usedTaps(k, firstRow, addConstant(k, firstRow, rows - 1), k.param(g.height), g.kernelHeight, g.strideHeight,
                    g.dilationHeight, g.padTop);
  }

  SmallVector<ReductionLoop> reduction(Value firstRow, int64_t rows) {
    SmallVector<ReductionLoop> loops;
    const int64_t step = zeros ? 4 : 1, runElements = llvm::divideCeil(g.runLength(), step) * layout.line;
    const int64_t rowRuns = g.hasRowRuns() ? 1 : g.kernelWidth;
    if (g.kernelHeight > 1) {
      auto [lower, upper] = kernelRows(firstRow, rows);
      loops.push_back({lower, upper, mulConstant(k, input.rowStride(), g.dilationHeight), rowRuns * runElements});
    }
    if (!g.hasRowRuns())
      loops.push_back(
          {k.constant(0), k.constant(g.kernelWidth), k.constant(g.dilationWidth * g.channels), runElements});
    loops.push_back({k.constant(0), k.constant(g.runLength() / step), k.constant(step), layout.line});
    return loops;
  }

  struct Position {
    Value image, firstRow, panel;
  };

  /// Index of the first element of a panel in w.
  Value panelBase(Value panel) { return decoder ? k.constant(0) : mulConstant(k, panel, layout.elements()); }

  void emitTile(const Position &p, Value row, int64_t rows, Value pixel, int64_t pixels, const Strip &strip) {
    RegisterTile tile;
    tile.x = input.buffer();
    tile.xBase = input.base(p.image, p.firstRow, row, pixel);
    if (g.groups > 1) {
      Value group = divide(k, p.panel, k.constant(g.columns / g.groups / weightPanel));
      tile.xBase = k.add(tile.xBase, mulConstant(k, group, g.groupChannels()));
    }
    Value rowStride = mulConstant(k, input.rowStride(), g.strideHeight);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < pixels; ++j)
        tile.rowOffsets.push_back(addConstant(k, mulConstant(k, rowStride, i), j * g.strideWidth * g.channels));
    tile.w = w;
    tile.wBase = addConstant(k, panelBase(p.panel), layout.offsetOf(strip.offset));
    tile.vectors = strip.lanes.size();
    tile.loops = reduction(row, rows);
    if (zeros)
      tile.bytes = {&target, zeros->isXSigned(), g.runLength() % 4};
    tile.prefetchRows = !decoder && layout.bytes(g.columns) > prefetchBytes ? 16 : 0;
    prefetchNext(tile, p, row, pixel, rows, pixels);
    setStart(tile, p, strip);
    SmallVector<Value> rowSums;
    if (zeros && zeros->needsRowSums())
      rowSums = tile.emitRowSums(k);
    SmallVector<Value> sums = tile.emit(k);
    for (auto [i, sum] : llvm::enumerate(sums))
      if (const size_t v = i % tile.vectors; !rowSums.empty())
        sum = zeros->finish(sum, rowSums[i / tile.vectors], addConstant(k, strip.column, v * vectorWidth),
                            strip.lanes[v]);
    store(p, row, rows, pixel, pixels, strip, sums);
  }

  /// Where the accumulators start.
  void setStart(RegisterTile &tile, const Position &p, const Strip &strip) {
    for (auto [v, lanes] : llvm::enumerate(strip.lanes)) {
      Value column = addConstant(k, strip.column, v * vectorWidth);
      if (zeros) {
        Value sums = addConstant(k, panelBase(p.panel),
                                 layout.steps * layout.line + layout.offsetOf(strip.offset + v * vectorWidth));
        tile.init.push_back(zeros->start(w, sums, g.depth(), column, lanes));
      } else if (bias) {
        tile.init.push_back(loadVector(k, bias, column, lanes));
      }
    }
  }

  /// Weights that do not fit the second-level cache stream through it, one panel ahead.
  void prefetchNext(RegisterTile &tile, const Position &p, Value row, Value pixel, int64_t rows, int64_t pixels) {
    std::optional<int64_t> width = g.outWidth.getConstant(), blockRows = blocks.rows.getConstant();
    if (decoder || layout.bytes(g.columns) < streamedBytes || !width || !blockRows)
      return;
    const int64_t across = llvm::divideCeil(*width, pixels), tiles = across * llvm::divideCeil(*blockRows, rows);
    Value index = k.add(mulConstant(k, divide(k, sub(k, row, p.firstRow), k.constant(rows)), across),
                        divide(k, pixel, k.constant(pixels)));
    tile.prefetchNextPanel(k, panelBase(p.panel), layout, index, tiles);
  }

  void store(const Position &p, Value row, int64_t rows, Value pixel, int64_t pixels, const Strip &strip,
             ArrayRef<Value> sums) {
    Value outHeight = k.param(g.outHeight), outWidth = k.param(g.outWidth);
    for (int64_t i = 0; i < rows; ++i) {
      Value outRow = addConstant(k, row, i);
      Value rowBase = k.mul(k.add(k.mul(p.image, outHeight), outRow), outWidth);
      Value base = k.add(mulConstant(k, k.add(rowBase, pixel), g.columns), strip.column);
      for (int64_t j = 0; j < pixels; ++j)
        for (auto [v, lanes] : llvm::enumerate(strip.lanes)) {
          SmallVector<Value> at =
              g.coords(p.image, outRow, addConstant(k, pixel, j), addConstant(k, strip.column, v * vectorWidth));
          Value sum = sums[(i * pixels + j) * strip.lanes.size() + v];
          storeVector(k, epilogue(k.builder(), k.loc(), sum, at, lanes), y,
                      addConstant(k, base, j * g.columns + v * vectorWidth), lanes);
        }
    }
  }

  void emitChunk(Value image, Value first, Value end, Value chunk) {
    Value firstPanel = mulConstant(k, chunk, chunkPanels());
    Value endPanel = minimum(k, addConstant(k, firstPanel, chunkPanels()), k.constant(panels()));
    const int64_t height = tileRows();
    const int64_t pixels = height > 1 ? *g.outWidth.getConstant() : maxTileRows();
    forLoop(k, firstPanel, endPanel, 1, [&](Value panel) {
      Position p{image, first, panel};
      if (decoder)
        decoder->decodePanel(panel, w);
      forStrips(k, target, panel, g.columns, [&](const Strip &strip) {
        auto emitRows = [&](Value row, int64_t rows) {
          forTiles(k, k.constant(0), k.param(g.outWidth), Extent{g.outWidth.getConstant(), {}}, pixels,
                   [&](Value pixel, int64_t count) { emitTile(p, row, rows, pixel, count, strip); });
        };
        if (height == 1)
          forLoop(k, first, end, 1, [&](Value row) { emitRows(row, 1); });
        else
          forTiles(k, first, end, blocks.extent(g, height), height, emitRows);
      });
    });
  }

  void emit() {
    const int64_t chunks = llvm::divideCeil(panels(), chunkPanels());
    k.setGrid(g.images * blocks.blocks * chunks);
    // A thread that runs several chunks of a block copies its input once.
    forLoop(k, k.begin(), k.end(), 1, ValueRange(k.constant(-1)), [&](Value group, ValueRange carried) {
      Value block = divide(k, group, k.constant(chunks));
      Value image = divide(k, block, k.param(blocks.blocks)), rows = k.param(blocks.rows);
      Value first = k.mul(remainder(k, block, k.param(blocks.blocks)), rows);
      Value end = minimum(k, k.add(first, rows), k.param(g.outHeight));
      if (g.isPadded()) {
        Value isNew = arith::CmpIOp::create(k.builder(), k.loc(), arith::CmpIPredicate::ne, block, carried[0]);
        ifThenElse(k, isNew, [&] { input.load(image, first, end); });
      }
      emitChunk(image, first, end, remainder(k, group, k.constant(chunks)));
      return SmallVector<Value>{block};
    });
  }
};

} // namespace

void emitDirectConv(const HeavyRegion &region, const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                    EpilogueFn epilogue) {
  DirectEmitter(region, g, k, target, epilogue).emit();
}

} // namespace tenon::codegen
