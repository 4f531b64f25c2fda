//===- Gemm.cpp - Matrix products with packed weights ---------------------===//
//
// Work group g = (block of rows g / panels, weight panel g % panels): neighbouring groups share a block of x, which
// stays in the second-level cache while the panels pass by. Inside, tiles of rows run over the panel.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "ZeroPoints.h"
#include "tenon/Codegen/CPU/Codegen.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// x rows of a block fill at most this much of the second-level cache, which holds a weight panel and y besides.
constexpr int64_t blockBytes = 512 * 1024;
/// A multiple of the rows of every target's tile (14 and 6) and small enough to share work between threads.
constexpr int64_t rowStep = 84;
constexpr int64_t maxBlockRows = 4 * rowStep;
/// Weights above this size do not stay in cache between tiles and are prefetched (docs/Rationale/CpuKernels.md).
constexpr int64_t prefetchBytes = 200 * 1000;
/// Weights above this size come from memory or the last-level cache each time.
constexpr int64_t streamedBytes = 1024 * 1024;

/// Rows of the register tile of the smallest target.
constexpr int64_t smallestTileRows = 6;

PanelLayout layoutOf(const PackedProduct &p) {
  return p.zeros ? PanelLayout::integers(llvm::divideCeil(p.depth, 4)) : PanelLayout::floats(p.depth);
}

int64_t rowsOf(const PackedProduct &p) {
  return p.blockRows ? p.blockRows : tenon::codegen::getBlockRows(p.depth * layoutOf(p).elementBytes);
}

/// The weight panel of a work group.
struct Weights {
  Value panel;
  bool inScratch = false; ///< decoded before
  /// How many of a tile's rows there are, two or more, where only a run knows: the others repeat the last. Null = all.
  Value rows;
};

struct ProductEmitter {
  const PackedProduct &p;
  KernelBuilder &k;
  const CpuTarget &target;
  EpilogueFn epilogue;
  Value scratch; ///< a decoded panel
  PanelLayout layout = layoutOf(p);

  int64_t tileRows() const { return p.zeros ? target.integerRows : target.tileRows; }

  /// Weights that do not fit the second-level cache stream through it, one panel ahead.
  void prefetchNext(RegisterTile &tile, Value first, int64_t rows, Value panelBase) {
    std::optional<int64_t> all = graph::product(k.builder().getContext(), p.rowDims).getConstant();
    if (layout.bytes(p.columns) < streamedBytes || !all || rows == 1)
      return;
    const int64_t blockRows = rowsOf(p), tiles = llvm::divideCeil(std::min(*all, blockRows), rows);
    Value index = divide(k, remainder(k, first, k.constant(blockRows)), k.constant(rows));
    tile.prefetchNextPanel(k, panelBase, layout, index, tiles);
  }

  Value panelBase(Value panel) { return mulConstant(k, panel, layout.elements()); }

  /// Where the accumulators start.
  void setStart(RegisterTile &tile, const Strip &strip, Value panel) {
    for (auto [v, lanes] : llvm::enumerate(strip.lanes)) {
      Value column = addConstant(k, strip.column, v * vectorWidth);
      if (p.zeros) {
        const int64_t offset = layout.steps * layout.line + layout.offsetOf(strip.offset + v * vectorWidth);
        tile.init.push_back(p.zeros->start(p.w, addConstant(k, panelBase(panel), offset), p.depth, column, lanes));
      } else if (p.bias) {
        tile.init.push_back(loadVector(k, p.bias, column, lanes));
      }
    }
  }

  /// Where the weights of a tile are: packed, decoded in scratch, or decoded as they are used.
  void setWeights(RegisterTile &tile, Value first, int64_t rows, const Strip &strip, const Weights &weights) {
    tile.vectors = strip.lanes.size();
    if (!p.decoder || weights.inScratch) {
      tile.w = p.decoder ? scratch : p.w;
      Value base = p.decoder ? k.constant(0) : panelBase(weights.panel);
      tile.wBase = addConstant(k, base, layout.offsetOf(strip.offset));
      const int64_t step = p.zeros ? 4 : 1;
      if (p.zeros)
        tile.bytes = {&target, p.zeros->isXSigned(), p.depth % step};
      tile.loops.push_back({k.constant(0), k.constant(p.depth / step), k.constant(step), layout.line});
      if (p.decoder)
        return;
      tile.prefetchRows = layout.bytes(p.columns) > prefetchBytes ? 16 : 0;
      return prefetchNext(tile, first, rows, base);
    }
    tile.wBase = mulConstant(k, weights.panel, p.depth); // rows
    tile.loops.push_back({k.constant(0), k.constant(p.depth), k.constant(1), 1});
    decodeInRegisters(tile, strip, weights.panel);
  }

  void decodeInRegisters(RegisterTile &tile, const Strip &strip, Value panel) {
    WeightDecoder &decoder = *p.decoder;
    auto factors = std::make_shared<WeightDecoder::Factors>();
    auto load = [&decoder, &strip, panel, factors](Value row) {
      *factors = decoder.loadFactors(panel, row, strip.offset, strip.lanes);
    };
    if (decoder.sharedRows()) {
      tile.startRows = load;
      tile.sharedRows = decoder.sharedRows();
    } else {
      load({});
    }
    const bool isLong = p.depth * p.columns > prefetchBytes;
    tile.decode = [&decoder, &strip, factors, isLong](Value row) {
      if (isLong)
        decoder.prefetch(row);
      return decoder.decodeRow(row, strip.offset, strip.lanes.size(), *factors);
    };
  }

  /// Rows [first, first + rows) of one strip.
  void emitTile(Value first, int64_t rows, const Strip &strip, const Weights &weights) {
    RegisterTile tile;
    tile.x = p.x;
    tile.xBase = mulConstant(k, first, p.depth);
    for (int64_t row = 0; row < rows; ++row)
      tile.rowOffsets.push_back(mulConstant(k, clampRow(row, weights), p.depth));
    setWeights(tile, first, rows, strip, weights);
    setStart(tile, strip, weights.panel);
    SmallVector<Value> rowSums;
    if (p.zeros && p.zeros->needsRowSums())
      rowSums = tile.emitRowSums(k);
    SmallVector<Value> sums = tile.emit(k);
    SmallVector<SmallVector<Value>> coords = unflatten(k, p.rowDims, first, rows);
    Value yBase = k.add(mulConstant(k, first, p.columns), strip.column);
    for (int64_t row = 0; row < rows; ++row) {
      auto store = [&] {
        for (auto [v, lanes] : llvm::enumerate(strip.lanes)) {
          SmallVector<Value> at = coords[row];
          at.push_back(addConstant(k, strip.column, v * vectorWidth));
          Value sum = sums[row * tile.vectors + v];
          if (!rowSums.empty())
            sum = p.zeros->finish(sum, rowSums[row], at.back(), lanes);
          Value result = epilogue(k.builder(), k.loc(), sum, at, lanes);
          storeVector(k, result, p.y, addConstant(k, yBase, row * p.columns + v * vectorWidth), lanes);
        }
      };
      if (isCertain(row, weights))
        store();
      else
        ifThenElse(k, less(k, k.constant(row), weights.rows), store);
    }
  }

  static bool isCertain(int64_t row, const Weights &weights) { return !weights.rows || row < 2; }
  Value clampRow(int64_t row, const Weights &weights) {
    return isCertain(row, weights) ? k.constant(row) : minimum(k, k.constant(row), addConstant(k, weights.rows, -1));
  }
};

} // namespace

int64_t getBlockRows(int64_t rowBytes) {
  const int64_t rows = blockBytes / std::max<int64_t>(rowBytes, 4) / rowStep * rowStep;
  return std::clamp(rows, rowStep, maxBlockRows);
}

ArrayRef<int64_t> getAllProductRows() {
  static constexpr int64_t choices[] = {rowStep, 2 * rowStep, 3 * rowStep, maxBlockRows};
  return choices;
}

int64_t getWantedRows(const HeavyRegion &region) {
  auto wanted = graph::DispatchOp(region.dispatch)->getAttrOfType<IntegerAttr>(productRowsAttr);
  return wanted && llvm::is_contained(getAllProductRows(), wanted.getInt()) ? wanted.getInt() : 0;
}

void emitPackedProduct(const PackedProduct &p, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue) {
  MLIRContext *context = k.builder().getContext();
  graph::DimAttr rows = graph::product(context, p.rowDims);
  const int64_t blockRows = rowsOf(p), panels = llvm::divideCeil(p.columns, weightPanel);
  std::optional<int64_t> constantRows = rows.getConstant();
  k.setGrid(graph::ceilDiv(rows, blockRows) * panels);

  ProductEmitter emitter{p, k, target, epilogue, {}};
  Extent extent;
  if (constantRows && (*constantRows <= blockRows || *constantRows % blockRows == 0))
    extent.length = std::min(*constantRows, blockRows);
  else if (constantRows)
    extent.rest = *constantRows % emitter.tileRows();
  // Up to the rows of the smallest target's tile no target needs scratch.
  if (p.decoder && !(constantRows && *constantRows <= smallestTileRows))
    emitter.scratch = k.scratch(graph::DimAttr::constant(context, p.decoder->panelBytes()), k.builder().getF32Type());
  forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
    Value panel = remainder(k, group, k.constant(panels));
    Value first = mulConstant(k, divide(k, group, k.constant(panels)), blockRows);
    Value end = minimum(k, addConstant(k, first, blockRows), k.param(rows));
    auto emitStrips = [&](Extent extent, bool inScratch) {
      forStrips(k, target, panel, p.columns, [&](const Strip &strip) {
        forTiles(k, first, end, extent, emitter.tileRows(),
                 [&](Value row, int64_t count) { emitter.emitTile(row, count, strip, {panel, inScratch, {}}); });
      });
    };
    if (!p.decoder || (constantRows && *constantRows <= target.tileRows))
      return emitStrips(extent, false);
    auto throughScratch = [&] {
      p.decoder->decodePanel(panel, emitter.scratch);
      emitStrips(extent, true);
    };
    if (constantRows)
      return throughScratch();
    Value count = sub(k, end, first);
    auto inOneTile = [&](int64_t rows) {
      forStrips(k, target, panel, p.columns, [&](const Strip &strip) {
        emitter.emitTile(first, rows, strip, {panel, false, rows > 1 ? count : Value()});
      });
    };
    // The narrowest tile that has all rows.
    std::function<void(ArrayRef<int64_t>)> choose = [&](ArrayRef<int64_t> widths) {
      if (widths.empty())
        return throughScratch();
      ifThenElse(
          k, less(k, k.constant(widths.front()), count), [&] { choose(widths.drop_front()); },
          [&] { inOneTile(widths.front()); });
    };
    const int64_t rows = target.tileRows;
    choose({1, (rows + 3) / 4, rows / 2 + 1, rows});
  });
}

void emitMatMul(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue) {
  StringRef format = region.layoutOf(1);
  if (format.empty() && region.isInteger())
    return emitPlainIntegerProduct(region, k, epilogue);
  if (format.empty())
    return emitBatchedProduct(region, k, target, epilogue);
  PackedProduct p;
  std::optional<ZeroPoints> zeros;
  if (region.isInteger())
    p.zeros = &zeros.emplace(region, k, /*packed=*/true);
  p.x = k.buffer(region.bufferOf(0));
  p.w = k.buffer(region.bufferOf(1));
  p.y = k.buffer(region.resultBuffer());
  p.rowDims = graph::getDims(region.operandType(0));
  p.rowDims.pop_back();
  ArrayRef<int64_t> w = region.operandType(1).getShape();
  p.depth = w[region.isTransposed() ? 1 : 0];
  p.columns = w[region.isTransposed() ? 0 : 1];
  p.blockRows = getWantedRows(region);
  std::optional<WeightDecoder> decoder = region.createDecoder(k);
  p.decoder = decoder ? &*decoder : nullptr;
  emitPackedProduct(p, k, target, epilogue);
}

} // namespace tenon::codegen
